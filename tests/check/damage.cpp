// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Frames that were damaged on the way to their decoder: who says so, and that the element then shows what was there before.
#include "gst-plugin/damage.h"
#include "gst-plugin/bitstream_meta.h"
#include "tests/check/check_util.h"

using reddiff::DamageWatch;
using reddiff::FrameDamage;
using reddiff::LossTracker;

GST_START_TEST(damage_lasts_until_the_next_key_frame) {
  LossTracker losses;
  const struct {
    bool is_key, lost;
    GstClockTime time;
    bool damaged;
  } frames[] = {{true, false, 0, false},  {false, false, 1, false},  {false, true, 4, true},
                {false, false, 2, true},  {false, false, 3, true},   {true, false, 7, false},
                {false, false, 5, true},  {false, false, 6, true},   {false, false, 9, false},
                {false, false, 8, false}, {true, true, 10, true},    {false, false, 11, true},
                {true, false, 12, false}, {false, false, 13, false}, {false, true, GST_CLOCK_TIME_NONE, true}};
  for (const auto& frame : frames)
    fail_unless_equals_int(losses.is_damaged(frame.is_key, frame.lost, frame.time), frame.damaged);
}
GST_END_TEST

static const std::string caps = check::caps_text("I420", 128, 96);

// Dark and light cells that stand in no order, moving two pixels a frame; grey where a decoder had nothing to predict from.
static GstBuffer* frame(int index, bool grey) {
  const GstVideoInfo info = check::info_of(caps);
  GstBuffer* buffer = check::picture(info, index, 0);
  GstVideoFrame f;
  fail_unless(gst_video_frame_map(&f, &info, buffer, GST_MAP_READWRITE));
  for (int c = 0; c < 3; ++c)
    for (int y = 0; y < GST_VIDEO_FRAME_COMP_HEIGHT(&f, c); ++y)
      for (int x = 0; x < GST_VIDEO_FRAME_COMP_WIDTH(&f, c); ++x) {
        const int cell = (x + 2 * index) / 11 + 31 * (y / 9);
        check::set_sample(f, c, x, y, c > 0 || grey ? 128 : 30 + static_cast<guint>(cell * cell * 37 % 5) * 48);
      }
  gst_video_frame_unmap(&f);
  return buffer;
}

static GstBuffer* with_meta(GstBuffer* buffer, char type, bool lost, bool damaged) {
  reddiff::register_bitstream_meta();
  reddiff::CodedFrame coded;
  coded.type = type;
  coded.width = 128;
  coded.height = 96;
  coded.lost = lost;
  coded.damaged = damaged;
  reddiff::add_bitstream_meta(buffer, reddiff::Codec::hevc, coded, 100);
  return buffer;
}

static GstBuffer* corrupted(GstBuffer* buffer) {
  GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_CORRUPTED);
  return buffer;
}

static FrameDamage seen_of(DamageWatch& watch, GstBuffer* buffer) {
  const auto seen = watch.of_frame(check::info_of(caps), buffer);
  gst_buffer_unref(buffer);
  return seen.damage;
}

GST_START_TEST(the_meta_says_it_or_the_flag) {
  DamageWatch raw, by_flag, by_meta;
  fail_unless(seen_of(raw, frame(0, false)) == FrameDamage::unwatched);
  fail_unless(seen_of(by_flag, frame(0, false)) == FrameDamage::unwatched);
  fail_unless(seen_of(by_flag, corrupted(frame(1, false))) == FrameDamage::lost);
  fail_unless(seen_of(by_flag, frame(2, false)) == FrameDamage::inherited);
  fail_unless(seen_of(by_meta, with_meta(frame(0, false), 'P', false, false)) == FrameDamage::none);
  // The frame that lost something may not be the first that shows it, and may never come.
  fail_unless(seen_of(by_meta, with_meta(frame(1, false), 'B', false, true)) == FrameDamage::lost);
  fail_unless(seen_of(by_meta, with_meta(frame(2, false), 'P', true, true)) == FrameDamage::lost);
  fail_unless(seen_of(by_meta, with_meta(frame(3, false), 'P', false, true)) == FrameDamage::inherited);
  fail_unless(seen_of(by_meta, with_meta(frame(4, false), 'I', false, false)) == FrameDamage::none);
}
GST_END_TEST

