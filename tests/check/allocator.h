// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Memory that fails when it is told to, and that says when it is mapped: so a test is in the middle of a frame without a clock.
#pragma once

#include <cstdlib>
#include <functional>
#include <utility>

#include "tests/check/check_util.h"

namespace check {

struct MemoryHooks {
  static inline bool failing = false;
  static inline std::function<void()> on_map;  // once
};

namespace allocator {

struct Memory {
  GstMemory memory;
  guint8* data;
};

inline GstMemory* alloc(GstAllocator* self, gsize size, GstAllocationParams*) {
  if (MemoryHooks::failing) return nullptr;
  auto* made = g_new0(Memory, 1);
  made->data = static_cast<guint8*>(g_malloc0(size));
  gst_memory_init(&made->memory, GST_MEMORY_FLAG_NO_SHARE, self, nullptr, size, 0, 0, size);
  return &made->memory;
}

inline void release(GstAllocator*, GstMemory* memory) {
  g_free(reinterpret_cast<Memory*>(memory)->data);
  g_free(memory);
}

inline gpointer map(GstMemory* memory, gsize, GstMapFlags) {
  if (const auto hook = std::exchange(MemoryHooks::on_map, nullptr)) hook();
  return reinterpret_cast<Memory*>(memory)->data;
}

inline void init_class(gpointer klass, gpointer) {
  GST_ALLOCATOR_CLASS(klass)->alloc = alloc;
  GST_ALLOCATOR_CLASS(klass)->free = release;
}

inline void init(GTypeInstance* instance, gpointer) {
  auto* self = GST_ALLOCATOR(instance);
  self->mem_type = "check";
  self->mem_map = map;
  self->mem_unmap = [](GstMemory*) {};
}

}  // namespace allocator

inline GstAllocator* new_allocator() {
  static const GType type =
      g_type_register_static_simple(GST_TYPE_ALLOCATOR, "CheckAllocator", sizeof(GstAllocatorClass),
                                    allocator::init_class, sizeof(GstAllocator), allocator::init, GTypeFlags(0));
  return GST_ALLOCATOR(gst_object_ref_sink(g_object_new(type, nullptr)));
}

// A black frame in such memory. `on_map` is called when the element begins to read it.
inline GstBuffer* hooked_frame(const GstVideoInfo& info, int index, std::function<void()> on_map) {
  g_autoptr(GstAllocator) made = new_allocator();
  GstBuffer* buffer = gst_buffer_new_allocate(made, GST_VIDEO_INFO_SIZE(&info), nullptr);
  GST_BUFFER_PTS(buffer) = index * frame_time;
  GST_BUFFER_DURATION(buffer) = frame_time;
  MemoryHooks::on_map = std::move(on_map);
  return buffer;
}

}  // namespace check
