// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What becomes of the quantisation tables of a JPEG stream: they are believed where the frame is what the decoder made, and nowhere else.
#include <functional>

#include "core/api/jpeg_tables.h"
#include "gst-plugin/bitstream_meta.h"
#include "tests/check/check_util.h"

using check::Harness;

namespace {

constexpr const char* restore = "reddiff name=r task=restore prior=dct temporal=none";

struct Seen {
  double coded_share = 0;
  std::string source;
};

Seen seen_by(GstElement* element) {
  GstStructure* stats = nullptr;
  g_object_get(element, "stats", &stats, nullptr);
  Seen seen;
  fail_unless(gst_structure_get_double(stats, "coded-share", &seen.coded_share));
  seen.source = gst_structure_get_string(stats, "noise-source");
  gst_structure_free(stats);
  return seen;
}

// behind: of what the encoder is given.
Seen seen_in(const std::string& format, const std::string& encoded, const std::string& behind) {
  const std::string line =
      "videotestsrc num-buffers=2 ! videobalance contrast=0.6 saturation=0.5 ! videoconvert ! video/x-raw,format=" +
      format + ",width=176,height=104,framerate=25/1 ! " + encoded + " ! jpegparse ! reddiffbitstream ! " + behind +
      " ! " + restore + " ! fakesink";
  GError* error = nullptr;
  GstElement* pipeline = gst_parse_launch(line.c_str(), &error);
  fail_unless(pipeline != nullptr && error == nullptr, "%s: %s", line.c_str(), error ? error->message : "?");
  GstBus* bus = gst_element_get_bus(pipeline);
  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  GstMessage* message = gst_bus_timed_pop_filtered(bus, GST_CLOCK_TIME_NONE,
                                                   static_cast<GstMessageType>(GST_MESSAGE_EOS | GST_MESSAGE_ERROR));
  fail_unless(GST_MESSAGE_TYPE(message) == GST_MESSAGE_EOS, "%s", line.c_str());
  gst_message_unref(message);
  GstElement* r = gst_bin_get_by_name(GST_BIN(pipeline), "r");
  const Seen seen = seen_by(r);
  gst_object_unref(r);
  gst_element_set_state(pipeline, GST_STATE_NULL);
  gst_object_unref(bus);
  gst_object_unref(pipeline);
  return seen;
}

bool have(const char* name) {
  GstElementFactory* factory = gst_element_factory_find(name);
  if (factory) gst_object_unref(factory);
  return factory != nullptr;
}

}  // namespace

GST_START_TEST(what_a_decoder_made_is_taken_as_its_tables_say) {
  if (!have("jpegenc") || !have("jpegparse") || !have("jpegdec")) return;
  for (const std::string decoder : {"jpegdec", "jpegdec idct-method=islow", "avdec_mjpeg"}) {
    if (!have(decoder.substr(0, decoder.find(' ')).c_str())) continue;
    for (const char* format : {"I420", "Y42B", "Y444", "GRAY8"})
      for (const char* quality : {"20", "50", "90"}) {
        const Seen seen = seen_in(format, std::string("jpegenc quality=") + quality, decoder);
        fail_unless(seen.coded_share > 0.8, "%s %s %s: %f", decoder.c_str(), format, quality, seen.coded_share);
        fail_unless_equals_string(seen.source.c_str(), "compression-tables");
      }
  }
}
GST_END_TEST

GST_START_TEST(what_was_only_converted_since_is_too) {
  if (!have("jpegenc") || !have("jpegparse") || !have("jpegdec")) return;
  for (const char* format : {"RGB", "BGRx", "NV12,colorimetry=1:4:0:0"}) {
    const Seen seen =
        seen_in("I420", "jpegenc quality=40", std::string("jpegdec ! videoconvert ! video/x-raw,format=") + format);
    fail_unless(seen.coded_share > 0.6, "%s: %f", format, seen.coded_share);
  }
}
GST_END_TEST

