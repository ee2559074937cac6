// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A prior's calls recorded in CUDA graphs, against the same calls queued operation by operation.
#include <ATen/ATen.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/InferenceMode.h>
#include <c10/core/Stream.h>
#include <c10/core/StreamGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdio>
#include <thread>

#include "core/api/abort.h"
#include "core/api/error.h"
#include "core/priors/conv_unet.h"
#include "core/priors/graphed.h"
#include "core/priors/tiled.h"
#include "core/weights/model_card.h"
#include "tests/core/cuda_fixture.h"
#include "tests/core/scene.h"

namespace reddiff {
namespace {

// Both, on a GPU.
struct Pair {
  DenoiserPtr plain;
  std::shared_ptr<const GraphedDenoiser> graphed;
};

class CudaGraph : public Cuda {
 protected:
  void SetUp() override {
    Cuda::SetUp();
    if (IsSkipped()) return;
    if (!std::dynamic_pointer_cast<const GraphedDenoiser>(pair("tiny").graphed))
      GTEST_SKIP() << "no CUDA graphs on " << name << " in this build";
  }

  Pair pair(const std::string& model, Precision precision = Precision::automatic) const {
    const Model read = load_model(models_of_tests() + "/" + model + ".safetensors");
    const auto make = [&] { return make_conv_unet(read.tensors, read.card, gpu, precision); };
    return {make(), std::dynamic_pointer_cast<const GraphedDenoiser>(with_graphs(make()))};
  }

  at::Tensor picture(std::int64_t n, std::int64_t height, std::int64_t width, std::uint64_t seed) const {
    return up((scene(height, width, seed) + 0.1 * noise({n, 3, height, width}, seed + 1)).clamp(-1, 1));
  }

  // Each call has values of its own, so that a recording that reads old ones is seen.
  void expect_equal_calls(const Denoiser& plain, const Denoiser& graphed, std::int64_t n, std::int64_t height,
                          std::int64_t width, int times) const {
    for (int i = 0; i < times; ++i) {
      const auto seed = static_cast<std::uint64_t>(100 * i);
      const auto u = picture(n, height, width, seed);
      const auto one = at::full({1, 1, 1, 1}, 0.05 + 0.1 * i);
      const auto ramp = (at::linspace(0.02, 0.5, width) * (1 + i)).expand({n, 1, height, width});
      for (const auto& sigma : {up(one), one, up(ramp), up(one.expand({n, 1, 1, 1}).contiguous())}) {
        const auto expected = plain.denoise(u, sigma), found = graphed.denoise(u, sigma);
        ASSERT_EQ(found.device(), gpu);
        EXPECT_TRUE(at::equal(found, expected))
            << n << "x" << height << "x" << width << " call " << i << " sigma " << sigma.sizes()
            << ", largest difference " << (found - expected).abs().max().item<double>();
      }
    }
  }

  std::int64_t reserved() const {
    return c10::getDeviceAllocator(gpu.type())->getDeviceStats(gpu.index()).reserved_bytes.front().current;
  }

