// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/operators/axis_matrix.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <vector>

#include "core/api/abort.h"
#include "core/frame/step_runner.h"
#include "core/operators/band_step.h"

namespace reddiff {
namespace {

// The axis whose rows serve for long ones: its middle must be farther from both borders than any reach, so that they do not show.
constexpr std::int64_t half_sample = 64;

// Units a block: about as many samples on the finer side whatever the factor, fewer waste less on a narrow band.
std::int64_t block_of(const AxisMatrix::Shape& shape) {
  return std::max<std::int64_t>(8, 64 / std::max(shape.rows, shape.columns));
}

// The unit of the sample whose rows serve for this one of so many.
std::int64_t like_of(std::int64_t unit, std::int64_t units) {
  const std::int64_t from_end = units - unit;
  if (unit < half_sample) return unit;
  return from_end < half_sample ? 2 * half_sample - from_end : half_sample;
}

// The matrix `sample` of 2 half_sample units, [2 half_sample rows, 2 half_sample columns], as that of `units`, in blocks.
at::Tensor stretched(const at::Tensor& sample, const AxisMatrix::Shape& shape, std::int64_t units) {
  const std::int64_t block = block_of(shape), blocks = (units + block - 1) / block;
  const std::int64_t window = (block + 2 * shape.reach) * shape.columns, width = sample.size(1);
  at::Tensor bands = at::zeros({blocks, block * shape.rows, window}, at::kDouble);
  double* to = bands.mutable_data_ptr<double>();
  const double* from = sample.const_data_ptr<double>();
  for (std::int64_t unit = 0; unit < units; ++unit) {
    const std::int64_t like = like_of(unit, units);
    const std::int64_t first = std::max<std::int64_t>(0, like - shape.reach);
    const std::int64_t last = std::min(2 * half_sample, like + shape.reach + 1);
    const std::int64_t place = (unit % block + first - like + shape.reach) * shape.columns;
    for (std::int64_t row = 0; row < shape.rows; ++row) {
      const double* values = from + (like * shape.rows + row) * width;
      std::copy(values + first * shape.columns, values + last * shape.columns,
                to + (unit * shape.rows + row) * window + place);
    }
  }
  return bands;
}

// The same as what BandStep wants, [(2 reach + 1) columns, units rows].
at::Tensor taps_of(const at::Tensor& sample, const AxisMatrix::Shape& shape, std::int64_t units) {
  const std::int64_t count = (2 * shape.reach + 1) * shape.columns, outputs = units * shape.rows,
                     width = sample.size(1);
  at::Tensor taps = at::zeros({count, outputs}, at::kDouble);
  double* to = taps.mutable_data_ptr<double>();
  const double* from = sample.const_data_ptr<double>();
  for (std::int64_t unit = 0; unit < units; ++unit) {
    const std::int64_t like = like_of(unit, units), first = (like - shape.reach) * shape.columns;
    for (std::int64_t row = 0; row < shape.rows; ++row)
      for (std::int64_t k = std::max<std::int64_t>(0, -first); k < count && first + k < width; ++k)
        to[k * outputs + unit * shape.rows + row] = from[(like * shape.rows + row) * width + first + k];
  }
  return taps;
}

}  // namespace

// Note [Blocked products]: a banded matrix times a picture as a batch of products with small dense matrices. The samples under the
// blocks are views that overlap. It does (block + band)/band times the arithmetic and is still several times faster on a CPU than
// the library's depthwise convolution, which pads three channels to sixteen: 1080p, 13 taps: 30 ms against 200 ms a pass.
at::Tensor blocked_product(const at::Tensor& x, std::int64_t dim, const at::Tensor& bands, std::int64_t step,
                           std::int64_t before, std::int64_t length) {
  const std::int64_t blocks = bands.size(0), window = bands.size(2);
  const std::int64_t after = (blocks - 1) * step + window - before - x.size(dim);
  const std::vector<std::int64_t> beyond =
      dim == 1 ? std::vector<std::int64_t>{0, 0, before, after} : std::vector<std::int64_t>{before, after};
  const at::Tensor padded = before == 0 && after == 0 ? x : at::constant_pad_nd(x, beyond);
  if (dim == 2) {
    const at::Tensor rows = padded.reshape({-1, padded.size(2)}).unfold(1, window, step).transpose(0, 1);
    const at::Tensor out = at::bmm(rows, bands.transpose(1, 2)).transpose(0, 1).reshape({x.size(0), x.size(1), -1});
    return out.narrow(2, 0, length);
  }
  std::vector<at::Tensor> channels;
  for (std::int64_t c = 0; c < x.size(0); ++c) {
    const at::Tensor columns = padded[c].unfold(0, window, step).transpose(1, 2);
    channels.push_back(at::bmm(bands, columns).reshape({-1, x.size(2)}).narrow(0, 0, length));
  }
  return x.size(0) == 1 ? channels.front().unsqueeze(0) : at::stack(channels);
}

at::Tensor AxisMatrix::on_both_axes(const at::Tensor& x) const {
  if (StepRunner::has_kernels(x.device()) && x.scalar_type() == at::kFloat && !x.requires_grad())
    return on_both_axes_by_steps(x);
  const auto apply = [&](const at::Tensor& t) {
    return shape_.rows < shape_.columns ? along(2, along(1, t)) : along(1, along(2, t));
  };
  if (x.size(0) == 1 || std::max(x.size(1), x.size(2)) <= longest_short_axis * shape_.columns) return apply(x);
  // Channel by channel: a third of the memory, and what one pass writes is still at hand for the next.
  std::vector<at::Tensor> channels;
  for (std::int64_t c = 0; c < x.size(0); ++c) channels.push_back(apply(x.narrow(0, c, 1)));
  return at::cat(channels);
}

at::Tensor AxisMatrix::on_both_axes_by_steps(const at::Tensor& x) const {
  const bool across_last = shape_.rows < shape_.columns;
  return along_by_step(across_last ? 2 : 1, along_by_step(across_last ? 1 : 2, x));
}

at::Tensor AxisMatrix::along_by_step(std::int64_t dim, const at::Tensor& x) const {
  const std::int64_t units = x.size(dim) / shape_.columns;
  if (units <= longest_short_axis) return along(dim, x);
  throw_if_aborted();
  const auto taps = taps_.get(units, x, [&] {
    return std::vector<at::Tensor>{taps_of(make_(2 * half_sample).contiguous(), shape_, units)};
  })[0];
  const auto from = x.contiguous();
  std::vector<std::int64_t> sizes = x.sizes().vec();
  sizes[static_cast<std::size_t>(dim)] = units * shape_.rows;
  const auto out = at::empty(sizes, from.options());
  BandStep step{};
  step.x = from.const_data_ptr<float>(), step.taps = taps.const_data_ptr<float>(), step.count = step_size(taps.size(0));
  step.x_height = step_size(x.size(1)), step.x_width = step_size(x.size(2));
  step.rows = step_size(shape_.rows), step.columns = step_size(shape_.columns), step.reach = step_size(shape_.reach);
  step.across = dim == 2;
  step.out = out.mutable_data_ptr<float>(), step.out_rows = step_size(sizes[1]);
  step.height = step_size(sizes[0] * sizes[1]), step.width = step_size(sizes[2]);
  StepRunner(x.device())(step);
  return out;
}

at::Tensor AxisMatrix::along(std::int64_t dim, const at::Tensor& x) const {
  const std::int64_t units = x.size(dim) / shape_.columns, channels = x.size(0);
  if (units > longest_short_axis) {
    throw_if_aborted();
    return blocked_product(x, dim, bands(units, x), block_of(shape_) * shape_.columns, shape_.reach * shape_.columns,
                           units * shape_.rows);
  }
  const at::Tensor matrix = whole(units, x);
  if (dim == 2) return at::matmul(x, matrix.t());
  return at::bmm(matrix.unsqueeze(0).expand({channels, matrix.size(0), matrix.size(1)}), x);
}

at::Tensor AxisMatrix::whole(std::int64_t units, const at::Tensor& like) const {
  return whole_.get(units, like, [&] { return std::vector<at::Tensor>{make_(units)}; })[0];
}

at::Tensor AxisMatrix::bands(std::int64_t units, const at::Tensor& like) const {
  return bands_.get(units, like, [&] {
    return std::vector<at::Tensor>{stretched(make_(2 * half_sample).contiguous(), shape_, units)};
  })[0];
}

}  // namespace reddiff
