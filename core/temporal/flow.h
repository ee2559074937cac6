// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Dense motion between two pictures, as backward flow: pixel (x, y) of `to` shows what `from` had at (x + u, y + v).
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>

namespace reddiff {

class Flow {
 public:
  virtual ~Flow() = default;
  // to, from: [1,3,H,W], [-1,1]. Returns [1,2,H,W] float32 on the device of `to`: channel 0 = u (columns), 1 = v (rows), in
  // pixels. Pictures with a side below 32 pixels have zero flow.
  virtual at::Tensor estimate(const at::Tensor& to, const at::Tensor& from) const = 0;
};

// For pictures on any device: the patch search on a GPU where its kernels are compiled in, else OpenCV on the CPU.
std::unique_ptr<Flow> make_flow();

// Dense inverse search twice: OpenCV's, on the CPU (dis_flow.cpp), and our own, on the device of the pictures (patch_flow.cpp).
std::unique_ptr<Flow> make_dis_flow();
std::unique_ptr<Flow> make_patch_flow();
bool has_patch_kernels();  // without, the patch search of a GPU's pictures takes place on the CPU

}  // namespace reddiff
