// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst-plugin/cuda_pool.h"

#include <algorithm>

#include "core/api/error.h"
#include "gst-plugin/frame_memory.h"

namespace reddiff {
namespace {

[[noreturn]] void refuse_copy(const std::string& detail) {
  throw Error(ErrorCode::failed,
              "A frame could not be copied between two CUDA contexts of this pipeline; let its elements share one, or "
              "put cudadownload in "
              "front.",
              detail);
}

// Bytes of a row of a plane that hold samples, and how many rows there are.
struct Extent {
  gsize bytes = 0, rows = 0;
};

Extent extent_of(const GstVideoFrame& frame, guint plane) {
  Extent extent;
  for (guint c = 0; c < GST_VIDEO_FRAME_N_COMPONENTS(&frame); ++c) {
    if (static_cast<guint>(GST_VIDEO_FRAME_COMP_PLANE(&frame, c)) != plane) continue;
    extent.bytes = std::max<gsize>(extent.bytes, static_cast<gsize>(GST_VIDEO_FRAME_COMP_WIDTH(&frame, c)) *
                                                     static_cast<gsize>(GST_VIDEO_FRAME_COMP_PSTRIDE(&frame, c)));
    extent.rows = std::max<gsize>(extent.rows, static_cast<gsize>(GST_VIDEO_FRAME_COMP_HEIGHT(&frame, c)));
  }
  return extent;
}

CUcontext handle_of(const CudaApi& api, GstBuffer* buffer) {
  return static_cast<CUcontext>(api.context_handle(cuda_memory_of(api, buffer)->context));
}

void copy_plane(const CudaApi& api, const GstVideoFrame& from, const GstVideoFrame& to, guint plane) {
  const Extent extent = extent_of(from, plane);
  CUDA_MEMCPY3D_PEER copy{};
  copy.srcMemoryType = copy.dstMemoryType = CU_MEMORYTYPE_DEVICE;
  copy.srcContext = handle_of(api, from.buffer);
  copy.dstContext = handle_of(api, to.buffer);
  copy.srcDevice = reinterpret_cast<CUdeviceptr>(GST_VIDEO_FRAME_PLANE_DATA(&from, plane));
  copy.dstDevice = reinterpret_cast<CUdeviceptr>(GST_VIDEO_FRAME_PLANE_DATA(&to, plane));
  copy.srcPitch = static_cast<size_t>(GST_VIDEO_FRAME_PLANE_STRIDE(&from, plane));
  copy.dstPitch = static_cast<size_t>(GST_VIDEO_FRAME_PLANE_STRIDE(&to, plane));
  copy.WidthInBytes = extent.bytes;
  copy.Height = extent.rows;
  copy.Depth = 1;
  if (const CUresult result = api.copy_peer(&copy); result != CUDA_SUCCESS)
    refuse_copy("cuMemcpy3DPeer returned " + std::to_string(result) + " for plane " + std::to_string(plane));
}

}  // namespace

GstBufferPool* make_cuda_pool(const CudaApi& api, GstCudaContext* context, GstCaps* caps, guint least, guint most) {
  GstVideoInfo info;
  if (!gst_video_info_from_caps(&info, caps)) return nullptr;
  GstBufferPool* pool = api.make_pool(context);
  GstStructure* config = gst_buffer_pool_get_config(pool);
  gst_buffer_pool_config_add_option(config, GST_BUFFER_POOL_OPTION_VIDEO_META);
  gst_buffer_pool_config_set_params(config, caps, static_cast<guint>(GST_VIDEO_INFO_SIZE(&info)), least, most);
  if (gst_buffer_pool_set_config(pool, config)) return pool;
  gst_object_unref(pool);
  return nullptr;
}

guint size_of_buffers(GstBufferPool* pool) {
  GstStructure* config = gst_buffer_pool_get_config(pool);
  guint size = 0;
  gst_buffer_pool_config_get_params(config, nullptr, &size, nullptr, nullptr);
  gst_structure_free(config);
  return size;
}

void KeptBuffer::clear() {
  gst_clear_buffer(&buffer_);
  if (pool_) gst_buffer_pool_set_active(pool_, FALSE);
  gst_clear_object(&pool_);
}

GstBuffer* KeptBuffer::get(const CudaApi& api, GstCudaContext* context, const GstVideoInfo& info) {
  if (buffer_ && gst_video_info_is_equal(&info, &info_)) return buffer_;
  clear();
  g_autoptr(GstCaps) caps = gst_video_info_to_caps(&info);
  pool_ = make_cuda_pool(api, context, caps, 1, 1);
  if (!pool_ || !gst_buffer_pool_set_active(pool_, TRUE) ||
      gst_buffer_pool_acquire_buffer(pool_, &buffer_, nullptr) != GST_FLOW_OK)
    throw Error(ErrorCode::out_of_memory,
                "There is not enough memory on the GPU for frames of this size; give smaller ones.");
  info_ = info;
  return buffer_;
}

void copy_across(const CudaApi& api, const GstVideoInfo& info, GstBuffer* from, GstBuffer* to) {
  constexpr auto flag = [](GstMapFlags how) { return static_cast<GstMapFlags>(how | map_on_device); };
  GstVideoFrame source, target;
  if (!gst_video_frame_map(&source, &info, from, flag(GST_MAP_READ))) refuse_copy("the source cannot be mapped");
  if (!gst_video_frame_map(&target, &info, to, flag(GST_MAP_WRITE))) {
    gst_video_frame_unmap(&source);
    refuse_copy("the target cannot be mapped");
  }
  GstCudaContext* context = cuda_memory_of(api, to)->context;
  std::string failure;
  if (!api.push(context)) failure = "the context cannot be entered";
  try {
    for (guint plane = 0; failure.empty() && plane < GST_VIDEO_FRAME_N_PLANES(&source); ++plane)
      copy_plane(api, source, target, plane);
    if (failure.empty() && api.synchronize() != CUDA_SUCCESS) failure = "cuCtxSynchronize failed";
  } catch (const Error& error) {
    failure = error.detail();
  }
  api.pop(nullptr);
  gst_video_frame_unmap(&target);
  gst_video_frame_unmap(&source);
  if (!failure.empty()) refuse_copy(failure);
}

}  // namespace reddiff
