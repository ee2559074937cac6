// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Whatever a callback throws becomes one message, also where there is no memory left to say it.
#include "gst-plugin/error_map.h"

#include <cstdlib>
#include <new>
#include <stdexcept>

#include "tests/check/failures.h"

// The plugin's, which plugin_init makes elsewhere.
GST_DEBUG_CATEGORY(gst_reddiff_debug);

static thread_local bool no_memory = false;

void* operator new(std::size_t size) {
  if (!no_memory)
    if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

using reddiff::Error;
using reddiff::ErrorCode;

struct Thrower {
  const char* name;
  void (*work)();
  int messages;
  const char* word;
};

static const Thrower throwers[] = {
    {"our own", [] { throw Error(ErrorCode::settings, "The steps must be at least 1 for this to work."); }, 1, "steps"},
    {"an abort", [] { throw Error(ErrorCode::aborted, "This was stopped by somebody, which is no error."); }, 0, ""},
    {"no memory", [] { throw std::bad_alloc(); }, 1, "memory"},
    {"another's", [] { throw std::runtime_error("a library of somebody else"); }, 1, "internal error"},
    {"no exception", [] { throw 3; }, 1, "unknown kind"},
};

GST_START_TEST(one_message_for_whatever_is_thrown) {
  GST_DEBUG_CATEGORY_INIT(gst_reddiff_debug, "reddiff", 0, "the plugin's");
  for (const bool lacking : {false, true})
    for (const Thrower& thrower : throwers) {
      g_autoptr(GstElement) element = gst_element_factory_make("identity", nullptr);
      g_autoptr(GstBus) bus = gst_bus_new();
      gst_element_set_bus(element, bus);
      const int result = reddiff::guarded(element, -1, -2, [&] {
        try {
          thrower.work();
        } catch (...) {
          no_memory = lacking;  // from here on, not even for the sentence
          throw;
        }
        return 0;
      });
      no_memory = false;
      const check::Errors errors = check::take_errors(bus);
      fail_unless_equals_int(errors.count, thrower.messages);
      fail_unless_equals_int(result, thrower.messages ? -1 : -2);
      const char* word = lacking && thrower.messages ? "memory" : thrower.word;
      fail_unless(errors.text.find(word) != std::string::npos, "%s: %s", thrower.name, errors.text.c_str());
      gst_element_set_bus(element, nullptr);
    }
}
GST_END_TEST

GST_START_TEST(work_that_returns_is_left_alone) {
  g_autoptr(GstElement) element = gst_element_factory_make("identity", nullptr);
  fail_unless_equals_int(reddiff::guarded(element, -1, -2, [] { return 7; }), 7);
  bool done = false;
  reddiff::guarded(element, [&] { done = true; });
  fail_unless(done);
  reddiff::guarded(element, [] { throw Error(ErrorCode::aborted, ""); });
}
GST_END_TEST

static Suite* error_map_suite() {
  Suite* suite = suite_create("error_map");
  TCase* cases = tcase_create("general");
  suite_add_tcase(suite, cases);
  tcase_add_test(cases, one_message_for_whatever_is_thrown);
  tcase_add_test(cases, work_that_returns_is_left_alone);
  return suite;
}

GST_CHECK_MAIN(error_map)
