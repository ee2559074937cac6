// SPDX-License-Identifier: LGPL-2.1-or-later
//
// In the place of device_memory.cpp where the build has no libgstcuda.
#include "gst-plugin/device_memory.h"

namespace reddiff {

struct DeviceMemory::Parts {};

DeviceMemory::DeviceMemory(GstElement*, std::function<int()>) {}
DeviceMemory::~DeviceMemory() = default;
bool DeviceMemory::is_built() { return false; }
bool DeviceMemory::is_offered() const { return false; }
void DeviceMemory::set_context(GstContext*) {}
bool DeviceMemory::answer(GstQuery*) { return false; }
void DeviceMemory::propose_allocation(GstQuery*) {}
void DeviceMemory::decide_allocation(GstQuery*) {}
Reach DeviceMemory::reach_to_read(const GstVideoInfo& info, GstBuffer* buffer, int) { return {buffer, info, -1}; }
Reach DeviceMemory::reach_to_write(const GstVideoInfo& info, GstBuffer* buffer, int) { return {buffer, info, -1}; }
void DeviceMemory::deliver(const Reach&, GstBuffer*) {}
void* DeviceMemory::stream_of(const Reach&) const { return nullptr; }
DeviceMemory::Entered::Entered(DeviceMemory&, const Reach&, const Reach&) {}
DeviceMemory::Entered::~Entered() = default;
void DeviceMemory::clear() {}

}  // namespace reddiff
