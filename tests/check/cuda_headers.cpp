// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What gst-plugin/cuda_api.h declares of libgstcuda is what that library's headers say. Compiled where they are; a difference is an error.
#if __has_include(<gst/cuda/gstcuda.h>)  // since 1.24
#include <gst/cuda/gstcuda.h>
#else
#include <gst/cuda/gstcudabufferpool.h>
#include <gst/cuda/gstcudautils.h>
#endif

#include <cstddef>
#include <string_view>
#include <type_traits>

#include "gst-plugin/cuda_api.h"
#include "gst-plugin/device_caps.h"
#include "gst-plugin/frame_memory.h"

namespace {

template <typename Type> struct Theirs { using Is = Type; };
template <> struct Theirs<reddiff::GstCudaContext*> { using Is = GstCudaContext*; };
template <> struct Theirs<reddiff::GstCudaContext**> { using Is = GstCudaContext**; };

template <typename Result, typename... Arguments> constexpr bool is_same(Result (*)(Arguments...), auto theirs) {
  return std::is_same_v<typename Theirs<Result>::Is (*)(typename Theirs<Arguments>::Is...), decltype(theirs)>;
}

constexpr reddiff::CudaApi ours{};

static_assert(is_same(ours.load_library, &gst_cuda_load_library));
static_assert(is_same(ours.init_memory, &gst_cuda_memory_init_once));
static_assert(is_same(ours.is_memory, &gst_is_cuda_memory));
static_assert(is_same(ours.context_type, &gst_cuda_context_get_type));
static_assert(is_same(ours.wrap_context, &gst_cuda_context_new_wrapped));
static_assert(is_same(ours.context_handle, &gst_cuda_context_get_handle));
static_assert(is_same(ours.push, &gst_cuda_context_push));
static_assert(is_same(ours.pop, &gst_cuda_context_pop));
static_assert(is_same(ours.make_gst_context, &gst_context_new_cuda_context));
static_assert(is_same(ours.take_context, &gst_cuda_handle_set_context));
static_assert(is_same(ours.answer_query, &gst_cuda_handle_context_query));
static_assert(is_same(ours.pool_type, &gst_cuda_buffer_pool_get_type));
static_assert(is_same(ours.make_pool, &gst_cuda_buffer_pool_new));
static_assert(offsetof(reddiff::GstCudaMemory, context) == offsetof(GstCudaMemory, context));
static_assert(offsetof(reddiff::GstCudaMemory, info) == offsetof(GstCudaMemory, info));
static_assert(offsetof(reddiff::GstCudaBufferPool, context) == offsetof(GstCudaBufferPool, context));
static_assert(std::string_view(reddiff::cuda_context_type) == GST_CUDA_CONTEXT_TYPE);
static_assert(std::string_view(reddiff::cuda_feature) == GST_CAPS_FEATURE_MEMORY_CUDA_MEMORY);
static_assert(static_cast<int>(reddiff::cuda_needs_download) == GST_CUDA_MEMORY_TRANSFER_NEED_DOWNLOAD);
static_assert(static_cast<int>(reddiff::map_on_device) == GST_MAP_CUDA);

}  // namespace
