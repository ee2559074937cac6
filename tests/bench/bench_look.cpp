// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What it costs to look at a frame of which nothing is known: impulses and faulty pixels, the noise of a single frame, of what changed, flat
// places, what is drawn; and whole frames in which there is nothing to do. On the CPU.
#include <ATen/ATen.h>

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "core/frame/convert.h"
#include "core/frame/drawing.h"
#include "core/frame/impulse.h"
#include "core/frame/noise_estimate.h"
#include "core/solvers/rng.h"
#include "tests/bench/scene.h"
#include "tests/bench/subjects.h"

namespace reddiff::bench {
namespace {

constexpr int frames = 6;

using Video = std::vector<at::Tensor>;

struct Content {
  const char* name;
  Video video;
};

at::Tensor in_codes(const at::Tensor& picture) {
  return (picture * 127.5 + 127.5).round_().clamp_(0, 255).div_(127.5).sub_(1);
}

at::Tensor field(const at::Tensor& like, int index) {
  return normal_field(5, static_cast<std::uint64_t>(index), like.sizes(), at::kCPU);
}

std::vector<Content> contents(const Size& size) {
  const MovingScene scene(size, frames);
  Content clean{"clean", {}}, noisy{"noise 25", {}}, struck{"salt and pepper", {}};
  for (int t = 0; t < frames; ++t) {
    const auto picture = scene.frame(t) * 0.8;
    const auto draw = field(picture, t);
    clean.video.push_back(in_codes(picture));
    noisy.video.push_back(in_codes(picture + draw * (25 * 2 / 255.0)));
    struck.video.push_back(at::where(draw < -2, -1.0, at::where(draw > 2, 1.0, clean.video.back())));
  }
  return {clean, noisy, struck};
}

template <typename Work> double ms_per_frame(const Video& video, const Work& work) {
  std::vector<double> ms;
  for (std::size_t t = 1; t < video.size(); ++t) ms.push_back(milliseconds_of([&] { work(t); }));
  return median(ms);
}

void print_parts(const Size& size, Checks& checks) {
  for (const auto& [name, video] : contents(size)) {
    Impulses impulses;
    const double first = milliseconds_of([&, &v = video] { impulses.find(v[0]); });
    OwnedFrame frame(Layout::rgb, size);
    std::vector<std::vector<NoisePlanes>> planes(video.size());
    planes[0] = noise_planes(frame.view, video[0]);
    const auto& v = video;
    const double figures[] = {first,
                              ms_per_frame(v, [&](std::size_t t) { impulses.find(v[t]); }),
                              ms_per_frame(v, [&](std::size_t t) { planes[t] = noise_planes(frame.view, v[t]); }),
                              ms_per_frame(v, [&](std::size_t t) { estimate_noise(planes[t]); }),
                              ms_per_frame(v, [&](std::size_t t) { estimate_change(planes[t], planes[t - 1]); }),
                              ms_per_frame(v, [&](std::size_t t) { constant_share(planes[t][0]); }),
                              ms_per_frame(v, [&](std::size_t t) { drawing(v[t].narrow(1, 1, 1)); }),
                              ms_per_frame(v, [&](std::size_t t) { drawing_by_operators(v[t].narrow(1, 1, 1)); })};
    std::printf("%-10s %-16s", text(size).c_str(), name);
    for (const double ms : figures) {
      checks.finite(ms, std::string("a part of ") + name);
      std::printf(" %9.2f", ms);
    }
    std::printf("\n");
  }
}

// Frames that leave as they came: after some, most are hardly looked at.
void print_untouched(const Size& size, int count, Checks& checks) {
  Config config;
  config.task = Task::denoise;
  config.device = "cpu";
  config.prior = "tiny";
  const auto engine = make_engine(config);
  // Two shades a plane between hard edges: no noise is found in it, and no impulse.
  const auto picture = MovingScene(size, 1).frame(0).sign_().mul_(0.5);
  OwnedFrame in(Layout::i420, size), out(Layout::i420, size);
  write_picture(picture, {}, in.view);
  std::vector<double> ms;
  for (int t = 0; t < count; ++t) {
    const auto report = engine->process(in.view, out.view, {});
    checks.expect(report.prior_calls == 0, "a picture without noise was solved");
    if (t >= count / 2) ms.push_back(report.ms.total);
  }
  std::sort(ms.begin(), ms.end());
  const auto looked_at = ms.size() / 4;
  checks.finite(ms.back(), "a frame that is left alone");
  std::printf("%-10s %10.2f %10.2f\n", text(size).c_str(),
              median({ms.begin(), ms.end() - static_cast<std::ptrdiff_t>(looked_at)}),
              median({ms.end() - static_cast<std::ptrdiff_t>(looked_at), ms.end()}));
}

int run(bool quick) {
  const c10::InferenceMode no_gradients;
  const auto sizes = quick ? std::vector<Size>{{96, 64}} : std::vector<Size>{{480, 256}, {1280, 720}, {1920, 1080}};
  Checks checks;
  print_title("Looking at frames, ms each, medians");
  const OtherLoad load;
  std::printf("%-10s %-16s %9s %9s %9s %9s %9s %9s %9s %9s\n", "size", "content", "impulses1", "impulses", "planes",
              "noise", "change", "constant", "drawn", "drawn op");
  for (const Size& size : sizes) print_parts(size, checks);
  print_title("Frames with nothing to do, ms each: resting, and the quarter that is looked at");
  for (const Size& size : sizes) print_untouched(size, quick ? 8 : 32, checks);
  std::printf("%s\n", load.text().c_str());
  return checks.passed() ? 0 : 1;
}

}  // namespace
}  // namespace reddiff::bench

int main(int argc, char** argv) {
  return reddiff::bench::exit_status(
      [&] { return reddiff::bench::run(argc > 1 && std::strcmp(argv[1], "--quick") == 0); });
}
