// SPDX-License-Identifier: LGPL-2.1-or-later
// A residual block of network.py and its gradients in one piece: convolutions by Winograd, the rest where their outputs are at hand.
//
//   y = conv1(x)    h = relu(y * (1 + gain) + offset)    out = x + conv2(h)
//
// film: [n][2c][h][w], or [n][2c][1][1] for levels that are the same all over a picture; gains first, then offsets.
#include <torch/extension.h>

#include "winograd.h"

using at::Tensor;
using winograd::Grid, winograd::V, winograd::all, winograd::load, winograd::store, winograd::width;

namespace {

Tensor channels_last(const Tensor& t) { return t.contiguous(at::MemoryFormat::ChannelsLast); }
Tensor like(const Tensor& t) { return at::empty_like(t, at::MemoryFormat::ChannelsLast); }

Grid grid_of(const Tensor& x) {
  const Grid g = {x.size(0), x.size(2), x.size(3), x.size(1)};
  TORCH_CHECK(x.scalar_type() == at::kFloat && g.h % 4 == 0 && g.w % 4 == 0 && g.c % winograd::panel == 0 &&
                  g.c <= winograd::most_channels,
              "float32 [n][c][h][w] with h and w multiples of 4 and c of ", winograd::panel);
  return g;
}

struct Film {
  const float* p;
  long image, pixel;  // strides

  Film(const Tensor& film, const Grid& g) : p(film.const_data_ptr<float>()) {
    const bool uniform = film.size(2) == 1;
    TORCH_CHECK(
        film.size(0) == g.n && film.size(1) == 2 * g.c && (uniform || (film.size(2) == g.h && film.size(3) == g.w)),
        "film: two values a channel, for pictures or for their pixels");
    pixel = uniform ? 0 : 2 * g.c;
    image = uniform ? 2 * g.c : g.h * g.w * pixel;
  }
};

// The gradient of gain and offset: a map, or sums over the tiles of a picture in a thread's own rows.
struct FilmGradient {
  Tensor map, sums;

  FilmGradient(const Tensor& film, const Grid& g, bool uniform) {
    if (uniform)
      sums = at::zeros({omp_get_max_threads(), g.n, 2 * g.c});
    else
      map = like(film);
  }
  Tensor result(const Grid& g) const { return map.defined() ? map : sums.sum(0).reshape({g.n, 2 * g.c, 1, 1}); }
};

std::vector<Tensor> forward(Tensor x, const Tensor& w1, const Tensor& w2, Tensor film) {
  x = channels_last(x);
  film = channels_last(film);
  const Grid g = grid_of(x);
  const Film f(film, g);
  Tensor y = like(x), h = like(x), out = like(x);
  const float* px = x.const_data_ptr<float>();
  float *py = y.mutable_data_ptr<float>(), *ph = h.mutable_data_ptr<float>(), *pout = out.mutable_data_ptr<float>();
  winograd::convolve(g, px, winograd::forward_weights(w1), [=](long image, long pixel, long c, V v) {
    const float* gain = f.p + image * f.image + (pixel - image * g.h * g.w) * f.pixel + c;
    const V a = v * (1 + load(gain)) + load(gain + g.c);
    store(py + pixel * g.c + c, v);
    store(ph + pixel * g.c + c, a > 0 ? a : V{});
  });
  winograd::convolve(g, ph, winograd::forward_weights(w2), [=](long, long pixel, long c, V v) {
    store(pout + pixel * g.c + c, v + load(px + pixel * g.c + c));
  });
  return {out, x, y, h, film};
}

std::vector<Tensor> backward(Tensor dout, const Tensor& x, const Tensor& y, const Tensor& h, const Tensor& film,
                             const Tensor& w1, const Tensor& w2, bool weights) {
  dout = channels_last(dout);
  const Grid g = grid_of(x);
  const Film f(film, g);
  const FilmGradient df(film, g, !f.pixel);
  Tensor dy = like(x), dx = like(x);
  const float *px = x.const_data_ptr<float>(), *py = y.const_data_ptr<float>(), *ph = h.const_data_ptr<float>();
  const float* pdout = dout.const_data_ptr<float>();
  float *pdy = dy.mutable_data_ptr<float>(), *pdx = dx.mutable_data_ptr<float>();
  float* map = f.pixel ? df.map.mutable_data_ptr<float>() : nullptr;
  float* sums = f.pixel ? nullptr : df.sums.mutable_data_ptr<float>();
  winograd::convolve(g, pdout, winograd::backward_weights(w2), [=](long image, long pixel, long c, V v) {
    const float* gain = f.p + image * f.image + (pixel - image * g.h * g.w) * f.pixel + c;
    const V d = load(ph + pixel * g.c + c) > 0 ? v : V{}, scaled = d * load(py + pixel * g.c + c);
    store(pdy + pixel * g.c + c, d * (1 + load(gain)));
    float* to = map ? map + pixel * 2 * g.c + c : sums + (omp_get_thread_num() * g.n + image) * 2 * g.c + c;
    store(to, map ? scaled : load(to) + scaled);
    store(to + g.c, map ? d : load(to + g.c) + d);
  });
  winograd::convolve(g, pdy, winograd::backward_weights(w1), [=](long, long pixel, long c, V v) {
    store(pdx + pixel * g.c + c, v + load(pdout + pixel * g.c + c));
  });
  if (!weights) return {dx, {}, {}, df.result(g)};
  return {dx, winograd::weight_gradient(g, px, pdy), winograd::weight_gradient(g, ph, pdout), df.result(g)};
}

}  // namespace

PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {
  m.attr("channels") = winograd::panel;
  m.attr("most_channels") = winograd::most_channels;
  m.def("forward", &forward);
  m.def("backward", &backward);
}
