// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What is used of libgstcuda and of the CUDA driver, both opened when the first neighbour may want them: a plugin that linked libgstcuda
// would load GL and X libraries into every process that scans it. Only functions whose signature is the same from GStreamer 1.22 to
// 1.28; the library counts as unstable, and gst_cuda_allocator_alloc for one has changed.
#pragma once

#include <cuda.h>
#include <gst/cuda/gstcudabufferpool.h>
#include <gst/cuda/gstcudautils.h>

namespace reddiff {

struct CudaApi {
  // libgstcuda
  decltype(&gst_cuda_load_library) load_library;
  decltype(&gst_cuda_memory_init_once) init_memory;
  decltype(&gst_is_cuda_memory) is_memory;
  decltype(&gst_cuda_context_get_type) context_type;
  decltype(&gst_cuda_context_new_wrapped) wrap_context;
  decltype(&gst_cuda_context_get_handle) context_handle;
  decltype(&gst_cuda_context_push) push;
  decltype(&gst_cuda_context_pop) pop;
  decltype(&gst_context_new_cuda_context) make_gst_context;
  decltype(&gst_cuda_handle_set_context) take_context;
  decltype(&gst_cuda_handle_context_query) answer_query;
  decltype(&gst_cuda_buffer_pool_get_type) pool_type;
  decltype(&gst_cuda_buffer_pool_new) make_pool;
  // libgstcuda of 1.24 and later, else null: the GstCudaStream of a memory, which may be null, and its handle.
  gpointer (*stream_of)(GstCudaMemory*);
  CUstream (*stream_handle)(gpointer);
  // The driver
  decltype(&cuInit) init;
  decltype(&cuDeviceGetCount) device_count;
  decltype(&cuDeviceGet) device;
  decltype(&cuDevicePrimaryCtxRetain) retain_primary;
  decltype(&cuDevicePrimaryCtxRelease) release_primary;
  decltype(&cuMemcpy3DPeer) copy_peer;
  decltype(&cuCtxSynchronize) synchronize;

  int devices;
};

// Null where the library or a driver is missing, or no GPU is there. The first call opens them.
const CudaApi* cuda_api();

// The GstCudaMemory of a buffer that consists of one; else null.
GstCudaMemory* cuda_memory_of(const CudaApi& api, GstBuffer* buffer);

}  // namespace reddiff
