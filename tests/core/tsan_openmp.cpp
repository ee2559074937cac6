// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Shows OpenMP's threads to ThreadSanitizer. libgomp starts and joins its team with futexes and is not instrumented, so what one
// thread did before a parallel region or in it would look unordered with what others do in it or after it. Linked into the tests
// of a build with -Db_sanitize=thread only; there it stands in front of libgomp's own function, which does the work.
#include <dlfcn.h>
#include <sanitizer/tsan_interface.h>

namespace {

using Body = void (*)(void*);

struct Region {
  Body body;
  void* data;
  char begun = 0, ended = 0;  // only their addresses count
};

void run(void* region_of_team) {
  auto* const region = static_cast<Region*>(region_of_team);
  __tsan_acquire(&region->begun);
  region->body(region->data);
  __tsan_release(&region->ended);
}

}  // namespace

// What gcc makes of `#pragma omp parallel`.
extern "C" __attribute__((visibility("default"))) void GOMP_parallel(Body body, void* data, unsigned threads,
                                                                     unsigned flags) {
  static const auto parallel =
      reinterpret_cast<void (*)(Body, void*, unsigned, unsigned)>(dlsym(RTLD_NEXT, "GOMP_parallel"));
  Region region{.body = body, .data = data};
  __tsan_release(&region.begun);
  parallel(run, &region, threads, flags);
  __tsan_acquire(&region.ended);
}