  // Another queue than the default one.
  c10::Stream other_stream() const { return c10::impl::VirtualGuardImpl(gpu.type()).getNewStream(gpu, 0); }
  void wait_for(const c10::Stream& stream) const { c10::impl::VirtualGuardImpl(gpu.type()).synchronizeStream(stream); }
};

TEST_F(CudaGraph, ReplaysGiveTheBytesOfPlainCalls) {
  const c10::InferenceMode inference;
  for (const Precision precision : {Precision::automatic, Precision::float32})
    for (const char* model : {"default", "tiny"}) {
      const Pair p = pair(model, precision);
      for (const auto& [n, height, width] : {std::tuple{1, 96, 128}, {1, 33, 21}, {2, 64, 80}, {1, 1, 1}})
        expect_equal_calls(*p.plain, *p.graphed, n, height, width, 6);
      EXPECT_GT(p.graphed->recordings(), 0);
      EXPECT_NE(p.graphed->description().find("in CUDA graphs"), std::string::npos) << p.graphed->description();
    }
}

TEST_F(CudaGraph, BothKindsOfErrorAreReplayed) {
  const Pair p = pair("default");
  const Denoiser *plain = p.plain->for_kind("camera"), *graphed = p.graphed->for_kind("camera");
  ASSERT_NE(plain, nullptr);
  ASSERT_NE(graphed, nullptr);
  for (int round = 0; round < 2; ++round) {
    expect_equal_calls(*plain, *graphed, 1, 96, 128, 5);
    expect_equal_calls(*p.plain, *p.graphed, 1, 96, 128, 5);
  }
}

TEST_F(CudaGraph, TilesAreReplayed) {
  const Pair p = pair("default");
  const TileOptions options{.size = 128, .overlap = 48};
  const TiledDenoiser plain(p.plain, options), graphed(p.graphed, options);
  expect_equal_calls(plain, graphed, 1, 200, 300, 4);
  EXPECT_GT(p.graphed->recordings(), 0);
}

// Memory is that of a few sizes, however many have been.
TEST_F(CudaGraph, SizesThatComeAndGoDoNotPileUpMemory) {
  const Pair p = pair("default");
  const auto sigma = up(at::full({1, 1, 1, 1}, 0.2));
  const auto see = [&](std::int64_t height, std::int64_t width, int times) {
    const auto u = picture(1, height, width, 1);
    for (int i = 0; i < times; ++i) p.graphed->denoise(u, sigma);
  };
  see(720, 1280, 40);
  const auto of_one = reserved();
  std::int64_t most = 0;
  for (int i = 0; i < 24; ++i) {
    see(464 + 16 * (i % 17), 848 + 16 * i, 12);
    most = std::max(most, reserved());
  }
  std::printf("%.0f MB reserved after one size, %.0f MB at most over 24 more, %lld recordings\n",
              1e-6 * static_cast<double>(of_one), 1e-6 * static_cast<double>(most),
              static_cast<long long>(p.graphed->recordings()));
  EXPECT_LT(most, 6 * of_one);
  expect_equal_calls(*p.plain, *p.graphed, 1, 464, 848, 3);
}

TEST_F(CudaGraph, TheLastOneGivesAllMemoryBack) {
  const auto run = [&] {
    const Pair p = pair("tiny");
    expect_equal_calls(*p.plain, *p.graphed, 1, 256, 320, 5);
  };
  run();
  const auto after_one = reserved();
  for (int i = 0; i < 5; ++i) run();
  EXPECT_LE(reserved(), after_one + (std::int64_t{64} << 20));
}

TEST_F(CudaGraph, TwoThreadsWithTwoPriorsRecordAtOnce) {
  std::atomic<int> ready = 0;
  const auto work = [&](const char* model, std::int64_t height) {
    const Pair p = pair(model);
    for (++ready; ready < 2;) std::this_thread::yield();
    const c10::StreamGuard queue(other_stream());
    for (int round = 0; round < 4; ++round) {  // sizes are recorded while the other thread allocates, frees and replays
      expect_equal_calls(*p.plain, *p.graphed, 1, height + 16 * round, 160, 6);
      picture(1, 300 + 50 * round, 400, 9);
    }
  };
  std::thread one(work, "default", 128), two(work, "tiny", 96);
  one.join();
  two.join();
}

// As elements do that are alive at the same time.
TEST_F(CudaGraph, ThreadsOnTheirOwnStreamsShareOnePrior) {
  const Pair p = pair("default");
  std::atomic<int> ready = 0;
  const auto work = [&](std::uint64_t seed) {
    const c10::Stream stream = other_stream();
    const c10::StreamGuard queue(stream);
    std::vector<at::Tensor> seen, found;
    for (++ready; ready < 2;) std::this_thread::yield();
    for (std::uint64_t i = 0; i < 40; ++i) {  // nobody waits in between
      seen.push_back(picture(1, 112, 144, seed + i));
      found.push_back(p.graphed->denoise(seen.back(), at::full({1, 1, 1, 1}, 0.2, seen.back().options())));
    }
    wait_for(stream);
    const auto sigma = up(at::full({1, 1, 1, 1}, 0.2));
    for (std::size_t i = 0; i < seen.size(); ++i)
      EXPECT_TRUE(at::equal(found[i], p.plain->denoise(seen[i], sigma))) << seed << " call " << i;
  };
  std::thread one(work, 1000), two(work, 2000);
  one.join();
  two.join();
}

TEST_F(CudaGraph, ErrorsAndRequestsToStopLeaveItUsable) {
  const Pair p = pair("tiny");
  expect_equal_calls(*p.plain, *p.graphed, 1, 64, 64, 5);
  const auto u = picture(1, 64, 64, 3), sigma = up(at::full({1, 1, 1, 1}, 0.2));
  EXPECT_THROW(p.graphed->denoise(u.to(at::kDouble), sigma), std::exception);
  EXPECT_THROW(p.graphed->denoise(u.narrow(1, 0, 2), sigma), std::exception);
  std::atomic<bool> abort = true;
  {
    const AbortScope scope(&abort);
    EXPECT_THROW(p.graphed->denoise(u, sigma), Error);
  }
  expect_equal_calls(*p.plain, *p.graphed, 1, 64, 64, 2);
}

// A denoiser that reads a value on the host cannot be recorded: its answers come all the same, and what comes after it is recorded.
class Reads final : public Denoiser {
 public:
  explicit Reads(at::Device device) : device_(device) {}
  at::Tensor denoise(const at::Tensor& u, const at::Tensor& sigma) const override {
    return u * (1 - sigma.mean().item<double>());
  }
  double sigma_min() const override { return 0; }
  double sigma_max() const override { return 1; }
  bool per_pixel_sigma() const override { return true; }
  at::Device device() const override { return device_; }
  std::string description() const override { return "reads"; }

 private:
  at::Device device_;
};

TEST_F(CudaGraph, WhatWaitsForTheDeviceIsCalledPlainly) {
  const DenoiserPtr reads = with_graphs(std::make_shared<Reads>(gpu));
  const auto u = picture(1, 64, 64, 3);
  for (int i = 0; i < 6; ++i) {
    const auto answer = reads->denoise(u + i, up(at::full({1, 1, 1, 1}, 0.25)));
    EXPECT_TRUE(at::equal(answer, (u + i) * 0.75));
  }
  EXPECT_NE(reads->description().find("call by call"), std::string::npos) << reads->description();
  const Pair p = pair("tiny");
  expect_equal_calls(*p.plain, *p.graphed, 1, 64, 64, 5);
  EXPECT_GT(p.graphed->recordings(), 0);
}

}  // namespace
}  // namespace reddiff
