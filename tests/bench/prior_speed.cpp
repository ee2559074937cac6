// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/bench/prior_speed.h"

#include <ATen/ATen.h>

#include <cstdio>

#include "core/priors/tiled.h"
#include "tests/bench/convolution_peak.h"
#include "tests/bench/scene.h"
#include "tests/bench/subjects.h"

namespace reddiff::bench {
namespace {

struct Case {
  Size size;
  at::Tensor picture, uniform, per_pixel;
  std::vector<double> uniform_ms, per_pixel_ms, tiled_ms;
};

Case make_case(const Size& size) {
  const double level = level_to_core(25);
  Case c;
  c.size = size;
  c.picture = MovingScene(size, 1).frame(0);
  c.uniform = at::full({1, 1, 1, 1}, level);
  // Half to one and a half times the level, from left to right.
  c.per_pixel = (at::linspace(0.5, 1.5, size.width) * level).expand({1, 1, size.height, size.width}).contiguous();
  return c;
}

void print_row(const Case& c, const char* what, double ms, double flops, double peak, double against, Checks& checks) {
  const double gflops = flops / ms / 1e6;
  std::printf("%-10s %-18s %10.1f %10.0f %10.0f %% %12.2f\n", text(c.size).c_str(), what, ms, gflops,
              100 * gflops / peak, ms / against);
  for (const double figure : {ms, gflops, gflops / peak, ms / against})
    checks.finite(figure, text(c.size) + " " + what);
}

}  // namespace

void measure_prior(const Options& options, Checks& checks) {
  const c10::InferenceMode no_gradients;
  print_title("Convolution peak and the prior alone (tiles not in use, but in rows \"in N tiles\")");
  const OtherLoad load;
  const auto prior = load_prior(options.prior);
  const TiledDenoiser tiled(prior, {});
  ConvolutionPeak peak(options.sizes);
  std::vector<Case> cases;
  for (const Size& size : options.sizes) cases.push_back(make_case(size));
  for (int round = -1; round < options.rounds(); ++round) {  // round -1 makes the library's kernels
    peak.sample();
    for (Case& c : cases) {
      const double uniform = milliseconds_of([&] { prior->denoise(c.picture, c.uniform); });
      const double per_pixel = milliseconds_of([&] { prior->denoise(c.picture, c.per_pixel); });
      double in_tiles = 0;
      if (tiled.tiles(c.size.height, c.size.width) > 1)
        in_tiles = milliseconds_of([&] { tiled.denoise(c.picture, c.uniform); });
      if (round < 0) continue;
      c.uniform_ms.push_back(uniform);
      c.per_pixel_ms.push_back(per_pixel);
      c.tiled_ms.push_back(in_tiles);
    }
  }
  peak.print();
  checks.finite(peak.gflops(), "the convolution peak");
  std::printf("\n%-10s %-18s %10s %10s %12s %12s\n", "picture", "noise level", "ms", "GFLOP/s", "of the peak",
              "to uniform");
  for (const Case& c : cases) {
    const double flops = prior->flops(c.size.height, c.size.width), uniform = median(c.uniform_ms);
    print_row(c, "uniform", uniform, flops, peak.gflops(), uniform, checks);
    print_row(c, "per pixel", median(c.per_pixel_ms), flops, peak.gflops(), uniform, checks);
    const auto tiles = tiled.tiles(c.size.height, c.size.width);
    if (tiles > 1)
      print_row(c, ("uniform, " + std::to_string(tiles) + " tiles").c_str(), median(c.tiled_ms),
                tiled.flops(c.size.height, c.size.width), peak.gflops(), uniform, checks);
  }
  std::printf("%d rounds; %s\n", options.rounds(), load.text().c_str());
}

}  // namespace reddiff::bench
