// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the tests of operators share.
#pragma once

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "core/api/error.h"
#include "core/registry.h"

namespace reddiff {

inline std::string data_file(const char* name) {
  const char* folder = std::getenv("REDDIFF_TEST_DATA");
  return std::string(folder ? folder : "tests/core/data") + "/" + name;
}

// The parsed text, with a file of the tests for every file it names.
inline OperatorSpec with_test_files(const std::string& text) {
  OperatorSpec spec = parse_operator(text);
  for (auto& stage : spec.stages)
    for (auto& [argument, file] : stage.files) file = data_file("kernel_5x3.txt");
  return spec;
}

inline OperatorPtr make(const std::string& text) { return make_operator(with_test_files(text)); }

// Every example of every kind, so that a new kind is tested by its row in the table.
inline std::vector<std::string> examples_of_all_kinds() {
  std::vector<std::string> texts;
  for (const auto& kind : operator_kinds()) texts.insert(texts.end(), kind.examples.begin(), kind.examples.end());
  return texts;
}

// No global generator: tests may run in any order.
inline at::Tensor randn(at::IntArrayRef shape, std::uint64_t seed, at::ScalarType type = at::kDouble) {
  return at::randn(shape, at::make_generator<at::CPUGeneratorImpl>(seed), at::TensorOptions(type));
}

inline double number(const at::Tensor& t) { return t.item<double>(); }
inline double largest(const at::Tensor& t) { return number(t.abs().max()); }

}  // namespace reddiff
