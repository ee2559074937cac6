// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Whole frames of a moving scene through Engine, with the dct prior.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "core/engine.h"
#include "core/frame/convert.h"
#include "tests/core/sample_frame.h"
#include "tests/core/scene.h"

namespace reddiff {

constexpr int width = 64, height = 48;

inline std::unique_ptr<Engine> engine_of(Config config) {
  config.prior = "dct";
  config.device = "cpu";
  return std::make_unique<Engine>(config, false, "");
}

inline std::string model_path() {
  const char* models = std::getenv("REDDIFF_MODEL_PATH");
  return models ? models : "";
}

inline at::Tensor read(Frame& frame) { return read_picture(frame.view, at::kCPU); }

// RGB frame of a scene that moves two pixels a frame, with noise of the given deviation.
inline std::unique_ptr<Frame> moving_frame(int index, double noise_level, int w = width, int h = height,
                                           const char* format = "RGB") {
  auto frame = std::make_unique<Frame>(format_named(format), w, h, 1);
  const auto picture = scene(h + 32, w + 32, 5).narrow(2, 16, h).narrow(3, 2 * index, w).contiguous();
  write_picture(picture * 0.7 + noise_level * noise({1, 3, h, w}, 100 + index), {}, frame->view);
  return frame;
}

struct RestoredFrame {
  std::unique_ptr<Frame> frame;
  FrameReport report;
};

inline RestoredFrame restore(Engine& engine, Frame& in, int scale, const FrameOptions& options,
                             const char* format = "RGB") {
  RestoredFrame restored{
      std::make_unique<Frame>(format_named(format), in.view.width * scale, in.view.height * scale, 2), {}};
  restored.report = engine.process(in.view, restored.frame->view, options);
  return restored;
}

}  // namespace reddiff
