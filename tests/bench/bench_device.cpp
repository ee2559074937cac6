// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Whole frames on one device: how long they take, what of it is the prior, how much memory it needs. For a GPU, where the stage
// times of bench_stages mean nothing: calls only queue work there. A frame ends with the copy of its bytes to the host, a part with
// the copy of one value, so both wait for the device.
#include <ATen/ATen.h>
#include <c10/core/CachingDeviceAllocator.h>

#include <algorithm>
#include <cstdio>

#include "core/device.h"
#include "core/frame/convert.h"
#include "core/frame/noise_estimate.h"
#include "core/priors/tiled.h"
#include "core/temporal/flow.h"
#include "core/temporal/warp.h"
#include "tests/bench/scene.h"
#include "tests/bench/subjects.h"

namespace reddiff::bench {
namespace {

constexpr const char* usage =
    "usage: bench_device [--device=DEVICE] [--precision=NAME] [--quick]\n"
    "  --device      auto (default), cpu or cuda:N\n"
    "  --precision   auto (default), float32, bfloat16 or float16\n"
    "  --quick       one small size, few frames: shows that everything runs, says nothing of speed\n"
    "REDDIFF_MODEL_PATH names the folder of the models.\n";

struct DeviceOptions {
  std::string device = "auto";
  Precision precision = Precision::automatic;
  bool quick = false;

  std::vector<Size> sizes() const {
    return quick ? std::vector<Size>{{96, 64}} : std::vector<Size>{{480, 256}, {1280, 720}, {1920, 1080}};
  }
  int warm_ups() const { return quick ? 1 : 5; }
  int frames() const { return quick ? 2 : 20; }
};

// MB (10^6 bytes): what LibTorch had allocated on the GPU at most since the last reset; on the CPU that of the process so far.
class PeakMemory {
 public:
  explicit PeakMemory(at::Device device) : device_(device) {
    if (device_.is_cuda()) c10::getDeviceAllocator(device_.type())->resetPeakStats(device_.index());
  }
  double megabytes() const {
    if (!device_.is_cuda()) return peak_memory();
    const auto stats = c10::getDeviceAllocator(device_.type())->getDeviceStats(device_.index());
    return 1e-6 * static_cast<double>(stats.allocated_bytes.front().peak);
  }

