// SPDX-License-Identifier: LGPL-2.1-or-later
//
// How a frame moved against the last one: who asks first has it searched for, and everybody else in that frame gets the same answer, unless
// the pictures at hand show more (`between`). So with the scene: it was cut or it was not, for all who remember some of it.
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <optional>

#include "core/frame/device_queue.h"
#include "core/temporal/flow.h"

namespace reddiff {

// What a stream searches with.
struct MotionSearch {
  double scene_threshold = 0;  // see scene_cut.h
  std::unique_ptr<Flow> flow = make_flow();
};

// Of one frame; `search` must outlive it.
class Motion {
 public:
  explicit Motion(const MotionSearch& search) : search_(search) {}

  // now, before: [1,3,H,W], pictures of this frame and of the last one that show the same thing.

  // Whether this frame belongs to another scene. Who asks some time before needing the answer does not wait for a GPU.
  void ask_for_cut(const at::Tensor& now, const at::Tensor& before);
  bool is_cut(const at::Tensor& now, const at::Tensor& before);

  // Backward flow, [1,2,H,W], pixels. `noise`: sigma_y of the pictures in core units, 0 where they are clean; more than four code values
  // lead the search astray, and half the resolution averages them out.
  at::Tensor backward(const at::Tensor& now, const at::Tensor& before, double noise = 0);

  // A search of one's own, between whatever pictures.
  at::Tensor between(const at::Tensor& to, const at::Tensor& from) const { return search_.flow->estimate(to, from); }

 private:
  const MotionSearch& search_;
  std::optional<Awaited> asked_;
  std::optional<bool> cut_;
  at::Tensor backward_;
};

// [1,C,H,W] at half the size; small pictures stay as they are.
at::Tensor halved(const at::Tensor& picture);

}  // namespace reddiff
