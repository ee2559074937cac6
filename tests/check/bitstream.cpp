// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What reddiffbitstream says of streams whose encoder was told its quantiser, what becomes of that behind decoders, and of bytes that
// are no stream.
#include <algorithm>
#include <map>
#include <random>

#include "gst-plugin/bitstream_meta.h"
#include "tests/check/check_util.h"

namespace {

struct Fact {
  GstClockTime time = 0;
  guint sum = 0;  // of the bytes
  bool there = false;
  std::string codec, type;
  double qp = 0, scale_qp = 0, reference_qp = 0;
  guint64 size = 0;
  int width = 0, height = 0;
};

guint checksum(GstBuffer* buffer) {
  guint sum = 0;
  for (const guint8 byte : check::bytes(buffer)) sum = 31 * sum + byte;
  return sum;
}

Fact fact_of(GstBuffer* buffer) {
  Fact fact;
  fact.time = GST_BUFFER_PTS(buffer);
  fact.sum = checksum(buffer);
  GstCustomMeta* meta = gst_buffer_get_custom_meta(buffer, reddiff::bitstream_meta_name);
  if (!meta) return fact;
  const GstStructure* s = gst_custom_meta_get_structure(meta);
  fact.codec = gst_structure_get_string(s, "codec");
  fact.type = gst_structure_get_string(s, "frame-type");
  fact.there = gst_structure_get(s, "qp", G_TYPE_DOUBLE, &fact.qp, "scale-qp", G_TYPE_DOUBLE, &fact.scale_qp,
                                 "reference-qp", G_TYPE_DOUBLE, &fact.reference_qp, "size", G_TYPE_UINT64, &fact.size,
                                 "width", G_TYPE_INT, &fact.width, "height", G_TYPE_INT, &fact.height, nullptr);
  return fact;
}

GstPadProbeReturn note(GstPad*, GstPadProbeInfo* info, gpointer facts) {
  static_cast<std::vector<Fact>*>(facts)->push_back(fact_of(GST_PAD_PROBE_INFO_BUFFER(info)));
  return GST_PAD_PROBE_OK;
}

constexpr const char* source =
    "videotestsrc pattern=ball num-buffers=12 ! video/x-raw,format=I420,width=160,height=96,framerate=25/1 ! ";

// What passes in front of the element, behind it, and at the end.
struct Run {
  std::vector<Fact> before, coded, decoded;
  guint64 unparsed = 0;

  explicit Run(const std::string& line) {
    GError* error = nullptr;
    GstElement* pipeline = gst_parse_launch((source + line + " ! fakesink name=end").c_str(), &error);
    fail_unless(pipeline != nullptr && error == nullptr, "%s: %s", line.c_str(), error ? error->message : "?");
    watch(pipeline, "b", "sink", before);
    watch(pipeline, "b", "src", coded);
    watch(pipeline, "end", "sink", decoded);
    GstBus* bus = gst_element_get_bus(pipeline);
    gst_element_set_state(pipeline, GST_STATE_PLAYING);
    GstMessage* message = gst_bus_timed_pop_filtered(bus, GST_CLOCK_TIME_NONE,
                                                     static_cast<GstMessageType>(GST_MESSAGE_EOS | GST_MESSAGE_ERROR));
    fail_unless(GST_MESSAGE_TYPE(message) == GST_MESSAGE_EOS, "%s: %s", line.c_str(), GST_OBJECT_NAME(message->src));
    gst_message_unref(message);
    GstElement* b = gst_bin_get_by_name(GST_BIN(pipeline), "b");
    GstStructure* stats = nullptr;
    g_object_get(b, "stats", &stats, nullptr);
    gst_structure_get_uint64(stats, "unparsed", &unparsed);
    gst_structure_free(stats);
    gst_object_unref(b);
    gst_element_set_state(pipeline, GST_STATE_NULL);
    gst_object_unref(bus);
    gst_object_unref(pipeline);
  }

