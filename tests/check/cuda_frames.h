// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Frames in a GPU's memory for tests: made by a pool as a decoder would, and read back. The GPU is a real one, or the fake driver's.
#pragma once

#include "gst-plugin/cuda_api.h"
#include "gst-plugin/cuda_pool.h"
#include "gst-plugin/device_caps.h"
#include "tests/check/check_util.h"
#include "tests/check/fake_cuda/driver.h"

namespace check {

inline const reddiff::CudaApi& cuda() { return *reddiff::cuda_api(); }

inline bool is_fake() { return fake_cuda::find<fake_cuda::GetCounts>("fake_cuda_counts") != nullptr; }

// All zero on a real one, whose driver counts nothing.
inline fake_cuda::Counts cuda_counts() {
  const auto counts = fake_cuda::find<fake_cuda::GetCounts>("fake_cuda_counts");
  return counts ? counts() : fake_cuda::Counts{};
}

inline std::string cuda_caps(const std::string& format, int width, int height) {
  std::string text = caps_text(format, width, height);
  return text.insert(text.find(','), std::string("(") + reddiff::cuda_feature + ")");
}

inline GstCaps* caps_from(const std::string& text) {
  GstCaps* caps = gst_caps_from_string(text.c_str());
  fail_unless(caps != nullptr, "%s", text.c_str());
  return caps;
}

// What the element asks of who sends it such frames.
inline GstBufferPool* proposed_pool(Harness& harness, const std::string& text) {
  g_autoptr(GstCaps) caps = caps_from(text);
  GstQuery* query = gst_query_new_allocation(caps, TRUE);
  fail_unless(gst_pad_peer_query(harness.h->srcpad, query));
  fail_unless(gst_query_get_n_allocation_pools(query) > 0, "no pool is proposed");
  GstBufferPool* pool = nullptr;
  gst_query_parse_nth_allocation_pool(query, 0, &pool, nullptr, nullptr, nullptr);
  gst_query_unref(query);
  fail_unless(pool && G_TYPE_CHECK_INSTANCE_TYPE(pool, cuda().pool_type()));
  return pool;
}

inline reddiff::GstCudaContext* context_of(GstBufferPool* pool) {
  return reinterpret_cast<reddiff::GstCudaBufferPool*>(pool)->context;
}

inline reddiff::GstCudaContext* context_of(GstBuffer* buffer) {
  const reddiff::GstCudaMemory* memory = reddiff::cuda_memory_of(cuda(), buffer);
  fail_unless(memory != nullptr, "the buffer does not lie in a GPU's memory");
  return memory->context;
}

inline GstBuffer* copy(const GstVideoInfo& info, GstBuffer* from, GstBuffer* to) {
  GstVideoFrame source, target;
  fail_unless(gst_video_frame_map(&source, &info, from, GST_MAP_READ));
  fail_unless(gst_video_frame_map(&target, &info, to, GST_MAP_WRITE));
  fail_unless(gst_video_frame_copy(&target, &source));
  gst_video_frame_unmap(&target);
  gst_video_frame_unmap(&source);
  GST_BUFFER_PTS(to) = GST_BUFFER_PTS(from);
  GST_BUFFER_DURATION(to) = GST_BUFFER_DURATION(from);
  return to;
}

// picture() of check_util.h in a GPU's memory, in `context`.
inline GstBuffer* cuda_picture(reddiff::GstCudaContext* context, const std::string& text, int index) {
  g_autoptr(GstCaps) caps = caps_from(text);
  const GstVideoInfo info = info_of(text);
  GstBufferPool* pool = reddiff::make_cuda_pool(cuda(), context, caps, 0, 0);
  fail_unless(pool && gst_buffer_pool_set_active(pool, TRUE));
  GstBuffer *uploaded = nullptr, *host = picture(info, index, 2 * index);
  fail_unless_equals_int(gst_buffer_pool_acquire_buffer(pool, &uploaded, nullptr), GST_FLOW_OK);
  copy(info, host, uploaded);
  gst_buffer_unref(host);
  gst_buffer_pool_set_active(pool, FALSE);
  gst_object_unref(pool);
  return uploaded;
}

// Pushes a frame, which is given away, and pulls what comes.
inline GstBuffer* through(Harness& harness, GstBuffer* buffer) {
  const GstFlowReturn flow = gst_harness_push(harness.h, buffer);
  fail_unless(flow == GST_FLOW_OK, "%s: %s", gst_flow_get_name(flow), take_errors(harness.bus()).text.c_str());
  GstBuffer* out = gst_harness_try_pull(harness.h);
  fail_unless(out != nullptr);
  return out;
}

// Largest difference of any sample.
inline int difference(const GstVideoInfo& info, GstBuffer* a, GstBuffer* b) {
  GstVideoFrame frames[2];
  fail_unless(gst_video_frame_map(&frames[0], &info, a, GST_MAP_READ));
  fail_unless(gst_video_frame_map(&frames[1], &info, b, GST_MAP_READ));
  int largest = 0;
  for (guint c = 0; c < GST_VIDEO_INFO_N_COMPONENTS(&info); ++c)
    for (int y = 0; y < GST_VIDEO_FRAME_COMP_HEIGHT(&frames[0], c); ++y)
      for (int x = 0; x < GST_VIDEO_FRAME_COMP_WIDTH(&frames[0], c); ++x)
        largest = std::max(largest, std::abs(static_cast<int>(sample(frames[0], c, x, y)) -
                                             static_cast<int>(sample(frames[1], c, x, y))));
  gst_video_frame_unmap(&frames[1]);
  gst_video_frame_unmap(&frames[0]);
  return largest;
}

}  // namespace check
