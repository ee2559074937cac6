// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Means of normal distributions inside of cells, against sums over their densities and against samples.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "core/frame/truncated_mean.h"
#include "tests/core/scene.h"

namespace reddiff {
namespace {

// By the midpoint rule. The density is taken relative to its largest value in the cell, so that no tail underflows.
double by_quadrature(double mean, double low, double high, double sigma) {
  constexpr int parts = 200000;
  const double nearest = std::clamp(mean, low, high);
  // Beyond forty deviations, and beyond forty times the fall of a tail, nothing counts.
  const double reach = 40 * std::min(sigma, sigma * sigma / std::max(std::abs(nearest - mean), 1e-300));
  const double from = std::max(low, nearest - reach), to = std::min(high, nearest + reach);
  const auto exponent = [&](double x) { return (x - mean) * (x - mean) / (2 * sigma * sigma); };
  double weights = 0, sum = 0;
  for (int i = 0; i < parts; ++i) {
    const double x = from + (to - from) * (i + 0.5) / parts, weight = std::exp(exponent(nearest) - exponent(x));
    weights += weight;
    sum += weight * (x - nearest);
  }
  return nearest + sum / weights;
}

double found(double mean, double centre, double half, double sigma, double noise = 0) {
  const auto one = [](double value) { return at::full({1}, value, at::kDouble); };
  return truncated_mean(one(mean), {one(centre), one(half)}, sigma, noise).item<double>();
}

TEST(TruncatedMean, IsThatOfTheDensityInTheCell) {
  for (const double sigma : {0.01, 1.0, 30.0})
    for (const double half : {0.01, 0.3, 1.0, 4.0, 20.0, 100.0})
      for (const double centre : {-3000.0, -120.0, -20.0, -1.0, -1e-4, 0.0, 0.4, 3.0, 60.0, 500.0}) {
        const double mean = 0.5;
        const double is = found(mean, mean + centre * sigma, half * sigma, sigma);
        const double expected =
            by_quadrature(mean, mean + (centre - half) * sigma, mean + (centre + half) * sigma, sigma);
        EXPECT_NEAR(is, expected, 1e-5 * sigma * std::max(1.0, std::abs(centre) * 1e-3))
            << sigma << " " << half << " " << centre;
      }
}

TEST(TruncatedMean, NeverLeavesTheCellAndIsOdd) {
  for (const double centre : {0.0, 1e-9, 1.0, 8.9, 9.1, 1e3, 1e6, 1e12, 1e30})
    for (const double half : {1e-9, 1e-3, 0.5, 9.0, 1e3, 1e6, 1e12}) {
      const double is = found(0, centre, half, 1);
      EXPECT_GE(is, std::max(0.0, centre - half)) << centre << " " << half;
      EXPECT_LE(is, centre) << centre << " " << half;
      EXPECT_EQ(found(0, -centre, half, 1), -is) << centre << " " << half;
    }
}

TEST(TruncatedMean, WithoutACellNothingMovesAndWhatIsNoNumberStaysSo) {
  EXPECT_EQ(found(0.25, 40, 1e9, 1), 0.25);
  EXPECT_TRUE(std::isnan(found(std::nan(""), 1, 0.5, 1)));
}

TEST(TruncatedMean, NoiseInsideTheCellIsThatOfSamples) {
  constexpr double sigma = 0.7, before = 0.5, low = 1.0, high = 2.5;
  const auto x = sigma * noise({4000000}, 1), measured = x + before * noise({4000000}, 2);
  const auto inside = (measured > low).logical_and(measured < high);
  const double expected = x.masked_select(inside).mean().item<double>();
  EXPECT_NEAR(found(0, (low + high) / 2, (high - low) / 2, sigma, before), expected, 3e-3);
  EXPECT_GT(std::abs(found(0, (low + high) / 2, (high - low) / 2, sigma) - expected), 0.1);
}

TEST(TruncatedMean, OfFloatsIsThatOfDoubles) {
  const auto mean = 3 * noise({1000}, 3), centre = (8 * noise({1000}, 4)).round_(), half = at::full({1000}, 0.5);
  const auto exact = truncated_mean(mean.to(at::kDouble), {centre.to(at::kDouble), half.to(at::kDouble)}, 0.8);
  const auto is = truncated_mean(mean, {centre, half}, 0.8);
  EXPECT_EQ(is.scalar_type(), at::kFloat);
  EXPECT_LT((is - exact).abs().max().item<double>(), 2e-5);
}

}  // namespace
}  // namespace reddiff
