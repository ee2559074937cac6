// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A child that is forked after its parent has begun to restore: the threads it would wait for are not there. It must say so.
#include <sys/wait.h>
#include <unistd.h>

#include "tests/check/failures.h"

using check::Harness;

static const std::string caps = check::caps_text("RGB", 64, 48);

// In the child: neither the parent's element nor one of its own works, and both say why.
static bool both_say_spawn(Harness& harness) {
  const GstVideoInfo info = check::info_of(caps);
  g_autoptr(GstBus) bus = gst_bus_new();  // the parent waits at the other one
  gst_element_set_bus(harness.element(), bus);
  if (gst_harness_push(harness.h, check::picture(info, 9, 9)) != GST_FLOW_ERROR) return false;
  const check::Errors frame = check::take_errors(bus);
  const check::Errors start = check::start_and_stop("reddiff prior=dct");
  const check::Errors degrade = check::start_and_stop("reddiffdegrade");
  for (const check::Errors* errors : {&frame, &start, &degrade})
    if (errors->count != 1 || errors->text.find("'spawn'") == std::string::npos) return false;
  return true;
}

GST_START_TEST(a_forked_child_says_that_it_cannot_restore) {
  g_setenv("OMP_NUM_THREADS", "2", TRUE);  // read when the first element starts
  Harness harness(check::fast);
  harness.caps(caps);
  check::stream(harness, caps, 2);
  const pid_t child = fork();
  fail_unless(child >= 0);
  if (child == 0) {
    alarm(120);  // a child that hangs is killed, and that is a failure too
    _exit(both_say_spawn(harness) ? 0 : 1);
  }
  int status = 0;
  fail_unless_equals_int(waitpid(child, &status, 0), child);
  fail_unless(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the child ended with status %x", status);
  check::stream(harness, caps, 2, 2);  // the parent goes on
  fail_unless_equals_int(check::take_errors(harness.bus()).count, 0);
}
GST_END_TEST

// Whoever forks first and restores then is not concerned.
GST_START_TEST(a_child_forked_before_restores) {
  const pid_t child = fork();
  fail_unless(child >= 0);
  if (child == 0) {
    alarm(120);
    Harness harness(check::fast);
    harness.caps(caps);
    check::stream(harness, caps, 1);
    _exit(check::take_errors(harness.bus()).count);
  }
  int status = 0;
  fail_unless_equals_int(waitpid(child, &status, 0), child);
  fail_unless(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the child ended with status %x", status);
}
GST_END_TEST

static Suite* fork_suite() {
  Suite* suite = suite_create("fork");
  TCase* cases = tcase_create("general");
  suite_add_tcase(suite, cases);
  tcase_add_test(cases, a_forked_child_says_that_it_cannot_restore);
  tcase_add_test(cases, a_child_forked_before_restores);
  return suite;
}

GST_CHECK_MAIN(fork)
