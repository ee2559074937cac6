// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A matrix that acts along one axis of a picture, for an axis of any length, where what is far apart has nothing to do with each
// other: row and column must lie near each other for an entry to matter. Short axes take the matrix as it is. For long ones it is
// never made: its rows are those of a short axis, the first and last for the borders and the middle one for all others, and it is
// multiplied in blocks (Note [Blocked products] in axis_matrix.cpp). Time and memory then grow with the picture and no faster.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>

#include "core/operators/tensor_cache.h"

namespace reddiff {

// `x`, [C,H,W], times a matrix along dimension `dim` (1 or 2), which holds entries near its diagonal only: block i of the result
// is bands[i], [outputs, window], times the `window` samples from i * step - before on, zero where there are none. `length` is that
// of the result.
at::Tensor blocked_product(const at::Tensor& x, std::int64_t dim, const at::Tensor& bands, std::int64_t step,
                           std::int64_t before, std::int64_t length);

class AxisMatrix {
 public:
  // The axis is counted in units (pixels of the measurement). Each stands for so many rows and columns of the matrix.
  struct Shape {
    std::int64_t rows;
    std::int64_t columns;
    std::int64_t
        reach;  // farther than so many units from its own a row holds nothing that float32 could tell from zero
  };

  // `make`: the whole matrix for an axis of so many units, [units * rows, units * columns], double.
  AxisMatrix(const Shape& shape, std::function<at::Tensor(std::int64_t units)> make) : shape_(shape), make_(make) {}

  static constexpr std::int64_t longest_short_axis = 256;  // in units

  // Along both axes of every channel of one picture, [C,H,W]; the order makes the picture smaller first and larger last.
  at::Tensor on_both_axes(const at::Tensor& x) const;

  // The same by BandStep, as a GPU does it where nothing is to be differentiated. float32.
  at::Tensor on_both_axes_by_steps(const at::Tensor& x) const;

 private:
  at::Tensor along(std::int64_t dim, const at::Tensor& x) const;
  at::Tensor along_by_step(std::int64_t dim, const at::Tensor& x) const;
  at::Tensor whole(std::int64_t units, const at::Tensor& like) const;
  at::Tensor bands(std::int64_t units, const at::Tensor& like) const;

  Shape shape_;
  std::function<at::Tensor(std::int64_t)> make_;
  mutable TensorCache whole_, bands_, taps_;  // by length in units
};

}  // namespace reddiff
