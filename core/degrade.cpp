// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/degrade.h"

#include <ATen/ATen.h>

#include "core/api/abort.h"
#include "core/device.h"
#include "core/frame/convert.h"
#include "core/frame/frame_device.h"
#include "core/registry.h"
#include "core/solvers/rng.h"

namespace reddiff {

DegradeEngine::DegradeEngine(const DegraderConfig& config)
    : config_(config), device_(parse_device(config.device)), op_(make_operator(parse_operator(config.operator_text))) {}

void DegradeEngine::process(const FrameView& in, const FrameView& out, std::uint64_t frame_index,
                            const std::atomic<bool>* abort) {
  const c10::InferenceMode no_gradients;
  const AbortScope scope(abort);
  validate(in);
  validate(out);
  const int factor = op_->factor();
  if (in.width != out.width * factor || in.height != out.height * factor)
    throw Error(ErrorCode::format, "width and height must be multiples of " + std::to_string(factor) +
                                       " for this operator; crop or scale the video first");
  throw_if_aborted();
  for (const FrameView* frame : {&in, &out}) wait_for_frame(*frame);
  const auto picture = read_picture(in, device_);
  throw_if_aborted();
  auto measured = op_->forward(picture);
  throw_if_aborted();
  if (config_.noise > 0) {
    const auto noise = normal_field(mix_seed(config_.seed, frame_index), 0, measured.sizes(), device_);
    measured = measured + noise * level_to_core(config_.noise);
  }
  if (measured.size(1) == 1) measured = measured.expand({-1, 3, -1, -1});
  auto alpha = read_alpha(in, device_);
  if (alpha.defined() && factor > 1) alpha = at::avg_pool2d(alpha, {factor, factor});
  throw_if_aborted();
  write_picture(measured, alpha, out);
  finish_frame(out, device_);
}

}  // namespace reddiff
