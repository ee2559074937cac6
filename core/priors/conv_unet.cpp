// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/priors/conv_unet.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <numeric>
#include <optional>
#include <utility>
#include <vector>

#include "core/api/abort.h"
#include "core/frame/device_queue.h"
#include "core/priors/film.h"
#include "core/priors/gradient.h"
#include "core/priors/int8_block.h"
#include "core/priors/named_weights.h"
#include "core/priors/pixel_shuffle.h"
#include "core/priors/precision.h"
#include "core/priors/tensor_conv.h"

namespace reddiff {
namespace {

// Noise levels of the bands that "int8.ranges" were measured in.
constexpr const char* int8_levels = "int8.levels";

constexpr std::int64_t tensor_ends_channels = 32;  // of TensorEnds

// x + conv2(relu(conv1(x) * (1 + g) + b)); `film` is the block's place in Film.
struct Block {
  Conv2d conv1, conv2;
  std::size_t film;
  std::optional<TensorBlock> tensor;  // does the same
  std::optional<Int8Block> int8;      // nearly
};

// The convolutions inside, nearly all of the weights: one for all kinds of error.
struct Trunk {
  std::vector<std::vector<Block>> encoder, decoder;  // by level, finest first
  std::vector<Block> middle;
  std::vector<Conv2d> down, up;
  std::vector<std::pair<std::string, std::int64_t>> blocks;  // name and channels, by their place in Film
};

class ConvUnet final : public Denoiser, public DifferentiableDenoiser {
 public:
  ConvUnet(const NamedTensors& tensors, const ModelCard& card, at::Device device, at::ScalarType dtype, ConvPath path)
      : card_(card),
        device_(device),
        dtype_(dtype),
        path_(path),
        film_table_(path == ConvPath::fused || path == ConvPath::int8 ||
                    (device.is_cuda() && has_film_table(device, dtype))) {
    const NamedWeights weights(tensors, card_, device_);
    read_ranges(weights, "");
    trunk_ = read_trunk(weights);
    read_own(weights, "");
    for (const std::string& kind : card_.kinds) others_[kind].reset(new ConvUnet(*this, kind, weights));
  }

  at::Tensor denoise(const at::Tensor& u, const at::Tensor& sigma) const override {
    const c10::NoGradGuard no_grad;
    return run_each(u, sigma);
  }

  DenoisedWithGradient denoise_with_gradient(const at::Tensor& u, const at::Tensor& sigma,
                                             const Cotangent& cotangent) const override {
    return through_autograd(
        u, [&](const at::Tensor& input) { return run_each(input, sigma); }, cotangent);
  }

  const DifferentiableDenoiser* differentiable() const override { return this; }

  double sigma_min() const override { return card_.sigma_min; }
  double sigma_max() const override { return card_.sigma_max; }
  std::int64_t grid() const override { return std::int64_t{1} << card_.ch.size(); }
  bool per_pixel_sigma() const override { return card_.per_pixel_sigma; }
  at::Device device() const override { return device_; }

  std::vector<std::string> kinds() const override {
    std::vector<std::string> names = {kind_};
    names.insert(names.end(), card_.kinds.begin(), card_.kinds.end());
    return names;
  }

  const Denoiser* for_kind(std::string_view kind) const override {
    const auto found = others_.find(kind);
    return found == others_.end() ? (kind == kind_ ? this : nullptr) : found->second.get();
  }

  std::string description() const override {
    return card_.name + (kind_ == error_kind::white ? "" : " for " + kind_) + " (" + card_.architecture + ", " +
           (path_ == ConvPath::int8 ? "Int8" : c10::toString(dtype_)) + (path_ == ConvPath::fused ? ", fused)" : ")");
  }

