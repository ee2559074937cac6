// SPDX-License-Identifier: LGPL-2.1-or-later
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

#include "core/priors/film.h"
#include "core/priors/pixel_shuffle.h"
#include "tests/core/scene.h"

namespace reddiff {
namespace {

// What a GPU does instead of reducing the level's logarithm and looking for it in the table.
TEST(Film, ThePyramidOfLevelsIsThatOfItsMeans) {
  const double least = 0.003, most = 5;
  FilmWeights weights{at::exp(at::linspace(-1, 1, 4)),
                      noise({6, 8}, 1),
                      noise({6}, 2),
                      noise({6, 6}, 3),
                      noise({6}, 4),
                      {noise({8, 6}, 5)},
                      {noise({8}, 6)}};
  const Film film(weights, std::log(least) / 4, std::log(most) / 4);
  const auto logarithm = [&](const at::Tensor& sigma) { return sigma.clamp(least, most).log().mul_(0.25); };
  const auto sigma = at::exp(3 * noise({2, 1, 40, 61}, 7)) * 0.1;  // beyond the range, too
  const auto whole = mirrored(mirrored(sigma, 2, 48), 3, 64);
  const auto maps = film.pyramid(sigma, {least, most}, 48, 64, 4);
  ASSERT_EQ(maps.size(), 4U);
  for (std::size_t level = 0; level < maps.size(); ++level) {
    const auto expected = film.map(at::avg_pool2d(logarithm(whole), std::int64_t{2} << level), true);
    const auto place = [](const FilmMap& map) { return map.index.to(at::kDouble) + map.fraction; };
    ASSERT_EQ(maps[level].index.numel(), expected.index.numel());
    EXPECT_LT((place(maps[level]) - place(expected)).abs().max().item<double>(), 0.01) << level;
    EXPECT_LT((maps[level].c - expected.c).abs().max().item<double>(), 1e-5) << level;
  }
  const auto one = film.pyramid(at::full({1, 1, 1, 1}, 0.2), {least, most}, 48, 64, 4);
  const auto expected = film.map(logarithm(at::full({1, 1, 1, 1}, 0.2)), true);
  for (const auto& map : one) {
    EXPECT_EQ(map.index.item<int>(), expected.index.item<int>());
    EXPECT_NEAR(map.fraction.item<double>(), expected.fraction.item<double>(), 1e-2);
  }
  const auto lost = film.pyramid(at::full({1, 1, 16, 16}, std::nan("")), {least, most}, 16, 16, 1);
  EXPECT_TRUE(lost[0].fraction.isnan().all().item<bool>());
}

}  // namespace
}  // namespace reddiff