GST_START_TEST(missing_frames_are_counted_by_their_times) {
  DamageWatch watch;
  const struct { int index, steps; } frames[] = {{0, 1}, {1, 1}, {3, 2}, {4, 1}, {40, 4}, {2, 1}};
  for (const auto& f : frames) {
    GstBuffer* buffer = frame(f.index, false);
    fail_unless_equals_int(watch.of_frame(check::info_of(caps), buffer).steps, f.steps);
    gst_buffer_unref(buffer);
  }
}
GST_END_TEST

static double difference(const std::vector<guint8>& out, int index) {
  GstBuffer* buffer = frame(index, false);
  const auto wanted = check::bytes(buffer);
  gst_buffer_unref(buffer);
  fail_unless(out.size() == wanted.size());
  double sum = 0;
  for (gsize i = 0; i < 128 * 96; ++i) sum += std::abs(out[i] - wanted[i]);
  return sum / (128 * 96);
}

// Six whole frames, then three of which nothing came; the mean difference of each of those to what it was.
static std::vector<double> shown(const std::string& element, bool by_meta, guint64& concealed) {
  check::Harness harness(element);
  harness.caps(caps);
  std::vector<double> differences;
  for (int i = 0; i < 9; ++i) {
    const bool lost = i == 6, damaged = i >= 6;
    GstBuffer* buffer = frame(i, damaged);
    if (by_meta)
      buffer = with_meta(buffer, i == 0 ? 'I' : 'P', lost, damaged);
    else if (i == 3 || lost)  // the first flag says that it is worth keeping frames
      buffer = corrupted(buffer);
    const auto out = check::process(harness, buffer);
    if (damaged) differences.push_back(difference(out, i));
  }
  concealed = harness.stat("frames-concealed");
  fail_unless((harness.measured("concealed-share") > 0.3) == (concealed > 0));
  return differences;
}

GST_START_TEST(damaged_frames_show_what_was_there_before) {
  for (const bool by_meta : {true, false})
    for (const char* element : {"reddiff prior=dct noise=2 ", "reddiff prior=dct task=restore noise=0 "}) {
      guint64 concealed = 0, untouched = 0;
      const auto with = shown(element, by_meta, concealed);
      const auto without = shown(element + std::string("conceal=false"), by_meta, untouched);
      fail_unless_equals_uint64(concealed, 3);
      fail_unless_equals_uint64(untouched, 0);
      for (gsize i = 0; i < with.size(); ++i)
        fail_unless(with[i] < 0.6 * without[i], "%s: frame %zu: %f instead of %f", element, i, with[i], without[i]);
    }
}
GST_END_TEST

GST_START_TEST(without_a_past_nothing_is_concealed) {
  guint64 concealed = 0;
  shown("reddiff prior=dct noise=2 temporal=none ", true, concealed);
  fail_unless_equals_uint64(concealed, 0);
}
GST_END_TEST

GST_START_TEST(a_whole_stream_is_the_same_to_the_bit) {
  std::vector<std::vector<guint8>> watched;
  for (const char* set : {"conceal=true", "conceal=false"}) {
    check::Harness harness(std::string("reddiff prior=dct noise=2 ") + set);
    harness.caps(caps);
    for (int i = 0; i < 4; ++i) {
      auto out = check::process(harness, with_meta(frame(i, false), i == 0 ? 'I' : 'P', i == 2, i == 2));
      if (watched.size() < 4)
        watched.push_back(out);
      else
        fail_unless(watched[static_cast<gsize>(i)] == out, "frame %d", i);
    }
    fail_unless_equals_uint64(harness.stat("frames-concealed"), 0);
  }
}
GST_END_TEST

