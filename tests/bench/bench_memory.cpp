// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What it is worth that frames lie in the GPU's memory: I420 frames restored from host to host and from device to device, in turns, and
// reading and writing them alone. --device=cpu shows that everything runs.
#include <ATen/ATen.h>

#include <array>
#include <cstdio>

#include "core/device.h"
#include "core/frame/convert.h"
#include "core/frame/frame_device.h"
#include "tests/bench/scene.h"
#include "tests/bench/subjects.h"

namespace reddiff::bench {
namespace {

// A copy of a planar frame of 8 bits in a device's memory.
struct DeviceFrame {
  DeviceFrame(const OwnedFrame& frame, at::Device device) : view(frame.view) {
    view.device_index = device.is_cuda() ? device.index() : -1;
    for (std::size_t i = 0; i < planes.size(); ++i) {
      Component& c = view.component[i];
      planes[i] = at::from_blob(c.data, {c.height, c.width}, at::kByte).clone().to(device);
      c.data = planes[i].data_ptr();
    }
  }

  std::array<at::Tensor, 3> planes;
  FrameView view;
};

struct Rounds {
  int warm_ups, frames;
};

double frame_ms(Engine& engine, const std::vector<FrameView>& video, const FrameView& out, double noise,
                const Rounds& rounds, Checks& checks) {
  FrameOptions options;
  options.noise = noise;
  const int last = static_cast<int>(video.size()) - 1;
  std::vector<double> ms;
  for (int i = 0; i < rounds.warm_ups + rounds.frames; ++i) {
    const int place = i % (2 * last);  // to the end and back
    const FrameView& in = video[static_cast<std::size_t>(place <= last ? place : 2 * last - place)];
    const double taken =
        milliseconds_of([&] { checks.expect(!engine.process(in, out, options).not_finite, "not finite"); });
    if (i >= rounds.warm_ups) ms.push_back(taken);
  }
  return median(ms);
}

double convert_ms(const FrameView& frame, at::Device device, const Rounds& rounds) {
  const c10::InferenceMode no_gradients;
  std::vector<double> ms;
  for (int i = 0; i < rounds.warm_ups + rounds.frames; ++i) {
    const double taken = milliseconds_of([&] {
      write_picture(read_picture(frame, device), {}, frame);
      finish_frame(frame, device);
    });
    if (i >= rounds.warm_ups) ms.push_back(taken);
  }
  return median(ms);
}

void measure(const Size& size, const std::string& name, const Rounds& rounds, Checks& checks) {
  const at::Device device = parse_device(name);
  const TaskCase& task = task_cases().front();
  // Long enough that noise does not come back soon: what stands still would be taken for a sensor's hot pixels.
  const auto video = degraded_video(task, Layout::i420, size, rounds.frames / 2);
  OwnedFrame host_out(Layout::i420, size);
  DeviceFrame device_out(host_out, device);
  std::vector<DeviceFrame> copies;
  std::vector<FrameView> on_host, on_device;
  for (const OwnedFrame& frame : video) copies.emplace_back(frame, device);
  for (const OwnedFrame& frame : video) on_host.push_back(frame.view);
  for (const DeviceFrame& copy : copies) on_device.push_back(copy.view);
  std::printf("%-10s %-26s %8.2f %8.2f\n", text(size).c_str(), "read and written only",
              convert_ms(host_out.view, device, rounds), convert_ms(device_out.view, device, rounds));
  for (const Temporal temporal : {Temporal::none, Temporal::filter})
    for (const double noise : {task.noise, -1.0}) {
      Config config = config_of(task, temporal, "default", Preset::quality);
      config.device = name;
      const auto engine = make_engine(config);
      const double host = frame_ms(*engine, on_host, host_out.view, noise, rounds, checks);
      const double kept = frame_ms(*engine, on_device, device_out.view, noise, rounds, checks);
      std::printf("%-10s denoise, %-6s %s %8.2f %8.2f   %5.1f %5.1f frames a second\n", text(size).c_str(),
                  nick(temporal), noise < 0 ? "noise=-1" : "        ", host, kept, 1000 / host, 1000 / kept);
      std::fflush(stdout);
    }
}

int run(int argc, char** argv) {
  const std::string name = argc > 1 ? argv[1] : "auto";
  const bool quick = argc > 2 && std::string(argv[2]) == "--quick";
  Checks checks;
  std::printf("%-10s %-26s %8s %8s   ms a frame on %s\n", "I420", "", "host", "device",
              parse_device(name).str().c_str());
  for (const Size& size : quick ? std::vector<Size>{{96, 64}} : std::vector<Size>{{1280, 720}, {1920, 1080}})
    measure(size, name, quick ? Rounds{1, 4} : Rounds{8, 40}, checks);
  return checks.passed() ? 0 : 1;
}

}  // namespace
}  // namespace reddiff::bench

int main(int argc, char** argv) {
  using namespace reddiff::bench;
  return exit_status([&] { return run(argc, argv); });
}
