// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Work that is queued once and from then on runs again as a whole, with other values in the same memory: on a GPU a CUDA graph
// (cuda_recorder.cpp), which the host starts with one call instead of one for every operation.
#pragma once

#include <c10/core/Device.h>

#include <cstdint>
#include <functional>
#include <memory>

namespace reddiff {

class Recording {
 public:
  virtual ~Recording() = default;
  // Queues all of the work where this thread queues its own.
  virtual void replay() = 0;
};

// Recordings of one recorder share the memory of what they compute on the way, so they run one after the other: every use of one lies
// between enter() and leave(), by one thread at a time.
class Recorder {
 public:
  virtual ~Recorder() = default;

  // `work` is called, but what it queues is only recorded: no value is computed, and none may be read. It must have run before in this
  // thread, so that what is made once has been made. Throws what `work` throws, and where the device refuses.
  virtual std::unique_ptr<Recording> record(const std::function<void()>& work) = 0;

  // What this thread queues from here on begins after what other threads have queued between these two.
  virtual void enter() = 0;
  virtual void leave() = 0;

  // Until the device has done all that lay between these two.
  virtual void wait() = 0;

  // Memory that recordings have taken since the last release().
  virtual std::int64_t bytes() const = 0;
  // Gives it back. No recording is left, and the device has been waited for.
  virtual void release() = 0;
};

// Of builds with REDDIFF_CUDA. device: a CUDA device.
std::unique_ptr<Recorder> make_cuda_recorder(c10::Device device);

}  // namespace reddiff
