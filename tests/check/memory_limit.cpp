// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What happens when memory runs out, from hardly any to enough, in child processes with a limit: the frame comes out, perhaps by
// smaller tiles, or there is one message that says what to do. No limit may end in a crash.
#include <malloc.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <map>

#include "tests/check/failures.h"

namespace {

enum Outcome { restored = 10, halved, refused };

constexpr int side = 512;

rlim_t bytes_in_use() {
  std::ifstream statm("/proc/self/statm");
  rlim_t pages = 0;
  statm >> pages;
  return pages * static_cast<rlim_t>(sysconf(_SC_PAGESIZE));
}

// In the child. oneDNN generates code for each size it meets and does not survive a lack of room for it, so both sizes have been
// before the limit is set: what is measured is a frame.
int one_frame(const char* prior, rlim_t megabytes) {
  check::Harness harness(std::string("reddiff device=cpu steps=1 noise=10 temporal=none prior=") + prior);
  const std::string large = check::caps_text("RGB", side, side);
  for (const std::string& caps : {check::caps_text("RGB", side / 2, side / 2), large}) {
    harness.caps(caps);
    check::stream(harness, caps, 1);
  }
  malloc_trim(0);
  GstBuffer* buffer = check::picture(check::info_of(large), 1, 0);
  const rlim_t limit = bytes_in_use() + (megabytes << 20);
  const rlimit address_space{limit, limit};
  fail_unless_equals_int(setrlimit(RLIMIT_AS, &address_space), 0);
  const GstFlowReturn flow = gst_harness_push(harness.h, buffer);
  const check::Errors errors = check::take_errors(harness.bus());
  if (flow == GST_FLOW_OK && errors.count == 0) return harness.stat("tiles-halved") ? halved : restored;
  std::printf("%3d MB: %s (%s)\n", static_cast<int>(megabytes), errors.text.c_str(), errors.debug.c_str());
  check::expect_error(errors, "out of memory", GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NO_SPACE_LEFT);
  fail_unless(errors.text.find("tile-size") != std::string::npos, "%s", errors.text.c_str());
  return refused;
}

int outcome(const char* prior, rlim_t megabytes) {
  std::fflush(nullptr);
  const pid_t child = fork();
  fail_unless(child >= 0);
  if (child == 0) {
    g_log_set_always_fatal(G_LOG_LEVEL_ERROR);
    const int result = one_frame(prior, megabytes);
    std::fflush(nullptr);
    _exit(result);
  }
  int status = 0;
  fail_unless_equals_int(waitpid(child, &status, 0), child);
  fail_unless(WIFEXITED(status), "%d MB: ended by signal %d", static_cast<int>(megabytes), WTERMSIG(status));
  const int result = WEXITSTATUS(status);
  fail_unless(result == restored || result == halved || result == refused, "%d MB: exit status %d",
              static_cast<int>(megabytes), result);
  return result;
}

}  // namespace

// How much a frame takes depends on what malloc has kept: both priors together show all three outcomes.
GST_START_TEST(from_hardly_any_memory_to_enough) {
  std::map<int, int> count;
  for (const char* prior : {"dct", "default"})
    for (const int megabytes : {1, 4, 8, 12, 16, 20, 24, 28, 40, 64, 1024}) {
      const int result = outcome(prior, static_cast<rlim_t>(megabytes));
      std::printf("%s, %4d MB: %s\n", prior, megabytes,
                  result == restored ? "restored"
                  : result == halved ? "halved"
                                     : "refused");
      ++count[result];
    }
  fail_unless(count[restored] > 0 && count[halved] > 0 && count[refused] > 0, "%d restored, %d halved, %d refused",
              count[restored], count[halved], count[refused]);
}
GST_END_TEST

static Suite* memory_limit_suite() {
  Suite* suite = suite_create("memory_limit");
  TCase* cases = tcase_create("general");
  suite_add_tcase(suite, cases);
  tcase_add_test(cases, from_hardly_any_memory_to_enough);
  return suite;
}

GST_CHECK_MAIN(memory_limit)