GST_START_TEST(what_was_changed_since_is_not) {
  if (!have("jpegenc") || !have("jpegparse") || !have("jpegdec")) return;
  for (const std::string change :
       {"videoscale ! video/x-raw,width=96,height=64", "videocrop left=3 top=1 right=5 bottom=7",
        "videocrop left=4 right=4 ! videobox left=-4 right=-4", "videobalance brightness=0.07",
        "videoconvert ! gaussianblur sigma=1 ! videoconvert"}) {
    if (change.find("gaussianblur") != std::string::npos && !have("gaussianblur")) continue;
    const Seen seen = seen_in("I420", "jpegenc quality=40", "jpegdec ! " + change);
    fail_unless(seen.coded_share == 0, "%s: %f", change.c_str(), seen.coded_share);
    fail_unless(seen.source != "compression-tables", "%s", change.c_str());
  }
}
GST_END_TEST

namespace {

using Change = std::function<void(GstStructure*)>;

void set_numbers(GstStructure* s, const char* field, int count, int number) {
  GValue array = G_VALUE_INIT, value = G_VALUE_INIT;
  g_value_init(&array, GST_TYPE_ARRAY);
  g_value_init(&value, G_TYPE_INT);
  g_value_set_int(&value, number);
  for (int i = 0; i < count; ++i) gst_value_array_append_value(&array, &value);
  gst_structure_take_value(s, field, &array);
}

// A picture that no JPEG coder has seen, with a meta that says so of it; `change` of the meta's fields.
GstBuffer* never_coded(const GstVideoInfo& info, const Change& change) {
  GstBuffer* buffer = check::picture(info, 0, 0);
  reddiff::CodedFrame frame;
  frame.qp = 20;
  frame.scale_qp = frame.reference_qp = reddiff::scale_qp(20);
  frame.width = GST_VIDEO_INFO_WIDTH(&info);
  frame.height = GST_VIDEO_INFO_HEIGHT(&info);
  std::array<int, 64> steps{};
  steps.fill(20);
  frame.tables = {steps, steps};
  frame.components = {{2, 2, 0}, {1, 1, 1}, {1, 1, 1}};
  reddiff::add_bitstream_meta(buffer, reddiff::Codec::jpeg, frame, 1000);
  change(gst_custom_meta_get_structure(gst_buffer_get_custom_meta(buffer, reddiff::bitstream_meta_name)));
  return buffer;
}

const std::vector<Change>& changes() {
  static const std::vector<Change> all = {
      [](GstStructure*) {},
      [](GstStructure* s) { gst_structure_remove_field(s, "quantisation-table-1"); },
      [](GstStructure* s) { gst_structure_remove_field(s, "table-of-component"); },
      [](GstStructure* s) { gst_structure_remove_field(s, "vertical-sampling"); },
      [](GstStructure* s) { set_numbers(s, "quantisation-table-0", 64, 0); },
      [](GstStructure* s) { set_numbers(s, "quantisation-table-0", 64, -3); },
      [](GstStructure* s) { set_numbers(s, "quantisation-table-0", 64, 65536); },
      [](GstStructure* s) { set_numbers(s, "quantisation-table-0", 63, 20); },
      [](GstStructure* s) { set_numbers(s, "table-of-component", 3, 4); },
      [](GstStructure* s) { set_numbers(s, "table-of-component", 3, -1); },
      [](GstStructure* s) { set_numbers(s, "table-of-component", 1000, 0); },
      [](GstStructure* s) { set_numbers(s, "horizontal-sampling", 3, G_MAXINT); },
      [](GstStructure* s) { gst_structure_set(s, "quantisation-table-0", G_TYPE_STRING, "16", nullptr); },
      [](GstStructure* s) { gst_structure_set(s, "width", G_TYPE_INT, G_MAXINT, nullptr); },
  };
  return all;
}

const std::string caps = check::caps_text("I420", 64, 48, ",colorimetry=1:4:0:0,chroma-site=jpeg");

// What comes out, and that the tables were not believed.
std::vector<guint8> restored(const Change& change) {
  Harness harness(restore);
  harness.caps(caps);
  const auto bytes = check::process(harness, never_coded(check::info_of(caps), change));
  fail_unless_equals_float(seen_by(harness.element()).coded_share, 0);
  return bytes;
}

}  // namespace

