// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/operators/blur_kernels.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <numbers>
#include <string_view>
#include <system_error>

#include "core/api/files.h"

namespace reddiff {
namespace {

constexpr int max_side = 99;
constexpr std::uintmax_t max_file = 1 << 20;

void normalise(Kernel& kernel) {
  double sum = 0;
  for (const double tap : kernel.taps) sum += tap;
  for (double& tap : kernel.taps) tap /= sum;
}

[[noreturn]] void fail(const std::string& path, const std::string& what) {
  throw Error(ErrorCode::settings, "kernel file " + path + ": " + what);
}

std::string read_text(const std::string& path) {
  const std::string what = "kernel file " + path;
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (error) throw file_error(what, error);
  // A pipe or device could deliver without end.
  if (!std::filesystem::is_regular_file(status)) fail(path, "it is not a plain file; give a text file of numbers");
  const auto size = std::filesystem::file_size(path, error);
  if (!error && size > max_file) fail(path, "it is larger than 1 MiB; a kernel has at most 99x99 numbers");
  errno = 0;
  std::ifstream stream(path, std::ios::binary);
  std::string text(error ? 0 : static_cast<std::size_t>(size), '\0');
  if (error || !stream || !stream.read(text.data(), static_cast<std::streamsize>(text.size())))
    throw file_error(what, error ? error : std::error_code(errno ? errno : EIO, std::generic_category()));
  return text;
}

// Appends the numbers of one line; returns how many.
int read_row(const std::string& path, std::string_view line, int line_number, std::vector<double>& taps) {
  constexpr std::string_view blanks = " \t\r,";
  line = line.substr(0, line.find('#'));
  int count = 0;
  for (auto start = line.find_first_not_of(blanks); start != std::string_view::npos;
       start = line.find_first_not_of(blanks, start), ++count) {
    const auto end = std::min(line.find_first_of(blanks, start), line.size());
    const std::string_view word = line.substr(start, end - start);
    double tap = 0;
    const auto [stop, error] = std::from_chars(word.data(), word.data() + word.size(), tap);
    if (error != std::errc() || stop != word.data() + word.size() || !std::isfinite(tap))
      fail(path, "line " + std::to_string(line_number) + " holds \"" + std::string(word.substr(0, 40)) +
                     "\", which is not a finite number");
    if (count == max_side) fail(path, "line " + std::to_string(line_number) + " holds more than 99 numbers");
    taps.push_back(tap);
    start = end;
  }
  return count;
}

}  // namespace

Kernel gaussian_kernel(double sigma) {
  const int radius = static_cast<int>(std::ceil(4 * sigma));
  Kernel kernel{1, 2 * radius + 1, {}};
  for (int i = -radius; i <= radius; ++i) kernel.taps.push_back(std::exp(-0.5 * i * i / (sigma * sigma)));
  normalise(kernel);
  return kernel;
}

Kernel box_kernel(int size) { return {1, size, std::vector<double>(static_cast<std::size_t>(size), 1.0 / size)}; }

Kernel motion_kernel(double length, double angle) {
  const double radians = angle * std::numbers::pi / 180;
  const double x = std::cos(radians), y = -std::sin(radians);  // rows run downwards
  const bool steep = std::abs(y) > std::abs(x);
  const double along = steep ? y : x, across = steep ? x : y;
  const double half = std::abs(along) * length / 2;
  const double slope = across / along;
  // The small numbers keep rounding errors of sin and cos at right angles from widening the kernel.
  constexpr double slack = 1e-9;
  const int long_radius = std::max(0, static_cast<int>(std::ceil(half - 0.5 - slack)));
  const int short_radius = static_cast<int>(std::ceil(std::abs(slope) * half - slack));
  Kernel kernel{2 * (steep ? long_radius : short_radius) + 1, 2 * (steep ? short_radius : long_radius) + 1, {}};
  kernel.taps.assign(static_cast<std::size_t>(kernel.rows * kernel.columns), 0);
  const auto add = [&](int long_index, int short_index, double weight) {
    if (std::abs(short_index) > short_radius) return;  // only ever a weight of rounding size
    const int row = (steep ? long_index + long_radius : short_index + short_radius);
    const int column = (steep ? short_index + short_radius : long_index + long_radius);
    kernel.taps[static_cast<std::size_t>(row * kernel.columns + column)] += weight;
  };
  for (int i = -long_radius; i <= long_radius; ++i) {
    const double from = std::max(i - 0.5, -half), to = std::min(i + 0.5, half);
    if (to <= from) continue;
    const double offset = slope * (from + to) / 2;
    const int below = static_cast<int>(std::floor(offset));
    add(i, below, (to - from) * (below + 1 - offset));
    add(i, below + 1, (to - from) * (offset - below));
  }
  normalise(kernel);
  return kernel;
}

Kernel read_kernel(const std::string& given) {
  const std::string path = expand_home(given);
  const std::string text = read_text(path);
  Kernel kernel{0, 0, {}};
  int line_number = 0;
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t end = std::min(text.find('\n', start), text.size());
    const int count = read_row(path, std::string_view(text).substr(start, end - start), ++line_number, kernel.taps);
    start = end + 1;
    if (count == 0) continue;
    if (kernel.rows > 0 && count != kernel.columns)
      fail(path, "line " + std::to_string(line_number) + " holds " + std::to_string(count) +
                     " numbers and the first row " + std::to_string(kernel.columns));
    kernel.columns = count;
    if (++kernel.rows > max_side) fail(path, "it has more than 99 rows");
  }
  if (kernel.rows % 2 == 0 || kernel.columns % 2 == 0)
    fail(path, "it has " + std::to_string(kernel.rows) + " rows of " + std::to_string(kernel.columns) +
                   " numbers; both must be odd, so that there is a middle");
  double sum = 0, magnitude = 0;
  for (const double tap : kernel.taps) sum += tap, magnitude += std::abs(tap);
  // Whether a denormal number is zero depends on the thread's mode; below this bound no sum is to be trusted.
  if (!std::isfinite(magnitude) || sum <= 1e-3 * magnitude || magnitude < 1e-100)
    fail(path, "its numbers must have a clearly positive sum, because they are scaled to sum one");
  normalise(kernel);
  return kernel;
}

}  // namespace reddiff
