// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Which pixels count as measured, and what a logo with soft edges leaves of itself.
#include "core/frame/known_pixels.h"
#include "tests/core/engine_helpers.h"

namespace reddiff {
namespace {

at::Tensor known_by_alpha(at::Tensor alpha, int grow = 0) {
  return known_pixels({}, MaskSource::alpha, grow, at::zeros({1, 3, alpha.size(2), alpha.size(3)}), alpha);
}

TEST(Masks, WhatIsCoveredALittleIsMissing) {
  const auto row = [](std::vector<float> codes) { return at::tensor(codes).reshape({1, 1, 1, -1}); };
  EXPECT_TRUE(known_by_alpha(row({255, 254, 250, 249, 240, 230, 128, 127, 1, 0}) / 255)
                  .equal(row({1, 1, 1, 0, 0, 0, 0, 0, 0, 0})));
  // The luma of a mask video of limited range, with what a codec adds.
  EXPECT_TRUE(known_by_alpha(row({235, 235, 235, 251, 233, 231, 229, 128, 16, 9}) / 255)
                  .equal(row({1, 1, 1, 1, 1, 1, 0, 0, 0, 0})));
}

TEST(Masks, HolesGrowOnEverySide) {
  for (const auto& [height, width] : {std::pair{1, 1}, {1, 9}, {7, 1}, {24, 31}})
    for (const double share : {0., 0.02, 0.3, 1.}) {
      const auto known =
          (at::rand({1, 1, height, width}, at::make_generator<at::CPUGeneratorImpl>(3)) >= share).to(at::kFloat);
      EXPECT_TRUE(with_grown_holes(known, 0).equal(known));
      for (const int by : {1, 2, 5, 40}) {
        const auto padded = at::constant_pad_nd(1 - known, {by, by, by, by});
        const auto missing = at::max_pool2d(padded, {2 * by + 1, 2 * by + 1}, {1, 1});
        EXPECT_TRUE(with_grown_holes(known, by).equal(1 - missing))
            << height << "x" << width << " " << share << " " << by;
        EXPECT_TRUE(known_by_alpha(known, by).equal(1 - missing));
      }
    }
}

// How much of each pixel a ring and a bar cover.
at::Tensor logo() {
  constexpr int fine = 4;
  const auto y = (at::arange(fine * height) / fine - height / 2.0).reshape({-1, 1});
  const auto x = (at::arange(fine * width) / fine - width / 2.0).reshape({1, -1});
  const auto ring = ((x.square() + y.square()).sqrt() - 11).abs() < 2.1;
  const auto bar = (x - 0.35 * y).abs() < 1.6;
  return at::avg_pool2d(ring.logical_or(bar).to(at::kFloat).reshape({1, 1, fine * height, fine * width}), {fine, fine});
}

double psnr_inside(const at::Tensor& picture, const at::Tensor& truth, const at::Tensor& inside) {
  const auto error = ((picture - truth) * inside).square().sum().item<double>() / (3 * inside.sum().item<double>());
  return 10 * std::log10(4 / error);
}

// Mean over some frames of a moving picture with a white logo on it, whose mask is what `alpha` makes of how much the logo covers.
double logo_removed(at::Tensor (*alpha)(const at::Tensor&), int grow) {
  const auto cover = logo();
  const auto engine = engine_of({.task = Task::inpaint, .mask_grow = grow});
  double sum = 0;
  for (int i = 0; i < 3; ++i) {
    const auto truth = at::avg_pool2d(read(*moving_frame(i, 0)), {9, 9}, {1, 1}, {4, 4});
    Frame in(format_named("ARGB"), width, height, 1);
    write_picture(truth * (1 - cover) + cover, alpha(cover), in.view);
    sum += psnr_inside(read(*restore(*engine, in, 1, {}, "ARGB").frame), truth, (cover > 0).to(at::kFloat)) / 3;
  }
  return sum;
}

TEST(Masks, ALogoGoesByItsOwnSoftPicture) {
  const auto soft = [](const at::Tensor& cover) { return 1 - cover; };
  const auto cut_at_half = [](const at::Tensor& cover) { return (cover <= 0.5).to(at::kFloat); };
  const auto cut_at_once = [](const at::Tensor& cover) { return (cover <= 0).to(at::kFloat); };
  const double by_itself = logo_removed(soft, 0), half = logo_removed(cut_at_half, 0);
  EXPECT_LT(half, 20);
  EXPECT_GT(by_itself, 44);
  EXPECT_NEAR(by_itself, logo_removed(cut_at_once, 0), 0.5);
  EXPECT_GT(logo_removed(cut_at_half, 1), 40);  // what a mask misses by a pixel
}

}  // namespace
}  // namespace reddiff