  double flops(std::int64_t height, std::int64_t width) const override {
    const std::int64_t m = card_.multiple_of;
    double pixels = static_cast<double>((height + m - 1) / m * m) * static_cast<double>((width + m - 1) / m * m) / 4;
    double sum = 2 * 2.0 * 12 * 9 * static_cast<double>(card_.ch[0]) * pixels;
    for (std::size_t i = 0; i < card_.ch.size(); ++i, pixels /= 4) {
      const bool coarsest = i + 1 == card_.ch.size();
      const double c = static_cast<double>(card_.ch[i]);
      const auto blocks =
          static_cast<double>(coarsest ? card_.mid : card_.enc[i] + card_.dec[card_.dec.size() - 1 - i]);
      sum += blocks * 4 * 9 * c * c * pixels;
      if (!coarsest) sum += 2 * 2 * c * static_cast<double>(card_.ch[i + 1]) * pixels;  // down and up
    }
    return sum;
  }

 private:
  ConvUnet(const ConvUnet& other, const std::string& kind, const NamedWeights& weights)
      : card_(other.card_),
        kind_(kind),
        device_(other.device_),
        dtype_(other.dtype_),
        path_(other.path_),
        film_table_(other.film_table_),
        trunk_(other.trunk_) {
    card_.kinds.clear();
    read_ranges(weights, "kinds." + kind + ".");
    read_own(weights, "kinds." + kind + ".");
  }

  at::Tensor run_each(const at::Tensor& u, const at::Tensor& sigma) const {
    TORCH_CHECK(u.dim() == 4 && u.size(1) == 3 && u.scalar_type() == at::kFloat,
                "denoise: u must be [N,3,H,W] float32");
    TORCH_CHECK(sigma.dim() == 4 && sigma.size(1) == 1, "denoise: sigma must be [N,1,1,1] or [N,1,H,W]");
    const bool whole = sigma.size(2) == 1 && sigma.size(3) == 1;
    TORCH_CHECK(whole || card_.per_pixel_sigma, "denoise: this model knows one noise level per picture only");
    if (sigma.size(0) == 1 || (!whole && !ranges_)) return run(u, sigma);
    // On the CPU weights carry the level, and bytes a step that hangs on all levels of a picture: pictures with levels of their own go
    // one by one.
    std::vector<at::Tensor> results;
    for (std::int64_t i = 0; i < u.size(0); ++i) results.push_back(run(u.narrow(0, i, 1), sigma.narrow(0, i, 1)));
    return at::cat(results);
  }

  Conv2d conv(const at::Tensor& weight, const at::Tensor& bias, std::int64_t stride, std::int64_t padding) const {
    // What does not run on bytes is floating point.
    const ConvPath path =
        path_ != ConvPath::int8 ? path_ : (has_fused_convolution() ? ConvPath::fused : ConvPath::plain);
    return Conv2d(weight.to(dtype_), bias.defined() ? bias.to(dtype_) : bias, stride, padding, path);
  }

  bool uses_tensor_cores(std::int64_t channels) const {
    return path_ == ConvPath::tensor && film_table_ && has_tensor_conv(device_, dtype_, channels);
  }

  void add_blocks(std::vector<Block>& blocks, Trunk& trunk, const NamedWeights& weights, const std::string& prefix,
                  std::int64_t count, std::size_t level) const {
    const std::int64_t c = card_.ch[level];
    for (std::int64_t k = 0; k < count; ++k) {
      const std::string name = prefix + std::to_string(k) + ".";
      const auto first = weights.get(name + "conv1.weight", {c, c, 3, 3});
      const auto second = weights.get(name + "conv2.weight", {c, c, 3, 3});
      blocks.push_back(
          {conv(first, {}, 1, 1), conv(second, {}, 1, 1), trunk.blocks.size(), std::nullopt, std::nullopt});
      if (ranges_ && ranges_->has(trunk.blocks.size())) blocks.back().int8.emplace(first, second);
      if (uses_tensor_cores(c)) blocks.back().tensor.emplace(first.to(dtype_), second.to(dtype_));
      trunk.blocks.emplace_back(name, c);
    }
  }

