// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Frames in a GPU's memory go through the element as those of the host do. On a machine with a GPU it restores them there; elsewhere a fake
// driver and a module that repeats pixels stand in, and say where each frame lies. Skips with one line where neither can be had.
#include <gmodule.h>

#include <algorithm>
#include <cstdio>

#include "gst-plugin/cuda_context.h"
#include "tests/check/cuda_frames.h"

GST_DEBUG_CATEGORY(gst_reddiff_debug);  // of the plugin's files that are linked in

using check::Harness;

static const std::string line = std::string(check::fast) + " device=cuda:0 ";

// The same frames in the host's memory, by an element of its own. Frames after the first have a past.
static std::vector<GstBuffer*> expected(const std::string& format, int width, int height, int count,
                                        const std::string& more = "") {
  Harness host(line + more);
  const std::string caps = check::caps_text(format, width, height);
  host.caps(caps);
  gst_harness_set_sink_caps_str(host.h, "video/x-raw");
  std::vector<GstBuffer*> frames;
  for (int i = 0; i < count; ++i)
    frames.push_back(check::through(host, check::picture(check::info_of(caps), i, 2 * i)));
  return frames;
}

static void expect_same(const GstVideoInfo& info, GstBuffer* found, GstBuffer* wanted, const std::string& what) {
  const int differs = check::difference(info, found, wanted);
  fail_unless(differs <= (check::is_fake() ? 0 : 1), "%s differs by %d", what.c_str(), differs);
  gst_buffer_unref(found);
  gst_buffer_unref(wanted);
}

// Nothing has read or written it through the host yet.
static void expect_written_on_device(GstBuffer* buffer, const std::string& what) {
  check::context_of(buffer);
  fail_unless(GST_MINI_OBJECT_FLAG_IS_SET(gst_buffer_peek_memory(buffer, 0), reddiff::cuda_needs_download),
              "%s was written by the host", what.c_str());
}

static void expect_devices(const Harness& harness, int in, int out) {
  if (!check::is_fake()) return;
  fail_unless_equals_int(static_cast<int>(harness.measured("start-level")), in);
  fail_unless_equals_int(static_cast<int>(harness.measured("end-level")), out);
}

static void run(const std::string& format, int width, int height, int scale) {
  const std::string more = scale == 1 ? "" : "operator=bicubic:factor=" + std::to_string(scale);
  const auto wanted = expected(format, width, height, 3, more);
  Harness harness(line + more);
  const std::string caps = check::cuda_caps(format, width, height);
  harness.caps(caps);
  GstBufferPool* pool = check::proposed_pool(harness, caps);
  for (int i = 0; i < 3; ++i) {
    const std::string what = caps + " frame " + std::to_string(i);
    GstBuffer* in = check::cuda_picture(check::context_of(pool), caps, i);
    const auto before = check::cuda_counts();
    GstBuffer* out = check::through(harness, in);
    const auto after = check::cuda_counts();
    fail_unless_equals_int(after.downloads, before.downloads);
    if (check::is_fake())
      fail_unless_equals_int(after.uploads, before.uploads + 1);  // of the picture that the test made
    fail_unless_equals_int(after.between_contexts, before.between_contexts);
    expect_written_on_device(out, what);
    fail_unless(check::context_of(out) == check::context_of(pool), "another GstCudaContext object");
    expect_devices(harness, 0, 0);
    expect_same(check::out_info(harness), out, wanted[static_cast<std::size_t>(i)], what);
  }
  gst_object_unref(pool);
}

// GStreamer 1.22 lets the third plane of I420 and its like begin in the middle of a row where the height is odd, and loses it on the way from the
// host.
static bool uploads_odd_heights(const std::string& format) {
  return format != "I420" && format != "YV12" && format != "I420_10LE";
}

GST_START_TEST(every_format_stays_on_the_device) {
  for (const std::string& format : check::words(reddiff::cuda_formats)) {
    run(format, 64, 48, 1);
    run(format, 65, uploads_odd_heights(format) ? 49 : 50, 1);
    run(format, 34, 18, 2);
  }
}
GST_END_TEST

