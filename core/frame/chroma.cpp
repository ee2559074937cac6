// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Both sitings are lifting schemes: whatever the prediction of the missing samples is, the rest is solved from them so that
// downsampling gives the input back.
#include "core/frame/chroma.h"

#include <ATen/ATen.h>

#include <vector>

namespace reddiff {
namespace {

// Even = c - q, odd = c + q: their mean is c. q is an eighth of the central difference, a quarter of the one-sided one at
// the borders, so that a ramp keeps its slope. The lone last sample of an odd length is c itself.
void upsample_centred(const at::Tensor& c, std::int64_t dim, at::Tensor even, at::Tensor odd) {
  const std::int64_t n = c.size(dim);
  const std::int64_t pairs = odd.size(dim);
  at::Tensor q = at::zeros_like(c);
  if (n > 1) {
    q.narrow(dim, 0, 1).add_(c.narrow(dim, 1, 1) - c.narrow(dim, 0, 1)).mul_(0.25);
    if (pairs == n) q.narrow(dim, n - 1, 1).add_(c.narrow(dim, n - 1, 1) - c.narrow(dim, n - 2, 1)).mul_(0.25);
  }
  if (n > 2) {
    at::Tensor inner = q.narrow(dim, 1, n - 2);
    at::sub_out(inner, c.narrow(dim, 2, n - 2), c.narrow(dim, 0, n - 2)).mul_(0.125);
  }
  at::sub_out(even, c, q);
  at::add_out(odd, c.narrow(dim, 0, pairs), q.narrow(dim, 0, pairs));
}

// Sum of the odd samples left and right of every even one, mirrored at the borders. n even samples, odd is not empty.
at::Tensor sum_of_neighbours(const at::Tensor& odd, std::int64_t dim, std::int64_t n) {
  const std::int64_t pairs = odd.size(dim);
  at::Tensor sum = at::cat({odd.narrow(dim, 0, 1), odd.narrow(dim, 0, n - 1)}, dim);
  sum.narrow(dim, 0, pairs).add_(odd);
  if (pairs < n) sum.narrow(dim, n - 1, 1).add_(odd.narrow(dim, pairs - 1, 1));
  return sum;
}

// Odd = mean of its two neighbours in c (the last c repeats); even = 2 c - (odd left + odd right) / 2.
void upsample_cosited(const at::Tensor& c, std::int64_t dim, at::Tensor even, at::Tensor odd) {
  const std::int64_t n = c.size(dim);
  const std::int64_t pairs = odd.size(dim);
  if (pairs == 0) {
    even.copy_(c);
    return;
  }
  if (n > 1) {
    at::Tensor between = odd.narrow(dim, 0, n - 1);
    at::add_out(between, c.narrow(dim, 0, n - 1), c.narrow(dim, 1, n - 1)).mul_(0.5);
  }
  if (pairs == n) odd.narrow(dim, n - 1, 1).copy_(c.narrow(dim, n - 1, 1));
  at::mul_out(even, c, at::scalar_tensor(2.0f, c.options().device(at::kCPU)));
  even.sub_(sum_of_neighbours(odd, dim, n), 0.5);
}

}  // namespace

at::Tensor upsample_chroma(const at::Tensor& c, std::int64_t dim, std::int64_t length, bool cosited) {
  TORCH_CHECK(c.size(dim) == (length + 1) / 2, "chroma length does not fit");
  std::vector<std::int64_t> sizes = c.sizes().vec();
  sizes[static_cast<std::size_t>(dim)] = length;
  at::Tensor out = at::empty(sizes, c.options());
  at::Tensor even = out.slice(dim, 0, length, 2);
  at::Tensor odd = out.slice(dim, 1, length, 2);
  if (cosited) {
    upsample_cosited(c, dim, even, odd);
  } else {
    upsample_centred(c, dim, even, odd);
  }
  return out;
}

at::Tensor downsample_chroma(const at::Tensor& c, std::int64_t dim, bool cosited) {
  const std::int64_t length = c.size(dim);
  const std::int64_t n = (length + 1) / 2;
  if (length == 1) return c.clone();
  const at::Tensor even = c.slice(dim, 0, length, 2);
  const at::Tensor odd = c.slice(dim, 1, length, 2);
  if (cosited) return sum_of_neighbours(odd, dim, n).mul_(0.25).add_(even, 0.5);
  const std::int64_t pairs = odd.size(dim);
  if (pairs == n) return at::add(even, odd).mul_(0.5);
  at::Tensor out = even.clone();
  out.narrow(dim, 0, pairs).add_(odd).mul_(0.5);
  return out;
}

}  // namespace reddiff
