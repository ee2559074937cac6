// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Why work in progress shall end: a flush, or the way from PAUSED to READY. It ends while any cause of it lasts. Any thread.
#pragma once

#include <atomic>
#include <mutex>

namespace reddiff {

class AbortCauses {
 public:
  enum Cause : unsigned { flush = 1, stop = 2 };

  void set(Cause cause, bool on) {
    const std::lock_guard lock(mutex_);
    causes_ = on ? causes_ | cause : causes_ & ~static_cast<unsigned>(cause);
    flag_ = causes_ != 0;
  }
  void clear() {
    const std::lock_guard lock(mutex_);
    causes_ = 0;
    flag_ = false;
  }
  const std::atomic<bool>& flag() const { return flag_; }

 private:
  std::mutex mutex_;  // of the next line
  unsigned causes_ = 0;
  std::atomic<bool> flag_{false};
};

}  // namespace reddiff