GST_START_TEST(each_side_has_the_memory_its_neighbour_wants) {
  for (const std::string format : {"NV12", "P010_10LE", "RGBA"}) {
    const std::string host = check::caps_text(format, 64, 48), device = check::cuda_caps(format, 64, 48);
    for (const bool device_in : {true, false}) {
      const auto wanted = expected(format, 64, 48, 1);
      Harness harness(line);
      harness.caps(device_in ? device : host);
      gst_harness_set_sink_caps_str(harness.h, device_in ? host.c_str() : device.c_str());
      reddiff::GstCudaContext* context = reddiff::primary_context(check::cuda(), 0);
      GstBuffer* out = check::through(
          harness, device_in ? check::cuda_picture(context, device, 0) : check::picture(check::info_of(host), 0, 0));
      gst_object_unref(context);
      if (!device_in) expect_written_on_device(out, format);
      fail_unless(device_in != (reddiff::cuda_memory_of(check::cuda(), out) != nullptr));
      expect_devices(harness, device_in ? 0 : -1, device_in ? -1 : 0);
      expect_same(check::info_of(host), out, wanted[0], format);
    }
  }
}
GST_END_TEST

GST_START_TEST(host_frames_stay_with_the_host) {
  Harness harness(line);
  harness.caps(check::caps_text("NV12", 64, 48));
  GstBuffer* out = check::through(harness, check::picture(check::info_of(check::caps_text("NV12", 64, 48)), 0, 0));
  fail_unless(reddiff::cuda_memory_of(check::cuda(), out) == nullptr);
  expect_devices(harness, -1, -1);
  gst_buffer_unref(out);
}
GST_END_TEST

GST_START_TEST(caps_that_alternate) {
  Harness harness(line);
  reddiff::GstCudaContext* context = reddiff::primary_context(check::cuda(), 0);
  for (int i = 0; i < 6; ++i) {
    const bool device = i % 2 == 0;
    const char* format = i < 3 ? "NV12" : "RGBA";
    const std::string host = check::caps_text(format, 64 + 16 * (i % 3), 48);
    const std::string caps = device ? check::cuda_caps(format, 64 + 16 * (i % 3), 48) : host;
    harness.caps(caps);
    GstBuffer* out = check::through(
        harness, device ? check::cuda_picture(context, caps, i) : check::picture(check::info_of(host), i, 2 * i));
    fail_unless(device == (reddiff::cuda_memory_of(check::cuda(), out) != nullptr), "%s", caps.c_str());
    expect_devices(harness, device ? 0 : -1, device ? 0 : -1);
    gst_buffer_unref(out);
  }
  gst_object_unref(context);
}
GST_END_TEST

// Not the primary one: libgstcuda's own way to make one.
static reddiff::GstCudaContext* foreign_context() {
  GModule* library = g_module_open("libgstcuda-1.0.so.0", G_MODULE_BIND_LOCAL);
  gpointer symbol = nullptr;
  fail_unless(library && g_module_symbol(library, "gst_cuda_context_new", &symbol));
  g_module_make_resident(library);
  reddiff::GstCudaContext* context = reinterpret_cast<reddiff::GstCudaContext* (*)(guint)>(symbol)(0);
  fail_unless(context != nullptr);
  return context;
}

GST_START_TEST(a_context_from_outside_is_shared) {
  reddiff::GstCudaContext* context = foreign_context();
  for (const std::string format : {"NV12", "P010_10LE", "Y444", "RGBA", "I420"}) {
    const std::string caps = check::cuda_caps(format, 66, 50);
    const auto wanted = expected(format, 66, 50, 2);
    Harness harness(line);
    GstContext* given = check::cuda().make_gst_context(context);
    gst_element_set_context(harness.element(), given);
    gst_context_unref(given);
    harness.caps(caps);
    GstBufferPool* pool = check::proposed_pool(harness, caps);
    fail_unless(check::context_of(pool) == context);
    gst_object_unref(pool);
    for (int i = 0; i < 2; ++i) {
      GstBuffer* in = check::cuda_picture(context, caps, i);
      const auto before = check::cuda_counts();
      GstBuffer* out = check::through(harness, in);
      if (check::is_fake())
        fail_unless(check::cuda_counts().between_contexts > before.between_contexts, "core was given foreign memory");
      fail_unless_equals_int(check::cuda_counts().downloads, before.downloads);
      fail_unless(check::context_of(out) == context);
      expect_written_on_device(out, caps);
      expect_same(check::info_of(caps), out, wanted[static_cast<std::size_t>(i)], caps);
    }
  }
  gst_object_unref(context);
}
GST_END_TEST

