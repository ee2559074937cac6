// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The spectrum of noise: found again where it is known, its data step against a dense covariance, what a solver makes of it.
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <vector>

#include "core/api/error_kinds.h"
#include "core/api/operator_spec.h"
#include "core/frame/likelihood.h"
#include "core/frame/noise_estimate.h"
#include "core/frame/noise_spectrum.h"
#include "core/frame/spectrum_track.h"
#include "core/priors/load_prior.h"
#include "core/registry.h"
#include "core/restorations/restoration.h"
#include "core/solvers/correlated.h"
#include "core/solvers/ensemble.h"
#include "tests/core/engine_helpers.h"
#include "tests/core/fake_priors.h"
#include "tests/core/scene.h"

namespace reddiff {
namespace {

constexpr std::int64_t bins = NoiseSpectrum::bins;

// Noise blurred by a Gaussian of this many pixels, deviation 1; and what its spectrum is.
at::Tensor soft_noise(std::int64_t h, std::int64_t w, double sigma, std::uint64_t seed) {
  const auto fy = at::fft_fftfreq(h).unsqueeze(1), fx = at::fft_rfftfreq(w);
  const auto gain = at::exp(-2 * std::numbers::pi * std::numbers::pi * sigma * sigma * (fy * fy + fx * fx));
  const std::vector<std::int64_t> size{h, w};
  const auto field = at::fft_irfft2(at::fft_rfft2(noise({1, 3, h, w}, seed)) * gain, size);
  return field / field.square().mean().sqrt();
}

at::Tensor soft_power(double sigma) {
  const auto f = at::arange(bins, at::kFloat) / NoiseSpectrum::window;
  const auto square = (f * f).unsqueeze(1) + f * f;
  return at::exp(-4 * std::numbers::pi * std::numbers::pi * sigma * sigma * square)
      .expand({3, bins, bins})
      .contiguous();
}

NoiseSpectrumPtr soft_spectrum(double sigma) { return std::make_shared<NoiseSpectrum>(soft_power(sigma)); }

double largest(const at::Tensor& error) { return error.abs().max().item<double>(); }

TEST(NoiseSpectrum, HasMeanOne) {
  const NoiseSpectrum spectrum(7 * soft_power(1));
  EXPECT_NEAR(mean_power(spectrum.power()), 1, 1e-5);
  EXPECT_NEAR(mean_power(at::ones({3, bins, bins})), 1, 1e-6);
}

TEST(NoiseSpectrum, IsFoundAgainInNoise) {
  for (const double sigma : {0.0, 0.7, 1.5}) {
    SpectrumTrack track;
    const auto still = scene(192, 256, 3);
    auto before = still + 0.1 * soft_noise(192, 256, sigma, 30);
    for (std::uint64_t frame = 1; frame < 8; ++frame) {
      const auto now = still + 0.1 * soft_noise(192, 256, sigma, 30 + frame);
      track.learn(now, before);
      before = now;
    }
    ASSERT_NE(track.known(), nullptr);
    const auto found = track.known()->power(), want = soft_spectrum(sigma)->power();
    // Windows of 32 pixels spread each frequency to its neighbours.
    EXPECT_LT((found - want).abs().mean().item<double>(), 0.1 * want.mean().item<double>()) << sigma;
    EXPECT_LT(largest(found - want), 0.35 * largest(want)) << sigma;
  }
}

// As the estimate's own blocks read it.
TEST(NoiseSpectrum, SaysWhatTheEstimateReads) {
  for (const double level : levels_of(NoiseSpectrum(at::ones({3, bins, bins})))) EXPECT_NEAR(level, 1, 1e-5);
  for (const double sigma : {0.5, 0.8, 1.2}) {
    const auto want = levels_of(*soft_spectrum(sigma));
    const auto noisy = 0.1 * soft_noise(384, 512, sigma, 60);
    Frame frame(format_named("RGB"), 512, 384, 1);
    const auto found = estimate_noise(noise_planes(frame.view, noisy));
    for (std::size_t size = 0; size < noise_sizes; ++size)
      EXPECT_NEAR(found.mean[size], 0.1 * want[size], 0.02 * want[size]) << sigma << ' ' << size;
  }
}

// Luma white and colour soft is what full size does not show; white noise of luma alone has nothing more at other sizes.
TEST(NoiseSpectrum, RisesWhereAnyColourIsSofterThanTheRest) {
  const auto white = at::ones({3, bins, bins}), soft = soft_power(3);
  const auto of = [](const at::Tensor& grey, const at::Tensor& colour) {
    return rise_of(NoiseSpectrum(at::stack({grey[0], colour[1], colour[2]})));
  };
  EXPECT_NEAR(of(white, white), 1, 1e-5);
  EXPECT_NEAR(of(white, 0 * white), 1, 1e-5);
  EXPECT_NEAR(of(white, soft / mean_power(soft) / 1000), 1, 1e-5);
  EXPECT_GT(of(white, soft / mean_power(soft)), 3);
  EXPECT_EQ(of(soft, soft / 2), 1);  // as motion shows
  EXPECT_TRUE(std::isfinite(of(0 * white, soft_power(8))));
}

TEST(NoiseSpectrum, HearsNothingFromWhatMovesOrWasRepeated) {
  const auto still = scene(192, 256, 3), field = soft_noise(192, 256, 1, 41);
  const auto before = still + 0.05 * soft_noise(192, 256, 1, 40), now = still + 0.05 * field;
  SpectrumTrack alone, beside, repeated;
  for (int frame = 0; frame < 2; ++frame) {
    alone.learn(now, before);
    auto moving = now.clone();
    moving.slice(2, 0, 64).slice(3, 0, 64) = scene(64, 64, 90) * 0.8;
    beside.learn(moving, before);
    repeated.learn(now, now);
  }
  EXPECT_EQ(repeated.known(), nullptr);
  ASSERT_NE(alone.known(), nullptr);
  ASSERT_NE(beside.known(), nullptr);
  const auto want = alone.known()->power();
  EXPECT_LT((beside.known()->power() - want).abs().mean().item<double>(), 0.1 * want.mean().item<double>());
  alone.restart();
  EXPECT_EQ(alone.known(), nullptr);
}

TEST(NoiseSpectrum, OfPicturesThatAreTooSmallNothingIsLearnt) {
  SpectrumTrack track;
  for (const std::int64_t side : {1, 31, 32, 48})
    for (std::uint64_t frame = 0; frame < 3; ++frame)
      track.learn(noise({1, 3, side, side}, frame), noise({1, 3, side, side}, 10 + frame));
  EXPECT_EQ(track.known(), nullptr);
}

// S of the grey axis anything, of the others flat; the oracle inverts the covariance of the mirrored picture as a dense matrix.
TEST(NoiseSpectrum, DataStepEqualsADenseCovariance) {
  const std::int64_t h = 8, w = 6, border = 16, rows = 48, columns = 40;  // those it takes for an FFT
  auto table = at::ones({3, bins, bins});
  table[0] = (1 + noise({bins, bins}, 5).abs()) * soft_power(0.8)[0] + 0.01;
  table[1] = 0.5;
  table[2] = 2;
  const NoiseSpectrum spectrum(table);
  const double share = 0.6;
  const auto grey = noise({h, w}, 6), y = grey.expand({1, 3, h, w}).contiguous(), x = 0.2 * at::ones_like(y);
  const auto power = spectrum.power().to(at::kDouble);
  const auto at_frequency = [&](std::int64_t k, std::int64_t size) {
    return 2.0 * (bins - 1) * std::min(k, size - k) / size;
  };
  const auto S = [&](std::int64_t ky, std::int64_t kx) {
    const double fy = at_frequency(ky, rows), fx = at_frequency(kx, columns);
    const auto y0 = std::min<std::int64_t>(static_cast<std::int64_t>(fy), bins - 2);
    const auto x0 = std::min<std::int64_t>(static_cast<std::int64_t>(fx), bins - 2);
    const auto p = [&](std::int64_t i, std::int64_t j) { return power[0][y0 + i][x0 + j].item<double>(); };
    const double ty = fy - static_cast<double>(y0), tx = fx - static_cast<double>(x0);
    return (1 - ty) * ((1 - tx) * p(0, 0) + tx * p(0, 1)) + ty * ((1 - tx) * p(1, 0) + tx * p(1, 1));
  };
  auto s = at::empty({rows, columns}, at::kDouble);
  for (std::int64_t ky = 0; ky < rows; ++ky)
    for (std::int64_t kx = 0; kx < columns; ++kx) s[ky][kx] = S(ky, kx);
  const auto row = at::real(at::fft_ifft2(s));  // the covariance of the first pixel with all
  std::vector<at::Tensor> covariance;
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t j = 0; j < columns; ++j) covariance.push_back(row.roll({i, j}, {0, 1}).flatten());
  const auto C = at::stack(covariance);
  const auto mirrored = [](std::int64_t i, std::int64_t n) {
    const std::int64_t place = ((i - border) % (2 * n) + 2 * n) % (2 * n);
    return place < n ? place : 2 * n - 1 - place;
  };
  auto r = at::empty({rows, columns}, at::kDouble);
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t j = 0; j < columns; ++j) r[i][j] = grey[mirrored(i, h)][mirrored(j, w)].item<double>() - 0.2;
  // argmin (u - r)^T C^-1 (u - r) + |u|^2 / s^2:  (C + s^2) v = s^2 r
  const auto identity = at::eye(rows * columns, at::kDouble);
  const auto v = at::linalg_solve(C + share * share * identity, share * share * r.flatten()).view({rows, columns});
  const auto want = v.slice(0, border, border + h).slice(1, border, border + w) + 0.2;
  const auto got = spectrum.data_step(y, x, share);
  for (int channel = 0; channel < 3; ++channel) EXPECT_LT(largest(got[0][channel] - want), 1e-4) << channel;
}