struct Loss {
  int frame;
  std::string flags;  // of each decoded frame: L lost, D damaged, - neither
};

static GstPadProbeReturn mark(GstPad*, GstPadProbeInfo* info, gpointer data) {
  auto* loss = static_cast<Loss*>(data);
  if (loss->frame-- != 0) return GST_PAD_PROBE_OK;
  GstBuffer* buffer = gst_buffer_make_writable(GST_PAD_PROBE_INFO_BUFFER(info));
  GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_DISCONT);
  GST_PAD_PROBE_INFO_DATA(info) = buffer;
  return GST_PAD_PROBE_OK;
}

static GstPadProbeReturn note(GstPad*, GstPadProbeInfo* info, gpointer data) {
  const auto loss = reddiff::read_loss(GST_PAD_PROBE_INFO_BUFFER(info));
  static_cast<Loss*>(data)->flags += !loss.known ? '?' : loss.lost ? 'L' : loss.damaged ? 'D' : '-';
  return GST_PAD_PROBE_OK;
}

static void probe(GstElement* pipeline, const char* name, const char* pad_name, GstPadProbeCallback call, Loss& loss) {
  g_autoptr(GstElement) element = gst_bin_get_by_name(GST_BIN(pipeline), name);
  g_autoptr(GstPad) pad = gst_element_get_static_pad(element, pad_name);
  gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER, call, &loss, nullptr);
}

// A frame that comes marked, as depayloaders mark what follows a lost packet, hands that down to the next key frame.
GST_START_TEST(reddiffbitstream_tells_what_was_lost) {
  const struct {
    int frame;
    const char* flags;
  } cases[] = {{-1, "------------"}, {0, "------------"}, {3, "---LDD------"}, {8, "--------LDDD"}};
  for (const auto& c : cases) {
    Loss loss{c.frame, ""};
    g_autoptr(GstElement) pipeline = gst_parse_launch(
        "videotestsrc num-buffers=12 pattern=ball ! video/x-raw,format=I420,width=64,height=48,framerate=25/1 ! "
        "x264enc "
        "tune=zerolatency bframes=0 key-int-max=6 option-string=scenecut=0 ! h264parse ! reddiffbitstream name=b ! "
        "avdec_h264 ! fakesink name=end",
        nullptr);
    fail_unless(pipeline != nullptr);
    probe(pipeline, "b", "sink", mark, loss);
    probe(pipeline, "end", "sink", note, loss);
    g_autoptr(GstBus) bus = gst_element_get_bus(pipeline);
    gst_element_set_state(pipeline, GST_STATE_PLAYING);
    g_autoptr(GstMessage) message = gst_bus_timed_pop_filtered(
        bus, GST_CLOCK_TIME_NONE, static_cast<GstMessageType>(GST_MESSAGE_EOS | GST_MESSAGE_ERROR));
    fail_unless(GST_MESSAGE_TYPE(message) == GST_MESSAGE_EOS);
    gst_element_set_state(pipeline, GST_STATE_NULL);
    fail_unless_equals_string(loss.flags.c_str(), c.flags);
  }
}
GST_END_TEST

static Suite* damage_suite() {
  Suite* suite = suite_create("damage");
  TCase* cases = tcase_create("all");
  suite_add_tcase(suite, cases);
  tcase_add_test(cases, damage_lasts_until_the_next_key_frame);
  tcase_add_test(cases, the_meta_says_it_or_the_flag);
  tcase_add_test(cases, missing_frames_are_counted_by_their_times);
  tcase_add_test(cases, damaged_frames_show_what_was_there_before);
  tcase_add_test(cases, without_a_past_nothing_is_concealed);
  tcase_add_test(cases, a_whole_stream_is_the_same_to_the_bit);
  tcase_add_test(cases, reddiffbitstream_tells_what_was_lost);
  return suite;
}

GST_CHECK_MAIN(damage)