 private:
  at::Device device_;
};

at::Tensor scene_frame(const Size& size, at::Device device) { return MovingScene(size, 1).frame(0).to(device); }

// Of work that returns a tensor, waited for.
template <class Work> double part_ms(const DeviceOptions& options, const Work& work) {
  const auto call = [&] { work().flatten()[0].template item<float>(); };
  for (int i = 0; i < options.warm_ups(); ++i) call();
  std::vector<double> ms;
  for (int i = 0; i < options.frames(); ++i) ms.push_back(milliseconds_of(call));
  return median(ms);
}

double prior_ms(const Denoiser& prior, const Size& size, bool per_pixel, const DeviceOptions& options) {
  const c10::InferenceMode no_gradients;
  const auto u = scene_frame(size, prior.device());
  const auto level = at::full({1, 1, 1, 1}, 0.2, u.options());
  const auto sigma = per_pixel ? level.expand({1, 1, size.height, size.width}).contiguous() : level;
  return part_ms(options, [&] { return prior.denoise(u, sigma); });
}

// A call of the prior, queued operation by operation and as elements call it: on a GPU in a CUDA graph.
void print_calls(const Size& size, at::Device device, const DeviceOptions& options) {
  const auto plain = load_plain_network("default", device, options.precision);
  const auto used = load_prior("default", device, options.precision);
  for (const bool per_pixel : {false, true}) {
    const double one = prior_ms(*plain, size, per_pixel, options), other = prior_ms(*used, size, per_pixel, options);
    std::printf("%-10s prior, %-20s %9.2f ms, as elements call it %.2f ms\n", text(size).c_str(),
                per_pixel ? "a level per pixel" : "one level", one, other);
  }
}

// What a frame is made of beside the prior.
void print_parts(const Size& size, at::Device device, const DeviceOptions& options) {
  const c10::InferenceMode no_gradients;
  const MovingScene video(size, 2);
  const auto before = video.frame(0).to(device), now = video.frame(1).to(device);
  const auto dis = make_dis_flow(), patches = make_patch_flow();
  const auto motion = dis->estimate(now, before);
  OwnedFrame frame(Layout::i420, size);
  const auto print = [&](const char* part, double ms) {
    std::printf("%-10s %-27s %9.2f ms\n", text(size).c_str(), part, ms);
    std::fflush(stdout);
  };
  print("frame to picture, I420", part_ms(options, [&] { return read_picture(frame.view, device); }));
  print("picture to frame, I420", part_ms(options, [&] {
          write_picture(now, {}, frame.view);
          return now;
        }));
  print("motion (DIS, on the CPU)", part_ms(options, [&] { return dis->estimate(now, before); }));
  print("motion (patch search)", part_ms(options, [&] { return patches->estimate(now, before); }));
  print("warp, bicubic", part_ms(options, [&] { return warp(before, motion, WarpFilter::bicubic); }));
  print("trusted motion", part_ms(options, [&] { return trusted_motion(motion, motion); }));
  print("noise estimate", part_ms(options, [&] { return at::full({1}, estimate_noise(now).white()); }));
}

struct FrameFigures {
  double ms, megabytes;
  int calls;
  StageTimes stages;  // of the last frame
};

// The camera goes to the end of the video and back: motion is small at every frame.
FrameFigures frame_figures(Engine& engine, const std::vector<OwnedFrame>& video, OwnedFrame& out, double noise,
                           at::Device device, const DeviceOptions& options, Checks& checks) {
  const PeakMemory memory(device);
  const int last = static_cast<int>(video.size()) - 1;
  std::vector<double> ms;
  FrameReport report;
  FrameOptions of_frame;
  of_frame.noise = noise;
  for (int i = 0; i < options.warm_ups() + options.frames(); ++i) {
    const int place = i % (2 * last);
    const auto& in = video[static_cast<std::size_t>(place <= last ? place : 2 * last - place)];
    const double taken = milliseconds_of([&] { report = engine.process(in.view, out.view, of_frame); });
    checks.expect(!report.not_finite, "the solver's result is not finite");
    if (i >= options.warm_ups()) ms.push_back(taken);
  }
  return {median(ms), memory.megabytes(), report.prior_calls, report.ms};
}

void measure_size(const Size& size, const DeviceOptions& options, Checks& checks) {
  const at::Device device = parse_device(options.device);
  const TiledDenoiser prior(load_prior("default", device, options.precision), {});
  const double uniform = prior_ms(prior, size, false, options), per_pixel = prior_ms(prior, size, true, options);
  for (const TaskCase& task : task_cases()) {
    if (task.task != Task::denoise && task.task != Task::super_resolution) continue;
    // Long enough that noise does not come back soon: what stands still would be taken for a sensor's hot pixels.
    const auto video = degraded_video(task, Layout::rgb, size, options.quick ? 2 : 20);
    OwnedFrame out(Layout::rgb, size);
    for (const Temporal temporal : {Temporal::none, Temporal::warm_start, Temporal::filter}) {
      Config config = config_of(task, temporal, "default", Preset::quality);
      config.device = options.device;
      config.precision = options.precision;
      const auto engine = make_engine(config);
      const FrameFigures f = frame_figures(*engine, video, out, task.noise, device, options, checks);
      // What it costs more that nobody names the noise.
      const FrameFigures unnamed = frame_figures(*engine, video, out, -1, device, options, checks);
      // A denoised frame with a past has a level per pixel, but for the filter's first call.
      const bool varies = task.task == Task::denoise && temporal != Temporal::none;
      const double call = varies ? per_pixel : uniform;
      std::printf("%-10s %-16s %-10s %9.2f %8.1f | %5d %9.2f %5.0f %% | %8.0f\n", text(size).c_str(), nick(task.task),
                  nick(temporal), f.ms, 1000 / f.ms, f.calls, call, 100 * f.calls * call / f.ms, f.megabytes);
      std::printf("%38s of it convert and noise %.2f, motion %.2f, operator %.2f, prior %.2f, rest %.2f\n", "",
                  f.stages.convert, f.stages.flow, f.stages.op, f.stages.prior, f.stages.optimizer);
      std::printf("%38s with noise=-1 %.2f ms, of it convert and noise %.2f\n", "", unnamed.ms, unnamed.stages.convert);
      std::fflush(stdout);
      for (const double figure : {f.ms, call, f.megabytes}) checks.finite(figure, text(size) + ": a figure");
      checks.expect(f.calls > 0, text(size) + ": the prior was not called");
    }
  }
}

DeviceOptions parse(int argc, char** argv) {
  DeviceOptions options;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i], value = word.substr(std::min(word.find('=') + 1, word.size()));
    bool known = true;
    if (word == "--quick") {
      options.quick = true;
    } else if (word.starts_with("--device=")) {
      options.device = value;
    } else {
      known = false;
      for (const auto& precision : names<Precision>())
        if (word == std::string("--precision=") + precision.nick) options.precision = precision.value, known = true;
    }
    if (!known) throw Error(ErrorCode::settings, usage);
  }
  return options;
}

int run(const DeviceOptions& options) {
  Checks checks;
  const at::Device device = parse_device(options.device);
  std::printf("%s, prior %s; medians of %d frames after %d\n", device.str().c_str(),
              load_prior("default", device, options.precision)->description().c_str(), options.frames(),
              options.warm_ups());
  std::printf("%-10s %-16s %-10s %9s %8s | %5s %9s %7s | %8s\n", "restored", "task", "temporal", "frame, ms",
              "a second", "prior", "call, ms", "share", device.is_cuda() ? "GPU, MB" : "peak, MB");
  for (const Size& size : options.sizes()) measure_size(size, options, checks);
  std::printf("\n");
  for (const Size& size : options.sizes()) print_calls(size, device, options);
  for (const Size& size : options.sizes()) print_parts(size, device, options);
  return checks.passed() ? 0 : 1;
}

}  // namespace
}  // namespace reddiff::bench

int main(int argc, char** argv) {
  using namespace reddiff::bench;
  return exit_status([&] { return run(parse(argc, argv)); });
}