  void read_ranges(const NamedWeights& weights, const std::string& prefix) {
    if (path_ != ConvPath::int8) return;
    std::int64_t blocks = card_.mid;
    for (const auto* counts : {&card_.enc, &card_.dec})
      blocks += std::accumulate(counts->begin(), counts->end(), std::int64_t{0});
    const std::int64_t bands = weights.length(int8_levels);
    const auto levels = weights.get(int8_levels, {bands});
    const auto ranges = weights.get(prefix + "int8.ranges", {blocks, bands, 3});
    const bool rises = bands > 0 && levels.gt(0).all().item<bool>() && levels.diff().gt(0).all().item<bool>();
    if (!rises || !ranges.isfinite().all().item<bool>() || !levels.isfinite().all().item<bool>())
      weights.fail("has tensors 'int8.' that are no ranges for rising noise levels");
    ranges_.emplace(levels, ranges);
  }

  std::shared_ptr<const Trunk> read_trunk(const NamedWeights& weights) const {
    const std::size_t steps = card_.ch.size() - 1;
    const auto trunk = std::make_shared<Trunk>();
    trunk->encoder.resize(steps), trunk->decoder.resize(steps);
    for (std::size_t i = 0; i < steps; ++i) {
      const std::string level = std::to_string(i);
      const std::int64_t fine = card_.ch[i], coarse = card_.ch[i + 1];
      add_blocks(trunk->encoder[i], *trunk, weights, "enc." + level + ".", card_.enc[i], i);
      add_blocks(trunk->decoder[i], *trunk, weights, "dec." + level + ".", card_.dec[steps - 1 - i], i);
      trunk->down.push_back(conv(weights.get("down." + level + ".weight", {coarse, fine, 2, 2}), {}, 2, 0));
      trunk->up.push_back(
          conv(shuffle_last(weights.get("up." + level + ".weight", {4 * fine, coarse, 1, 1}), 0), {}, 1, 0));
    }
    add_blocks(trunk->middle, *trunk, weights, "mid.", card_.mid, steps);
    return trunk;
  }

  // What every kind of error has of its own: head, tail and how the level enters. `freq` is no weight, so one serves all.
  void read_own(const NamedWeights& weights, const std::string& prefix) {
    const auto own = [&](const std::string& name, const std::vector<std::int64_t>& shape) {
      return weights.get(prefix + name, shape);
    };
    const auto head = shuffle_last(own("head.weight", {card_.ch[0], 12, 3, 3}), 1);
    const auto tail = shuffle_last(own("tail.weight", {12, card_.ch[0], 3, 3}), 0);
    const auto head_bias = own("head.bias", {card_.ch[0]}), tail_bias = shuffle_last(own("tail.bias", {12}), 0);
    head_ = conv(head, head_bias, 1, 1);
    tail_ = conv(tail, tail_bias, 1, 1);
    if (card_.ch[0] == tensor_ends_channels && uses_tensor_cores(card_.ch[0]))
      ends_.emplace(head.to(dtype_), head_bias, tail.to(dtype_), tail_bias,
                    NoiseRange{card_.sigma_min, card_.sigma_max, card_.sigma_data});
    const std::int64_t frequencies = weights.length("freq");
    FilmWeights film;
    film.freq = weights.get("freq", {frequencies});
    film.weight1 = own("emb1.weight", {card_.e, 2 * frequencies, 1, 1}).flatten(1);
    film.bias1 = own("emb1.bias", {card_.e});
    film.weight2 = own("emb2.weight", {card_.e, card_.e, 1, 1}).flatten(1);
    film.bias2 = own("emb2.bias", {card_.e});
    for (const auto& [name, c] : trunk_->blocks) {
      film.block_weight.push_back(own(name + "film.weight", {2 * c, card_.e, 1, 1}).flatten(1));
      film.block_bias.push_back(own(name + "film.bias", {2 * c}));
    }
    film_ = std::make_unique<Film>(std::move(film), std::log(card_.sigma_min) / 4, std::log(card_.sigma_max) / 4);
  }