TEST(NoiseSpectrum, DataStepOfWhiteNoiseWeighsBoth) {
  const NoiseSpectrum white(at::ones({3, bins, bins}));
  for (const auto& [h, w] : {std::pair{1, 1}, {3, 70}, {37, 50}, {64, 64}}) {
    const auto y = noise({2, 3, h, w}, 7), x = noise({2, 3, h, w}, 8);
    for (const double share : {0.3, 1.0, 2.0}) {
      const double part = share * share / (1 + share * share);
      EXPECT_LT(largest(white.data_step(y, x, share) - (x + part * (y - x))), 1e-5) << h << 'x' << w;
    }
  }
}

Problem denoising(const at::Tensor& y, LikelihoodPtr likelihood, std::string_view kind) {
  return {make_operator(parse_operator("identity")), y, {}, std::move(likelihood), kind};
}

TEST(Correlated, IsTheDenoiserAndThenTheDataStep) {
  const c10::InferenceMode guard;
  const testing::GaussianPrior prior(0.1, 0.2);
  const auto y = noise({1, 3, 40, 48}, 9) * 0.3;
  const auto spectrum = soft_spectrum(1);
  const auto problem = denoising(y, make_correlated(make_gaussian(0.2), 1, spectrum), error_kind::white);
  Trace trace(at::kCPU);
  const Ensemble ensemble({}, 1);
  ASSERT_NE(ensemble.for_spectrum(), nullptr);
  const auto once = ensemble.for_spectrum()->solve(prior, problem, {y}, {1, 0.2, 0.2}, trace);
  const auto denoised = prior.denoise(y, at::full({1, 1, 1, 1}, 0.2));
  EXPECT_LT(largest(once.mu - spectrum->data_step(y, denoised, 0.25)), 1e-6);
  prior.calls = 0;
  const auto often = ensemble.for_spectrum()->solve(prior, problem, {y}, {4, 0.2, 0.2}, trace);
  EXPECT_EQ(prior.calls, 4);
  EXPECT_EQ(often.levels.size(), 4U);
  EnsembleOptions with_data;
  with_data.data_weight = 1;
  EXPECT_EQ(Ensemble(with_data, 1).for_spectrum(), nullptr);
}