GST_START_TEST(frames_of_a_context_that_nobody_announced) {
  reddiff::GstCudaContext* context = foreign_context();
  const std::string caps = check::cuda_caps("NV12", 64, 48);
  const auto wanted = expected("NV12", 64, 48, 1);
  Harness harness(line);
  harness.caps(caps);
  GstBuffer* out = check::through(harness, check::cuda_picture(context, caps, 0));
  fail_unless(check::context_of(out) != context);
  expect_same(check::info_of(caps), out, wanted[0], caps);
  gst_object_unref(context);
}
GST_END_TEST

static reddiff::GstCudaContext* asked_for(GstPad* pad) {
  GstQuery* query = gst_query_new_context(reddiff::cuda_context_type);
  reddiff::GstCudaContext* found = nullptr;
  GstContext* answer = nullptr;
  if (gst_pad_peer_query(pad, query)) gst_query_parse_context(query, &answer);
  if (answer)
    gst_structure_get(gst_context_get_structure(answer), reddiff::cuda_context_type, check::cuda().context_type(),
                      &found, nullptr);
  gst_query_unref(query);
  return found;
}

// Encoders and decoders ask before the element has seen a frame or caps.
GST_START_TEST(neighbours_that_ask_get_one_object) {
  const std::string caps = check::cuda_caps("NV12", 64, 48);
  Harness harness(line);
  reddiff::GstCudaContext *by_encoder = asked_for(harness.h->sinkpad), *by_decoder = asked_for(harness.h->srcpad);
  fail_unless(by_encoder && by_encoder == by_decoder);
  harness.caps(caps);
  GstBufferPool* pool = check::proposed_pool(harness, caps);
  fail_unless(check::context_of(pool) == by_encoder);
  GstBuffer* out = check::through(harness, check::cuda_picture(by_encoder, caps, 0));
  fail_unless(check::context_of(out) == by_encoder);
  gst_buffer_unref(out);
  for (GstObject* held : {GST_OBJECT(pool), GST_OBJECT(by_encoder), GST_OBJECT(by_decoder)}) gst_object_unref(held);
}
GST_END_TEST

// As an application answers that makes a context for its pipelines.
static GstBusSyncReply give_context(GstBus*, GstMessage* message, gpointer context) {
  const gchar* type = nullptr;
  if (GST_MESSAGE_TYPE(message) != GST_MESSAGE_NEED_CONTEXT || !gst_message_parse_context_type(message, &type) ||
      !g_str_equal(type, reddiff::cuda_context_type))
    return GST_BUS_PASS;
  GstContext* given = check::cuda().make_gst_context(static_cast<reddiff::GstCudaContext*>(context));
  gst_element_set_context(GST_ELEMENT(GST_MESSAGE_SRC(message)), given);
  gst_context_unref(given);
  return GST_BUS_DROP;
}

GST_START_TEST(the_application_is_asked_before_one_is_made) {
  reddiff::GstCudaContext* context = foreign_context();
  Harness harness(line);
  gst_bus_set_sync_handler(harness.bus(), give_context, context, nullptr);
  reddiff::GstCudaContext* found = asked_for(harness.h->sinkpad);
  fail_unless(found == context);
  gst_bus_set_sync_handler(harness.bus(), nullptr, nullptr, nullptr);
  for (reddiff::GstCudaContext* held : {found, context}) gst_object_unref(held);
}
GST_END_TEST

// Each asks the other, and neither waits for it.
GST_START_TEST(two_elements_in_a_row_share_one_object) {
  const std::string caps = check::cuda_caps("NV12", 64, 48), two = line + "name=first ! " + line + "name=second";
  GstElement* bin = gst_parse_bin_from_description(two.c_str(), TRUE, nullptr);
  fail_unless(bin != nullptr);
  GstHarness* h = gst_harness_new_with_element(bin, "sink", "src");
  gst_harness_set_src_caps_str(h, caps.c_str());
  reddiff::GstCudaContext *by_last = asked_for(h->sinkpad), *by_first = asked_for(h->srcpad);
  fail_unless(by_first && by_first == by_last);
  fail_unless_equals_int(gst_harness_push(h, check::cuda_picture(by_first, caps, 0)), GST_FLOW_OK);
  GstBuffer* out = gst_harness_pull(h);
  fail_unless(check::context_of(out) == by_first);
  gst_buffer_unref(out);
  for (reddiff::GstCudaContext* held : {by_first, by_last}) gst_object_unref(held);
  gst_harness_teardown(h);
  gst_object_unref(bin);
}
GST_END_TEST

