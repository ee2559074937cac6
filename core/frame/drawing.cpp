// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/frame/drawing.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "core/frame/noise_passes.h"

namespace reddiff {
namespace {

constexpr std::int64_t cell = 16;             // pixels a side
constexpr int edge = 30, hard_edge = 60;      // code values
constexpr std::int64_t margin = 2;            // pixels that are looked at around one
constexpr float codes = 127.5F, half = 0.5F;  // black is 0: half code values would be rounded by chance

// Whether a pixel equals those that are so far away on all four sides.
at::Tensor equals_around(const at::Tensor& values, std::int64_t away) {
  const auto height = values.size(2), width = values.size(3);
  const auto padded = at::replication_pad2d(values, {away, away, away, away});
  const auto equals = [&](std::int64_t y, std::int64_t x) {
    return padded.narrow(2, y, height).narrow(3, x, width) == values;
  };
  return equals(0, away)
      .logical_and_(equals(2 * away, away))
      .logical_and_(equals(away, 0))
      .logical_and_(equals(away, 2 * away));
}

// Of whole code values; picture rows with their margins, the border's pixels repeated.
class Codes {
 public:
  explicit Codes(const at::Tensor& luma) : width_(luma.size(3)), height_(luma.size(2)), values_((height_)*stride()) {
    const auto contiguous = luma.contiguous();
    const auto* from = contiguous.const_data_ptr<float>();
    at::parallel_for(0, height_, 64, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t y = begin; y < end; ++y) {
        std::int16_t* to = values_.data() + y * stride();
        // Over-range values go below black.
        constexpr float above = 1024;
        for (std::int64_t x = 0; x < width_; ++x) {
          const float shifted = (from[y * width_ + x] + 1) * codes + (half + above);
          to[margin + x] = static_cast<std::int16_t>(static_cast<int>(shifted) - static_cast<int>(above));
        }
        std::fill(to, to + margin, to[margin]);
        std::fill(to + margin + width_, to + stride(), to[margin + width_ - 1]);
      }
    });
  }
  // Its pixel 0; y may lie outside.
  const std::int16_t* row(std::int64_t y) const {
    return values_.data() + std::clamp<std::int64_t>(y, 0, height_ - 1) * stride() + margin;
  }

 private:
  std::int64_t stride() const { return width_ + 2 * margin; }
  std::int64_t width_, height_;
  std::vector<std::int16_t> values_;
};

// Adds to the counts of one row of cells.
void count_row(const Codes& codes_of, std::int64_t y, std::int64_t width, std::array<std::vector<int>, 3>& counts) {
  const std::int16_t *up2 = codes_of.row(y - 2), *up = codes_of.row(y - 1), *on = codes_of.row(y),
                     *down = codes_of.row(y + 1), *down2 = codes_of.row(y + 2);
  for (std::int64_t first = 0; first < width; first += cell) {
    std::int16_t repeats = 0, edges = 0, hard = 0;
    for (std::int64_t x = first, end = std::min(first + cell, width); x < end; ++x) {
      const auto high_of = [x](const std::int16_t* row) { return std::max({row[x - 1], row[x], row[x + 1]}); };
      const auto low_of = [x](const std::int16_t* row) { return std::min({row[x - 1], row[x], row[x + 1]}); };
      const int range =
          std::max({high_of(up), high_of(on), high_of(down)}) - std::min({low_of(up), low_of(on), low_of(down)});
      const int v = on[x];
      const int near = (on[x - 1] ^ v) | (on[x + 1] ^ v) | (up[x] ^ v) | (down[x] ^ v);
      const int far = (on[x - 2] ^ v) | (on[x + 2] ^ v) | (up2[x] ^ v) | (down2[x] ^ v);
      repeats += static_cast<std::int16_t>((near == 0) | (far == 0));
      edges += static_cast<std::int16_t>(range > edge);
      hard += static_cast<std::int16_t>(range > hard_edge);
    }
    const auto at = static_cast<std::size_t>(first / cell);
    counts[0][at] += repeats, counts[1][at] += edges, counts[2][at] += hard;
  }
}

}  // namespace

at::Tensor drawing_by_operators(const at::Tensor& luma) {
  const auto values = ((luma + 1) * codes + half).floor_();
  const auto brightest = [](const at::Tensor& x) { return at::max_pool2d(x, {3, 3}, {1, 1}, {1, 1}); };
  const auto range = brightest(values) + brightest(-values);
  const auto found =
      at::cat({equals_around(values, 1).logical_or_(equals_around(values, 2)), range > edge, range > hard_edge}, 1);
  return at::avg_pool2d(found.to(at::kFloat), {cell, cell}, {cell, cell}, 0, /*ceil_mode=*/true, false);
}

at::Tensor drawing_on_host(const at::Tensor& luma) {
  const std::int64_t height = luma.size(2), width = luma.size(3);
  const std::int64_t rows = (height + cell - 1) / cell, columns = (width + cell - 1) / cell;
  const Codes codes_of(luma);
  auto shares = at::empty({1, 3, rows, columns}, luma.options());
  auto* to = shares.mutable_data_ptr<float>();
  at::parallel_for(0, rows, 4, [&](std::int64_t begin, std::int64_t end) {
    std::array<std::vector<int>, 3> counts;
    for (std::int64_t row = begin; row < end; ++row) {
      const std::int64_t first = row * cell, last = std::min(first + cell, height);
      for (auto& count : counts) count.assign(static_cast<std::size_t>(columns), 0);
      for (std::int64_t y = first; y < last; ++y) count_row(codes_of, y, width, counts);
      for (std::int64_t c = 0; c < 3; ++c)
        for (std::int64_t x = 0; x < columns; ++x) {
          const auto pixels = static_cast<float>((last - first) * std::min(cell, width - x * cell));
          to[(c * rows + row) * columns + x] =
              static_cast<float>(counts[static_cast<std::size_t>(c)][static_cast<std::size_t>(x)]) / pixels;
        }
    }
  });
  return shares;
}

at::Tensor drawing(const at::Tensor& luma) {
  return lie_in_host_memory(luma) ? drawing_on_host(luma) : drawing_by_operators(luma);
}

}  // namespace reddiff
