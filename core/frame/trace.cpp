// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/frame/trace.h"

#include <c10/core/Event.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <algorithm>
#include <chrono>

namespace reddiff {
namespace {

using Now = std::chrono::steady_clock;

double milliseconds(Now::time_point from, Now::time_point to) {
  return std::chrono::duration<double, std::milli>(to - from).count();
}

double& of_stage(StageTimes& times, Trace::Stage stage) {
  switch (stage) {
    case Trace::Stage::convert:
      return times.convert;
    case Trace::Stage::motion:
      return times.flow;
    case Trace::Stage::op:
      return times.op;
    case Trace::Stage::prior:
      break;
  }
  return times.prior;
}

}  // namespace

// Spans as they began and ended, by the clock of the host or by events of the device.
class Trace::Clock {
 public:
  explicit Clock(c10::Device device) : device_(device), made_(Now::now()) {}

  std::size_t begin(Stage stage) {
    Entry entry{stage, {}, {}, {}, {}};
    mark(entry.begin, entry.first);
    entries_.push_back(std::move(entry));
    return entries_.size() - 1;
  }

  void end(std::size_t index) { mark(entries_[index].end, entries_[index].last); }

  StageTimes times() const {
    StageTimes times;
    for (const Entry& entry : entries_) {
      if (entry.last) entry.last->synchronize();
      of_stage(times, entry.stage) +=
          entry.last ? entry.first->elapsedTime(*entry.last) : milliseconds(entry.begin, entry.end);
    }
    times.total = milliseconds(made_, Now::now());
    times.optimizer = std::max(0.0, times.total - times.convert - times.flow - times.prior - times.op);
    return times;
  }

 private:
  struct Entry {
    Stage stage;
    Now::time_point begin, end;
    std::optional<c10::Event> first, last;
  };

  void mark(Now::time_point& time, std::optional<c10::Event>& event) const {
    if (device_.is_cpu()) {
      time = Now::now();
      return;
    }
    event.emplace(device_.type(), c10::EventFlag::BACKEND_DEFAULT);  // that flag is the one with timing
    event->record(c10::impl::VirtualGuardImpl(device_.type()).getStream(device_));
  }

  c10::Device device_;
  Now::time_point made_;
  std::vector<Entry> entries_;
};

Trace::Trace(c10::Device device) : clock_(std::make_unique<Clock>(device)) {}

Trace::~Trace() = default;

Trace::Span::Span(Trace& trace, Stage stage) : trace_(trace), index_(trace.clock_->begin(stage)) {}

Trace::Span::~Span() {
  try {
    trace_.clock_->end(index_);
  } catch (...) {  // a device that fails says so where its work is; a time that is missing hurts nobody
  }
}

void Trace::visited(const std::vector<double>& levels) {
  prior_calls_ += static_cast<int>(levels.size());
  const auto [lowest, highest] = std::minmax_element(levels.begin(), levels.end());
  lowest_ = *lowest;
  highest_ = *highest;
}

StageTimes Trace::times() { return clock_->times(); }

}  // namespace reddiff