  // The noise level as the blocks see it: rows for one level, or a map per level of the pyramid.
  struct Noise {
    std::vector<FilmRow> rows;
    std::vector<FilmMap> maps;
    std::vector<std::optional<Int8Scales>> int8;  // by the block's place in Film
  };

  Noise noise_of(const at::Tensor& c) const {
    Noise noise;
    if (ranges_ && !records_gradient()) {
      const auto [least, most] = c.aminmax();
      noise.int8 = ranges_->scales(std::exp(4 * least.item<double>()), std::exp(4 * most.item<double>()));
    }
    if (c.numel() == 1 && !(device_.is_cuda() && film_table_)) {
      noise.rows = film_->rows(c);
      for (FilmRow& row : noise.rows) row = {row.gain.to(dtype_), row.bias.to(dtype_)};
      return noise;
    }
    for (std::size_t level = 0; level < card_.ch.size(); ++level) {
      const std::int64_t side = std::int64_t{2} << level;
      // On a GPU one kernel that reads a map, be it of one level, is quicker than three that read rows.
      if (c.numel() == 1)
        noise.maps.push_back(level == 0 ? film_->map(c, film_table_) : noise.maps[0]);
      else
        noise.maps.push_back(film_->map(at::avg_pool2d(c, side), film_table_));
    }
    return noise;
  }

  void apply(const std::vector<Block>& blocks, const Noise& noise, std::size_t level, at::Tensor& x) const {
    for (const Block& block : blocks) {
      throw_if_aborted();
      if (block.tensor && !records_gradient()) {
        block.tensor->apply(x, noise.maps[level], film_->table(block.film));
        continue;
      }
      if (block.int8 && !noise.int8.empty() && noise.int8[block.film]) {
        const Int8Scales& scales = *noise.int8[block.film];
        if (!noise.rows.empty())
          block.int8->apply(x, scales, noise.rows[block.film]);
        else
          block.int8->apply(x, scales, noise.maps[level], film_->table(block.film));
        continue;
      }
      at::Tensor hidden;
      if (!noise.rows.empty()) {
        hidden = block.conv1.forward_scaled_relu(x, noise.rows[block.film].gain, noise.rows[block.film].bias);
      } else {
        hidden = block.conv1.forward(x).contiguous(at::MemoryFormat::ChannelsLast);
        if (film_table_ && !records_gradient())
          film_->modulate_table(hidden, noise.maps[level], block.film);
        else
          film_->modulate_plain(hidden, noise.maps[level], block.film);
      }
      throw_if_aborted();
      block.conv2.add_to(x, hidden);
      if (records_gradient()) x.register_hook([](const at::Tensor&) { throw_if_aborted(); });
    }
  }

  // F of the header, on whole pictures: x is [N,3,H,W] float32, H and W multiples of card_.multiple_of.
  at::Tensor network(const at::Tensor& x, const at::Tensor& c) const {
    const auto h = inside(head_.forward(unshuffle(x.to(dtype_))), noise_of(c));
    return shuffle_view(tail_.forward(h)).permute({0, 5, 1, 2, 3, 4}).reshape(x.sizes());
  }

  // What lies between the first and the last layer.
  at::Tensor inside(at::Tensor h, const Noise& noise) const {
    const std::size_t steps = trunk_->down.size();
    std::vector<at::Tensor> skips;
    for (std::size_t i = 0; i < steps; ++i) {
      apply(trunk_->encoder[i], noise, i, h);
      skips.push_back(h);
      h = trunk_->down[i].forward(h);
    }
    apply(trunk_->middle, noise, steps, h);
    for (std::size_t i = steps; i-- > 0;) {
      at::Tensor fine = std::move(skips[i]);
      add_shuffled(fine, trunk_->up[i].forward(h));
      h = std::move(fine);
      apply(trunk_->decoder[i], noise, i, h);
    }
    return h;
  }

