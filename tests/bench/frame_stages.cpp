// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/bench/frame_stages.h"

#include <cstdio>

#include "tests/bench/convolution_peak.h"
#include "tests/bench/subjects.h"

namespace reddiff::bench {
namespace {

struct FrameCase {
  TaskCase task;
  Temporal temporal;
  Layout layout;
  std::vector<OwnedFrame> video;
  OwnedFrame restored;
  std::unique_ptr<Engine> engine;
  std::vector<StageTimes> times;
  FrameReport last;

  std::string text() const { return std::string(nick(task.task)) + " " + nick(temporal) + " " + name(layout); }
};

std::vector<FrameCase> make_cases(const Options& options, const Size& size) {
  std::vector<FrameCase> cases;
  for (const TaskCase& task : task_cases())
    for (const Temporal temporal : {Temporal::none, Temporal::warm_start, Temporal::filter})
      for (const bool packed : {true, false}) {
        const Layout layout =
            packed ? (task.masked ? Layout::rgba : Layout::rgb) : (task.masked ? Layout::a420 : Layout::i420);
        cases.push_back({task,
                         temporal,
                         layout,
                         degraded_video(task, layout, size, options.frames()),
                         OwnedFrame(layout, size),
                         make_engine(config_of(task, temporal, options.prior, options.preset)),
                         {},
                         {}});
      }
  return cases;
}

void process(FrameCase& c, int index, Checks& checks) {
  c.last = c.engine->process(c.video[static_cast<std::size_t>(index)].view, c.restored.view, {});
  checks.expect(!c.last.not_finite, c.text() + ": the solver's result is not finite");
  if (index > 0) c.times.push_back(c.last.ms);
}

// Medians over the frames; what no other stage counts is the optimiser's and the rest.
struct Stages {
  double convert, flow, op, prior, rest;
  double total() const { return convert + flow + op + prior + rest; }
};

Stages medians(const std::vector<StageTimes>& times) {
  const auto over_frames = [&](auto figure) {
    std::vector<double> values;
    for (const StageTimes& t : times) values.push_back(figure(t));
    return median(values);
  };
  return {over_frames([](const StageTimes& t) { return t.convert; }),
          over_frames([](const StageTimes& t) { return t.flow; }),
          over_frames([](const StageTimes& t) { return t.op; }),
          over_frames([](const StageTimes& t) { return t.prior; }),
          over_frames([](const StageTimes& t) { return t.total - t.convert - t.flow - t.op - t.prior; })};
}

void check(const FrameCase& c, const Stages& stages, Checks& checks) {
  for (const double ms : {stages.convert, stages.flow, stages.op, stages.prior, stages.rest, c.last.ms.total})
    checks.finite(ms, c.text() + ": a stage");
  double sum = 0, total = 0;
  for (const StageTimes& t : c.times) {
    sum += t.convert + t.flow + t.op + t.prior + t.optimizer;
    total += t.total;
  }
  checks.expect(sum > 0.95 * total && sum < 1.01 * total,
                c.text() + ": the stages sum to " + std::to_string(sum / total) + " of the frame");
  checks.expect(stages.prior > 0 && c.last.prior_calls > 0, c.text() + ": the prior was not called");
  checks.expect(!c.last.cut, c.text() + ": a cut was seen in a scene that has none");
  const bool still = c.temporal == Temporal::none;
  checks.expect(c.last.cold == still, c.text() + (c.last.cold ? ": motion was not used" : ": motion was used"));
  checks.expect((stages.flow > 0) != still, c.text() + ": the flow took " + std::to_string(stages.flow) + " ms");
}

void print_row(const FrameCase& c, const Stages& s, double flops, double peak) {
  const double total = s.total(), gflops = flops * c.last.prior_calls / s.prior / 1e6;
  std::printf("%-16s %-10s %-4s", nick(c.task.task), nick(c.temporal), name(c.layout));
  for (const double ms : {s.convert, s.flow, s.op, s.prior, s.rest})
    std::printf(" %7.1f %3.0f%%", ms, 100 * ms / total);
  std::printf(" %8.1f %3.0f %% | %2d %5.0f %4.0f %%\n", total, 100 * (1 - s.prior / total), c.last.prior_calls, gflops,
              100 * gflops / peak);
}

}  // namespace

void measure_frames(const Options& options, Checks& checks) {
  const Size size = options.sizes.front();
  print_title("Whole frames, restored to " + text(size) + ", preset " + nick(options.preset) +
              ": ms and share of the frame");
  const OtherLoad load;
  ConvolutionPeak peak({size});
  auto cases = make_cases(options, size);
  for (int frame = 0; frame < options.frames(); ++frame) {
    peak.sample();
    for (FrameCase& c : cases) process(c, frame, checks);
  }
  const double flops = load_prior(options.prior)->flops(size.height, size.width);
  std::printf("%-16s %-10s %-4s %12s %12s %12s %12s %12s %8s %5s | %s\n", "", "", "", "convert", "flow", "operator",
              "prior", "optim.+rest", "frame", "not", "prior:");
  std::printf("%-16s %-10s %-4s %12s %12s %12s %12s %12s %8s %5s | %s\n", "task", "temporal", "", "", "", "", "", "",
              "ms", "prior", "calls, GFLOP/s, of the peak");
  for (const FrameCase& c : cases) {
    const Stages stages = medians(c.times);
    check(c, stages, checks);
    print_row(c, stages, flops, peak.gflops());
  }
  std::printf("peak in these minutes: %.0f GFLOP/s; %d frames each, the first left out; %s\n", peak.gflops(),
              options.frames(), load.text().c_str());
}

}  // namespace reddiff::bench
