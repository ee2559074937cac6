// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What is computed in one pass in host memory, and the steps that a GPU does instead, against tensor operations.
#include "core/frame/noise_passes.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <vector>

#include "core/frame/luma.h"
#include "core/frame/noise_blocks.h"
#include "core/frame/noise_by_steps.h"
#include "core/frame/window.h"
#include "tests/core/scene.h"

namespace reddiff {
namespace {

using Sizes = std::vector<std::vector<std::int64_t>>;

const Sizes& sizes() {
  static const Sizes all{{1, 1, 10, 10}, {1, 3, 34, 50}, {1, 2, 67, 131}, {1, 1, 45, 18}};
  return all;
}

// With a black and a white corner, and a flat place.
at::Tensor picture(at::IntArrayRef size, std::uint64_t seed) {
  auto x = (noise(size, seed) * 0.4).clamp_(-1, 1);
  x.slice(2, 0, size[2] / 2).slice(3, 0, size[3] / 2).fill_(-1);
  x.slice(2, size[2] / 2).slice(3, size[3] / 2).fill_(1);
  x.slice(2, size[2] / 2).slice(3, 0, size[3] / 2).fill_(0.3);
  return x;
}

void expect_close(const at::Tensor& found, const at::Tensor& expected, double limit, const char* what) {
  ASSERT_EQ(found.sizes(), expected.sizes()) << what;
  EXPECT_LE((found - expected).abs().max().item<double>(), limit) << what << " " << found.sizes();
}

at::Tensor energy_of(const at::Tensor& x) {
  const auto kernel = at::tensor({1., -2., 1., -2., 4., -2., 1., -2., 1.}, at::kDouble).div_(6).view({1, 1, 3, 3});
  return at::conv2d(x.transpose(0, 1).to(at::kDouble), kernel).square_();
}

at::Tensor blocks(const at::Tensor& values) {
  return at::avg_pool2d(values.to(at::kDouble), {8, 8}).squeeze(1).to(at::kFloat);
}

at::Tensor inner(const at::Tensor& x) { return x.slice(2, 1, -1).slice(3, 1, -1); }

TEST(NoisePasses, CellsAreMeansOverBlocks) {
  for (const auto& size : sizes())
    for (const bool change : {false, true}) {
      const auto now = picture(size, 3), before = change ? picture(size, 4) : at::Tensor();
      const auto energy = change ? energy_of(now - before) / 2 : energy_of(now);
      const auto middle = inner(now).transpose(0, 1);
      for (const auto& cells : {cells_on_host(now, before), cells_by_step(now, before)}) {
        expect_close(cells.energy, blocks(energy), 1e-6, "energy");
        expect_close(cells.mean, blocks(middle), 1e-6, "mean");
        expect_close(cells.at_end, blocks((middle.abs() > 1 - end_of_codes).logical_and(energy < constant_energy)),
                     1e-6, "at end");
      }
    }
}

TEST(NoisePasses, ConstantBlocksHaveNoEnergy) {
  const auto constant = at::full({1, 3, 18, 18}, 0.123F);
  for (const auto& cells : {cells_on_host(constant), cells_by_step(constant)})
    EXPECT_EQ(cells.energy.max().item<float>(), 0);
}

TEST(NoisePasses, LinesHaveMeanAndSpread) {
  for (const auto& size : sizes()) {
    const auto x = picture(size, 5);
    const auto shade = x[0].to(at::kDouble).mean(0);
    const auto expected = at::cat({shade.mean(1), shade.std(1, false), shade.mean(0), shade.std(0, false)});
    expect_close(lines_on_host(x), expected.to(at::kFloat), 1e-5, "lines");
  }
}

TEST(NoisePasses, HalvesAreMeansOfFour) {
  for (const auto& size : sizes()) {
    const auto x = picture(size, 6);
    expect_close(halved_on_host(x), at::avg_pool2d(x, {2, 2}), 1e-6, "half");
  }
}

TEST(NoisePasses, LumaIsThatOfTheMatrix) {
  const auto x = picture({1, 3, 33, 47}, 7);
  const ColorMatrix matrix{0.2126, 0.0722};
  expect_close(luma_on_host(matrix, x), luma_of(matrix, x), 1e-6, "luma");
}

TEST(NoisePasses, FlatPlacesEqualAllTheirNeighbours) {
  for (const auto& size : sizes()) {
    const auto x = picture(size, 8);
    const auto high = at::max_pool2d(x, {3, 3}, {1, 1}), low = -at::max_pool2d(-x, {3, 3}, {1, 1});
    const auto flat = (high - low < end_of_codes).all(1)[0];
    const auto at_end = (at::maximum(high, -low) >= 1 - end_of_codes).any(1)[0];
    const auto expected = flat.to(at::kByte) * is_flat + at_end.to(at::kByte) * is_at_end;
    EXPECT_TRUE(at::equal(flatness_on_host(x), expected)) << x.sizes();
    EXPECT_TRUE(at::equal(flatness_by_step(x, {}, 4), expected)) << x.sizes();
    const auto counts = noise({1, 1, size[2] - 2, size[3] - 2}, 9) > 0;
    EXPECT_TRUE(at::equal(flatness_by_step(x, counts, 4), at::where(counts[0][0], expected, 4))) << x.sizes();
    EXPECT_TRUE(flat.any().item<bool>() && at_end.any().item<bool>()) << x.sizes();
  }
}

TEST(WindowMean, TheStepIsTheOperators) {
  for (const auto& size : sizes())
    for (const std::int64_t side : {1, 3, 5, 11}) {
      const auto x = picture(size, 10);
      expect_close(window_mean_by_step(x, side), window_mean(x, side), 2e-6, "window");
    }
}

}  // namespace
}  // namespace reddiff
