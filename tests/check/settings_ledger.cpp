// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Which settings are in force: the pure part, without an element, a Restorer or a lock.
#include "gst-plugin/settings_ledger.h"

#include "tests/check/check_util.h"

using reddiff::Effect;
using reddiff::InForce;
using reddiff::SettingsLedger;

// Video of 64x48 that is enlarged by `scale`.
struct Video {
  explicit Video(int scale = 1, const char* format = "I420")
      : in(check::info_of(check::caps_text(format, 64, 48))),
        out(check::info_of(check::caps_text(format, 64 * scale, 48 * scale))) {}
  GstVideoInfo in, out;
};

static InForce next(SettingsLedger& ledger, const Video& video) { return ledger.next(video.in, video.out); }

// As one g_object_set of an operator.
static SettingsLedger::Renegotiation set_operator(SettingsLedger& ledger, const char* text) {
  ledger.edit().operator_text = text;
  ledger.edited(Effect::rebuild);
  return ledger.settle();
}

// A ledger between start() and stop().
static void start(SettingsLedger& ledger) {
  const InForce force = ledger.start();
  fail_unless(force.remake);
  ledger.made(force);
}

GST_START_TEST(a_frame_gets_what_was_made) {
  SettingsLedger ledger;
  set_operator(ledger, "bicubic:factor=2");
  start(ledger);
  const InForce force = next(ledger, Video(2));
  fail_unless(!force.remake && force.fits && !force.failed && !force.lacks_alpha);
  fail_unless_equals_string(force.config.operator_text.c_str(), "bicubic:factor=2");
  fail_unless_equals_int(force.demands.scale, 2);
  fail_unless(!next(ledger, Video(1)).fits);
}
GST_END_TEST

GST_START_TEST(what_is_set_is_in_force_once_it_is_settled) {
  SettingsLedger ledger;
  start(ledger);
  ledger.edit().steps = 7;
  ledger.edited(Effect::rebuild);
  ledger.edit().noise = 30;
  ledger.edited(Effect::frame);
  fail_unless_equals_int(ledger.set().steps, 7);  // it reads back at once
  const InForce before = next(ledger, Video());
  fail_unless(!before.remake && before.frame.noise == -1);
  ledger.settle();
  const InForce after = next(ledger, Video());
  fail_unless(after.remake && after.config.steps == 7 && after.frame.noise == 30);
  fail_unless(next(ledger, Video()).remake);  // until one is made
  ledger.made(after);
  fail_if(next(ledger, Video()).remake);
}
GST_END_TEST

// Notifications may be frozen when an element is started.
GST_START_TEST(a_start_settles) {
  SettingsLedger ledger;
  ledger.edit().operator_text = "bicubic:factor=3";
  ledger.edited(Effect::rebuild);
  const InForce force = ledger.start();
  fail_unless_equals_int(force.demands.scale, 3);
  fail_unless_equals_int(ledger.asked().scale, 3);
  ledger.made(force);
  ledger.settle();  // the notifications come later
  fail_if(next(ledger, Video(3)).remake);
}
GST_END_TEST

GST_START_TEST(options_of_a_frame_need_no_other_restorer) {
  SettingsLedger ledger;
  start(ledger);
  const guint64 version = next(ledger, Video()).version;
  ledger.edit().strength = 0.5;
  ledger.edit().chroma_strength = 0.25;
  ledger.edit().noise_max = 40;
  ledger.edit().compare = reddiff::Compare::split;
  ledger.edit().compare_position = 0.75;
  ledger.edit().grain = 0.5;
  ledger.edit().overlay = 5;
  ledger.edit().max_gap = 7;
  ledger.edit().post_messages = true;
  ledger.edited(Effect::frame);
  const auto again = ledger.settle();
  fail_if(again.src || again.sink);
  const InForce force = next(ledger, Video());
  fail_unless(!force.remake && force.version == version);
  fail_unless(force.frame.chroma_strength == 0.25 && force.frame.noise_max == 40);
  fail_unless_equals_float(force.frame.compared, 0.75);
  fail_unless(force.frame.grain == 0.5 && force.frame.overlay == 5);
  fail_unless(force.frame.strength == 0.5 && force.frame.max_gap == 7 && force.frame.post_messages);
}
GST_END_TEST

GST_START_TEST(what_was_set_already_changes_nothing) {
  SettingsLedger ledger;
  set_operator(ledger, "gaussian-blur:sigma=1");
  start(ledger);
  set_operator(ledger, "gaussian-blur:sigma=1");
  fail_if(next(ledger, Video()).remake);
  // There and back again between two frames.
  set_operator(ledger, "gaussian-blur:sigma=2");
  set_operator(ledger, "gaussian-blur:sigma=1");
  fail_if(next(ledger, Video()).remake);
}
GST_END_TEST

