// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/priors/int8_block.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>

#include "core/priors/film_value.h"
#include "core/priors/int8_byte.h"

namespace reddiff {
namespace {

constexpr std::int64_t pixels_per_task = 512;

struct Modulation {
  const std::int32_t* index;
  const float* fraction;
  const float* table;  // [entries,2C]
  std::int64_t channels;
  float per_step;
};

void modulate(const float* x, std::uint8_t* bytes, const Modulation& film, std::int64_t begin, std::int64_t end) {
  const std::int64_t channels = film.channels;
  for (std::int64_t p = begin; p < end; ++p) {
    const float* __restrict value = x + p * channels;
    std::uint8_t* __restrict byte = bytes + p * channels;  // or no two would be computed at once
    const float* gain = film.table + 2 * channels * film.index[p];
    const float* bias = gain + channels;
    const float *next_gain = gain + 2 * channels, *next_bias = bias + 2 * channels;
    const float f = film.fraction[p];
    const float per_step = film.per_step;
    for (std::int64_t k = 0; k < channels; ++k)
      byte[k] = to_byte(film_value(value[k], gain[k], next_gain[k], bias[k], next_bias[k], f) * per_step + 0.5F);
  }
}

}  // namespace

Int8Ranges::Int8Ranges(const at::Tensor& sigma, const at::Tensor& ranges) {
  const auto levels = sigma.contiguous();
  const auto values = ranges.contiguous();
  sigma_.assign(levels.const_data_ptr<float>(), levels.const_data_ptr<float>() + levels.numel());
  const float* value = values.const_data_ptr<float>();
  for (std::int64_t block = 0; block < values.size(0); ++block) {
    std::vector<Reach> reach;
    for (std::size_t band = 0; band < sigma_.size(); ++band, value += 3)
      if (value[2] > 0) reach.push_back({value[0], value[1], value[2]});
    if (reach.size() != sigma_.size()) reach.clear();
    blocks_.push_back(std::move(reach));
  }
}

std::vector<std::optional<Int8Scales>> Int8Ranges::scales(double least, double most) const {
  const auto above = [this](double level) {
    return std::lower_bound(sigma_.begin(), sigma_.end(), level) - sigma_.begin();
  };
  const auto bands = static_cast<std::ptrdiff_t>(sigma_.size());
  const std::ptrdiff_t last = std::min(above(most), bands - 1);
  std::ptrdiff_t first = std::min(above(least), bands - 1);
  if (first > 0 && sigma_[static_cast<std::size_t>(first)] > least) --first;
  std::vector<std::optional<Int8Scales>> scales;
  for (const std::vector<Reach>& block : blocks_) {
    scales.emplace_back();
    if (block.empty()) continue;
    Reach all = block[static_cast<std::size_t>(first)];
    for (auto band = block.begin() + first; band != block.begin() + last + 1; ++band)
      all = {std::min(all.least, band->least), std::max(all.most, band->most), std::max(all.hidden, band->hidden)};
    scales.back() = {Quantisation::of_range(all.least, all.most), Quantisation::of_range(0, all.hidden).step};
  }
  return scales;
}

Int8Block::Int8Block(const at::Tensor& weight1, const at::Tensor& weight2)
    : first_(weight1, Int8Conv2d::Input::any_sign), second_(weight2, Int8Conv2d::Input::positive) {}

void Int8Block::apply(at::Tensor& x, const Int8Scales& scales, const FilmRow& row) const {
  const at::Tensor hidden =
      first_.forward_scaled_relu(quantised(x, scales.input), scales.input, row.gain, row.bias, scales.hidden_step);
  second_.add_to(x, hidden, {scales.hidden_step, 0});
}

void Int8Block::apply(at::Tensor& x, const Int8Scales& scales, const FilmMap& map, const at::Tensor& table) const {
  const at::Tensor sums = first_.forward(quantised(x, scales.input), scales.input);
  at::Tensor hidden = at::empty_like(sums, sums.options().dtype(at::kByte));
  const std::int64_t channels = x.size(1), pixels = x.numel() / channels;
  TORCH_CHECK(sums.is_contiguous(at::MemoryFormat::ChannelsLast) && map.index.size(0) == pixels,
              "int8 block: activation and map do not belong together");
  const Modulation film{map.index.const_data_ptr<std::int32_t>(), map.fraction.const_data_ptr<float>(),
                        table.const_data_ptr<float>(), channels, static_cast<float>(1 / scales.hidden_step)};
  const float* from = sums.const_data_ptr<float>();
  auto* to = hidden.mutable_data_ptr<std::uint8_t>();
  at::parallel_for(0, pixels, pixels_per_task,
                   [&](std::int64_t begin, std::int64_t end) { modulate(from, to, film, begin, end); });
  second_.add_to(x, hidden, {scales.hidden_step, 0});
}

}  // namespace reddiff