 private:
  static void watch(GstElement* pipeline, const char* element, const char* pad, std::vector<Fact>& facts) {
    GstElement* e = gst_bin_get_by_name(GST_BIN(pipeline), element);
    GstPad* p = gst_element_get_static_pad(e, pad);
    gst_pad_add_probe(p, GST_PAD_PROBE_TYPE_BUFFER, note, &facts, nullptr);
    gst_object_unref(p);
    gst_object_unref(e);
  }
};

bool have(std::initializer_list<const char*> elements) {
  return std::all_of(elements.begin(), elements.end(), [](const char* name) {
    GstElementFactory* factory = gst_element_factory_find(name);
    if (factory) gst_object_unref(factory);
    return factory != nullptr;
  });
}

// Bytes untouched; a frame keeps what was said of it through the decoder, whatever its order.
void check_passage(const Run& run) {
  fail_unless_equals_int(run.before.size(), run.coded.size());
  for (std::size_t i = 0; i < run.coded.size(); ++i)
    fail_unless(run.before[i].sum == run.coded[i].sum && run.before[i].time == run.coded[i].time);
  fail_unless_equals_int(run.unparsed, 0);
  fail_unless_equals_int(run.decoded.size(), 12);
  std::map<guint64, int> sizes;
  for (const Fact& fact : run.coded) ++sizes[fact.size];
  for (const Fact& fact : run.decoded) {
    fail_unless(fact.there);
    fail_unless(--sizes[fact.size] >= 0, "a frame's meta came twice");
  }
  for (const Fact& fact : run.decoded) {
    if (!GST_CLOCK_TIME_IS_VALID(run.coded.back().time)) continue;  // MPEG-4's parser has no times of its own
    const auto coded = std::find_if(run.coded.begin(), run.coded.end(),
                                    [&fact](const Fact& other) { return other.time == fact.time; });
    fail_unless(coded != run.coded.end() && coded->size == fact.size && coded->type == fact.type);
  }
}

std::string types(const std::vector<Fact>& facts) {
  std::string all;
  for (const Fact& fact : facts) all += fact.type;
  return all;
}

void check_all(const std::vector<Fact>& facts, const char* codec, double qp, double scale_qp) {
  for (const Fact& fact : facts) {
    fail_unless_equals_string(fact.codec.c_str(), codec);
    fail_unless(std::abs(fact.qp - qp) < 1e-6, "%s: %f, not %f", codec, fact.qp, qp);
    fail_unless(std::abs(fact.scale_qp - scale_qp) < 1e-6, "%s: %f, not %f", codec, fact.scale_qp, scale_qp);
    fail_unless_equals_int(fact.width, 160);
    fail_unless_equals_int(fact.height, 96);
    fail_unless(fact.size > 0);
  }
}

double steps(double step) { return 4 + 6 * std::log2(step); }

}  // namespace

GST_START_TEST(h264_of_either_form) {
  if (!have({"x264enc", "h264parse", "avdec_h264"})) return;
  for (const std::string form : {"byte-stream", "avc", "avc3"}) {
    const Run run(
        "x264enc pass=quant quantizer=30 ip-factor=1 pb-factor=1 bframes=3 b-adapt=false ! h264parse ! "
        "video/x-h264,alignment=au,stream-format=" +
        form + " ! reddiffbitstream name=b" + (form == "avc3" ? "" : " ! avdec_h264 ! videoconvert"));
    check_passage(run);
    check_all(run.coded, "h264", 30, 30);
    if (form == "avc3") continue;
    fail_unless_equals_string(types(run.coded).substr(0, 9).c_str(), "IPBBBPBBB");
    fail_unless_equals_string(types(run.decoded).substr(0, 9).c_str(), "IBBBPBBBP");
  }
}
GST_END_TEST

GST_START_TEST(h264_slices_and_weights) {
  if (!have({"x264enc", "h264parse", "avdec_h264"})) return;
  const Run run(
      "x264enc pass=quant quantizer=24 ip-factor=2 pb-factor=2 interlaced=true option-string="
      "slices=4:weightp=2:ref=5:b-pyramid=none ! "
      "h264parse ! reddiffbitstream name=b ! avdec_h264");
  check_passage(run);
  for (const Fact& fact : run.coded)
    fail_unless_equals_float(fact.qp, fact.type == "I" ? 18 : fact.type == "P" ? 24 : 30);
}
GST_END_TEST

