// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The GstCudaContext of an element: one object for it and all its neighbours, because elements that find another object in a frame copy that
// frame through host memory. Where nobody has one yet, it is that of the device's primary context, which LibTorch works in.
#pragma once

#include <atomic>
#include <mutex>

#include "gst-plugin/cuda_api.h"

namespace reddiff {

// Of a device; null where the driver refuses. One object per device in this process, for as long as anyone holds it. Full transfer.
GstCudaContext* primary_context(const CudaApi& api, int device);

int device_of(GstCudaContext* context);

class CudaContext {
 public:
  explicit CudaContext(GstElement* element) : element_(element) {}
  ~CudaContext() { gst_clear_object(&context_); }
  CudaContext(const CudaContext&) = delete;
  CudaContext& operator=(const CudaContext&) = delete;

  GstElement* element() const { return element_; }

  // Any thread. `device`: which one the element works on.

  // From GstElementClass::set_context. The first one for the device stays.
  void take(const CudaApi& api, GstContext* given, int device);

  // For `device`: what there is, else what the neighbours have, else what the application gives, else one that is offered to all of
  // them. Null where none can be had, or while one of those that are asked asks back. Full transfer.
  GstCudaContext* get(const CudaApi& api, int device);

 private:
  GstCudaContext* known(int device);
  void ask(GstPadDirection side);
  void ask_all(int device);
  void offer_primary(const CudaApi& api, int device);

  GstElement* const element_;
  std::mutex lock_;  // of context_
  GstCudaContext* context_ = nullptr;
  std::atomic<bool> asking_{false};
};

}  // namespace reddiff
