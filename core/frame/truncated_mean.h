// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Measurements that are intervals: of a value there is known that it lies in a cell. What a quantiser, a clipped sensor or a JPEG coder
// says is of this kind.
#pragma once

#include <ATen/core/Tensor.h>

namespace reddiff {

// Cells centre - half_width ... centre + half_width, of the same shape as what lies in them or one that broadcasts.
struct Intervals {
  at::Tensor centre, half_width;  // half_width > 0; from 1e6 sigma on nothing is known
};

// E[x given x in its cell] of x ~ N(mean, sigma^2), value by value, sigma > 0: with t the distance of the cell's centre and h its half
// width in sigma, a = t - h, b = t + h, Q(z) the share of a normal distribution above z,
//   mean + sigma (phi(a) - phi(b)) / (Q(a) - Q(b))
// Exact to 1e-5 sigma in double precision, 1e-4 in single, however far the cell lies in either tail, and never outside of the cell. Where mean is no number neither is the result.
at::Tensor truncated_mean(const at::Tensor& mean, const Intervals& cells, double sigma);

// The same where noise ~ N(0, noise^2) was on x before it was seen to lie in the cell: E[x given x + n in its cell]. x + n goes to its
// truncated mean, and x a share sigma^2/(sigma^2 + noise^2) of that way.
at::Tensor truncated_mean(const at::Tensor& mean, const Intervals& cells, double sigma, double noise);

}  // namespace reddiff