GST_START_TEST(hevc_bidirectional_frames_say_what_they_are_made_from) {
  if (!have({"x265enc", "h265parse", "avdec_h265"})) return;
  for (const char* form : {"byte-stream", "hvc1", "hev1"}) {
    const Run run(
        "x265enc qp=30 option-string=ipratio=1:pbratio=2:bframes=3:b-adapt=0:log-level=none ! h265parse ! "
        "video/x-h265,alignment=au,stream-format=" +
        std::string(form) + " ! reddiffbitstream name=b ! avdec_h265");
    check_passage(run);
    fail_unless_equals_string(types(run.coded).substr(0, 9).c_str(), "IPBBBPBBB");
    for (const Fact& fact : run.coded) {
      fail_unless_equals_float(fact.reference_qp, 30);
      fail_unless(fact.type == "B" ? fact.qp > 30 : fact.qp == 30, "%s %f", fact.type.c_str(), fact.qp);
    }
  }
}
GST_END_TEST

GST_START_TEST(mpeg4_and_mpeg2) {
  if (have({"avenc_mpeg4", "mpeg4videoparse", "avdec_mpeg4"})) {
    const Run run("avenc_mpeg4 qmin=7 qmax=7 max-bframes=2 ! mpeg4videoparse ! reddiffbitstream name=b ! avdec_mpeg4");
    check_passage(run);
    check_all(run.coded, "mpeg4", 7, steps(14));
    fail_unless_equals_string(types(run.coded).substr(0, 7).c_str(), "IPBBPBB");
    fail_unless_equals_string(types(run.decoded).substr(0, 7).c_str(), "IBBPBBP");
  }
  if (have({"mpeg2enc", "mpegvideoparse", "avdec_mpeg2video"})) {
    const Run run("mpeg2enc quantisation=6 bitrate=0 ! mpegvideoparse ! reddiffbitstream name=b ! avdec_mpeg2video");
    check_passage(run);
    check_all(run.coded, "mpeg2", 3, steps(6));
  }
}
GST_END_TEST

GST_START_TEST(jpeg_with_its_tables) {
  if (!have({"jpegenc", "jpegparse", "jpegdec"})) return;
  const Run run("jpegenc quality=50 ! jpegparse ! reddiffbitstream name=b ! jpegdec");
  check_passage(run);
  // The first frequencies of the standard's own table for luma.
  constexpr double mean = (16 + 11 + 12 + 14 + 12 + 10 + 16 + 14 + 13 + 14 + 18 + 17 + 16 + 19 + 24) / 15.0;
  check_all(run.coded, "jpeg", mean, steps(mean));
}
GST_END_TEST

static int element_of(const GstStructure* structure, const char* field, guint index) {
  const GValue* array = gst_structure_get_value(structure, field);
  fail_unless(array && gst_value_array_get_size(array) > index, "%s", field);
  return g_value_get_int(gst_value_array_get_value(array, index));
}

GST_START_TEST(jpeg_says_every_table_and_the_sampling) {
  check::Harness encoder("jpegenc quality=50");
  encoder.caps(check::caps_text("I420", 64, 48));
  gst_harness_push(encoder.h, check::picture(check::info_of(check::caps_text("I420", 64, 48)), 0, 0));
  check::Harness harness("reddiffbitstream");
  harness.caps("image/jpeg,width=64,height=48,framerate=25/1");
  GstBuffer* out = gst_harness_push_and_pull(harness.h, gst_harness_pull(encoder.h));
  GstCustomMeta* meta = gst_buffer_get_custom_meta(out, reddiff::bitstream_meta_name);
  fail_unless(meta != nullptr);
  const GstStructure* s = gst_custom_meta_get_structure(meta);
  fail_unless_equals_int(element_of(s, "quantisation-table-0", 0), 16);
  fail_unless_equals_int(element_of(s, "quantisation-table-0", 63), 99);
  fail_unless_equals_int(element_of(s, "quantisation-table-1", 0), 17);
  fail_unless(!gst_structure_has_field(s, "quantisation-table-2"));
  const int factors[][3] = {{2, 2, 0}, {1, 1, 1}, {1, 1, 1}};
  for (guint i = 0; i < 3; ++i) {
    fail_unless_equals_int(element_of(s, "horizontal-sampling", i), factors[i][0]);
    fail_unless_equals_int(element_of(s, "vertical-sampling", i), factors[i][1]);
    fail_unless_equals_int(element_of(s, "table-of-component", i), factors[i][2]);
  }
  gst_buffer_unref(out);
}
GST_END_TEST

