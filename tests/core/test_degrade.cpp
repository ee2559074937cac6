// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The forward model on whole frames.
#include <gtest/gtest.h>

#include "core/degrade.h"
#include "core/frame/convert.h"
#include "tests/core/sample_frame.h"
#include "tests/core/scene.h"

namespace reddiff {
namespace {

TEST(Degrade, AddsTheNoiseItSaysAndRepeatsIt) {
  Frame flat(format_named("RGB"), 128, 96, 1);
  write_picture(at::zeros({1, 3, 96, 128}), {}, flat.view);
  const auto degrade = [&](std::uint64_t seed, std::uint64_t index) {
    Frame out(format_named("RGB"), 128, 96, 2);
    DegradeEngine({"identity", 20, seed, "cpu"}).process(flat.view, out.view, index);
    return read_picture(out.view, at::kCPU);
  };
  EXPECT_NEAR(rms(degrade(1, 0)) * 127.5, 20, 0.5);
  EXPECT_TRUE(degrade(1, 0).equal(degrade(1, 0)));
  EXPECT_FALSE(degrade(1, 0).equal(degrade(1, 1)));
  EXPECT_FALSE(degrade(1, 0).equal(degrade(2, 0)));
}

TEST(Degrade, RefusesSizesItsFactorDoesNotDivide) {
  Frame in(format_named("RGB"), 33, 32, 1), out(format_named("RGB"), 16, 16, 1);
  EXPECT_THROW(DegradeEngine({"bicubic:factor=2", 0, 0, "cpu"}).process(in.view, out.view, 0), Error);
}

TEST(Degrade, EndsWhereNobodyWaitsForIt) {
  const std::atomic<bool> stop = true, go_on = false;
  Frame in(format_named("RGB"), 32, 32, 1), out(format_named("RGB"), 32, 32, 1);
  DegradeEngine degrade({"identity", 10, 0, "cpu"});
  try {
    degrade.process(in.view, out.view, 0, &stop);
    ADD_FAILURE() << "it did not end";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::aborted);
  }
  degrade.process(in.view, out.view, 0, &go_on);
}

}  // namespace
}  // namespace reddiff
