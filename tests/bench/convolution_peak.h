// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What this machine's convolutions reach at best, right now: 3x3, float32, channels-last, with the channels and the sizes
// that the default prior's blocks have on a picture. The yardstick for the prior: the same ATen operator that anyone
// would call, without the prior's code.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "tests/bench/measure.h"

namespace reddiff::bench {

class ConvolutionPeak {
 public:
  explicit ConvolutionPeak(const std::vector<Size>& pictures);

  // Times every shape once more. Call it between the measurements that are to be compared with the peak.
  void sample();

  double gflops() const;     // highest of the shapes' medians
  std::string best() const;  // which shape that is
  void print() const;

 private:
  struct Shape {
    Size picture;
    at::Tensor x, weight;
    double operations;  // multiplications and additions of one convolution
    std::vector<double> gflops;
  };
  const Shape& best_shape() const;

  std::vector<Shape> shapes_;
};

}  // namespace reddiff::bench