GST_START_TEST(vp8_vp9_and_av1) {
  if (have({"vp8enc", "vp8dec"})) {
    const Run run("vp8enc min-quantizer=20 max-quantizer=20 ! reddiffbitstream name=b ! vp8dec");
    check_passage(run);
    check_all(run.coded, "vp8", 25, steps(29 / 8.0));
    fail_unless_equals_string(types(run.coded).c_str(), "IPPPPPPPPPPP");
  }
  if (have({"vp9enc", "vp9parse", "vp9dec"})) {
    const Run run("vp9enc min-quantizer=20 max-quantizer=20 ! vp9parse ! reddiffbitstream name=b ! vp9dec");
    check_passage(run);
    check_all(run.coded, "vp9", 80, steps(87 / 8.0));
  }
  if (have({"av1enc", "av1parse", "av1dec"})) {
    const Run run("av1enc min-quantizer=20 max-quantizer=20 cpu-used=8 ! av1parse ! reddiffbitstream name=b ! av1dec");
    check_passage(run);
    check_all(run.coded, "av1", 80, steps(87 / 8.0));
  }
}
GST_END_TEST

GST_START_TEST(steps_are_the_standards) {
  const std::map<int, int> vp8 = {{0, 4},     {54, 58},   {55, 60},   {84, 119},
                                  {102, 173}, {103, 177}, {117, 234}, {127, 284}};
  for (const auto& [index, step] : vp8) fail_unless_equals_float(reddiff::vp8_step(index), step);
  const std::map<int, int> vp9 = {{0, 4},     {1, 8},     {95, 102},  {96, 104},  {121, 155},  {138, 207}, {150, 255},
                                  {160, 305}, {188, 510}, {202, 663}, {219, 915}, {225, 1026}, {255, 1828}};
  for (const auto& [index, step] : vp9) fail_unless_equals_float(reddiff::vp9_step(index), step);
}
GST_END_TEST

constexpr const char* all_caps[] = {
    "video/x-h264,parsed=true,stream-format=byte-stream,alignment=au",
    "video/x-h264,parsed=true,stream-format=avc,alignment=au,codec_data=(buffer)01640028",
    "video/x-h265,parsed=true,stream-format=byte-stream,alignment=au",
    "video/x-h265,parsed=true,stream-format=hvc1,alignment=au",
    "video/mpeg,parsed=true,mpegversion=2,systemstream=false",
    "video/mpeg,parsed=true,mpegversion=4,systemstream=false",
    "video/x-vp8",
    "video/x-vp9",
    "video/x-av1,stream-format=obu-stream",
    "image/jpeg"};

GST_START_TEST(what_is_no_stream_goes_on_and_is_counted) {
  std::mt19937 random(1);
  for (const char* caps : all_caps) {
    check::Harness harness("reddiffbitstream");
    harness.caps(caps);
    for (int i = 0; i < 100; ++i) {
      std::vector<guint8> bytes(1 + random() % 300);
      // Zeros make start codes likely.
      for (guint8& byte : bytes) byte = random() % 3 == 0 ? 0 : i % 2 ? random() % 4 : random() % 256;
      fail_unless(check::process(harness, gst_buffer_new_memdup(bytes.data(), bytes.size())) == bytes);
    }
    GstBuffer* empty = gst_harness_push_and_pull(harness.h, gst_buffer_new());
    fail_unless_equals_int(gst_buffer_get_size(empty), 0);
    gst_buffer_unref(empty);
    fail_unless_equals_int(harness.stat("frames"), 101);
    fail_unless(harness.stat("unparsed") > 0);
    fail_unless_equals_int(check::take_errors(harness.bus()).count, 0);
  }
}
GST_END_TEST

