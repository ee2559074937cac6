// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Point-spread functions as plain numbers: how one bright pixel spreads. Rows and columns are odd, the middle one is the
// pixel itself, the taps sum to one. No torch.
#pragma once

#include <string>
#include <vector>

namespace reddiff {

struct Kernel {
  int rows = 1;
  int columns = 1;
  std::vector<double> taps;  // row by row, rows * columns of them
};

// One dimension, as a row. Cut at four standard deviations, where what is left out is below 1e-4 of the sum.
Kernel gaussian_kernel(double sigma);

Kernel box_kernel(int size);  // as a row

// A straight line of this length in pixels (any real number from 1 on) through the middle, `angle` degrees counter-clockwise
// from the right, as seen on the screen. Along its steeper axis every pixel holds the length of the line inside it; across,
// it is shared between the two nearest pixels. At multiples of 90 degrees and odd lengths: equal taps.
Kernel motion_kernel(double length, double angle);

// A text file: one row a line, numbers separated by blanks, tabs or commas, `#` starts a comment, empty lines do not count.
// Odd numbers of rows and columns up to 99; at most 1 MiB. `~/` is the home folder. Scaled to sum one. Throws Error{not_found, open_read, settings}.
Kernel read_kernel(const std::string& given);

}  // namespace reddiff
