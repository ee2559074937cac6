// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Shows GLib's locks to ThreadSanitizer. GMutex is made of futexes inside a library that is not instrumented, so all that
// GST_OBJECT_LOCK guards would look unguarded. Linked into the tests of a build with -Db_sanitize=thread only; there it stands in
// front of GLib's own functions, which do the work. Before main it reads the plugins, in a process of its own.
#include <dlfcn.h>
#include <gst/gst.h>
#include <sanitizer/tsan_interface.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

#define SHOWN extern "C" __attribute__((visibility("default")))

namespace {

template <typename Function> Function* real(const char* name, Function*) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

// Some of the system's plugins start threads when they are read, and ThreadSanitizer ends a child of such a process as soon as
// it starts one itself: all of Check's tests. With a registry that is up to date none of them is read.
__attribute__((constructor)) void write_registry() {
  if (!getenv("GST_REGISTRY_1_0")) return;
  const pid_t child = fork();
  if (child == 0) {
    gst_init(nullptr, nullptr);
    _exit(0);
  }
  if (child > 0) waitpid(child, nullptr, 0);
}

}  // namespace

SHOWN void g_mutex_lock(GMutex* mutex) {
  static const auto lock = real("g_mutex_lock", &g_mutex_lock);
  lock(mutex);
  __tsan_acquire(mutex);
}

SHOWN gboolean g_mutex_trylock(GMutex* mutex) {
  static const auto trylock = real("g_mutex_trylock", &g_mutex_trylock);
  const gboolean locked = trylock(mutex);
  if (locked) __tsan_acquire(mutex);
  return locked;
}

SHOWN void g_mutex_unlock(GMutex* mutex) {
  static const auto unlock = real("g_mutex_unlock", &g_mutex_unlock);
  __tsan_release(mutex);
  unlock(mutex);
}

// Waiting gives the mutex away and takes it again.
SHOWN void g_cond_wait(GCond* cond, GMutex* mutex) {
  static const auto wait = real("g_cond_wait", &g_cond_wait);
  __tsan_release(mutex);
  wait(cond, mutex);
  __tsan_acquire(mutex);
}

SHOWN gboolean g_cond_wait_until(GCond* cond, GMutex* mutex, gint64 end) {
  static const auto wait = real("g_cond_wait_until", &g_cond_wait_until);
  __tsan_release(mutex);
  const gboolean signalled = wait(cond, mutex, end);
  __tsan_acquire(mutex);
  return signalled;
}
