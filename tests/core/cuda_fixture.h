// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A GPU to hold against the CPU, or a skipped test. REDDIFF_SECOND_DEVICE names another device than cuda:0; `cpu` tries the
// comparisons themselves on a machine without a GPU.
#pragma once

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "core/api/error.h"
#include "core/device.h"

namespace reddiff {

// Two devices add up in different orders; TF32 would be ten times as far off.
inline constexpr double cuda_tolerance = 1e-3;

class Cuda : public testing::Test {
 protected:
  void SetUp() override {
    const char* device = std::getenv("REDDIFF_SECOND_DEVICE");
    name = device ? device : "cuda:0";
    try {
      gpu = parse_device(name);
    } catch (const Error& error) {
      GTEST_SKIP() << error.what();
    }
  }

  at::Tensor up(const at::Tensor& t) const { return t.defined() ? t.to(gpu) : t; }

  void expect_same(const at::Tensor& on_cpu, const at::Tensor& on_gpu, double limit, const std::string& what) const {
    ASSERT_EQ(on_gpu.device(), gpu) << what;
    ASSERT_EQ(on_gpu.sizes(), on_cpu.sizes()) << what;
    EXPECT_LE((on_gpu.cpu() - on_cpu).abs().max().item<double>(), limit) << what;
  }

  std::string name;
  at::Device gpu = at::kCPU;
};

inline std::string models_of_tests() {
  const char* models = std::getenv("REDDIFF_MODEL_PATH");
  return models ? models : "models";
}

}  // namespace reddiff
