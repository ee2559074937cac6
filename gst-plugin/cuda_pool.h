// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Buffers in a GPU's memory: pools of plain allocations, which NVENC can register, and copies between contexts.
#pragma once

#include "gst-plugin/cuda_api.h"

namespace reddiff {

// A pool in `context`, configured. Null where there is no memory. Full transfer.
GstBufferPool* make_cuda_pool(const CudaApi& api, GstCudaContext* context, GstCaps* caps, guint least, guint most);

// What its buffers take, pitch included.
guint size_of_buffers(GstBufferPool* pool);

// One buffer in a context of one's own, kept from frame to frame.
class KeptBuffer {
 public:
  ~KeptBuffer() { clear(); }
  // For frames of this kind; made anew when that changes. Throws Error{out_of_memory}.
  GstBuffer* get(const CudaApi& api, GstCudaContext* context, const GstVideoInfo& info);
  void clear();

 private:
  GstBufferPool* pool_ = nullptr;
  GstBuffer* buffer_ = nullptr;
  GstVideoInfo info_{};
};

// Every sample of a frame from one context to another, behind all work that was queued in either and before all that will be. Throws Error.
void copy_across(const CudaApi& api, const GstVideoInfo& info, GstBuffer* from, GstBuffer* to);

}  // namespace reddiff
