// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/bench/convolution_peak.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "core/solvers/rng.h"

namespace reddiff::bench {
namespace {

constexpr std::int64_t channels[] = {32, 64, 128,
                                     192};     // level by level, each of half the side; the first is half already
constexpr double operations_per_sample = 2e9;  // about 10 ms at 200 GFLOP/s

std::string describe(const at::Tensor& x) {
  return std::to_string(x.size(1)) + " channels, " + std::to_string(x.size(3)) + "x" + std::to_string(x.size(2));
}

}  // namespace

ConvolutionPeak::ConvolutionPeak(const std::vector<Size>& pictures) {
  const c10::InferenceMode no_gradients;
  for (const Size& picture : pictures) {
    int side = 2;
    for (const std::int64_t c : channels) {
      Shape shape{picture, {}, {}, 0, {}};
      const std::int64_t size[] = {1, c, std::max(1, picture.height / side), std::max(1, picture.width / side)};
      const std::int64_t taps[] = {1, c * c, 3, 3};
      shape.x =
          normal_field(1, static_cast<std::uint64_t>(c), size, at::kCPU).contiguous(at::MemoryFormat::ChannelsLast);
      shape.weight = normal_field(2, static_cast<std::uint64_t>(c), taps, at::kCPU).view({c, c, 3, 3});
      shape.weight = shape.weight.div(3 * std::sqrt(static_cast<double>(c))).contiguous(at::MemoryFormat::ChannelsLast);
      shape.operations = 2.0 * 9 * static_cast<double>(c) * static_cast<double>(shape.x.numel());
      shapes_.push_back(shape);
      side *= 2;
    }
  }
  sample();  // the first call makes the library's kernels
  for (Shape& shape : shapes_) shape.gflops.clear();
}

void ConvolutionPeak::sample() {
  const c10::InferenceMode no_gradients;
  for (Shape& shape : shapes_) {
    const int calls = std::max(1, static_cast<int>(std::lround(operations_per_sample / shape.operations)));
    const double ms = milliseconds_of([&] {
      for (int i = 0; i < calls; ++i) at::conv2d(shape.x, shape.weight, {}, 1, 1);
    });
    shape.gflops.push_back(calls * shape.operations / ms / 1e6);
  }
}

const ConvolutionPeak::Shape& ConvolutionPeak::best_shape() const {
  return *std::max_element(shapes_.begin(), shapes_.end(),
                           [](const Shape& a, const Shape& b) { return median(a.gflops) < median(b.gflops); });
}

double ConvolutionPeak::gflops() const { return median(best_shape().gflops); }

std::string ConvolutionPeak::best() const { return describe(best_shape().x); }

void ConvolutionPeak::print() const {
  std::printf("%-10s %-24s %12s %16s\n", "picture", "convolution 3x3", "GFLOP/s", "lowest..highest");
  for (const Shape& shape : shapes_) {
    const auto [low, high] = std::minmax_element(shape.gflops.begin(), shape.gflops.end());
    std::printf("%-10s %-24s %12.0f %8.0f..%-6.0f\n", text(shape.picture).c_str(), describe(shape.x).c_str(),
                median(shape.gflops), *low, *high);
  }
  std::printf("peak: %.0f GFLOP/s (%s)\n", gflops(), best().c_str());
}

}  // namespace reddiff::bench
