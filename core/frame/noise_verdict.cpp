// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/frame/noise_verdict.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/frame/luma.h"

namespace reddiff {
namespace {

// How much larger noise has to look at the next smaller size. White noise scatters by some percent, detail adds to it.
constexpr std::array<double, noise_sizes> rise{0, 1.3, 1.15};

// The root of the median energy of blocks that the prior takes away has to be this share of the level, in luma: clean photographs .1 to
// .5, noise .5 to .9. White noise is in chroma as well. What more than doubles towards the smaller size may well be detail.
constexpr double least_of_white = 0.58, least_of_correlated = 0.52, least_of_rising = 0.62;
constexpr double least_beside_chroma = 0.45, least_of_chroma = 0.7;
// Then it does if as much is taken of colours: the board came to .46 in luma, .71 in chroma; noise of all channels to .57 and .71 at least.
constexpr double least_of_rising_beside_chroma = 0.56, least_of_rising_chroma = 0.68;
constexpr double rising = 2.2;
// What rounding leaves of halved chroma looks like .93 code values of 8 bits at half size.
constexpr double left_of_halved_chroma = 2 * least_noise;
constexpr double absurd = 2.0 * 128 / 255;  // no camera's noise, but a pattern

constexpr std::int64_t crop = 128, block = 8;

// The whole picture, or four crops around the middles of its quarters.
at::Tensor crops(const at::Tensor& picture) {
  const auto height = picture.size(2), width = picture.size(3);
  if (height * width <= 6 * crop * crop || std::min(height, width) < crop) return picture;
  std::vector<at::Tensor> parts;
  for (const auto y : {height / 4, height - height / 4})
    for (const auto x : {width / 4, width - width / 4}) {
      const auto top = std::clamp<std::int64_t>(y - crop / 2, 0, height - crop);
      const auto left = std::clamp<std::int64_t>(x - crop / 2, 0, width - crop);
      parts.push_back(picture.narrow(2, top, crop).narrow(3, left, crop));
    }
  return at::cat(parts);
}

// [N,3,H,W] to planes in which white R'G'B' noise of deviation 1 has deviation 1: luma, and two differences from it.
at::Tensor planes_of(const at::Tensor& rgb) {
  constexpr double r = 0.299, b = 0.114, g = 1 - r - b;
  const auto luma = luma_of(ColorMatrix{r, b}, rgb);
  const auto norm = [](double own, double second, double third) {
    return 1 / std::sqrt((1 - own) * (1 - own) + second * second + third * third);
  };
  return at::cat({luma / std::sqrt(r * r + g * g + b * b), (rgb.narrow(1, 0, 1) - luma) * norm(r, g, b),
                  (rgb.narrow(1, 2, 1) - luma) * norm(b, r, g)},
                 1);
}

// Of the level, in luma and in chroma, what the prior takes away.
std::array<double, 2> taken_share(const at::Tensor& picture, double level, const Denoise& denoise) {
  const auto seen = crops(picture);
  if (std::min(seen.size(2), seen.size(3)) < block) return {};
  const auto taken = at::avg_pool2d(planes_of(seen - denoise(seen, level)).square_(), {block, block});
  const auto median = std::get<0>(taken.transpose(0, 1).flatten(1).median(1)).sqrt_().to(at::kCPU);  // [3]
  const auto share = [&](int plane) { return median[plane].item<double>() / level; };
  return {share(0), (share(1) + share(2)) / 2};
}

bool agrees(const at::Tensor& picture, const std::array<double, noise_sizes>& levels, int size,
            const Denoise& denoise) {
  const auto seen = size == 0 ? picture : at::avg_pool2d(picture, {1 << size, 1 << size});
  const auto [luma, chroma] = taken_share(seen, densest_level(levels, size) / (1 << size), denoise);
  if (size < 2) {
    const bool colours_speak = size == 0 || levels[1] > left_of_halved_chroma;
    return luma >= least_of_white || (colours_speak && luma >= least_beside_chroma && chroma >= least_of_chroma);
  }
  if (levels[2] <= rising * levels[1]) return luma >= least_of_correlated;
  return luma >= least_of_rising || (luma >= least_of_rising_beside_chroma && chroma >= least_of_rising_chroma);
}

}  // namespace

int densest_size(const std::array<double, noise_sizes>& levels, int stay) {
  constexpr double hold = 0.85;
  int size = 0;
  while (size + 1 < noise_sizes && levels[size + 1] > rise[size + 1] * (size < stay ? hold : 1) * levels[size]) ++size;
  return size;
}

double densest_level(const std::array<double, noise_sizes>& levels, int size) {
  const double level = levels[static_cast<std::size_t>(size)];
  return size < 2 ? level : std::min(level, 2 * levels[static_cast<std::size_t>(size - 1)]);
}

std::optional<int> confirmed_size(const at::Tensor& picture, const std::array<double, noise_sizes>& levels,
                                  const Denoise& denoise) {
  for (int size = densest_size(levels); size >= 0; --size) {
    const double level = densest_level(levels, size);
    if (level <= least_noise || level > absurd) continue;
    if (agrees(picture, levels, size, denoise)) return size;
  }
  return {};
}

}  // namespace reddiff
