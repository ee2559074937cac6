// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Everything that computes, on a GPU against the CPU: frames, motion, every operator, prior and optimiser of the registries.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/frame/clipped_noise.h"
#include "core/frame/convert.h"
#include "core/frame/fill_holes.h"
#include "core/frame/noise_by_steps.h"
#include "core/frame/noise_estimate.h"
#include "core/frame/window.h"
#include "core/priors/conv_unet.h"
#include "core/priors/film.h"
#include "core/priors/tensor_conv.h"
#include "core/registry.h"
#include "core/solvers/optimizer.h"
#include "core/solvers/rng.h"
#include "core/temporal/behind_holes.h"
#include "core/temporal/flow.h"
#include "core/temporal/kalman.h"
#include "core/temporal/repeats.h"
#include "core/temporal/scene_cut.h"
#include "core/temporal/steady_flow.h"
#include "core/temporal/warp.h"
#include "core/weights/model_card.h"
#include "tests/core/cuda_fixture.h"
#include "tests/core/operator_helpers.h"
#include "tests/core/sample_frame.h"
#include "tests/core/scene.h"

namespace reddiff {
namespace {

// ---- frames

TEST_F(Cuda, FramesReadTheSameAndComeBack) {
  for (const auto& format : formats())
    for (auto [width, height] : {std::pair{1, 1}, {5, 3}, {34, 18}}) {
      Frame frame(format, width, height, 1);
      frame.fill_codes(2);
      const auto what = std::string(format.name) + " " + std::to_string(width) + "x" + std::to_string(height);
      const auto picture = read_picture(frame.view, gpu);
      expect_same(read_picture(frame.view, at::kCPU), picture, 1e-5, what);
      const auto alpha = read_alpha(frame.view, gpu);
      if (alpha.defined()) expect_same(read_alpha(frame.view, at::kCPU), alpha, 1e-6, what + " alpha");
      const auto before = frame.words;
      write_picture(picture, alpha, frame.view);
      EXPECT_EQ(frame.words, before) << what;
    }
}

TEST_F(Cuda, FirstGuessesAreTheSame) {
  const auto picture = scene(70, 90, 1) + 0.05 * noise({1, 3, 70, 90}, 2);
  EXPECT_NEAR(estimate_noise(up(picture)).white(), estimate_noise(picture).white(), 1e-5);
  const auto known = (noise({1, 1, 70, 90}, 3) > 0).to(at::kFloat);
  expect_same(fill_holes(picture, known), fill_holes(up(picture), up(known)), cuda_tolerance, "fill_holes");
}

TEST_F(Cuda, ClippedNoiseIsTheSame) {
  const double sv = 0.2;
  const auto clean = (2.5 * scene(70, 90, 1)).clamp(-1, 1), seen = (clean + sv * noise({1, 3, 70, 90}, 2)).clamp(-1, 1);
  const auto on_cpu = clipping_evidence(seen, sv), on_gpu = clipping_evidence(up(seen), sv);
  for (const auto end : {&ClippingEvidence::black, &ClippingEvidence::white}) {
    EXPECT_GT((on_cpu.*end).values, 0);
    EXPECT_NEAR((on_gpu.*end).towards, (on_cpu.*end).towards, 1e-3 * (on_cpu.*end).towards);
    EXPECT_NEAR((on_gpu.*end).away, (on_cpu.*end).away, 1e-3 * (on_cpu.*end).away);
  }
  for (const bool averages : {false, true}) {
    const Clipping clipping{true, true, averages};
    expect_same(mean_before_clipping(clean, sv, clipping), mean_before_clipping(up(clean), sv, clipping),
                cuda_tolerance, "mean");
    expect_same(values_before_clipping(seen, clean, sv, clipping),
                values_before_clipping(up(seen), up(clean), sv, clipping), cuda_tolerance, "values");
  }
}

// ---- motion

TEST_F(Cuda, WarpsAreTheSame) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  for (auto filter : {WarpFilter::bilinear, WarpFilter::bicubic})
    for (auto type : {at::kFloat, at::kDouble})
      for (auto [height, width] : {std::pair{1, 1}, {7, 5}, {70, 333}}) {
        const auto picture = noise({2, 3, height, width}, 4).to(type);
        auto flow = noise({2, 2, height, width}, 5).to(type) * 6;
        flow.view(-1).narrow(0, 0, 2).copy_(at::tensor({infinity, std::nan("")}));
        // Without a kernel of our own LibTorch's operators place float32 samples to 1e-4 pixels only.
        expect_same(warp(picture, flow, filter), warp(up(picture), up(flow), filter), cuda_tolerance, "warp");
        expect_same(picture, warp(up(picture), up(at::zeros_like(flow)), filter), 0, "no motion");
      }
}

TEST_F(Cuda, MotionIsTheSame) {
  const auto large = scene(160, 220, 6);
  const auto from = large.narrow(2, 10, 140).narrow(3, 10, 200).contiguous();
  const auto to = large.narrow(2, 12, 140).narrow(3, 13, 200).contiguous();
  const auto flow = make_dis_flow();
  const auto backward = flow->estimate(to, from), forward = flow->estimate(from, to);
  const auto found = flow->estimate(up(to), up(from));
  ASSERT_EQ(found.device(), gpu);
  // Grey values that round the other way move a vector a little.
  EXPECT_LT((found.cpu() - backward).abs().mean().item<double>(), 0.01);
  const auto trusted = trusted_motion(up(backward), up(forward));
  EXPECT_LT((trusted.cpu() - trusted_motion(backward, forward)).abs().mean().item<double>(), 1e-3);
  EXPECT_NEAR(scene_distance(up(to), up(from)), scene_distance(to, from), 1e-4);
}

// Sums in another order move a vector a little, and may choose the other of two vectors that explain a patch alike.
TEST_F(Cuda, PatchSearchIsTheSame) {
  for (auto [height, width] : {std::pair{32, 40}, {140, 200}, {75, 333}}) {
    const auto large = scene(height + 20, width + 20, 6);
    const auto from = large.narrow(2, 10, height).narrow(3, 10, width).contiguous();
    const auto to = large.narrow(2, 12, height).narrow(3, 13, width) + 0.01 * noise(from.sizes(), 7);
    const auto flow = make_patch_flow();
    const auto expected = flow->estimate(to, from), found = flow->estimate(up(to), up(from));
    ASSERT_EQ(found.device(), gpu);
    EXPECT_LT((found.cpu() - expected).abs().mean().item<double>(), 0.01) << height << "x" << width;
    EXPECT_TRUE(found.equal(flow->estimate(up(to), up(from)))) << height << "x" << width;
    const bool chosen = make_flow()->estimate(up(to), up(from)).equal(found);
    EXPECT_EQ(chosen, gpu.is_cuda() && has_patch_kernels());
    for (const double value : {std::nan(""), 1e30, -std::numeric_limits<double>::infinity()}) {
      auto hostile = to.clone();
      hostile.narrow(3, 5, 12).fill_(value);
      const auto any = flow->estimate(up(hostile), up(from));
      EXPECT_TRUE(any.isfinite().all().item<bool>()) << value;
    }
  }
}

TEST_F(Cuda, MotionIsMadeSteadyAndCarriedBehindHolesAlike) {
  const auto before = scene(96, 128, 14), right = at::full({1, 2, 96, 128}, 3.0);
  auto known = at::ones({1, 1, 96, 128});
  known.narrow(3, 40, 16).narrow(2, 24, 40).zero_();
  const auto found = right * known + 0.5 * noise({1, 2, 96, 128}, 15);
  const auto now = warp(before, right, WarpFilter::bicubic) * known;
  const auto steady = steady_flow(found, now, 0.2);
  expect_same(steady, steady_flow(up(found), up(now), 0.2), 0.01, "steady_flow");
  const auto holes = large_holes(known);
  expect_same(holes, large_holes(up(known)), 0, "large_holes");
  ASSERT_TRUE(holes.any().item<bool>());
  expect_same(filled_from_past(before, now, found, known, holes),
              filled_from_past(up(before), up(now), up(found), up(known), up(holes)), 0.01, "filled_from_past");
  const auto behind = move_behind_holes(before, now, found, known, holes);
  const auto there = move_behind_holes(up(before), up(now), up(found), up(known), up(holes));
  expect_same(behind.moved, there.moved, 0.01, "moved");
  expect_same(behind.flow, there.flow, 0.05, "flow");
  expect_same(behind.doubt, there.doubt, 0.01, "doubt");
}

TEST_F(Cuda, TheFilterUpdatesAlike) {
  const auto positive = [](std::uint64_t seed) { return noise({1, 1, 33, 70}, seed).abs() + 0.01; };
  const KalmanInput on_cpu{noise({1, 3, 33, 70}, 1), positive(2), 20 * noise({1, 2, 33, 70}, 3),
                           noise({1, 3, 33, 70}, 4), positive(5), at::full({1, 1, 1, 1}, 0.3)};
  const KalmanInput there{up(on_cpu.moved), up(on_cpu.moved_variance), up(on_cpu.flow), up(on_cpu.seen),
                          up(on_cpu.own),   up(on_cpu.least)};
  const Repeated last{noise({1, 1, 33, 70}, 6) > 0, noise({1, 3, 33, 70}, 7), positive(8), 1.7};
  const Repeated last_there{up(last.same), up(last.z), up(last.variance), last.gain};
  for (const bool repeats : {false, true}) {
    const auto expected = kalman_update(on_cpu, repeats ? &last : nullptr);
    const auto found = kalman_update(there, repeats ? &last_there : nullptr);
    expect_same(expected.z, found.z, 1e-5, "z");
    expect_same(expected.variance, found.variance, 1e-5, "variance");
  }
}

// ---- operators, priors, optimisers

std::vector<std::string> operator_texts() {
  std::vector<std::string> texts = {"average-pool:factor=2+gray", "gaussian-blur:sigma=1.6+bicubic:factor=2",
                                    "motion-blur:length=15:angle=30+gray+box-blur:size=3"};
  const auto examples = examples_of_all_kinds();
  texts.insert(texts.end(), examples.begin(), examples.end());
  return texts;
}

TEST_F(Cuda, EveryOperatorIsTheSame) {
  for (const auto& text : operator_texts())
    for (auto [height, width] : {std::pair{3, 5}, {24, 37}, {270, 6}}) {  // short axes and a long one
      const auto op = make(text);
      const std::int64_t factor = op->factor();
      const auto x = noise({2, 3, height * factor, width * factor}, 7);
      const auto y = noise({2, op->channels(), height, width}, 8);
      const auto weights = (noise({2, 1, height, width}, 9) > 0).to(at::kFloat);
      expect_same(op->forward(x), op->forward(up(x)), cuda_tolerance, text + " forward");
      expect_same(op->vjp(x, y), op->vjp(up(x), up(y)), cuda_tolerance, text + " vjp");
      expect_same(op->pseudo_inverse(y), op->pseudo_inverse(up(y)), cuda_tolerance, text + " pseudo_inverse");
      for (const auto& w : {at::Tensor(), weights})
        expect_same(op->prox(x, y, w, 0.1), op->prox(up(x), up(y), up(w), 0.1), cuda_tolerance, text + " prox");
      const auto q = noise({1, 1, 8, 8}, 10).exp();
      expect_same(op->rho(q), op->rho(up(q)), cuda_tolerance, text + " rho");
    }
}

DenoiserPtr prior_on(const std::string& name, at::Device device, Precision precision) {
  return make_prior({name, models_of_tests(), device, precision});
}

TEST_F(Cuda, EveryPriorIsTheSame) {
  for (const auto& entry : prior_registry())
    for (auto [height, width] : {std::pair{96, 128}, {33, 21}}) {
      const auto on_cpu = prior_on(entry.name, at::kCPU, Precision::float32);
      const auto on_gpu = prior_on(entry.name, gpu, Precision::float32);
      EXPECT_EQ(on_gpu->device(), gpu);
      const auto clean = at::cat({scene(height, width, 11), scene(height, width, 12)});
      const auto ramp = at::linspace(0.02, 0.5, width).expand({2, 1, height, width}).contiguous();
      for (const auto& sigma : {at::full({1, 1, 1, 1}, 0.2), at::tensor({0.05f, 0.4f}).view({2, 1, 1, 1}), ramp}) {
        const auto u = clean + sigma * noise(clean.sizes(), 13);
        expect_same(on_cpu->denoise(u, sigma), on_gpu->denoise(up(u), up(sigma)), cuda_tolerance, entry.name);
      }
    }
}

// A block of each number of channels: the kernel takes 16 bytes at once where they divide into those.
Film random_film(const std::vector<std::int64_t>& channels, at::Device device) {
  const auto on = [&](const at::Tensor& t) { return t.to(device); };
  FilmWeights weights{on(at::exp(at::linspace(-1, 1, 4))),
                      on(noise({6, 8}, 1)),
                      on(noise({6}, 2)),
                      on(0.4 * noise({6, 6}, 3)),
                      on(noise({6}, 4)),
                      {},
                      {}};
  for (const std::int64_t c : channels) {
    weights.block_weight.push_back(on(0.1 * noise({2 * c, 6}, 5)));
    weights.block_bias.push_back(on(0.2 * noise({2 * c}, 6)));
  }
  return {weights, -1.5, 0.5};
}

TEST_F(Cuda, FilmOfATableIsThatOfEveryPixel) {
  const std::vector<std::int64_t> channels = {1, 5, 8, 12, 96, 320};
  const Film film = random_film(channels, gpu), on_cpu = random_film(channels, at::kCPU);
  const auto c = at::linspace(-1.6, 0.6, 2 * 9 * 31).view({2, 1, 9, 31});  // beyond the range the table has its ends
  const auto inside = c.clamp(-1.5, 0.5);
  for (const auto& [type, digits] : {std::pair{at::kFloat, 5e-4}, {at::kBFloat16, 0.005}, {at::kHalf, 0.001}}) {
    if (!has_film_table(gpu, type)) continue;
    for (std::size_t block = 0; block < channels.size(); ++block) {
      const auto x = noise({2, channels[block], 9, 31}, 7).to(type).contiguous(at::MemoryFormat::ChannelsLast);
      auto plain = x.to(at::kFloat), table = up(x).clone();
      on_cpu.modulate_plain(plain, on_cpu.map(inside, false), block);
      film.modulate_table(table, film.map(up(c), true), block);
      ASSERT_EQ(table.scalar_type(), type);
      const auto miss = (table.cpu().to(at::kFloat) - plain).abs() / (1 + plain.abs());
      EXPECT_LT(miss.max().item<double>(), digits) << type << " " << channels[block];
    }
  }
  const auto one = up(at::full({1, 1, 1, 1}, -0.3)), x = up(noise({2, 96, 9, 31}, 8));
  auto by_one = x.contiguous(at::MemoryFormat::ChannelsLast).clone(), by_map = by_one.clone();
  film.modulate_table(by_one, film.map(one, true), 4);
  film.modulate_table(by_map, film.map(one.expand({2, 1, 9, 31}), true), 4);
  EXPECT_TRUE(at::equal(by_one, by_map));
  auto lost = up(at::full({1, 8, 1, 2}, std::nan(""))).contiguous(at::MemoryFormat::ChannelsLast);
  film.modulate_table(lost, film.map(up(at::tensor({std::nanf(""), 0.0f}).view({1, 1, 1, 2})), true), 2);
  EXPECT_TRUE(lost.isnan().all().item<bool>());
}

// Kernels on tensor cores, in the place of a library's convolutions and what follows them: every model and kind of error.
TEST_F(Cuda, TensorCoresAreTheNetwork) {
  for (const auto type : {at::kBFloat16, at::kHalf})
    for (const char* model_name : {"default", "tiny", "large"}) {
      if (!has_tensor_conv(gpu, type, 32)) GTEST_SKIP() << "no kernels for tensor cores on " << name;
      const Model model = load_model(models_of_tests() + "/" + model_name + ".safetensors");
      const auto plain = make_conv_unet(model.tensors, model.card, gpu, type, ConvPath::plain);
      const auto tensor = make_conv_unet(model.tensors, model.card, gpu, type, ConvPath::tensor);
      for (const std::string& kind : plain->kinds())
        for (const auto& [height, width] : {std::pair{96, 128}, {1, 1}, {17, 45}, {130, 310}})
          for (const bool varies : {false, true}) {
            const auto u = up(scene(height, width, 16) + 0.2 * noise({1, 3, height, width}, 17)).repeat({2, 1, 1, 1});
            const auto sigma =
                up(varies ? (noise({2, 1, height, width}, 18).abs() * 0.3 + 0.01) : at::full({1, 1, 1, 1}, 0.2));
            const auto what = std::string(model_name) + " " + kind + " " + std::to_string(width) + "x" +
                              std::to_string(height) + (varies ? " varying " : " ") + c10::toString(type);
            const auto expected = plain->for_kind(kind)->denoise(u, sigma);
            const auto found = tensor->for_kind(kind)->denoise(u, sigma);
            expect_same(expected.cpu(), found, type == at::kHalf ? 0.02 : 0.1, what);
            EXPECT_LT(rms((found - expected).cpu()), type == at::kHalf ? 0.0005 : 0.003) << what;
            EXPECT_TRUE(at::equal(tensor->for_kind(kind)->denoise(u, sigma), found)) << what;
          }
      const auto lost = up(at::full({1, 3, 16, 16}, std::nan("")));
      EXPECT_TRUE(tensor->denoise(lost, up(at::full({1, 1, 1, 1}, 0.2))).isnan().all().item<bool>());
    }
}

TEST_F(Cuda, WhatTheNoiseEstimateSeesIsTheSame) {
  for (const auto& [height, width] : {std::pair{70, 90}, {131, 203}}) {
    const auto now = scene(height, width, 1) + 0.05 * noise({1, 3, height, width}, 2);
    const auto before = scene(height, width, 1) + 0.05 * noise({1, 3, height, width}, 3);
    for (const auto& [on_cpu, on_gpu] : {std::pair{cells_by_step(now), cells_by_step(up(now))},
                                         {cells_by_step(now, before), cells_by_step(up(now), up(before))}}) {
      expect_same(on_cpu.energy, on_gpu.energy, 1e-5, "energy");
      expect_same(on_cpu.mean, on_gpu.mean, 1e-5, "mean");
      expect_same(on_cpu.at_end, on_gpu.at_end, 1e-5, "at end");
    }
    const auto flat = (4 * now).round_() / 4;
    expect_same(flatness_by_step(flat, {}, 4).to(at::kFloat), flatness_by_step(up(flat), {}, 4).to(at::kFloat), 0,
                "flat");
    for (const std::int64_t side : {3, 5, 9})
      expect_same(window_mean(now, side), window_mean(up(now), side), 1e-5, "window");
    expect_same(repeats({now, {}}, {flat, {}}).to(at::kFloat), repeats({up(now), {}}, {up(flat), {}}).to(at::kFloat), 0,
                "repeats");
  }
}

// What a user gets without asking: half precision where the GPU has it.
TEST_F(Cuda, AutomaticPrecisionIsNear) {
  const auto clean = scene(96, 128, 14), sigma = at::full({1, 1, 1, 1}, 0.2);
  const auto u = clean + sigma * noise(clean.sizes(), 15);
  const auto exact = prior_on("default", at::kCPU, Precision::float32)->denoise(u, sigma);
  const auto found = prior_on("default", gpu, Precision::automatic)->denoise(up(u), up(sigma)).cpu();
  EXPECT_LT(rms(found - exact), 1.0 / 255);
  EXPECT_LT(rms(found - clean), 1.02 * rms(exact - clean));
}

TEST_F(Cuda, EveryOptimizerMovesTheSame) {
  for (const auto& entry : optimizer_registry()) {
    RedDiffOptions options;
    options.optimizer = entry.value;
    const auto optimizer = entry.make(options), other = entry.make(options);
    const auto goal = noise({2, 3, 8, 9}, 16), goal_there = up(goal);
    auto mu = at::zeros_like(goal), mu_there = at::zeros_like(goal_there);
    for (int step = 0; step < 4; ++step) {
      optimizer->step(mu, mu - goal);
      other->step(mu_there, mu_there - goal_there);
    }
    expect_same(mu, mu_there, 1e-4, "optimizer " + std::to_string(static_cast<int>(entry.value)));
    EXPECT_GT(largest(mu), 0);
  }
}

TEST_F(Cuda, NoiseIsNormalAndRepeats) {
  const std::int64_t size[] = {1, 3, 128, 128};
  const auto field = normal_field(1, 2, size, gpu);
  ASSERT_EQ(field.device(), gpu);
  EXPECT_TRUE(field.equal(normal_field(1, 2, size, gpu)));
  EXPECT_FALSE(field.equal(normal_field(1, 3, size, gpu)));
  EXPECT_NEAR(number(field.mean()), 0, 0.02);
  EXPECT_NEAR(number(field.square().mean()), 1, 0.03);
}

}  // namespace
}  // namespace reddiff