  // The same as run(), where the ends are kernels of our own, which mirror the borders themselves.
  at::Tensor run_with_ends(const at::Tensor& u, const at::Tensor& sigma) const {
    const std::int64_t m = card_.multiple_of, images = u.size(0);
    const std::int64_t height = (u.size(2) + m - 1) / m * m, width = (u.size(3) + m - 1) / m * m;
    const auto picture = u.contiguous();
    auto s = sigma.to(device_, at::kFloat).contiguous();
    if (s.numel() != 1) s = s.expand({images, 1, u.size(2), u.size(3)}).contiguous();
    Noise noise;
    noise.maps = film_->pyramid(s, {card_.sigma_min, card_.sigma_max}, height, width, card_.ch.size());
    const auto h = inside(ends_->head(picture, s, height / 2, width / 2), noise);
    return ends_->tail(h, picture, s);
  }

  at::Tensor run(const at::Tensor& u, const at::Tensor& sigma) const {
    if (ends_ && !records_gradient()) return run_with_ends(u, sigma);
    const std::int64_t m = card_.multiple_of, height = u.size(2), width = u.size(3);
    const auto whole = [m](std::int64_t side) { return (side + m - 1) / m * m; };
    const auto padded = [&](const at::Tensor& t) { return mirrored(mirrored(t, 2, whole(height)), 3, whole(width)); };
    const at::Tensor x = padded(u).contiguous();
    at::Tensor s = sigma.to(device_, at::kFloat).clamp(card_.sigma_min, card_.sigma_max);
    if (s.numel() != 1) s = padded(s).expand({x.size(0), 1, x.size(2), x.size(3)});

    const double sd = card_.sigma_data;
    const at::Tensor inverse = (s.square() + sd * sd).rsqrt_();  // 1 / sqrt(v)
    const at::Tensor f = network(x * inverse, s.log().mul_(0.25)).to(at::kFloat);
    at::Tensor result = (s * inverse).mul_(sd) * f;
    result.addcmul_(x, inverse.square(), sd * sd);
    return result.narrow(2, 0, height).narrow(3, 0, width).contiguous();
  }

  ModelCard card_;
  std::string kind_{error_kind::white};
  at::Device device_;
  at::ScalarType dtype_;
  ConvPath path_;
  bool film_table_;
  std::optional<Int8Ranges> ranges_;  // of ConvPath::int8
  std::shared_ptr<const Trunk> trunk_;
  Conv2d head_, tail_;
  std::optional<TensorEnds> ends_;  // do the same as those two
  std::unique_ptr<Film> film_;
  std::map<std::string, std::unique_ptr<const ConvUnet>, std::less<>> others_;  // by kind
};

}  // namespace

DenoiserPtr make_conv_unet(const NamedTensors& tensors, const ModelCard& card, at::Device device, at::ScalarType dtype,
                           ConvPath path) {
  const c10::InferenceMode normal_tensors(false);  // a gradient can be sent back through them
  const c10::NoGradGuard no_grad;
  auto network = std::make_shared<ConvUnet>(tensors, card, device, dtype, path);
  finish_queue(device);  // whatever thread calls it, on whatever queue
  return network;
}

DenoiserPtr make_conv_unet(const NamedTensors& tensors, const ModelCard& card, at::Device device, Precision precision,
                           bool time_counts) {
  const PrecisionFacts facts = precision_facts(device, tensors.count(int8_levels) > 0);
  const Precision chosen = chosen_precision(precision, facts, time_counts);
  const at::ScalarType dtype = dtype_of(chosen);
  const bool fused = device.is_cpu() && dtype == at::kFloat && has_fused_convolution();
  const ConvPath on_cpu = chosen == Precision::int8 ? ConvPath::int8 : (fused ? ConvPath::fused : ConvPath::plain);
  return make_conv_unet(tensors, card, device, dtype, device.is_cuda() ? ConvPath::tensor : on_cpu);
}

}  // namespace reddiff
