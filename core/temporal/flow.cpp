// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/temporal/flow.h"

#include <ATen/ATen.h>

namespace reddiff {
namespace {

class DeviceFlow final : public Flow {
 public:
  at::Tensor estimate(const at::Tensor& to, const at::Tensor& from) const override {
    return (to.is_cuda() && has_patch_kernels() ? *patch_ : *dis_).estimate(to, from);
  }

 private:
  std::unique_ptr<Flow> dis_ = make_dis_flow(), patch_ = make_patch_flow();
};

}  // namespace

std::unique_ptr<Flow> make_flow() { return std::make_unique<DeviceFlow>(); }

}  // namespace reddiff
