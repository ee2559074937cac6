// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/frame/noise_passes.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "core/frame/noise_blocks.h"

namespace reddiff {
namespace {

constexpr std::int64_t side = 8, lanes = 8;

struct CellRow {
  explicit CellRow(std::int64_t width) : second(width), energy(width), mean(width), at_end(width) {}

  void clear() {
    for (auto* sums : {&energy, &mean, &at_end}) std::fill(sums->begin(), sums->end(), 0.0F);
  }

  std::vector<float> second;                // differences down the columns
  std::vector<float> energy, mean, at_end;  // sums down the columns of a row of cells
};

void differences(const float* __restrict row, std::int64_t width, float* __restrict second) {
  const float *above = row - width, *below = row + width;
  for (std::int64_t x = 0; x < width; ++x) second[x] = above[x] - 2 * row[x] + below[x];
}

void differences_of_change(const float* __restrict row, const float* __restrict before, std::int64_t width,
                           float* __restrict second) {
  const float *above = row - width, *below = row + width, *above_before = before - width,
              *below_before = before + width;
  for (std::int64_t x = 0; x < width; ++x)
    second[x] = (above[x] - above_before[x]) - 2 * (row[x] - before[x]) + (below[x] - below_before[x]);
}

// The filter's energy from differences down the columns; `scale` of its square.
void add_row(const float* __restrict row, const float* __restrict second, std::int64_t width, float scale,
             float* __restrict energy, float* __restrict mean, float* __restrict at_end) {
  constexpr auto limit = static_cast<float>(1 - end_of_codes), constant = static_cast<float>(constant_energy);
  for (std::int64_t x = 1; x < width - 1; ++x) {
    const float filtered = second[x - 1] - 2 * second[x] + second[x + 1];
    const float here = filtered * filtered * scale;
    const int ends = static_cast<int>(std::fabs(row[x]) > limit) & static_cast<int>(here < constant);
    energy[x] += here;
    mean[x] += row[x];
    at_end[x] += static_cast<float>(ends);
  }
}

// columns cells from sums over columns of pixels, behind the border.
void to_cells(const std::vector<float>& sums, std::int64_t columns, float* cells) {
  const float* first = sums.data() + 1;
  for (std::int64_t cell = 0; cell < columns; ++cell, first += side) {
    float sum = 0;
    for (std::int64_t i = 0; i < side; ++i) sum += first[i];
    cells[cell] = sum / (side * side);
  }
}

// In double precision: the spread of a line of one shade is a difference of large numbers.
struct LineSums {
  double sum = 0, squares = 0;

