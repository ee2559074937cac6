// SPDX-License-Identifier: LGPL-2.1-or-later
//
// How the network learns the noise level: a residual block computes relu(conv(x) * (1 + g) + b), where g and b (a gain
// and a bias per channel) are functions of one number per pixel, c = log(sigma)/4, embedded by cosines and sines and
// two 1x1 layers. One linear layer gives the rows of all blocks at once.
//
// Note [FiLM table]: g and b depend on nothing but c, so for levels that vary over the picture (on a GPU for all) they are
// tabulated over the range of c and interpolated linearly while the block's activation is written. Maps of them would take
// several times the memory of the activation they modulate, and with their embedding a sixth of the network's arithmetic.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

namespace reddiff {

struct FilmWeights {
  at::Tensor freq;                       // [F]
  at::Tensor weight1, bias1;             // [e,2F], [e]
  at::Tensor weight2, bias2;             // [e,e], [e]
  std::vector<at::Tensor> block_weight;  // per block [2C,e]: gains, then biases
  std::vector<at::Tensor> block_bias;    // per block [2C]
};

// Gain (1 + g) and bias of one block at one noise level, [C] each.
struct FilmRow {
  at::Tensor gain, bias;
};

// One level of the pyramid: c of every pixel, and where it falls in the table.
struct FilmMap {
  at::Tensor c;         // [N,1,h,w], or [1,1,1,1] for all pixels
  at::Tensor index;     // [N*h*w] or [1] int32, lower row; undefined without a table
  at::Tensor fraction;  // the same, float32, 0..1
};

// Whether activations of this type on this device can be modulated by a table: on a GPU, where its kernel is compiled in.
bool has_film_table(at::Device device, at::ScalarType type);

class Film {
 public:
  // c_min, c_max: range of c. All tensors float32 on one device.
  Film(FilmWeights weights, double c_min, double c_max);

  // c: one value. A row per block.
  std::vector<FilmRow> rows(const at::Tensor& c) const;

  FilmMap map(const at::Tensor& c, bool table) const;

  // As map() with a table of log(sigma)/4 at each of `levels` levels of a pyramid, the finest first, by steps: sigma, [N,1,H,W], continued
  // as its mirror image to height and width, is reduced by two and then by two again; one value stays one.
  struct SigmaRange {
    double least, most;
  };
  std::vector<FilmMap> pyramid(const at::Tensor& sigma, const SigmaRange& range, std::int64_t height,
                               std::int64_t width, std::size_t levels) const;

  // Of a block: [entries,2C].
  const at::Tensor& table(std::size_t block) const { return tables()[block]; }

  // x: [N,C,h,w], channels-last, becomes relu(x * (1 + g) + b) in place. `modulate_plain` embeds every pixel and is the
  // definition; `modulate_table` needs a map with a table, and has_film_table of x.
  void modulate_plain(at::Tensor& x, const FilmMap& map, std::size_t block) const;
  void modulate_table(at::Tensor& x, const FilmMap& map, std::size_t block) const;

 private:
  at::Tensor embed(const at::Tensor& c) const;  // [M,1] -> [M,e]
  const std::vector<at::Tensor>& tables() const;

  FilmWeights weights_;
  at::Tensor all_weight_, all_bias_;
  double c_min_, c_max_;
  mutable std::once_flag tabulated_;
  mutable std::vector<at::Tensor> tables_;  // per block [entries,2C]
};

}  // namespace reddiff
