// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The gradient through a prior against finite differences of the prior itself.
#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "core/api/abort.h"
#include "core/api/error.h"
#include "core/priors/conv_unet.h"
#include "core/priors/dct_shrink.h"
#include "core/priors/tiled.h"
#include "core/solvers/rng.h"
#include "tests/core/fake_priors.h"

namespace reddiff {
namespace {

DenoiserPtr network(const std::string& name, ConvPath path) {
  const char* folder = std::getenv("REDDIFF_MODEL_PATH");
  const Model model = load_model(std::string(folder ? folder : "models") + "/" + name + ".safetensors");
  return make_conv_unet(model.tensors, model.card, at::kCPU, at::kFloat, path);
}

at::Tensor field(std::uint64_t seed, at::IntArrayRef size) {
  std::vector<at::Tensor> pictures;
  for (std::int64_t i = 0; i < size[0]; ++i)
    pictures.push_back(normal_field(seed, static_cast<std::uint64_t>(i), size, at::kCPU));
  return at::cat(pictures);
}

// <J^T v, d> = d/dh <v, D(u + h d)>, whatever v and d.
void expect_gradient(const Denoiser& prior, const at::Tensor& sigma, at::IntArrayRef size, double tolerance = 0.03) {
  const c10::InferenceMode as_in_the_element;
  const auto u = field(1, size) * 0.4, v = field(2, size), d = field(3, size);
  ASSERT_NE(prior.differentiable(), nullptr);
  at::Tensor seen;
  const auto [denoised, gradient] = prior.differentiable()->denoise_with_gradient(u, sigma, [&](const at::Tensor& x) {
    seen = x;
    return v;
  });
  EXPECT_TRUE(seen.equal(denoised));
  EXPECT_LT((denoised - prior.denoise(u, sigma)).abs().max().item<double>(), 2e-5);
  ASSERT_EQ(gradient.sizes(), u.sizes());
  constexpr double h = 2e-4;
  const auto change = (prior.denoise(u + h * d, sigma) - prior.denoise(u - h * d, sigma)).to(at::kDouble) / (2 * h);
  const double want = (change * v).sum().item<double>(), got = (gradient.to(at::kDouble) * d).sum().item<double>();
  // In units of what random fields of these lengths have in common.
  const double unit = gradient.norm().item<double>();
  EXPECT_NEAR(got / unit, want / unit, tolerance);
  EXPECT_GT(unit, 0);
}

class GradientPaths : public ::testing::TestWithParam<ConvPath> {};

TEST_P(GradientPaths, OfTheNetworkForOneLevelAMapAndALevelForEachPicture) {
  if (GetParam() == ConvPath::fused && !has_fused_convolution()) GTEST_SKIP();
  for (const char* name : {"tiny", "default"}) {
    const auto prior = network(name, GetParam());
    for (const double level : {0.05, 0.5, 3.0}) expect_gradient(*prior, at::full({1, 1, 1, 1}, level), {1, 3, 32, 40});
    expect_gradient(*prior, (field(5, {1, 1, 32, 40}) * 0.5 - 1.5).exp(), {1, 3, 32, 40});
    expect_gradient(*prior, at::tensor({0.1f, 0.7f}).view({2, 1, 1, 1}), {2, 3, 32, 40});
    expect_gradient(*prior, at::full({1, 1, 1, 1}, 0.3), {1, 3, 21, 35});  // mirrored up to whole cells
    for (const auto& kind : prior->kinds())
      expect_gradient(*prior->for_kind(kind), at::full({1, 1, 1, 1}, 0.1), {1, 3, 16, 24});
  }
}

INSTANTIATE_TEST_SUITE_P(, GradientPaths, ::testing::Values(ConvPath::plain, ConvPath::fused));

TEST(PriorGradient, OfABatchIsThatOfEachPicture) {
  const c10::InferenceMode guard;
  const auto prior = network("tiny", has_fused_convolution() ? ConvPath::fused : ConvPath::plain);
  const auto u = field(1, {3, 3, 32, 32}) * 0.4, sigma = at::full({1, 1, 1, 1}, 0.3);
  const auto of = [&](const at::Tensor& pictures) {
    return prior->differentiable()->denoise_with_gradient(pictures, sigma, [](const at::Tensor& x) { return x; });
  };
  const auto together = of(u).gradient;
  for (std::int64_t i = 0; i < 3; ++i)
    EXPECT_LT((together.narrow(0, i, 1) - of(u.narrow(0, i, 1)).gradient).abs().max().item<double>(), 1e-5);
}

TEST(PriorGradient, OfTilesIsThatOfTheirBlend) {
  const TiledDenoiser tiled(network("tiny", ConvPath::plain), {64, 16});
  ASSERT_GT(tiled.tiles(96, 112), 1);
  expect_gradient(tiled, at::full({1, 1, 1, 1}, 0.3), {1, 3, 96, 112});
  expect_gradient(tiled, (field(5, {1, 1, 96, 112}) * 0.5 - 1.5).exp(), {1, 3, 96, 112});
}

TEST(PriorGradient, IsOfferedThroughTilesAsThePriorOffersIt) {
  EXPECT_EQ(make_dct_shrink(at::kCPU)->differentiable(), nullptr);
  EXPECT_EQ(TiledDenoiser(make_dct_shrink(at::kCPU), {}).differentiable(), nullptr);
}

TEST(PriorGradient, IsGivenUpWhenAborted) {
  const c10::InferenceMode guard;
  const auto prior = network("tiny", ConvPath::plain);
  std::atomic<bool> flag = false;
  const AbortScope scope(&flag);
  const auto u = field(1, {1, 3, 32, 32});
  EXPECT_THROW(prior->differentiable()->denoise_with_gradient(u, at::full({1, 1, 1, 1}, 0.3),
                                                              [&](const at::Tensor& x) {
                                                                flag = true;  // on the way back
                                                                return x;
                                                              }),
               Error);
}

}  // namespace
}  // namespace reddiff
