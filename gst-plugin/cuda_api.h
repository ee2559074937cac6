// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What is used of libgstcuda and of the CUDA driver, both opened when the first neighbour may want them: a plugin that linked libgstcuda
// would load GL and X libraries into every process that scans it. The library counts as unstable, and what a plugin was built with says
// nothing of what it meets: so only functions and members that are the same from GStreamer 1.22 to 1.28, declared here
// (gst_cuda_allocator_alloc, for one, is not). tests/check/cuda_headers.cpp holds them against the library's headers.
#pragma once

#include <cuda.h>
#include <gst/video/video.h>

namespace reddiff {

struct GstCudaContext;  // a GstObject

// The beginning of the library's own.
struct GstCudaMemory {
  GstMemory mem;
  GstCudaContext* context;
  GstVideoInfo info;  // how its frame lies
};
struct GstCudaBufferPool {
  GstBufferPool parent;
  GstCudaContext* context;
};

inline constexpr const char* cuda_context_type = "gst.cuda.context";  // of a GstContext, and of its field
inline constexpr guint cuda_needs_download =
    GST_MEMORY_FLAG_LAST;  // flag of a memory: the device's copy is the newer one

struct CudaApi {
  // libgstcuda
  gboolean (*load_library)();
  void (*init_memory)();
  gboolean (*is_memory)(GstMemory*);
  GType (*context_type)();
  GstCudaContext* (*wrap_context)(CUcontext, CUdevice);
  gpointer (*context_handle)(GstCudaContext*);
  gboolean (*push)(GstCudaContext*);
  gboolean (*pop)(CUcontext*);
  GstContext* (*make_gst_context)(GstCudaContext*);
  gboolean (*take_context)(GstElement*, GstContext*, gint device, GstCudaContext**);
  gboolean (*answer_query)(GstElement*, GstQuery*, GstCudaContext*);
  GType (*pool_type)();
  GstBufferPool* (*make_pool)(GstCudaContext*);
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