  void write(std::int64_t count, float& mean, float& spread) const {
    const double middle = sum / static_cast<double>(count);
    mean = static_cast<float>(middle);
    spread = static_cast<float>(std::sqrt(std::max(0.0, squares / static_cast<double>(count) - middle * middle)));
  }
};

// Adds a row to the sums of the columns, and returns its own.
LineSums add_line(const float* __restrict shade, std::int64_t width, double* __restrict sums,
                  double* __restrict squares) {
  std::array<double, lanes> sum{}, square{};
  std::int64_t x = 0;
  for (; x + lanes <= width; x += lanes)
    for (std::int64_t i = 0; i < lanes; ++i) {
      const double value = shade[x + i], squared = value * value;
      sum[i] += value, square[i] += squared;
      sums[x + i] += value, squares[x + i] += squared;
    }
  for (; x < width; ++x) {
    const double value = shade[x], squared = value * value;
    sum[0] += value, square[0] += squared;
    sums[x] += value, squares[x] += squared;
  }
  LineSums line;
  for (std::int64_t i = 0; i < lanes; ++i) line.sum += sum[i], line.squares += square[i];
  return line;
}

void extremes_of_columns(const float* __restrict row, std::int64_t width, float* __restrict high,
                         float* __restrict low) {
  const float *above = row - width, *below = row + width;
  for (std::int64_t x = 0; x < width; ++x) {
    high[x] = std::max(std::max(above[x], row[x]), below[x]);
    low[x] = std::min(std::min(above[x], row[x]), below[x]);
  }
}

void narrow_flatness(const float* __restrict high, const float* __restrict low, std::int64_t width,
                     std::int32_t* __restrict flat, std::int32_t* __restrict ends) {
  constexpr auto alike = static_cast<float>(end_of_codes), limit = static_cast<float>(1 - end_of_codes);
  for (std::int64_t x = 0; x < width - 2; ++x) {
    const float highest = std::max(std::max(high[x], high[x + 1]), high[x + 2]);
    const float lowest = std::min(std::min(low[x], low[x + 1]), low[x + 2]);
    flat[x] &= static_cast<std::int32_t>(highest - lowest < alike);
    ends[x] |= static_cast<std::int32_t>(std::max(highest, -lowest) >= limit);
  }
}

std::int64_t rows_at_once(std::int64_t width) { return std::max<std::int64_t>(1, 65536 / width); }

}  // namespace

bool lie_in_host_memory(const at::Tensor& planes) {
  return planes.is_cpu() && planes.scalar_type() == at::kFloat && planes.size(0) == 1;
}

Cells cells_on_host(const at::Tensor& planes, const at::Tensor& before) {
  const auto now = planes.contiguous(), then = before.defined() ? before.contiguous() : before;
  const std::int64_t count = now.size(1), height = now.size(2), width = now.size(3);
  const std::int64_t rows = (height - 2) / side, columns = (width - 2) / side;
  const auto out = at::empty({3, count, rows, columns}, now.options());
  const float *values = now.const_data_ptr<float>(), *old = then.defined() ? then.const_data_ptr<float>() : nullptr;
  auto* cells = out.mutable_data_ptr<float>();
  const float scale = (old ? 0.5F : 1.0F) / 36;
  at::parallel_for(0, count * rows, rows_at_once(side * width), [&](std::int64_t begin, std::int64_t end) {
    CellRow sums(width);
    for (std::int64_t i = begin; i < end; ++i) {
      sums.clear();
      const std::int64_t first = (i / rows * height + i % rows * side + 1) * width;
      for (std::int64_t at = first; at < first + side * width; at += width) {
        if (old)
          differences_of_change(values + at, old + at, width, sums.second.data());
        else
          differences(values + at, width, sums.second.data());
        add_row(values + at, sums.second.data(), width, scale, sums.energy.data(), sums.mean.data(),
                sums.at_end.data());
      }
      to_cells(sums.energy, columns, cells + i * columns);
      to_cells(sums.mean, columns, cells + (count * rows + i) * columns);
      to_cells(sums.at_end, columns, cells + (2 * count * rows + i) * columns);
    }
  });
  return {out[0], out[1], out[2]};
}

at::Tensor lines_on_host(const at::Tensor& planes) {
  const auto x = planes.contiguous();
  const std::int64_t count = x.size(1), height = x.size(2), width = x.size(3);
  const auto out = at::empty({2 * (height + width)}, x.options());
  auto* lines = out.mutable_data_ptr<float>();
  const auto* values = x.const_data_ptr<float>();
  std::vector<float> shade(width);
  std::vector<double> sums(width), squares(width);
  for (std::int64_t y = 0; y < height; ++y) {
    const float* row = values + y * width;
    if (count > 1) {
      std::copy(row, row + width, shade.begin());
      for (std::int64_t plane = 1; plane < count; ++plane)
        for (std::int64_t i = 0; i < width; ++i) shade[i] += row[plane * height * width + i];
      for (float& value : shade) value /= static_cast<float>(count);
      row = shade.data();
    }
    add_line(row, width, sums.data(), squares.data()).write(width, lines[y], lines[height + y]);
  }
  lines += 2 * height;
  for (std::int64_t i = 0; i < width; ++i) LineSums{sums[i], squares[i]}.write(height, lines[i], lines[width + i]);
  return out;
}

at::Tensor halved_on_host(const at::Tensor& planes) {
  const auto x = planes.contiguous();
  const std::int64_t count = x.size(1), height = x.size(2), width = x.size(3), rows = height / 2, columns = width / 2;
  const auto out = at::empty({1, count, rows, columns}, x.options());
  const auto* values = x.const_data_ptr<float>();
  auto* halved = out.mutable_data_ptr<float>();
  at::parallel_for(0, count * rows, rows_at_once(width), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const float *upper = values + (i / rows * height + i % rows * 2) * width, *lower = upper + width;
      float* __restrict to = halved + i * columns;
      for (std::int64_t column = 0; column < columns; ++column)
        to[column] =
            0.25F * ((upper[2 * column] + upper[2 * column + 1]) + (lower[2 * column] + lower[2 * column + 1]));
    }
  });
  return out;
}

at::Tensor luma_on_host(const ColorMatrix& matrix, const at::Tensor& picture) {
  const auto x = picture.contiguous();
  const std::int64_t height = x.size(2), width = x.size(3);
  const auto out = at::empty({1, 1, height, width}, x.options());
  const auto kr = static_cast<float>(matrix.kr), kb = static_cast<float>(matrix.kb),
             kg = static_cast<float>(1 - matrix.kr - matrix.kb);
  const auto* red = x.const_data_ptr<float>();
  const float *green = red + height * width, *blue = green + height * width;
  auto* luma = out.mutable_data_ptr<float>();
  at::parallel_for(0, height * width, 65536, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) luma[i] = red[i] * kr + green[i] * kg + blue[i] * kb;
  });
  return out;
}

at::Tensor flatness_on_host(const at::Tensor& planes) {
  const auto x = planes.contiguous();
  const std::int64_t count = x.size(1), height = x.size(2), width = x.size(3);
  const auto out = at::empty({height - 2, width - 2}, x.options().dtype(at::kByte));
  const auto* values = x.const_data_ptr<float>();
  auto* states = out.mutable_data_ptr<std::uint8_t>();
  at::parallel_for(0, height - 2, rows_at_once(width), [&](std::int64_t begin, std::int64_t end) {
    std::vector<float> high(width), low(width);
    std::vector<std::int32_t> flat(width), ends(width);
    for (std::int64_t y = begin; y < end; ++y) {
      std::fill(flat.begin(), flat.end(), 1);
      std::fill(ends.begin(), ends.end(), 0);
      for (std::int64_t plane = 0; plane < count; ++plane) {
        extremes_of_columns(values + (plane * height + y + 1) * width, width, high.data(), low.data());
        narrow_flatness(high.data(), low.data(), width, flat.data(), ends.data());
      }
      std::uint8_t* to = states + y * (width - 2);
      for (std::int64_t i = 0; i < width - 2; ++i)
        to[i] = static_cast<std::uint8_t>(flat[i] * is_flat + ends[i] * is_at_end);
    }
  });
  return out;
}

}  // namespace reddiff
