// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A residual block of the network (conv_unet.h) whose two convolutions run on bytes; what they add to stays float32. How far a block's
// two inputs reach was measured for bands of noise levels (models/calibrate_int8.py): a network that knows the level uses its channels
// differently at each.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "core/priors/film.h"
#include "core/priors/int8_conv.h"

namespace reddiff {

struct Int8Scales {
  Quantisation input;
  double hidden_step;  // of what the second convolution reads, which is never negative
};

// The measured ranges of one kind of error.
class Int8Ranges {
 public:
  // sigma: [bands] rising, ranges: [blocks,bands,3], least and most of a block's input and most of what lies between its convolutions.
  // float32, on the CPU. All zero: this block stays in float32.
  Int8Ranges(const at::Tensor& sigma, const at::Tensor& ranges);

  bool has(std::size_t block) const { return !blocks_[block].empty(); }

  // Of levels from least to most: the bands around them. A scale for every block; undefined where the block has none.
  std::vector<std::optional<Int8Scales>> scales(double least, double most) const;

 private:
  struct Reach {
    double least, most, hidden;
  };
  std::vector<double> sigma_;
  std::vector<std::vector<Reach>> blocks_;  // by band; empty: none
};

class Int8Block {
 public:
  // [C,C,3,3] each, float32 on the CPU.
  Int8Block(const at::Tensor& weight1, const at::Tensor& weight2);

  // x: [N,C,h,w] float32, channels-last; x += conv2(relu(conv1(x) * gain + bias)) in place.
  void apply(at::Tensor& x, const Int8Scales& scales, const FilmRow& row) const;
  // table: of the block, map: of x's level of the pyramid.
  void apply(at::Tensor& x, const Int8Scales& scales, const FilmMap& map, const at::Tensor& table) const;

 private:
  Int8Conv2d first_, second_;
};

}  // namespace reddiff
