// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/frame/impulse_by_steps.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "core/frame/device_queue.h"
#include "core/frame/impulse_steps.h"
#include "core/frame/step_runner.h"

namespace reddiff {
namespace {

// Eight kinds at once. Rows of them have a multiple of that many bytes (below).
constexpr std::int64_t at_once = 8;

std::uint64_t word_at(const std::uint8_t* kinds) {
  std::uint64_t word;
  std::memcpy(&word, kinds, sizeof word);
  return word;
}

// Adds a row of `width` kinds; returns how many are isolated.
std::int64_t add_row(const std::uint8_t* kinds, std::int64_t width, Census& census) {
  std::array<std::int64_t, 6> counts{};  // by bit of a kind
  for (std::int64_t x = 0; x < width; x += at_once)
    for (std::size_t bit = 0; bit < counts.size(); ++bit)
      counts[bit] += std::popcount(word_at(kinds + x) & (0x0101010101010101ULL << bit));
  census.isolated_count += counts[0];
  census.white.single += counts[1], census.black.single += counts[2];
  census.extreme += counts[3];
  census.white.chances += counts[4], census.black.chances += counts[5];
  return counts[0];
}

// Lists the isolated values of a row that starts at value `start`.
void list_row(const std::uint8_t* kinds, std::int64_t width, std::int64_t start, Census& census) {
  for (std::int64_t x = 0; x < width; x += at_once)
    for (std::uint64_t found = word_at(kinds + x) & 0x0101010101010101ULL; found != 0; found &= found - 1)
      census.isolated.push_back(start + x + std::countr_zero(found) / 8);
}

}  // namespace

Census count_isolated_by_step(const at::Tensor& picture, std::int64_t first, std::int64_t step) {
  const auto planes = picture.contiguous();
  const std::int64_t count = planes.size(1), height = planes.size(2), width = planes.size(3);
  const std::int64_t rows = std::max<std::int64_t>(0, (height - 2 - first + step) / step);
  const std::int64_t line = (width + at_once - 1) / at_once * at_once;  // what is beyond the width is nothing
  const auto kinds = at::empty({count * rows, line}, planes.options().dtype(at::kByte));
  StepRunner(planes.device())(ValueKindStep{planes.const_data_ptr<float>(), step_size(height), step_size(rows),
                                            step_size(first), step_size(step), isolated_by, end_of_range,
                                            step_size(width), kinds.mutable_data_ptr<std::uint8_t>(),
                                            step_size(count * rows), step_size(line)});
  Awaited awaited(kinds);
  const auto* found = awaited.get().const_data_ptr<std::uint8_t>();
  const std::int64_t most = count * height * width / step / 100;
  Census census;
  for (std::int64_t row = 0; row < count * rows; ++row, found += line) {
    census.values += width;
    if (add_row(found, line, census) == 0 || census.isolated_count > most) continue;
    list_row(found, line, (row / rows * height + first + row % rows * step) * width, census);
  }
  return census;
}

Planes SparsePicture::around(const at::Tensor& picture, const std::vector<std::int64_t>& indices) {
  constexpr std::int64_t side = PatchStep::side;
  const auto planes = picture.contiguous();
  const std::int64_t height = planes.size(2), width = planes.size(3);
  const auto count = static_cast<std::int64_t>(indices.size());
  values_.resize(static_cast<std::size_t>(planes.numel()));
  const Planes all{values_.data(), planes.size(1), height, width};
  if (count == 0) return all;
  const auto index = put(at::tensor(indices, at::kLong), planes.options().dtype(at::kLong));
  const auto patches = at::empty({count, side * side}, planes.options());
  StepRunner(planes.device())(PatchStep{planes.const_data_ptr<float>(), index.const_data_ptr<std::int64_t>(),
                                        step_size(height), step_size(width), patches.mutable_data_ptr<float>(),
                                        step_size(count), step_size(side * side)});
  Awaited awaited(patches);
  const float* next = awaited.get().const_data_ptr<float>();
  for (const std::int64_t middle : indices) {
    const std::int64_t y = middle / width % height, x = middle % width;
    for (std::int64_t row = -side / 2; row <= side / 2; ++row)
      for (std::int64_t column = -side / 2; column <= side / 2; ++column, ++next)
        if (y + row >= 0 && y + row < height && x + column >= 0 && x + column < width)
          values_[static_cast<std::size_t>(middle + row * width + column)] = *next;
  }
  return all;
}

}  // namespace reddiff