GST_START_TEST(what_waits_for_a_start) {
  SettingsLedger ledger;
  start(ledger);
  ledger.edit().prior = "dct";
  ledger.edited(Effect::start);
  ledger.edit().steps = 3;
  ledger.edited(Effect::rebuild);
  ledger.settle();
  const InForce force = next(ledger, Video());
  fail_unless(force.remake);
  fail_unless(force.config.prior == reddiff::Config{}.prior);
  ledger.stop();
  const InForce restarted = ledger.start();
  fail_unless_equals_string(restarted.config.prior.c_str(), "dct");
}
GST_END_TEST

// The frames until then are served by the settings before.
GST_START_TEST(another_size_waits_for_its_negotiation) {
  SettingsLedger ledger;
  start(ledger);
  const auto again = set_operator(ledger, "bicubic:factor=2");
  fail_unless(again.src && again.sink);
  fail_unless_equals_int(ledger.asked().scale, 2);
  const InForce before = next(ledger, Video(1));
  fail_unless(!before.remake && before.fits && before.demands.scale == 1);
  const InForce after = next(ledger, Video(2));
  fail_unless(after.remake && after.fits && after.demands.scale == 2);
}
GST_END_TEST

// One change before a negotiation and one after: neither the one nor the other fits.
GST_START_TEST(between_two_sizes_no_settings_fit) {
  SettingsLedger ledger;
  start(ledger);
  set_operator(ledger, "bicubic:factor=2");
  set_operator(ledger, "bicubic:factor=3");
  const InForce force = next(ledger, Video(2));
  fail_unless(!force.remake && !force.fits);
}
GST_END_TEST

GST_START_TEST(settings_without_a_meaning_do_not_negotiate) {
  SettingsLedger ledger;
  set_operator(ledger, "bicubic:factor=2");
  start(ledger);
  const auto again = set_operator(ledger, "nonsense");
  fail_if(again.src || again.sink);
  fail_unless_equals_int(ledger.asked().scale, 2);
  fail_unless(next(ledger, Video(2)).remake);  // whoever tries finds out what is wrong
}
GST_END_TEST

GST_START_TEST(refused_settings_leave_the_ones_before) {
  SettingsLedger ledger;
  start(ledger);
  const Video enlarged(2), same(1);
  set_operator(ledger, "bicubic:factor=2");
  const InForce tried = next(ledger, enlarged);
  const InForce instead = ledger.refuse(tried, enlarged.in, enlarged.out);
  fail_unless(!instead.remake && !instead.fits && instead.config.operator_text.empty());
  fail_unless_equals_int(ledger.asked().scale, 1);
  for (int i = 0; i < 2; ++i) {
    const InForce force = next(ledger, same);
    fail_unless(!force.remake && force.fits, "they are not tried again");
  }
  // Others are, and the next start tries all.
  set_operator(ledger, "bicubic:factor=3");
  fail_unless(next(ledger, Video(3)).remake);
  set_operator(ledger, "bicubic:factor=2");
  ledger.refuse(next(ledger, enlarged), enlarged.in, enlarged.out);
  ledger.stop();
  const InForce started = ledger.start();
  fail_unless(started.remake && started.demands.scale == 2);
  fail_unless_equals_int(ledger.asked().scale, 2);
}
GST_END_TEST

// Set while the Restorer of the ones before was tried.
GST_START_TEST(a_refusal_does_not_undo_what_came_after) {
  SettingsLedger ledger;
  start(ledger);
  set_operator(ledger, "gaussian-blur:sigma=1");
  const Video video;
  const InForce tried = next(ledger, video);
  set_operator(ledger, "bicubic:factor=2");
  ledger.refuse(tried, video.in, video.out);
  fail_unless_equals_int(ledger.asked().scale, 2);
  fail_unless(next(ledger, Video(2)).remake);
}
GST_END_TEST

GST_START_TEST(settings_set_while_others_are_made_come_next) {
  SettingsLedger ledger;
  start(ledger);
  set_operator(ledger, "gaussian-blur:sigma=1");
  const InForce one = next(ledger, Video());
  set_operator(ledger, "gaussian-blur:sigma=2");
  ledger.made(one);
  const InForce other = next(ledger, Video());
  fail_unless(other.remake);
  fail_unless_equals_string(other.config.operator_text.c_str(), "gaussian-blur:sigma=2");
}
GST_END_TEST