GST_START_TEST(a_buffer_that_others_hold_stays_theirs) {
  check::Harness harness("reddiffbitstream");
  check::Harness encoder("jpegenc");
  encoder.caps(check::caps_text("I420", 64, 48));
  gst_harness_push(encoder.h, check::picture(check::info_of(check::caps_text("I420", 64, 48)), 0, 0));
  harness.caps("image/jpeg");
  GstBuffer* in = gst_harness_pull(encoder.h);
  GstBuffer* out = gst_harness_push_and_pull(harness.h, gst_buffer_ref(in));
  fail_unless(gst_buffer_get_custom_meta(in, reddiff::bitstream_meta_name) == nullptr);
  fail_unless(gst_buffer_get_custom_meta(out, reddiff::bitstream_meta_name) != nullptr);
  fail_unless(gst_buffer_peek_memory(in, 0) == gst_buffer_peek_memory(out, 0), "the bytes were copied");
  // Twice in a row says it once.
  check::Harness other("reddiffbitstream");
  other.caps("image/jpeg");
  GstBuffer* again = gst_harness_push_and_pull(other.h, out);
  const GstMetaInfo* info = gst_meta_get_info(reddiff::bitstream_meta_name);
  fail_unless_equals_int(gst_buffer_get_n_meta(again, info->api), 1);
  gst_buffer_unref(again);
  gst_buffer_unref(in);
}
GST_END_TEST

GST_START_TEST(reddiff_takes_the_level_from_it) {
  if (!have({"x264enc", "h264parse", "avdec_h264"})) return;
  GError* error = nullptr;
  GstElement* pipeline = gst_parse_launch(
      (source + std::string("x264enc pass=quant quantizer=33 ip-factor=1 pb-factor=1 ! h264parse ! reddiffbitstream ! "
                            "avdec_h264 ! reddiff name=r task=restore prior=dct steps=1 temporal=none ! fakesink "
                            "name=end"))
          .c_str(),
      &error);
  fail_unless(pipeline != nullptr && error == nullptr);
  std::vector<Fact> behind;
  GstElement* r = gst_bin_get_by_name(GST_BIN(pipeline), "r");
  GstPad* pad = gst_element_get_static_pad(r, "src");
  gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER, note, &behind, nullptr);
  gst_object_unref(pad);
  GstBus* bus = gst_element_get_bus(pipeline);
  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  gst_message_unref(gst_bus_timed_pop_filtered(bus, GST_CLOCK_TIME_NONE,
                                               static_cast<GstMessageType>(GST_MESSAGE_EOS | GST_MESSAGE_ERROR)));
  GstStructure* stats = nullptr;
  g_object_get(r, "stats", &stats, nullptr);
  double level = 0;
  fail_unless(gst_structure_get_double(stats, "compression-noise", &level));
  fail_unless(std::abs(level - std::exp2(0.62 * 33 / 6 - 1.15 + 0.67)) < 1e-6, "%f", level);
  fail_unless_equals_string(gst_structure_get_string(stats, "noise-source"), "compression-qp");
  gst_structure_free(stats);
  fail_unless_equals_int(behind.size(), 12);
  for (const Fact& fact : behind) fail_unless(!fact.there, "a restored frame has no such errors any more");
  gst_element_set_state(pipeline, GST_STATE_NULL);
  gst_object_unref(bus);
  gst_object_unref(r);
  gst_object_unref(pipeline);
}
GST_END_TEST

static Suite* bitstream_suite() {
  reddiff::register_bitstream_meta();
  Suite* suite = suite_create("bitstream");
  TCase* cases = tcase_create("general");
  suite_add_tcase(suite, cases);
  tcase_add_test(cases, h264_of_either_form);
  tcase_add_test(cases, h264_slices_and_weights);
  tcase_add_test(cases, hevc_bidirectional_frames_say_what_they_are_made_from);
  tcase_add_test(cases, mpeg4_and_mpeg2);
  tcase_add_test(cases, jpeg_with_its_tables);
  tcase_add_test(cases, jpeg_says_every_table_and_the_sampling);
  tcase_add_test(cases, vp8_vp9_and_av1);
  tcase_add_test(cases, steps_are_the_standards);
  tcase_add_test(cases, what_is_no_stream_goes_on_and_is_counted);
  tcase_add_test(cases, a_buffer_that_others_hold_stays_theirs);
  tcase_add_test(cases, reddiff_takes_the_level_from_it);
  return suite;
}

GST_CHECK_MAIN(bitstream)
