// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What codec and bit rate say of the noise level that restores a stream's pictures.
#include "gst-plugin/compression.h"

#include "tests/check/check_util.h"

using check::Harness;
using reddiff::Compression;

static const std::string caps = check::caps_text("I420", 64, 48);

static GstTagList* tags(const char* codec, guint bitrate, GstTagScope scope = GST_TAG_SCOPE_STREAM) {
  GstTagList* list = gst_tag_list_new_empty();
  gst_tag_list_set_scope(list, scope);
  if (codec) gst_tag_list_add(list, GST_TAG_MERGE_REPLACE, GST_TAG_VIDEO_CODEC, codec, nullptr);
  if (bitrate) gst_tag_list_add(list, GST_TAG_MERGE_REPLACE, GST_TAG_BITRATE, bitrate, nullptr);
  return list;
}

static double noise_after(std::initializer_list<GstTagList*> lists, const std::string& format = caps) {
  Compression compression;
  for (GstTagList* list : lists) {
    compression.on_tags(list);
    gst_tag_list_unref(list);
  }
  const GstVideoInfo info = check::info_of(format);
  return compression.noise(info);
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
  fail_unless_equals_float(
      noise_after({tags("H.264 / AVC", 1000)}, "video/x-raw,format=I420,width=64,height=48,framerate=0/1"), 0);
}
GST_END_TEST

static double noise_used(const std::string& properties) {
  Harness harness("reddiff prior=dct steps=1 temporal=none " + properties);
  harness.caps(caps);
  gst_harness_push_event(harness.h, gst_event_new_tag(tags("H.264 / AVC", 64 * 48 * 25 / 20)));
  check::stream(harness, caps, 1);
  return harness.measured("noise");
}

GST_START_TEST(restore_heeds_it_and_nothing_else_does) {
  const double wanted = 0.95 * std::pow(20, 0.55);
  fail_unless(std::abs(noise_used("task=restore") - wanted) < 1e-3, "%f", noise_used("task=restore"));
  fail_unless(std::abs(noise_used("task=restore noise=2") - 2) < 1e-6);
  fail_unless(noise_used("task=denoise") < wanted / 2);
}
GST_END_TEST

static Suite* compression_suite() {
  Suite* suite = suite_create("compression");
  TCase* cases = tcase_create("general");
  suite_add_tcase(suite, cases);
  tcase_add_test(cases, less_bits_are_more_noise);
  tcase_add_test(cases, what_is_not_known_is_not_guessed);
  tcase_add_test(cases, restore_heeds_it_and_nothing_else_does);
  return suite;
}

GST_CHECK_MAIN(compression)
