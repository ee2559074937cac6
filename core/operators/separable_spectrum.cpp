// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/operators/separable_spectrum.h"

#include <ATen/ATen.h>

#include <vector>

#include "core/operators/per_image.h"

namespace reddiff {
namespace {

// left x right^T for each colour, then `colours` of these: [C,h,w] -> [C',h',w'].
at::Tensor along_axes(const at::Tensor& colours, const at::Tensor& left, const at::Tensor& right, const at::Tensor& x) {
  const auto turned = at::matmul(at::matmul(left, x), right.t());
  return at::matmul(colours, turned.flatten(1)).view({colours.size(0), turned.size(1), turned.size(2)});
}

at::Tensor each(const at::Tensor& colours, const at::Tensor& left, const at::Tensor& right, const at::Tensor& x) {
  return per_image(x.size(0), [&](std::int64_t i) {
    return along_axes(colours, left, right, image(x, i).squeeze(0).contiguous()).unsqueeze(0);
  });
}

void add_factor(const at::Tensor& matrix, std::vector<at::Tensor>& parts) {
  const auto [u, values, vt] = at::linalg_svd(matrix, true);
  const auto all = at::zeros({matrix.size(1)}, matrix.options());
  all.narrow(0, 0, values.size(0)).copy_(values);
  parts.insert(parts.end(), {u, all, vt.t()});
}

}  // namespace

SeparableSpectrum::Factors SeparableSpectrum::factors(std::int64_t height, std::int64_t width,
                                                      const at::Tensor& like) const {
  const std::int64_t k = op_.factor();
  const auto parts = cache_.get((height << 31) + width, like, [&] {
    const auto options = at::TensorOptions().dtype(at::kDouble);
    std::vector<at::Tensor> made;
    const auto colours = op_.forward(at::eye(3, options).view({3, 3, 1, 1}).expand({3, 3, k, k}).contiguous());
    add_factor(colours.select(3, 0).select(2, 0).t(), made);
    const auto down = at::eye(height, options).view({height, 1, height, 1}).expand({height, 3, height, k});
    add_factor(op_.forward(down.contiguous()).select(3, 0).select(1, 0).t(), made);
    const auto across = at::eye(width, options).view({width, 1, 1, width}).expand({width, 3, k, width});
    add_factor(op_.forward(across.contiguous()).select(2, 0).select(1, 0).t(), made);
    return made;
  });
  return {{parts[0], parts[1], parts[2]}, {parts[3], parts[4], parts[5]}, {parts[6], parts[7], parts[8]}};
}

at::Tensor SeparableSpectrum::modes(const at::Tensor& x) const {
  const auto [colours, columns, rows] = factors(x.size(2), x.size(3), x);
  return each(colours.v.t(), columns.v.t(), rows.v.t(), x);
}

at::Tensor SeparableSpectrum::picture(const at::Tensor& modes) const {
  const auto [colours, columns, rows] = factors(modes.size(2), modes.size(3), modes);
  return each(colours.v, columns.v, rows.v, modes);
}

at::Tensor SeparableSpectrum::measured_modes(const at::Tensor& y) const {
  const std::int64_t height = y.size(2) * op_.factor(), width = y.size(3) * op_.factor();
  const auto [colours, columns, rows] = factors(height, width, y);
  const auto measured = each(colours.u.t(), columns.u.t(), rows.u.t(), y);
  return at::constant_pad_nd(measured, {0, width - y.size(3), 0, height - y.size(2), 0, 3 - y.size(1)});
}

at::Tensor SeparableSpectrum::singular_values(const at::Tensor& y) const {
  const auto [colours, columns, rows] = factors(y.size(2) * op_.factor(), y.size(3) * op_.factor(), y);
  return colours.values.view({1, 3, 1, 1}) * columns.values.view({1, 1, -1, 1}) * rows.values.view({1, 1, 1, -1});
}

}  // namespace reddiff