GST_START_TEST(untouched_frames_are_the_same_buffers) {
  Harness harness(line + "strength=0");
  const std::string caps = check::cuda_caps("NV12", 64, 48);
  harness.caps(caps);
  reddiff::GstCudaContext* context = reddiff::primary_context(check::cuda(), 0);
  GstBuffer* in = check::cuda_picture(context, caps, 0);
  GstBuffer* out = check::through(harness, in);
  fail_unless(out == in);
  gst_buffer_unref(out);
  gst_object_unref(context);
}
GST_END_TEST

// Where the work is done elsewhere, such memory is not offered, and neighbours that ask find nothing here.
GST_START_TEST(other_devices_are_not_offered) {
  for (const char* device : {"cpu", "cuda:0"}) {
    const bool offered = std::string(device) != "cpu";
    Harness harness(std::string(check::fast) + " device=" + device);
    gst_harness_set_sink_caps_str(harness.h, "video/x-raw");
    g_autoptr(GstCaps) taken = gst_pad_peer_query_caps(harness.h->srcpad, nullptr);
    g_autoptr(GstCaps) frames = check::caps_from(check::cuda_caps("NV12", 64, 48));
    fail_unless(static_cast<bool>(gst_caps_can_intersect(taken, frames)) == offered, "%s", device);
    reddiff::GstCudaContext* found = asked_for(harness.h->sinkpad);
    fail_unless((found != nullptr) == offered, "%s", device);
    gst_clear_object(&found);
  }
}
GST_END_TEST

// LibTorch sees no GPU, or is built without CUDA: frames are fetched to the host and brought back.
GST_START_TEST(a_solver_on_the_cpu_gets_host_frames) {
  if (!check::is_fake()) return;
  const std::string caps = check::cuda_caps("NV12", 64, 48);
  const auto wanted = expected("NV12", 64, 48, 1);
  Harness harness("reddiff device=auto");
  harness.caps(caps);
  reddiff::GstCudaContext* context = reddiff::primary_context(check::cuda(), 0);
  GstBuffer* out = check::through(harness, check::cuda_picture(context, caps, 0));
  fail_unless(check::context_of(out) != nullptr);
  expect_devices(harness, -1, -1);
  expect_same(check::info_of(caps), out, wanted[0], caps);
  gst_object_unref(context);
}
GST_END_TEST

// As long as anything lies in it the primary context is held, and not longer.
GST_START_TEST(the_primary_context_is_given_back) {
  if (!check::is_fake()) return;
  {
    Harness harness(line);
    gst_object_unref(asked_for(harness.h->sinkpad));
    fail_unless(check::cuda_counts().primary_held > 0);
  }
  fail_unless_equals_int(check::cuda_counts().primary_held, 0);
}
GST_END_TEST

static Suite* cuda_memory_suite() {
  Suite* suite = suite_create("cuda_memory");
  TCase* cases = tcase_create("general");
  suite_add_tcase(suite, cases);
  tcase_add_test(cases, the_primary_context_is_given_back);
  tcase_add_test(cases, every_format_stays_on_the_device);
  tcase_add_test(cases, each_side_has_the_memory_its_neighbour_wants);
  tcase_add_test(cases, host_frames_stay_with_the_host);
  tcase_add_test(cases, caps_that_alternate);
  tcase_add_test(cases, a_context_from_outside_is_shared);
  tcase_add_test(cases, frames_of_a_context_that_nobody_announced);
  tcase_add_test(cases, neighbours_that_ask_get_one_object);
  tcase_add_test(cases, the_application_is_asked_before_one_is_made);
  tcase_add_test(cases, two_elements_in_a_row_share_one_object);
  tcase_add_test(cases, untouched_frames_are_the_same_buffers);
  tcase_add_test(cases, other_devices_are_not_offered);
  tcase_add_test(cases, a_solver_on_the_cpu_gets_host_frames);
  return suite;
}

// No forks: a driver that was opened in the parent does not work in a child.
int main(int argc, char** argv) {
  g_setenv("CK_FORK", "no", TRUE);
  gst_check_init(&argc, &argv);
  GST_DEBUG_CATEGORY_INIT(gst_reddiff_debug, "reddiff-test", 0, "tests of frames in a GPU's memory");
  if (!reddiff::cuda_api()) {
    std::puts("SKIP: no GPU that libgstcuda reaches, and no fake driver that it accepts");
    return 77;
  }
  return gst_check_run_suite(cuda_memory_suite(), "cuda_memory", __FILE__);
}
