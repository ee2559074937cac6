// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Frames that lie in a GPU's memory, against the same frames in the host's. With REDDIFF_SECOND_DEVICE=cpu the device's memory is played by
// the host's.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <array>
#include <memory>

#include "core/engine.h"
#include "core/frame/convert.h"
#include "core/frame/frame_device.h"
#include "tests/core/cuda_fixture.h"
#include "tests/core/sample_frame.h"
#include "tests/core/scene.h"

#ifdef REDDIFF_CUDA
#include <c10/cuda/CUDAStream.h>
#endif

namespace reddiff {
namespace {

// A copy of a host frame, padding included, in a device's memory.
class Copy {
 public:
  Copy(Frame& frame, at::Device device)
      : bytes_(at::from_blob(frame.bytes(), {static_cast<std::int64_t>(frame.size())}, at::kByte).clone().to(device)),
        view_(frame.view) {
    for (auto& c : view_.component)
      if (c.data)
        c.data = static_cast<std::uint8_t*>(bytes_.data_ptr()) + (static_cast<std::uint8_t*>(c.data) - frame.bytes());
    view_.device_index = device.is_cuda() ? device.index() : -1;
  }

  FrameView& view() { return view_; }
  at::Tensor& bytes() { return bytes_; }
  bool equals(Frame& frame) const {
    return at::equal(bytes_.cpu(), at::from_blob(frame.bytes(), {static_cast<std::int64_t>(frame.size())}, at::kByte));
  }

 private:
  at::Tensor bytes_;
  FrameView view_;
};

using DeviceFrames = Cuda;

TEST_F(DeviceFrames, EveryFormatIsReadAndWrittenWhereItLies) {
  for (const auto& format : formats())
    for (const auto& [width, height] : {std::pair{1, 1}, {5, 3}, {34, 18}})
      for (const bool full : {true, false}) {
        const auto what = std::string(format.name) + " " + std::to_string(width) + "x" + std::to_string(height);
        Frame frame(format, width, height, 1);
        frame.view.full_range = full;
        frame.fill_codes(2);
        Copy copy(frame, gpu);
        EXPECT_TRUE(at::equal(read_picture(copy.view(), gpu), read_picture(frame.view, gpu))) << what;
        const auto picture = scene(height, width, 3).to(gpu);
        for (const bool opaque : {true, false}) {
          const auto alpha = opaque ? at::Tensor() : (picture.mean(1, true) + 1) / 2;
          write_picture(picture, alpha, frame.view);
          write_picture(picture, alpha, copy.view());
          EXPECT_TRUE(copy.equals(frame)) << what << (opaque ? " opaque" : "");
        }
      }
}

TEST_F(DeviceFrames, CodeValuesAreCopiedAsTheyAre) {
  for (const auto& format : formats()) {
    Frame from(format, 34, 18, 1), to(format, 34, 18, 2);
    from.fill_codes(3);
    Copy device_from(from, gpu), device_to(to, gpu);
    copy_frame(from.view, to.view);
    copy_frame(device_from.view(), device_to.view());
    EXPECT_TRUE(device_to.equals(to)) << format.name;
  }
}

// Noisy, and so clean that it passes as it is.
void fill(Frame& frame, int index, double level) {
  const int h = frame.view.height, w = frame.view.width;
  const auto picture = scene(h, w + 8, 5).narrow(3, index, w);
  write_picture(0.7 * picture + level * noise({1, 3, h, w}, 100 + static_cast<std::uint64_t>(index)), {}, frame.view);
}

TEST_F(DeviceFrames, AreRestoredToTheSameBytesAsHostFrames) {
  constexpr int width = 96, height = 64;
  for (const char* layout : {"RGB", "NV21", "P010_10LE", "Y444", "ARGB"})
    for (const double level : {0.2, 0.0}) {
      const Format& format = format_named(layout);
      Config config;
      config.device = name;
      config.precision = Precision::float32;
      Engine on_host(config, false, models_of_tests()), on_device(config, false, models_of_tests());
      for (int i = 0; i < 3; ++i) {
        Frame in(format, width, height, 1), out(format, width, height, 2);
        fill(in, i, level);
        Copy device_in(in, gpu), device_out(out, gpu);
        // Host and device in every combination along the way.
        const FrameView& from = i == 1 ? in.view : device_in.view();
        const FrameOptions options{.noise = level > 0 ? level * 255 / 2 : -1};
        on_host.process(in.view, out.view, options);
        const FrameReport report = on_device.process(from, device_out.view(), options);
        EXPECT_TRUE(device_out.equals(out)) << layout << " frame " << i << " level " << level;
        EXPECT_GT(report.ms.total, 0);
      }
    }
}

#ifdef REDDIFF_CUDA
// Another library's stream is still busy with the frame when it is handed over.
TEST_F(DeviceFrames, AreNotTouchedBeforeTheirStreamIsThrough) {
  if (!gpu.is_cuda()) GTEST_SKIP() << "a host has no streams";
  constexpr int width = 640, height = 480;
  Frame in(format_named("RGB"), width, height, 1), stale(format_named("RGB"), width, height, 2);
  in.fill_codes(3);
  Copy expected(in, gpu), late(stale, gpu);
  const auto other = c10::cuda::getStreamFromPool(false, gpu.index());
  const auto usual = c10::cuda::getCurrentCUDAStream(gpu.index());
  at::Tensor heavy = at::rand({4096, 4096}, at::TensorOptions().device(gpu));
  usual.synchronize();
  c10::cuda::setCurrentCUDAStream(other);
  for (int i = 0; i < 40; ++i) heavy = at::mm(heavy, heavy).mul_(1e-3);
  late.bytes().copy_(expected.bytes());
  c10::cuda::setCurrentCUDAStream(usual);
  late.view().stream = other.stream();
  EXPECT_FALSE(other.query()) << "the stream was too fast for this test to say anything";
  wait_for_frame(late.view());
  EXPECT_TRUE(at::equal(read_picture(late.view(), gpu), read_picture(expected.view(), gpu)));
}
#endif

}  // namespace
}  // namespace reddiff
