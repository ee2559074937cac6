// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the tests of operators share.
#pragma once

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>

#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include "core/api/error.h"
#include "core/operators/operators.h"

namespace reddiff {

inline std::string data_file(const char* name) {
  const char* folder = std::getenv("REDDIFF_TEST_DATA");
  return std::string(folder ? folder : "tests/core/data") + "/" + name;
}

inline OperatorPtr make(const std::string& text) {
  static const std::map<std::string, OperatorPtr (*)(const OperatorStage&)> makers = {
      {"identity", make_identity},  {"average-pool", make_average_pool},
      {"bicubic", make_bicubic},    {"gaussian-blur", make_gaussian_blur},
      {"box-blur", make_box_blur},  {"motion-blur", make_motion_blur},
      {"kernel", make_kernel_blur}, {"gray", make_gray}};
  std::vector<OperatorPtr> stages;
  for (const auto& stage : parse_operator(text).stages) stages.push_back(makers.at(stage.name)(stage));
  return make_composition(stages);
}

// No global generator: tests may run in any order.
inline at::Tensor randn(at::IntArrayRef shape, std::uint64_t seed, at::ScalarType type = at::kDouble) {
  return at::randn(shape, at::make_generator<at::CPUGeneratorImpl>(seed), at::TensorOptions(type));
}

inline double number(const at::Tensor& t) { return t.item<double>(); }
inline double largest(const at::Tensor& t) { return number(t.abs().max()); }

}  // namespace reddiff
