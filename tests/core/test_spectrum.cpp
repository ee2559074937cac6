// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Every spectrum that an operator of the registry offers is its singular value decomposition, compared with a dense one on 8x8 pixels.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/operators/spectrum.h"
#include "core/registry.h"
#include "tests/core/operator_helpers.h"

namespace reddiff {
namespace {

std::vector<std::string> subjects() {
  std::vector<std::string> texts{"gaussian-blur:sigma=0.8+bicubic:factor=2", "gray+average-pool:factor=4",
                                 "box-blur:size=3+gray"};
  for (const auto& kind : operator_kinds())
    if (std::string(kind.name) != "kernel") texts.insert(texts.end(), kind.examples.begin(), kind.examples.end());
  return texts;
}

double worst(const at::Tensor& a, const at::Tensor& b) { return (a - b).abs().max().item<double>(); }

struct Subject {
  OperatorPtr op;
  const Spectrum* spectrum;
  at::Tensor x, y;
};

template <typename Check> void for_each_spectrum(const Check& check) {
  int found = 0;
  for (const std::string& text : subjects()) {
    const auto op = make_operator(parse_operator(text));
    if (8 % op->factor() != 0 || !op->linear() || !op->spectrum()) continue;
    const auto x = at::randn({1, 3, 8, 8}, at::kDouble);
    SCOPED_TRACE(text);
    check(Subject{op, op->spectrum(), x, op->forward(x)});
    ++found;
  }
  EXPECT_GE(found, 8);
}

TEST(Spectrum, IsThatOfTheDenseMatrix) {
  for_each_spectrum([](const Subject& s) {
    const auto basis = at::eye(192, at::kDouble).view({192, 3, 8, 8});
    const auto dense = s.op->forward(basis).reshape({192, -1}).t();
    auto want = at::zeros({192}, at::kDouble);
    const auto values = at::linalg_svdvals(dense);
    want.narrow(0, 0, values.size(0)).copy_(values);
    const auto got = s.spectrum->singular_values(s.y).expand({1, 3, 8, 8}).reshape({-1});
    EXPECT_LT(worst(std::get<0>(got.sort(0, true)), want), 1e-9);
  });
}

TEST(Spectrum, TurnsPicturesIntoModesAndBack) {
  for_each_spectrum([](const Subject& s) {
    const auto modes = s.spectrum->modes(s.x);
    EXPECT_LT(worst(s.spectrum->picture(modes), s.x), 1e-9);
    EXPECT_NEAR(modes.square().sum().item<double>(), s.x.square().sum().item<double>(), 1e-9);
  });
}

TEST(Spectrum, MeasuresEachModeBySingularValue) {
  for_each_spectrum([](const Subject& s) {
    EXPECT_LT(worst(s.spectrum->measured_modes(s.y), s.spectrum->singular_values(s.y) * s.spectrum->modes(s.x)), 1e-9);
  });
}

TEST(Spectrum, ABatchDoesNotChangeABit) {
  for_each_spectrum([](const Subject& s) {
    const auto other = at::randn({1, 3, 8, 8}, at::kDouble);
    const auto modes = s.spectrum->modes(at::cat({other, s.x}));
    EXPECT_TRUE(modes.narrow(0, 1, 1).equal(s.spectrum->modes(s.x)));
  });
}

TEST(Spectrum, IsOfferedWhereAxesAreSeparate) {
  EXPECT_EQ(make_operator(parse_operator("motion-blur:length=9:angle=30"))->spectrum(), nullptr);
  EXPECT_EQ(make_operator(parse_operator("motion-blur:length=9:angle=30+bicubic:factor=2"))->spectrum(), nullptr);
  EXPECT_NE(make_operator(parse_operator("motion-blur:length=9:angle=0+bicubic:factor=2"))->spectrum(), nullptr);
  EXPECT_TRUE(make_operator(parse_operator("identity"))->spectrum()->of_pixels());
  EXPECT_FALSE(make_operator(parse_operator("average-pool:factor=2"))->spectrum()->of_pixels());
}

}  // namespace
}  // namespace reddiff
