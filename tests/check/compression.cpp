// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What quantiser, or codec and bit rate, say of the noise level that restores a stream's pictures.
#include "gst-plugin/compression.h"

#include "tests/check/check_util.h"

using check::Harness;
using reddiff::Compression;

static const std::string caps = check::caps_text("I420", 64, 48);
static const std::string no_rate = "video/x-raw,format=I420,width=64,height=48,framerate=0/1";

static GstTagList* tags(const char* codec, guint bitrate, GstTagScope scope = GST_TAG_SCOPE_STREAM) {
  GstTagList* list = gst_tag_list_new_empty();
  gst_tag_list_set_scope(list, scope);
  if (codec) gst_tag_list_add(list, GST_TAG_MERGE_REPLACE, GST_TAG_VIDEO_CODEC, codec, nullptr);
  if (bitrate) gst_tag_list_add(list, GST_TAG_MERGE_REPLACE, GST_TAG_BITRATE, bitrate, nullptr);
  return list;
}

static void take(Compression& compression, std::initializer_list<GstTagList*> lists) {
  for (GstTagList* list : lists) {
    compression.on_tags(list);
    gst_tag_list_unref(list);
  }
}

// One frame; its times in seconds, negative: it has none.
static reddiff::CompressionNoise frame(Compression& compression, const std::string& format, double time = -1,
                                       double duration = -1) {
  const GstVideoInfo info = check::info_of(format);
  GstBuffer* buffer = gst_buffer_new();
  if (time >= 0) GST_BUFFER_PTS(buffer) = static_cast<GstClockTime>(time * GST_SECOND);
  if (duration >= 0) GST_BUFFER_DURATION(buffer) = static_cast<GstClockTime>(duration * GST_SECOND);
  const auto found = compression.of_frame(info, buffer);
  gst_buffer_unref(buffer);
  return found;
}

static double noise_after(std::initializer_list<GstTagList*> lists, const std::string& format = caps) {
  Compression compression;
  take(compression, lists);
  return frame(compression, format).level;
}

GST_START_TEST(less_bits_are_more_noise) {
  const guint one_bit = 64 * 48 * 25;
  fail_unless_equals_float(noise_after({tags("H.264 / AVC", one_bit)}), 0.95);
  fail_unless_equals_float(noise_after({tags("H.265 (Main Profile)", one_bit)}), 0.75);
  const double tenth = noise_after({tags("H.264 (High Profile)", one_bit / 10)});
  fail_unless(tenth > 3.3 && tenth < 3.4, "%f", tenth);
  fail_unless_equals_float(noise_after({tags("H.264 / AVC", 1)}), 15);
  // Codec and rate may come in two lists, and the later ones count.
  fail_unless_equals_float(noise_after({tags("H.264 / AVC", 0), tags(nullptr, one_bit)}), 0.95);
  fail_unless_equals_float(noise_after({tags("H.264 / AVC", 7), tags(nullptr, one_bit)}), 0.95);
}
GST_END_TEST

GST_START_TEST(what_is_not_known_is_not_guessed) {
  fail_unless_equals_float(noise_after({}), 0);
  fail_unless_equals_float(noise_after({tags("H.264 / AVC", 0)}), 0);
  fail_unless_equals_float(noise_after({tags("Theora", 1000)}), 0);
  fail_unless_equals_float(noise_after({tags("H.264 / AVC", 1000, GST_TAG_SCOPE_GLOBAL)}), 0);
  fail_unless_equals_float(noise_after({tags("H.264 / AVC", 1000)}, no_rate), 0);
}
GST_END_TEST

GST_START_TEST(every_codec_is_known_by_its_names) {
  const guint bits = 64 * 48 * 25;
  for (const char* name : {"H.264 / AVC / MPEG-4 AVC / MPEG-4 part 10", "H.264 (Baseline Profile)"})
    fail_unless_equals_float(noise_after({tags(name, bits)}), 0.95);
  for (const char* name : {"MPEG-4 Video (Simple Profile)", "MPEG-2 Video", "MPEG-1 Video", "Motion JPEG", "JPEG",
                           "H.263", "VP8", "VP9", "AV1", "On2 VP8", "Alliance for Open Media AV1"}) {
    const double level = noise_after({tags(name, bits)});
    fail_unless(level > 0.5 && level < 4, "%s: %f", name, level);
  }
}
GST_END_TEST

GST_START_TEST(without_a_rate_the_times_of_frames_tell_it) {
  for (const std::string& format :
       {no_rate, std::string("video/x-raw,format=I420,width=64,height=48,framerate=1000000/1")}) {
    Compression durations, times;
    take(durations, {tags("H.264 / AVC", 64 * 48 * 25)});
    take(times, {tags("H.264 / AVC", 64 * 48 * 25)});
    fail_unless(std::abs(frame(durations, format, -1, 0.04).level - 0.95) < 1e-6);
    frame(times, format, 0);
    fail_unless(std::abs(frame(times, format, 0.04).level - 0.95) < 1e-6);
    // Frames that change their pace are worth their mean, a gap is not a frame.
    frame(times, format, 0.06);
    frame(times, format, 0.12);
    fail_unless(std::abs(frame(times, format, 0.16).level - 0.95) < 1e-6);
    frame(times, format, 1000);
    fail_unless(frame(times, format, 1000.04).level < 3);
  }
}
GST_END_TEST

