// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What a frame may cost, so that a picture that has to be shown in time is: fewer calls of the prior first, then none (the frame is
// plainly resampled), and only when even that is late no frame. It acts on QoS events alone, never on a slow frame as such: a
// pipeline without a clock to keep has all the time it wants. Pure; the element's object lock guards it.
#pragma once

#include <gst/gst.h>

#include <array>
#include <cstddef>

namespace reddiff {

enum class QosPolicy { degrade, drop, none };

struct Allowance {
  int calls = -1;  // of the prior, at most; 0: resample plainly; -1: as many as the settings say
  bool drop = false;
  bool operator==(const Allowance&) const = default;
};

// The median of the last five values: one slow frame (the first of a size, a busy machine) says nothing about the next.
class Recent {
 public:
  void clear() { count_ = 0; }
  void add(double value) { values_[count_++ % values_.size()] = value; }
  bool empty() const { return count_ == 0; }
  double median() const;  // the lower one of two

 private:
  std::array<double, 5> values_{};
  std::size_t count_ = 0;
};

class Pace {
 public:
  void reset() { *this = Pace(); }

  // The clock jumped (flush, segment): what was late says nothing about what comes.
  void forget_lateness() { earliest_ = GST_CLOCK_TIME_NONE; }

  // From a QoS event: a frame of running time `timestamp` came `diff` too late (below 0: too early).
  void on_qos(double proportion, GstClockTimeDiff diff, GstClockTime timestamp);

  // For the next frame. `duration` may be unknown (GST_CLOCK_TIME_NONE).
  Allowance allow(GstClockTime running_time, GstClockTime duration);

  // What the frame took: calls of the prior, milliseconds of them and of everything. The first one makes what later ones find made: it
  // is left out.
  void on_frame(int calls, double call_ms, double total_ms);

  // True once, when no call has been affordable for a second of the stream.
  bool take_warning();

  double proportion() const { return proportion_; }
  // 1000000 for a frame that gets all it wants, 0 for one that is plainly resampled.
  int quality() const;
  GstClockTimeDiff lateness() const { return lateness_; }

 private:
  int current() const { return limit_ < 0 ? full_ : limit_; }
  int affordable(double share, GstClockTime duration) const;
  void limit_to(int calls);
  void lower(GstClockTime duration);
  void raise(GstClockTime duration);
  void try_one_call();
  void judge_trial(GstClockTime duration);
  void watch(GstClockTime running_time);

  GstClockTime earliest_ = GST_CLOCK_TIME_NONE;  // frames up to this running time are expected to come too late
  GstClockTime behind_ = 0;                      // and up to this one they would if they took no time
  GstClockTimeDiff lateness_ = 0;
  double proportion_ = 1;
  int limit_ = -1;
  int full_ = 0;  // calls of a frame without a limit; 0: none was seen yet
  bool first_ = true;
  Recent call_ms_, other_ms_;
  int since_change_ = 0;  // frames in time, or late, since the limit was changed
  bool was_late_ = false;
  // Where nothing shows what calls take one frame tries a single one: after the first frame, and now and then while none is made.
  bool trial_ = false;
  int patience_ = 1;  // doubled by each trial that was too dear
  GstClockTime off_since_ = GST_CLOCK_TIME_NONE;
  bool off_ = false, warned_ = false;  // off for a second, and that was told
};

}  // namespace reddiff
