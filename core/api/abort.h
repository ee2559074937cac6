// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Ends the work for a frame that nobody waits for any more. Whoever starts the work says which flag to look at; what may take long
// (a tile, a layer of a network, a step of an iteration) asks before it begins. The flag rides on the thread, as LibTorch's own
// guards do: priors are shared between elements and operators know nothing of frames, so neither can hold it. Work handed to other
// threads does not ask; who waits for it does.
#pragma once

#include <atomic>

namespace reddiff {

class AbortScope {
 public:
  // `flag` may be null: then nothing ends this work. It must outlive the scope and may be set from any thread.
  explicit AbortScope(const std::atomic<bool>* flag);
  ~AbortScope();
  AbortScope(const AbortScope&) = delete;
  AbortScope& operator=(const AbortScope&) = delete;

 private:
  const std::atomic<bool>* outer_;
};

// Throws Error{aborted} once the flag of the innermost scope of this thread is set.
void throw_if_aborted();

// For tests: while it lives it counts how often its thread asks, in whichever scope, and sets `flag` at the n-th time (from 1; 0 =
// never), just before that ask looks at its own scope's flag. So every place where work may end is met, and no clock is needed.
class AbortAtAsk {
 public:
  AbortAtAsk(std::atomic<bool>& flag, int n);
  ~AbortAtAsk();
  AbortAtAsk(const AbortAtAsk&) = delete;
  AbortAtAsk& operator=(const AbortAtAsk&) = delete;
  int asks() const { return asks_; }

 private:
  friend void throw_if_aborted();
  std::atomic<bool>& flag_;
  int n_, asks_ = 0;
  AbortAtAsk* outer_;
};

}  // namespace reddiff