// What failed is what the frame was served by, whatever was set meanwhile.
GST_START_TEST(a_failure_belongs_to_its_settings) {
  SettingsLedger ledger;
  start(ledger);
  const InForce force = next(ledger, Video());
  set_operator(ledger, "gaussian-blur:sigma=1");
  ledger.on_failure(force);
  fail_if(next(ledger, Video()).failed);
  ledger.on_failure(next(ledger, Video()));
  fail_unless(next(ledger, Video()).failed);
  ledger.forgive();
  fail_if(next(ledger, Video()).failed);
}
GST_END_TEST

GST_START_TEST(the_automatic_preset_follows_the_source) {
  for (const bool automatic : {true, false}) {
    SettingsLedger ledger;
    ledger.edit().preset = automatic ? reddiff::Preset::automatic : reddiff::Preset::quality;
    ledger.edited(Effect::rebuild);
    start(ledger);
    ledger.set_live(true);
    const InForce force = next(ledger, Video());
    fail_unless(force.live && force.remake == automatic);
    ledger.made(force);
    ledger.set_live(true);
    fail_if(next(ledger, Video()).remake);
    ledger.stop();
    fail_if(ledger.start().live);
  }
}
GST_END_TEST

GST_START_TEST(a_mask_in_alpha_waits_for_video_with_alpha) {
  SettingsLedger ledger;
  start(ledger);
  ledger.edit().task = reddiff::Task::inpaint;
  ledger.edited(Effect::rebuild);
  const auto again = ledger.settle();
  fail_unless(!again.src && again.sink && ledger.asked().alpha_is_mask && !ledger.masks_by_alpha());
  const InForce before = next(ledger, Video());
  fail_unless(before.lacks_alpha && before.fits && !before.remake && !before.demands.masked);
  ledger.told_of_alpha(before);
  fail_if(next(ledger, Video()).lacks_alpha);  // once is enough
  const InForce after = next(ledger, Video(1, "RGBA"));
  fail_unless(after.remake && !after.lacks_alpha && after.demands.masked);
  fail_unless(before.demands.denoises && !after.demands.denoises);
  ledger.made(after);
  fail_unless(ledger.masks_by_alpha());
  ledger.stop();
  fail_if(ledger.masks_by_alpha());
}
GST_END_TEST

GST_START_TEST(a_tilde_is_the_home_of_the_user) {
  const std::string home = g_get_home_dir();
  for (const auto& [text, path] : {std::pair<std::string, std::string>{"~/mask.png", home + "/mask.png"},
                                   {"~", home},
                                   {"~other/x", "~other/x"},
                                   {"/tmp/~", "/tmp/~"},
                                   {"", ""}}) {
    SettingsLedger ledger;
    ledger.edit().prior = ledger.edit().mask_location = text;
    ledger.edited(Effect::rebuild);
    const InForce force = ledger.start();
    fail_unless(force.config.prior == path && force.config.mask_location == path, "%s", text.c_str());
    fail_unless(ledger.set().prior == text, "what was set is what is read");
  }
}
GST_END_TEST

static Suite* settings_ledger_suite() {
  Suite* suite = suite_create("settings_ledger");
  TCase* cases = tcase_create("general");
  suite_add_tcase(suite, cases);
  tcase_add_test(cases, a_frame_gets_what_was_made);
  tcase_add_test(cases, what_is_set_is_in_force_once_it_is_settled);
  tcase_add_test(cases, a_start_settles);
  tcase_add_test(cases, options_of_a_frame_need_no_other_restorer);
  tcase_add_test(cases, what_was_set_already_changes_nothing);
  tcase_add_test(cases, what_waits_for_a_start);
  tcase_add_test(cases, another_size_waits_for_its_negotiation);
  tcase_add_test(cases, between_two_sizes_no_settings_fit);
  tcase_add_test(cases, settings_without_a_meaning_do_not_negotiate);
  tcase_add_test(cases, refused_settings_leave_the_ones_before);
  tcase_add_test(cases, a_refusal_does_not_undo_what_came_after);
  tcase_add_test(cases, settings_set_while_others_are_made_come_next);
  tcase_add_test(cases, a_failure_belongs_to_its_settings);
  tcase_add_test(cases, the_automatic_preset_follows_the_source);
  tcase_add_test(cases, a_mask_in_alpha_waits_for_video_with_alpha);
  tcase_add_test(cases, a_tilde_is_the_home_of_the_user);
  return suite;
}

GST_CHECK_MAIN(settings_ledger)
