// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/solvers/symmetry.h"

#include <ATen/ATen.h>

namespace reddiff {
namespace {

struct Symmetry {
  bool mirror;
  int quarter_turns;
};

// Far apart ones first: two steps average more than two neighbouring turns would.
constexpr Symmetry symmetries[8] = {{false, 0}, {true, 1},  {false, 2}, {true, 3},
                                    {true, 0},  {false, 1}, {false, 3}, {true, 2}};

}  // namespace

at::Tensor apply_symmetry(const at::Tensor& picture, int index) {
  const auto [mirror, turns] = symmetries[index & 7];
  const auto mirrored = mirror ? picture.flip(3) : picture;
  return turns ? at::rot90(mirrored, turns, {2, 3}) : mirrored;
}

at::Tensor undo_symmetry(const at::Tensor& picture, int index) {
  const auto [mirror, turns] = symmetries[index & 7];
  const auto turned = turns ? at::rot90(picture, -turns, {2, 3}) : picture;
  return mirror ? turned.flip(3) : turned;
}

at::Tensor denoise_in_symmetry(const Denoiser& prior, const at::Tensor& u, const at::Tensor& sigma, int index) {
  const auto shown = sigma.numel() == 1 ? sigma : apply_symmetry(sigma, index).contiguous();
  return undo_symmetry(prior.denoise(apply_symmetry(u, index).contiguous(), shown), index).contiguous();
}

}  // namespace reddiff
