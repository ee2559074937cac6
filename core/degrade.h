// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The forward model as a frame processor: y = H(x) + sigma n, clipped to code values. For demos, tests and evaluation.
#pragma once

#include "core/api/restorer.h"
#include "core/operators/operator.h"

#include <c10/core/Device.h>

namespace reddiff {

class DegradeEngine final : public Degrader {
 public:
  explicit DegradeEngine(const DegraderConfig& config);  // throws reddiff::Error
  void process(const FrameView& in, const FrameView& out, std::uint64_t frame_index,
               const std::atomic<bool>* abort = nullptr) override;

 private:
  DegraderConfig config_;
  c10::Device device_;
  OperatorPtr op_;
};

}  // namespace reddiff
