// SPDX-License-Identifier: LGPL-2.1-or-later
//
// With v = the even samples of x followed by its odd samples in reverse, V its Fourier transform and t(k) = exp(-i pi k/(2N)):
// t(k) V(k) = c(k) - i c(N - k), c(N) = 0. V of a real v is known from its first half, which holds all N coefficients.
#include "core/operators/cosine_transform.h"

#include <ATen/ATen.h>

#include <numbers>

#include "core/api/abort.h"

namespace reddiff {
namespace {

at::Tensor evens(const at::Tensor& x) { return x.slice(-1, 0, x.size(-1), 2); }
at::Tensor odds(const at::Tensor& x) { return x.slice(-1, 1, x.size(-1), 2); }

}  // namespace

// t(0) ... t(N/2), N the length of a row.
at::Tensor CosineTransform::twiddles(const at::Tensor& like) const {
  const std::int64_t n = like.size(-1);
  return at::view_as_complex(twiddles_.get(n, like, [&] {
    const at::Tensor angle = at::arange(n / 2 + 1, at::kDouble) * (-std::numbers::pi / (2.0 * static_cast<double>(n)));
    return std::vector<at::Tensor>{at::stack({angle.cos(), angle.sin()}, 1)};
  })[0]);
}

at::Tensor CosineTransform::forward_rows(const at::Tensor& x) const {
  throw_if_aborted();
  const at::Tensor v = at::cat({evens(x), odds(x).flip(-1)}, -1);
  const at::Tensor turned = at::fft_rfft(v).mul_(twiddles(x));
  return at::cat({at::real(turned), at::imag(turned).narrow(-1, 1, (x.size(-1) - 1) / 2).flip(-1).neg_()}, -1);
}

at::Tensor CosineTransform::inverse_rows(const at::Tensor& coefficients) const {
  throw_if_aborted();
  const std::int64_t n = coefficients.size(-1), half = n / 2, even = (n + 1) / 2;
  const at::Tensor mirrored = at::constant_pad_nd(coefficients.narrow(-1, n - half, half).flip(-1).neg_(), {1, 0});
  const at::Tensor turned = at::complex(coefficients.narrow(-1, 0, half + 1), mirrored);
  const at::Tensor v = at::fft_irfft(turned.mul_(twiddles(coefficients).conj()), n);
  at::Tensor x = at::empty_like(v);
  evens(x).copy_(v.narrow(-1, 0, even));
  odds(x).copy_(v.narrow(-1, even, n - even).flip(-1));
  return x;
}

// Two-dimensional transposes: the one case that is copied in blocks on a CPU.
at::Tensor CosineTransform::forward(const at::Tensor& x) const {
  const std::int64_t height = x.size(2), width = x.size(3);
  return forward_rows(forward_rows(x).view({-1, width}).t().contiguous().view({width, -1, height}));
}

at::Tensor CosineTransform::inverse(const at::Tensor& coefficients, const at::Tensor& like) const {
  const at::Tensor columns = inverse_rows(coefficients);
  return inverse_rows(columns.view({columns.size(0), -1}).t().contiguous()).view(like.sizes());
}

}  // namespace reddiff
