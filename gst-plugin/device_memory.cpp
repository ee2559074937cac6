// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst-plugin/device_memory.h"

#include <string>
#include <utility>

#include "core/api/error.h"
#include "gst-plugin/cuda_context.h"
#include "gst-plugin/cuda_pool.h"
#include "gst-plugin/device_caps.h"
#include "gst-plugin/frame_memory.h"

namespace reddiff {
namespace {

struct Unref {
  void operator()(gpointer object) const { gst_object_unref(object); }
};
template <typename Object> using Held = std::unique_ptr<Object, Unref>;

Held<GstCudaContext> primary_or_throw(const CudaApi& api, int device) {
  Held<GstCudaContext> primary(primary_context(api, device));
  if (!primary)
    throw Error(ErrorCode::device,
                "CUDA device " + std::to_string(device) +
                    " gave no context for frames in its memory; put cudadownload in front, or set device=cpu.");
  return primary;
}

bool is_cuda_query(GstQuery* query, GstCaps** caps) {
  gst_query_parse_allocation(query, caps, nullptr);
  return *caps && in_cuda_memory(*caps);
}

}  // namespace

struct DeviceMemory::Parts {
  Parts(GstElement* element, std::function<int()> wanted) : device(std::move(wanted)), context(element) {}

  // Throws where there is none: caps with the feature have been agreed on.
  Held<GstCudaContext> context_or_throw(const CudaApi*& api) {
    const int index = device();
    api = index >= 0 ? cuda_api() : nullptr;
    Held<GstCudaContext> found(api && index < api->devices ? context.get(*api, index) : nullptr);
    if (!found)
      throw Error(ErrorCode::device, "No CUDA context could be had for device=cuda:" + std::to_string(index) +
                                         "; name another device, or put cudadownload in front and cudaupload behind.");
    return found;
  }

  Reach reach(const GstVideoInfo& info, GstBuffer* buffer, int index, KeptBuffer& beside, bool copy) {
    Reach reach{buffer, info, -1};
    if (!is_device_memory(buffer)) return reach;
    const CudaApi* api = cuda_api();
    if (!api) return reach;
    const GstCudaMemory* memory = cuda_memory_of(*api, buffer);
    if (!gst_buffer_get_video_meta(buffer)) {
      for (guint i = 0; i < GST_VIDEO_INFO_N_PLANES(&info); ++i) {
        reach.info.stride[i] = memory->info.stride[i];
        reach.info.offset[i] = memory->info.offset[i];
      }
      reach.info.size = memory->info.size;
    }
    if (index < 0) return reach;
    const auto primary = primary_or_throw(*api, index);
    reach.device_index = index;
    if (api->context_handle(memory->context) == api->context_handle(primary.get())) return reach;
    reach.buffer = beside.get(*api, primary.get(), info);
    if (copy) copy_across(*api, reach.info, buffer, reach.buffer);
    return reach;
  }

  const std::function<int()> device;
  CudaContext context;
  KeptBuffer read, written;  // of frames that lie in other contexts
};

DeviceMemory::DeviceMemory(GstElement* element, std::function<int()> device)
    : parts_(std::make_unique<Parts>(element, std::move(device))) {}

DeviceMemory::~DeviceMemory() = default;

bool DeviceMemory::is_built() { return true; }

bool DeviceMemory::is_offered() const {
  const int device = parts_->device();
  if (device < 0) return false;
  const CudaApi* api = cuda_api();
  return api && device < api->devices;
}

void DeviceMemory::set_context(GstContext* context) {
  if (!context || !gst_context_has_context_type(context, cuda_context_type)) return;
  const int device = parts_->device();
  if (device < 0) return;
  if (const CudaApi* api = cuda_api()) parts_->context.take(*api, context, device);
}

bool DeviceMemory::answer(GstQuery* query) {
  const gchar* type = nullptr;
  if (!gst_query_parse_context_type(query, &type) || !g_str_equal(type, cuda_context_type) || !is_offered())
    return false;
  const CudaApi* api = cuda_api();
  const Held<GstCudaContext> context(parts_->context.get(*api, parts_->device()));
  return context && api->answer_query(parts_->context.element(), query, context.get());
}

void DeviceMemory::propose_allocation(GstQuery* query) {
  GstCaps* caps = nullptr;
  if (!is_cuda_query(query, &caps)) return;
  const CudaApi* api = nullptr;
  const auto context = parts_->context_or_throw(api);
  const Held<GstBufferPool> pool(make_cuda_pool(*api, context.get(), caps, 0, 0));
  if (!pool) return;
  gst_query_add_allocation_pool(query, pool.get(), size_of_buffers(pool.get()), 0, 0);
  gst_query_add_allocation_meta(query, GST_VIDEO_META_API_TYPE, nullptr);
}

void DeviceMemory::decide_allocation(GstQuery* query) {
  GstCaps* caps = nullptr;
  if (!is_cuda_query(query, &caps)) return;
  const CudaApi* api = nullptr;
  const auto context = parts_->context_or_throw(api);
  guint least = 0, most = 0;
  const bool proposed = gst_query_get_n_allocation_pools(query) > 0;
  if (proposed) {
    GstBufferPool* given = nullptr;
    gst_query_parse_nth_allocation_pool(query, 0, &given, nullptr, &least, &most);
    const Held<GstBufferPool> theirs(given);
    if (given && G_TYPE_CHECK_INSTANCE_TYPE(given, api->pool_type())) return;
  }
  const Held<GstBufferPool> pool(make_cuda_pool(*api, context.get(), caps, least, most));
  if (!pool)
    throw Error(ErrorCode::out_of_memory,
                "There is not enough memory on the GPU for frames of this size; give smaller ones.");
  const guint size = size_of_buffers(pool.get());
  if (proposed)
    gst_query_set_nth_allocation_pool(query, 0, pool.get(), size, least, most);
  else
    gst_query_add_allocation_pool(query, pool.get(), size, least, most);
}

Reach DeviceMemory::reach_to_read(const GstVideoInfo& info, GstBuffer* buffer, int device) {
  return parts_->reach(info, buffer, device, parts_->read, true);
}

Reach DeviceMemory::reach_to_write(const GstVideoInfo& info, GstBuffer* buffer, int device) {
  return parts_->reach(info, buffer, device, parts_->written, false);
}

void DeviceMemory::deliver(const Reach& written, GstBuffer* buffer) {
  if (written.buffer != buffer) copy_across(*cuda_api(), written.info, written.buffer, buffer);
}

void* DeviceMemory::stream_of(const Reach& reach) const {
  if (reach.device_index < 0) return nullptr;
  const CudaApi* api = cuda_api();
  if (!api->stream_of || !api->stream_handle) return nullptr;
  gpointer stream = api->stream_of(cuda_memory_of(*api, reach.buffer));
  return stream ? api->stream_handle(stream) : nullptr;
}

DeviceMemory::Entered::Entered(DeviceMemory&, const Reach& in, const Reach& out) {
  const Reach* on_device = in.device_index >= 0 ? &in : out.device_index >= 0 ? &out : nullptr;
  if (!on_device) return;
  const CudaApi* api = cuda_api();
  pushed_ = api->push(cuda_memory_of(*api, on_device->buffer)->context);
}

DeviceMemory::Entered::~Entered() {
  if (pushed_) cuda_api()->pop(nullptr);
}

void DeviceMemory::clear() {
  parts_->read.clear();
  parts_->written.clear();
}

}  // namespace reddiff