// What neighbouring pixels share, and a network that was trained on such noise: the spectrum gains on top of that.
TEST(Correlated, GainsOverThePriorOfItsKind) {
  const c10::InferenceMode guard;
  const auto prior = make_prior({"tiny", model_path(), at::kCPU, {}});
  ASSERT_NE(prior->for_kind(error_kind::camera), nullptr);
  const Ensemble ensemble({}, 1);
  const Tools tools{make_operator(parse_operator("identity")), ProblemKind::denoise, *prior, ensemble, {}};
  const double level = 1.4 * 0.08;
  for (const int steps : {1, 2, 4}) {
    double plain = 0, better = 0;
    for (std::uint64_t seed = 0; seed < 2; ++seed) {
      const auto clean = cartoon(96, 128, 20 + seed) * 0.6;
      const auto y = clean + 0.08 * soft_noise(96, 128, 1, 50 + seed);
      const auto error = [&](LikelihoodPtr likelihood) {
        Trace trace(at::kCPU);
        const auto problem = denoising(y, std::move(likelihood), error_kind::camera);
        return rms(solve(tools, problem, {steps, level, level}, {y}, trace) - clean);
      };
      plain += error(make_gaussian(level));
      better += error(make_correlated(make_gaussian(level), 1, soft_spectrum(1)));
    }
    EXPECT_LT(better, 0.97 * plain) << steps << ": " << plain << ' ' << better;
  }
}

// The element's way: a clip that stands still teaches the spectrum, and later frames are better than the first; so is what the filter makes of
// them, which takes nothing of such noise for a change of light.
TEST(Correlated, AClipThatStandsStillGains) {
  constexpr std::int64_t h = 96, w = 192;
  const auto clean = with_detail(cartoon(h, w, 23) * 0.6, 40);
  const auto error = [&](const at::Tensor& x) { return rms((x - clean).narrow(3, w / 4, w - w / 4)); };
  std::vector<double> alone, along;
  for (const auto temporal : {Temporal::none, Temporal::filter}) {
    Config config;
    config.prior = "tiny";
    config.device = "cpu";
    config.temporal = temporal;
    Engine engine(config, false, model_path());
    FrameOptions options;
    options.noise = -1;
    for (std::uint64_t frame = 0; frame < 6; ++frame) {
      Frame in(format_named("RGB"), w, h, 1);
      write_picture(clean + 0.08 * soft_noise(h, w, 1, 70 + frame), {}, in.view);
      auto out = restore(engine, in, 1, options);
      (temporal == Temporal::none ? alone : along).push_back(error(read(*out.frame)));
    }
  }
  EXPECT_LT(alone[5], 0.97 * alone[0]);
  EXPECT_LT(along[5], 0.88 * alone[0]);
}

}  // namespace
}  // namespace reddiff
