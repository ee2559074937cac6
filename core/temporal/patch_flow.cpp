// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The patch search over whole pictures, from the coarsest level of a pyramid to the pictures themselves.
#include <ATen/ATen.h>

#include <algorithm>
#include <vector>

#include "core/frame/step_runner.h"
#include "core/temporal/flow.h"
#include "core/temporal/patch_steps.h"

namespace reddiff {
namespace {

constexpr std::int64_t smallest_side = 32, longest_side = 1 << 24;
constexpr std::int64_t coarsest_length = 24;  // of the longer side: patches of a third see the motion of all

float* values_of(const at::Tensor& t) { return t.mutable_data_ptr<float>(); }
std::int32_t height_of(const at::Tensor& t) { return static_cast<std::int32_t>(t.size(-2)); }
std::int32_t width_of(const at::Tensor& t) { return static_cast<std::int32_t>(t.size(-1)); }
VectorField field_of(const at::Tensor& t) { return {t.const_data_ptr<float>(), height_of(t), width_of(t)}; }

// Both pictures at one size, [height,width].
struct Grey {
  at::Tensor to, from;
};

at::Tensor grey_of(const StepRunner& run, const at::Tensor& picture) {
  const at::Tensor planes = picture.to(at::kFloat).contiguous();
  const at::Tensor grey = at::empty({planes.size(2), planes.size(3)}, planes.options());
  run(GreyStep{planes.const_data_ptr<float>(), values_of(grey), height_of(grey), width_of(grey)});
  return grey;
}

at::Tensor half_of(const StepRunner& run, const at::Tensor& grey) {
  const at::Tensor half = at::empty({grey.size(0) / 2, grey.size(1) / 2}, grey.options());
  run(HalfStep{grey.const_data_ptr<float>(), width_of(grey), values_of(half), height_of(half), width_of(half)});
  return half;
}

// Finest first.
std::vector<Grey> pyramid_of(const StepRunner& run, const at::Tensor& to, const at::Tensor& from) {
  std::vector<Grey> pyramid{{grey_of(run, to), grey_of(run, from)}};
  while (true) {
    const Grey& last = pyramid.back();
    const std::int64_t height = last.to.size(0) / 2, width = last.to.size(1) / 2;
    if (std::min(height, width) < patch_side || std::max(height, width) < coarsest_length) return pyramid;
    pyramid.push_back({half_of(run, last.to), half_of(run, last.from)});
  }
}

// Flow of one level, [2,height,width], from that of the next coarser one; undefined at the coarsest.
at::Tensor level_flow(const StepRunner& run, const Grey& grey, const at::Tensor& coarse) {
  const std::int32_t height = height_of(grey.to), width = width_of(grey.to);
  const at::Tensor slopes = at::empty({2, height, width}, grey.to.options()), flow = at::empty_like(slopes);
  run(SlopeStep{grey.to.const_data_ptr<float>(), values_of(slopes), height, width});

  const std::int32_t rows = patches_along(height), columns = patches_along(width);
  const at::Tensor found = at::empty({2, rows, columns}, slopes.options()), agreed = at::empty_like(found);
  const SearchLevel level{grey.to.const_data_ptr<float>(), grey.from.const_data_ptr<float>(),
                          slopes.const_data_ptr<float>(), height, width};
  run(SearchStep{level, coarse.defined() ? field_of(coarse) : VectorField{}, values_of(found), rows, columns});
  run(NeighbourStep{level, field_of(found), values_of(agreed), rows, columns});
  run(PixelStep{level, field_of(agreed), values_of(flow), height, width});
  return flow;
}

class PatchFlow final : public Flow {
 public:
  at::Tensor estimate(const at::Tensor& to, const at::Tensor& from) const override {
    TORCH_CHECK(to.dim() == 4 && to.size(0) == 1 && to.size(1) == 3 && to.sizes() == from.sizes() &&
                    to.device() == from.device(),
                "two [1,3,H,W] on one device are needed");
    const std::int64_t height = to.size(2), width = to.size(3);
    TORCH_CHECK(std::max(height, width) < longest_side, "the pictures are too large to search");
    if (std::min(height, width) < smallest_side)
      return at::zeros({1, 2, height, width}, to.options().dtype(at::kFloat));
    if (!runs_on(to.device())) return estimate(to.cpu(), from.cpu()).to(to.device());
    const StepRunner run(to.device());
    const std::vector<Grey> pyramid = pyramid_of(run, to, from);
    at::Tensor flow;
    for (auto grey = pyramid.rbegin(); grey != pyramid.rend(); ++grey) flow = level_flow(run, *grey, flow);
    return flow.unsqueeze(0);
  }

 private:
  static bool runs_on(at::Device device) { return device.is_cpu() || (device.is_cuda() && has_patch_kernels()); }
};

}  // namespace

bool has_patch_kernels() { return StepRunner::has_kernels(at::kCUDA); }

std::unique_ptr<Flow> make_patch_flow() { return std::make_unique<PatchFlow>(); }

}  // namespace reddiff
