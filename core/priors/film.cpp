// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/priors/film.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/DeviceGuard.h>

#include <optional>
#include <utility>

#include "core/frame/device_queue.h"
#include "core/frame/step_runner.h"
#include "core/priors/film_steps.h"
#include "core/priors/film_value.h"
#ifdef REDDIFF_CUDA
#include "core/frame/cuda_stream.h"
#include "core/priors/film_cuda.h"
#endif

namespace reddiff {
namespace {

// The fastest cosine turns by 16 rad per unit of c; with the noise levels of the models shipped here the table's step is then below
// 0.015 rad and linear interpolation off by less than 3e-5 of a term's amplitude.
constexpr std::int64_t table_entries = 2048;

constexpr std::int64_t pixels_per_task = 512;

// map_step: see FilmValues.
void modulate_pixels(float* x, const std::int32_t* index, const float* fraction, std::int64_t map_step,
                     const float* table, std::int64_t channels, std::int64_t begin, std::int64_t end) {
  for (std::int64_t p = begin; p < end; ++p) {
    float* value = x + p * channels;
    const float* gain = table + 2 * channels * index[p * map_step];
    const float* bias = gain + channels;
    const float *next_gain = gain + 2 * channels, *next_bias = bias + 2 * channels;
    const float f = fraction[p * map_step];
    for (std::int64_t k = 0; k < channels; ++k)
      value[k] = film_value(value[k], gain[k], next_gain[k], bias[k], next_bias[k], f);
  }
}

#ifdef REDDIFF_CUDA
FilmType film_type(at::ScalarType type) {
  TORCH_CHECK(type == at::kFloat || type == at::kBFloat16 || type == at::kHalf, "film: no kernel for this type");
  return type == at::kFloat ? FilmType::float32 : (type == at::kHalf ? FilmType::float16 : FilmType::bfloat16);
}
#endif

}  // namespace

bool has_film_table(at::Device device, at::ScalarType type) {
  if (device.is_cpu()) return type == at::kFloat;
#ifdef REDDIFF_CUDA
  return device.is_cuda() && (type == at::kFloat || type == at::kBFloat16 || type == at::kHalf);
#else
  return false;
#endif
}

Film::Film(FilmWeights weights, double c_min, double c_max)
    : weights_(std::move(weights)), c_min_(c_min), c_max_(c_max) {
  for (at::Tensor& bias : weights_.block_bias) {  // 1 + g from here on
    bias = bias.clone();
    bias.narrow(0, 0, bias.size(0) / 2).add_(1);
  }
  all_weight_ = at::cat(weights_.block_weight);
  all_bias_ = at::cat(weights_.block_bias);
}

at::Tensor Film::embed(const at::Tensor& c) const {
  const at::Tensor angle = c * weights_.freq.view({1, -1});
  const at::Tensor hidden =
      at::linear(at::cat({angle.cos(), angle.sin()}, 1), weights_.weight1, weights_.bias1).relu_();
  return at::linear(hidden, weights_.weight2, weights_.bias2).relu_();
}

std::vector<FilmRow> Film::rows(const at::Tensor& c) const {
  const at::Tensor all = at::linear(embed(c.view({1, 1})), all_weight_, all_bias_).view(-1);
  std::vector<FilmRow> rows;
  std::int64_t position = 0;
  for (const at::Tensor& bias : weights_.block_bias) {
    const std::int64_t channels = bias.size(0) / 2;
    rows.push_back({all.narrow(0, position, channels), all.narrow(0, position + channels, channels)});
    position += 2 * channels;
  }
  return rows;
}

const std::vector<at::Tensor>& Film::tables() const {
  std::call_once(tabulated_, [this] {
    std::vector<at::Tensor> tables;  // all or none: when memory runs out on the way this is called again
    const at::Tensor embedding = embed(at::linspace(c_min_, c_max_, table_entries, all_bias_.options()).view({-1, 1}));
    for (std::size_t block = 0; block < weights_.block_bias.size(); ++block)
      tables.push_back(at::linear(embedding, weights_.block_weight[block], weights_.block_bias[block]));
    tables_ = std::move(tables);
    finish_queue(all_bias_.device());  // other threads, with other queues, find them made
  });
  return tables_;
}

FilmMap Film::map(const at::Tensor& c, bool table) const {
  FilmMap map{c, {}, {}};
  if (!table) return map;
  const at::Tensor position =
      (c.reshape(-1) - c_min_).mul_((table_entries - 1) / (c_max_ - c_min_)).clamp_(0, table_entries - 1);
  const at::Tensor lower = position.floor().clamp_max_(table_entries - 2);
  map.fraction = position - lower;
  map.index = at::nan_to_num(lower).to(at::kInt);
  return map;
}

std::vector<FilmMap> Film::pyramid(const at::Tensor& sigma, const SigmaRange& range, std::int64_t height,
                                   std::int64_t width, std::size_t levels) const {
  const StepRunner run(sigma.device());
  const bool one = sigma.numel() == 1;
  const auto images = one ? 1 : static_cast<std::int32_t>(sigma.size(0));
  std::vector<FilmMap> maps;
  for (std::size_t level = 0; level < levels; ++level) {
    if (one && level > 0) {
      maps.push_back(maps[0]);
      continue;
    }
    const std::int64_t rows = one ? 1 : height >> (level + 1), columns = one ? 1 : width >> (level + 1);
    FilmMap map{at::empty({images, 1, rows, columns}, sigma.options()),
                at::empty({images * rows * columns}, sigma.options().dtype(at::kInt)),
                at::empty({images * rows * columns}, sigma.options())};
    FilmMapStep step{};
    step.sigma = level == 0 ? sigma.const_data_ptr<float>() : nullptr;
    step.finer = level == 0 ? nullptr : maps.back().c.const_data_ptr<float>();
    step.picture_height = step_size(sigma.size(2)), step.picture_width = step_size(sigma.size(3));
    step.rows = step_size(rows);
    step.sigma_min = static_cast<float>(range.least), step.sigma_max = static_cast<float>(range.most);
    step.c_min = static_cast<float>(c_min_), step.last_entry = table_entries - 1;
    step.entries_per_c = static_cast<float>((table_entries - 1) / (c_max_ - c_min_));
    step.c = map.c.mutable_data_ptr<float>(), step.index = map.index.mutable_data_ptr<std::int32_t>();
    step.fraction = map.fraction.mutable_data_ptr<float>();
    step.height = step_size(images * rows), step.width = step_size(columns);
    run(step);
    maps.push_back(std::move(map));
  }
  return maps;
}

void Film::modulate_plain(at::Tensor& x, const FilmMap& map, std::size_t block) const {
  const at::Tensor embedding = embed(map.c.reshape({-1, 1}));
  const at::Tensor film = at::linear(embedding, weights_.block_weight[block], weights_.block_bias[block])
                              .view({map.c.size(0), map.c.size(2), map.c.size(3), -1})
                              .permute({0, 3, 1, 2})
                              .to(x.scalar_type());
  const std::int64_t channels = x.size(1);
  x.mul_(film.narrow(1, 0, channels)).add_(film.narrow(1, channels, channels)).relu_();
}

void Film::modulate_table(at::Tensor& x, const FilmMap& map, std::size_t block) const {
  const std::int64_t channels = x.size(1), pixels = x.numel() / channels, mapped = map.index.size(0);
  TORCH_CHECK(x.is_contiguous(at::MemoryFormat::ChannelsLast) && has_film_table(x.device(), x.scalar_type()) &&
                  x.device() == map.index.device() && (mapped == pixels || mapped == 1),
              "film: activation and map do not belong together");
  const std::int64_t map_step = mapped == 1 ? 0 : 1;
  const auto* index = map.index.const_data_ptr<std::int32_t>();
  const float *fraction = map.fraction.const_data_ptr<float>(), *rows = tables()[block].const_data_ptr<float>();
#ifdef REDDIFF_CUDA
  if (x.is_cuda()) {
    const c10::DeviceGuard guard(x.device());
    return modulate_on_cuda({x.mutable_data_ptr(), index, fraction, rows, pixels, channels, map_step},
                            film_type(x.scalar_type()), current_cuda_stream(x.device()));
  }
#endif
  float* values = x.mutable_data_ptr<float>();
  at::parallel_for(0, pixels, pixels_per_task, [&](std::int64_t begin, std::int64_t end) {
    modulate_pixels(values, index, fraction, map_step, rows, channels, begin, end);
  });
}

}  // namespace reddiff