static reddiff::CompressionNoise of_meta(reddiff::Codec codec, double qp, int width, int height,
                                         const std::string& format = caps) {
  reddiff::CodedFrame coded;
  coded.reference_qp = qp;
  coded.width = width;
  coded.height = height;
  GstBuffer* buffer = gst_buffer_new();
  reddiff::register_bitstream_meta();
  reddiff::add_bitstream_meta(buffer, codec, coded, 1000);
  Compression compression;
  take(compression, {tags("H.264 / AVC", 1000)});
  const auto found = compression.of_frame(check::info_of(format), buffer);
  gst_buffer_unref(buffer);
  return found;
}

GST_START_TEST(the_quantiser_is_worth_more_than_the_rate) {
  const auto found = of_meta(reddiff::Codec::h264, 30, 64, 48);
  fail_unless_equals_string(found.from, "compression-qp");
  fail_unless(std::abs(found.level - std::exp2(0.62 * 5 - 1.15 + 0.67)) < 1e-9);
  fail_unless(of_meta(reddiff::Codec::hevc, 30, 64, 48).level < found.level);
  fail_unless(of_meta(reddiff::Codec::h264, 24, 64, 48).level < found.level);
  fail_unless_equals_float(of_meta(reddiff::Codec::h264, 1000, 64, 48).level, 15);
  // What is no number is no quantiser: the tags, then.
  fail_unless_equals_string(of_meta(reddiff::Codec::h264, NAN, 64, 48).from, "compression-codec");
  fail_unless_equals_string(of_meta(reddiff::Codec::h264, 30, 0, 48).from, "compression-codec");
}
GST_END_TEST

GST_START_TEST(errors_average_out_where_pixels_become_fewer) {
  const auto level = [](int width, int height) { return of_meta(reddiff::Codec::h264, 30, width, height).level; };
  const double whole = level(64, 48);
  fail_unless(level(128, 96) < whole && level(128, 96) > whole / 2);
  fail_unless(level(256, 192) < level(128, 96));
  fail_unless_equals_float(level(48, 64), whole);  // turned
  fail_unless_equals_float(level(96, 128), level(128, 96));
  fail_unless_equals_float(level(64, 96), whole);  // cut
  fail_unless_equals_float(level(32, 24), whole);  // enlarged
}
GST_END_TEST

static double noise_used(const std::string& properties) {
  Harness harness("reddiff prior=dct steps=1 temporal=none " + properties);
  harness.caps(caps);
  gst_harness_push_event(harness.h, gst_event_new_tag(tags("H.264 / AVC", 64 * 48 * 25 / 20)));
  check::stream(harness, caps, 1);
  return harness.measured("noise");
}

// Of a picture without anything drawn: seven tenths of the error.
GST_START_TEST(every_task_heeds_it_where_no_level_is_set) {
  const double wanted = 0.7 * 0.95 * std::pow(20, 0.55);
  for (const char* task : {"task=restore", "task=denoise", "task=super-resolution", "task=restore scale=2"})
    fail_unless(std::abs(noise_used(task) - wanted) < 0.05 * wanted, "%s: %f, not %f", task, noise_used(task), wanted);
  fail_unless(std::abs(noise_used("task=restore noise=2") - 2) < 1e-6);
}
GST_END_TEST

// What the second of two elements hears of compression, where the first one has `properties`.
static double heard_behind(const std::string& properties) {
  const std::string element = "reddiff prior=dct steps=1 temporal=none ";
  Harness before(element + properties), behind(element);
  for (Harness* harness : {&before, &behind}) {
    harness->caps(caps);
    gst_harness_push_event(harness->h, gst_event_new_tag(tags("H.264 / AVC", 64 * 48 * 25 / 20)));
  }
  GstBuffer* once = gst_harness_push_and_pull(before.h, check::picture(check::info_of(caps), 0, 0));
  gst_buffer_unref(gst_harness_push_and_pull(behind.h, once));
  fail_unless_equals_float(before.measured("compression-noise"), 0.95 * std::pow(20, 0.55));
  return behind.measured("compression-noise");
}

GST_START_TEST(it_is_heeded_once) {
  fail_unless_equals_float(heard_behind(""), 0);
  fail_unless_equals_float(heard_behind("noise=1"), 0.95 * std::pow(20, 0.55));
}
GST_END_TEST

static Suite* compression_suite() {
  Suite* suite = suite_create("compression");
  TCase* cases = tcase_create("general");
  suite_add_tcase(suite, cases);
  tcase_add_test(cases, less_bits_are_more_noise);
  tcase_add_test(cases, what_is_not_known_is_not_guessed);
  tcase_add_test(cases, every_codec_is_known_by_its_names);
  tcase_add_test(cases, without_a_rate_the_times_of_frames_tell_it);
  tcase_add_test(cases, the_quantiser_is_worth_more_than_the_rate);
  tcase_add_test(cases, errors_average_out_where_pixels_become_fewer);
  tcase_add_test(cases, every_task_heeds_it_where_no_level_is_set);
  tcase_add_test(cases, it_is_heeded_once);
  return suite;
}

GST_CHECK_MAIN(compression)