// Whatever a meta says: the picture is that of the level alone.
GST_START_TEST(tables_of_something_else_do_no_harm) {
  const auto level_alone = restored([](GstStructure* s) { gst_structure_remove_field(s, "quantisation-table-0"); });
  for (std::size_t i = 0; i < changes().size(); ++i)
    if (i + 1 < changes().size())  // the last is another size, and so another level
      fail_unless(restored(changes()[i]) == level_alone, "%zu", i);
    else
      restored(changes()[i]);
}
GST_END_TEST

// The largest steps there are put nearly everything into one cell, and that is no evidence against it: whatever comes out of it is a picture.
GST_START_TEST(the_largest_steps_do_no_harm) {
  Harness harness(restore);
  harness.caps(caps);
  const GstVideoInfo info = check::info_of(caps);
  const auto out = check::process(harness, never_coded(info, [](GstStructure* s) {
                                    set_numbers(s, "quantisation-table-0", 64, 65535);
                                    set_numbers(s, "quantisation-table-1", 64, 65535);
                                  }));
  GstBuffer* clean = check::picture(info, 0, 0);
  const auto in = check::bytes(clean);
  gst_buffer_unref(clean);
  double error = 0;
  for (std::size_t i = 0; i < in.size(); ++i) error += std::pow(double(out[i]) - in[i], 2);
  fail_unless(std::sqrt(error / static_cast<double>(in.size())) < 15);
}
GST_END_TEST

GST_START_TEST(tables_come_as_rows_of_frequencies) {
  GstBuffer* buffer = never_coded(check::info_of(caps), [](GstStructure*) {});
  reddiff::CodedFrame frame;
  frame.width = 64;
  frame.height = 48;
  frame.reference_qp = 20;
  std::array<int, 64> steps{};
  for (int i = 0; i < 64; ++i) steps[static_cast<std::size_t>(i)] = i + 1;  // as they stand in the stream
  frame.tables = {steps};
  frame.components = {{1, 1, 0}};
  reddiff::add_bitstream_meta(buffer, reddiff::Codec::jpeg, frame, 1000);
  reddiff::JpegTables tables;
  fail_unless(reddiff::read_jpeg_tables(buffer, tables));
  fail_unless_equals_int(tables.planes, 1);
  // Figure A.6 of the standard, its first two rows, its first and last column.
  const int upper[] = {0, 1, 5, 6, 14, 15, 27, 28, 2, 4, 7, 13, 16, 26, 29, 42};
  for (std::size_t i = 0; i < 16; ++i) fail_unless_equals_int(tables.plane[0].steps[i], upper[i] + 1);
  const int leftmost[] = {0, 2, 3, 9, 10, 20, 21, 35}, rightmost[] = {28, 42, 43, 53, 54, 60, 61, 63};
  for (std::size_t i = 0; i < 8; ++i) {
    fail_unless_equals_int(tables.plane[0].steps[8 * i], leftmost[i] + 1);
    fail_unless_equals_int(tables.plane[0].steps[8 * i + 7], rightmost[i] + 1);
  }
  gst_buffer_unref(buffer);
}
GST_END_TEST

static Suite* jpeg_tables_suite() {
  reddiff::register_bitstream_meta();
  Suite* suite = suite_create("jpeg_tables");
  TCase* cases = tcase_create("general");
  suite_add_tcase(suite, cases);
  tcase_add_test(cases, what_a_decoder_made_is_taken_as_its_tables_say);
  tcase_add_test(cases, what_was_only_converted_since_is_too);
  tcase_add_test(cases, what_was_changed_since_is_not);
  tcase_add_test(cases, tables_of_something_else_do_no_harm);
  tcase_add_test(cases, the_largest_steps_do_no_harm);
  tcase_add_test(cases, tables_come_as_rows_of_frequencies);
  return suite;
}

GST_CHECK_MAIN(jpeg_tables)
