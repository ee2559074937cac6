// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Networks of diffusion models: the U-Net against PyTorch's output of a definition of its own (data/make_guided_reference.py), what is
// read from the shapes of its weights and refused of others, and its words for noise against a prior whose denoiser is known.
#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "core/api/error.h"
#include "core/priors/diffusion_denoiser.h"
#include "core/priors/guided_unet.h"
#include "core/priors/tiled.h"
#include "tests/core/guided_networks.h"
#include "tests/core/refusal.h"

namespace reddiff {
namespace {

LevelNetworkPtr network(const std::string& name, at::ScalarType dtype = at::kFloat) {
  return make_guided_unet(weights_of(name), card_of(name), at::kCPU, dtype);
}

double worst(const at::Tensor& a, const at::Tensor& b) { return (a - b).abs().max().item<double>(); }
at::Tensor level(double sigma) { return at::full({1, 1, 1, 1}, sigma); }

// --- the network -----------------------------------------------------------------------------------------------------

class GuidedUnets : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Reference, GuidedUnets, testing::Values("updown", "strided", "narrow", "plain", "ddpm"),
                         [](const auto& instance) { return instance.param; });

TEST(GuidedUnet, EveryReferenceIsTested) { EXPECT_EQ(networks().size(), 5u); }

TEST_P(GuidedUnets, EqualsPyTorch) {
  const c10::NoGradGuard no_grad;
  const auto net = network(GetParam());
  EXPECT_LT(worst(net->forward(reference().at("picture"), reference().at("steps")), reference().at(GetParam())), 3e-4);
  EXPECT_GT(net->flops(16, 24), 1e6);
}

TEST_P(GuidedUnets, GivesTheSameWithGradients) {
  at::Tensor result;
  const auto net = network(GetParam());
  const at::Tensor picture = reference().at("picture").clone().set_requires_grad(true);
  result = net->forward(picture, reference().at("steps"));
  EXPECT_LT(worst(result, reference().at(GetParam())), 3e-4);
  ASSERT_TRUE(result.requires_grad());
  // The derivative along a direction against a difference, in the mean over the picture.
  const at::Tensor direction = weight("direction", picture.sizes().vec());
  result.mul(weight("vector", result.sizes().vec())).sum().backward();
  const double told = (picture.grad() * direction).sum().item<double>(), h = 1e-2;
  const c10::NoGradGuard no_grad;
  const auto along = [&](double step) {
    const at::Tensor moved = net->forward(picture + step * direction, reference().at("steps"));
    return (moved * weight("vector", result.sizes().vec())).sum().item<double>();
  };
  const double measured = (along(h) - along(-h)) / (2 * h);
  EXPECT_NEAR(told, measured, 0.02 * std::abs(measured) + 0.05);
}

TEST_P(GuidedUnets, LowerPrecisionStaysClose) {
  const c10::NoGradGuard no_grad;
  for (const at::ScalarType dtype : {at::kBFloat16, at::kHalf}) {
    const at::Tensor result = network(GetParam(), dtype)->forward(reference().at("picture"), reference().at("steps"));
    const double error = (result.to(at::kFloat) - reference().at(GetParam())).square().mean().sqrt().item<double>();
    EXPECT_LT(error, dtype == at::kHalf ? 0.01 : 0.05);
  }
}

TEST(GuidedUnet, TheOrderOfAttentionMatters) {
  ModelCard card = card_of("updown");
  card.diffusion->heads_outside = false;
  const auto other = make_guided_unet(weights_of("updown"), card, at::kCPU, at::kFloat);
  EXPECT_GT(worst(other->forward(reference().at("picture"), reference().at("steps")), reference().at("updown")), 1e-2);
}

TEST(GuidedUnet, NamesWhatDoesNotFit) {
  const NamedTensors whole = weights_of("strided");
  struct Wrong {
    const char* name;
    std::vector<std::int64_t> shape;  // of the tensor in its place; empty: none
    const char* part;                 // of the sentence
  };
  const Wrong wrong[] = {
      {"time_embed.0.weight", {}, "other names"},
      {"time_embed.2.bias", {}, "time_embed.2.bias"},
      {"label_emb.weight", {10, 128}, "class"},
      {"input_blocks.0.0.weight", {32, 6, 3, 3}, "takes 6 channels"},
      {"out.2.weight", {4, 32, 3, 3}, "returns 4 channels"},
      {"input_blocks.2.0.out_layers.3.weight", {}, "no tensor 'input_blocks.2.0.out_layers.3.weight'"},
      {"input_blocks.2.0.out_layers.3.weight",
       {32, 32, 1, 1},
       "[32, 32, 1, 1] where its neighbours ask for [32, 32, 3, 3]"},
      {"input_blocks.2.0.in_layers.2.weight", {32, 64, 3, 3}, "takes 64 channels where 32 come in"},
      {"input_blocks.3.0.op.weight", {}, "blocks on its way down"},
      {"output_blocks.0.0.in_layers.2.weight", {64, 100, 3, 3}, "takes 100 channels where"},
      {"output_blocks.2.2.conv.weight", {}, "halved"},
      {"middle_block.0.in_layers.2.weight", {}, "middle_block.0"},
      {"encoder.weight", {3, 3}, "does not know"},
      {"time_embed.0.weight", {3}, "too few dimensions"},
  };
  for (const Wrong& item : wrong) {
    SCOPED_TRACE(item.name);
    NamedTensors tensors = whole;
    tensors.erase(item.name);
    if (!item.shape.empty()) tensors[item.name] = at::zeros(item.shape);
    const std::string text = refusal_of([&] { make_guided_unet(tensors, card_of("strided"), at::kCPU, at::kFloat); });
    EXPECT_NE(text.find(item.part), std::string::npos) << text;
  }
}

TEST(GuidedUnet, RefusesHeadsThatDoNotDivideTheChannels) {
  ModelCard card = card_of("updown");
  card.diffusion->head_channels = 48;
  const auto make = [&] { make_guided_unet(weights_of("updown"), card, at::kCPU, at::kFloat); };
  EXPECT_NE(refusal_of(make).find("heads"), std::string::npos);
  card.diffusion->head_channels = 0, card.diffusion->heads = 5;
  EXPECT_NE(refusal_of(make).find("heads"), std::string::npos);
}

// --- what it says of noise -------------------------------------------------------------------------------------------

constexpr Head all_heads[] = {Head::eps, Head::x0, Head::v, Head::edm, Head::denoiser};
constexpr LevelInput all_levels[] = {LevelInput::step, LevelInput::c_noise, LevelInput::sigma};
constexpr BetaSchedule all_schedules[] = {BetaSchedule::linear, BetaSchedule::root_linear, BetaSchedule::cosine};

// The deviations of a schedule, one number after the other.
std::vector<double> deviations(BetaSchedule schedule, std::int64_t steps, double first, double last) {
  std::vector<double> result;
  const auto g = [](double t) { return std::pow(std::cos((t + 0.008) / 1.008 * std::numbers::pi / 2), 2); };
  double abar = 1;
  for (std::int64_t i = 0; i < steps; ++i) {
    const double n = static_cast<double>(steps), at = static_cast<double>(i), part = at / (n - 1);
    double beta = first + part * (last - first);
    if (schedule == BetaSchedule::root_linear)
      beta = std::pow(std::sqrt(first) + part * (std::sqrt(last) - std::sqrt(first)), 2);
    if (schedule == BetaSchedule::cosine) beta = std::min(0.999, 1 - g((at + 1) / n) / g(at / n));
    abar *= 1 - beta;
    result.push_back(std::sqrt((1 - abar) / abar));
  }
  return result;
}

// The network of independent pixels of mean zero and deviation sd, whose D(u, s) is sd^2 / (sd^2 + s^2) u, in every head's terms.
class GaussianNetwork final : public LevelNetwork {
 public:
  GaussianNetwork(const DiffusionCard& card, double sd, std::int64_t multiple = 8)
      : card_(card), sd_(sd), multiple_(multiple) {}

  at::Tensor forward(const at::Tensor& x, const at::Tensor& level) const override {
    std::vector<at::Tensor> results;
    for (std::int64_t i = 0; i < x.size(0); ++i) results.push_back(one(x[i], sigma_of(level[i].item<double>())));
    sizes.push_back(x.sizes().vec());
    const at::Tensor result = at::stack(results);
    return at::cat({result, at::full_like(result, 99)}, 1);  // a learned variance, to be left alone
  }
  std::int64_t multiple_of() const override { return multiple_; }
  at::Device device() const override { return at::kCPU; }
  std::string description() const override { return "Gaussian"; }

  mutable std::vector<std::vector<std::int64_t>> sizes;

 private:
  double sigma_of(double level) const {
    if (card_.level == LevelInput::sigma) return level;
    if (card_.level == LevelInput::c_noise) return std::exp(4 * level);
    const auto s = deviations(card_.schedule, card_.steps, card_.beta_first, card_.beta_last);
    const auto below = std::min(static_cast<std::size_t>(level), s.size() - 2);
    const double part = level - static_cast<double>(below);
    return std::exp((1 - part) * std::log(s[below]) + part * std::log(s[below + 1]));
  }

  at::Tensor one(const at::Tensor& x, double s) const {
    const double variance = sd_ * sd_, root = 1 / std::sqrt(1 + s * s), shrink = variance / (variance + s * s);
    switch (card_.head) {
      case Head::denoiser:
        return shrink * x;
      case Head::edm: {
        const double data = card_.sigma_data, sum = s * s + data * data;
        const at::Tensor u = x * std::sqrt(sum);
        return (shrink - data * data / sum) * u / (s * data / std::sqrt(sum));
      }
      default:
        break;
    }
    const at::Tensor u = x / root, clean = shrink * u, eps = (u - clean) / s;
    if (card_.head == Head::eps) return eps;
    return card_.head == Head::x0 ? clean : root * eps - s * root * clean;
  }

  DiffusionCard card_;
  double sd_;
  std::int64_t multiple_;
};

ModelCard gaussian_card(Head head, LevelInput input, BetaSchedule schedule = BetaSchedule::linear) {
  ModelCard card;
  card.name = "gaussian";
  card.diffusion.emplace();
  card.diffusion->head = head;
  card.diffusion->level = input;
  card.diffusion->schedule = schedule;
  if (input != LevelInput::step) card.sigma_min = 0.002, card.sigma_max = 80;
  return card;
}

TEST(Heads, EachIsTheSameDenoiser) {
  const at::Tensor u = weight("u", {2, 3, 13, 9});
  for (const Head head : all_heads)
    for (const LevelInput input : all_levels)
      for (const BetaSchedule schedule : all_schedules) {
        SCOPED_TRACE(testing::Message() << int(head) << " " << int(input) << " " << int(schedule));
        const ModelCard card = gaussian_card(head, input, schedule);
        const DiffusionDenoiser prior(std::make_shared<GaussianNetwork>(*card.diffusion, 0.4), card);
        for (const double s : {0.05, 0.31, 1.0, 4.2}) {
          const double shrink = 0.16 / (0.16 + s * s);
          EXPECT_LT(worst(prior.denoise(u, level(s)), shrink * u), 2e-4 * (1 + s)) << s;
        }
        const at::Tensor both = at::tensor({0.1f, 2.0f}).view({2, 1, 1, 1});
        EXPECT_LT(worst(prior.denoise(u, both), u * 0.16 / (0.16 + both.square())), 1e-3);
      }
}

// In the unit of the network's pictures the same noise is half as much.
TEST(Heads, PicturesMayBeFromZeroToOne) {
  const at::Tensor u = weight("u", {1, 3, 16, 16});
  for (const Head head : all_heads)
    for (const LevelInput input : all_levels) {
      ModelCard card = gaussian_card(head, input);
      card.diffusion->range_low = 0;
      const DiffusionDenoiser prior(std::make_shared<GaussianNetwork>(*card.diffusion, 0.2), card);
      for (const double s : {0.1, 0.5}) {
        const double shrink = 0.16 / (0.16 + s * s);
        EXPECT_LT(worst(prior.denoise(u, level(s)) + 1, shrink * (u + 1)), 1e-3) << int(head) << " " << s;
      }
    }
}

TEST(Heads, TheRangeOfLevelsIsTheSchedules) {
  for (const BetaSchedule schedule : all_schedules) {
    ModelCard card = gaussian_card(Head::eps, LevelInput::step, schedule);
    card.diffusion->steps = 200;
    const auto s = deviations(schedule, 200, 1e-4, 0.02);
    const auto network = std::make_shared<GaussianNetwork>(*card.diffusion, 0.4);
    const DiffusionDenoiser prior(network, card);
    EXPECT_NEAR(prior.sigma_min(), s.front(), 1e-9);
    EXPECT_NEAR(prior.sigma_max() / s.back(), 1, 1e-9);
    const at::Tensor u = weight("u", {1, 3, 8, 8});
    EXPECT_TRUE(at::equal(prior.denoise(u, level(0)), prior.denoise(u, level(prior.sigma_min()))));
    EXPECT_TRUE(at::equal(prior.denoise(u, level(1e6)), prior.denoise(u, level(prior.sigma_max()))));
    card.sigma_min = 0.05, card.sigma_max = 1;
    EXPECT_EQ(DiffusionDenoiser(network, card).sigma_max(), 1);
    card.sigma_max = 2 * s.back();
    EXPECT_NE(refusal_of([&] { DiffusionDenoiser(network, card); }).find("leave 'sigma' out"), std::string::npos);
  }
}

// Its abar is less than any number.
TEST(Heads, ALongScheduleIsCutOff) {
  ModelCard card = gaussian_card(Head::eps, LevelInput::step);
  card.diffusion->steps = 100000;
  const DiffusionDenoiser prior(std::make_shared<GaussianNetwork>(*card.diffusion, 0.4), card);
  EXPECT_NEAR(prior.sigma_max(), 1e6, 1);
  const at::Tensor u = weight("u", {1, 3, 8, 8});
  EXPECT_LT(worst(prior.denoise(u, level(0.4)), 0.5 * u), 1e-3);
  EXPECT_TRUE(at::isfinite(prior.denoise(u, level(1e9))).all().item<bool>());
}

// --- sizes -----------------------------------------------------------------------------------------------------------

TEST(DiffusionDenoisers, PadToWhatTheNetworkTakes) {
  const ModelCard card = gaussian_card(Head::eps, LevelInput::step);
  const auto network = std::make_shared<GaussianNetwork>(*card.diffusion, 0.4, 32);
  const DiffusionDenoiser prior(network, card);
  for (const auto& [height, width] : {std::pair<std::int64_t, std::int64_t>{1, 1}, {32, 33}, {64, 96}, {5, 100}}) {
    const at::Tensor u = weight("u", {1, 3, height, width});
    EXPECT_LT(worst(prior.denoise(u, level(0.4)), 0.5 * u), 1e-4);
    EXPECT_EQ(network->sizes.back()[2] % 32 + network->sizes.back()[3] % 32, 0);
  }
  EXPECT_EQ(prior.grid(), 32);
}

TEST(DiffusionDenoisers, OneSizeOnlyMeansTilesOfThatSize) {
  ModelCard card = gaussian_card(Head::eps, LevelInput::step);
  card.diffusion->size = 64, card.diffusion->fixed_size = true;
  for (const std::int64_t asked : {0, 32, 64, 256}) {
    const auto network = std::make_shared<GaussianNetwork>(*card.diffusion, 0.4, 1);
    const TiledDenoiser tiled(std::make_shared<DiffusionDenoiser>(network, card), {.size = asked, .overlap = 16});
    for (const auto& [height, width] :
         {std::pair<std::int64_t, std::int64_t>{64, 64}, {10, 20}, {65, 64}, {150, 201}}) {
      const at::Tensor u = weight("u", {1, 3, height, width});
      EXPECT_LT(worst(tiled.denoise(u, level(0.4)), 0.5 * u), 1e-4) << asked << " " << height << "x" << width;
    }
    for (const auto& size : network->sizes) EXPECT_EQ(size, (std::vector<std::int64_t>{1, 3, 64, 64}));
  }
}

TEST(DiffusionDenoisers, TilesAreAsLargeAsThePicturesOfTheTraining) {
  ModelCard card = gaussian_card(Head::eps, LevelInput::step);
  card.diffusion->size = 96;
  const auto prior = std::make_shared<DiffusionDenoiser>(std::make_shared<GaussianNetwork>(*card.diffusion, 0.4), card);
  EXPECT_EQ(TiledDenoiser(prior, {}).tiles(96, 96), 1);
  EXPECT_EQ(TiledDenoiser(prior, {}).tiles(96, 97), 2);
  EXPECT_EQ(TiledDenoiser(prior, {.size = 512}).tiles(512, 512), 1);
}

TEST(DiffusionDenoisers, ABatchDoesNotChangeAPictureAndInputsAreLeftAlone) {
  const DiffusionDenoiser prior(network("updown"), card_of("updown"));
  const at::Tensor u = at::cat({reference().at("picture"), -reference().at("picture")}), copy = u.clone();
  const at::Tensor levels = at::tensor({0.05f, 0.4f, 1.0f, 0.4f}).view({4, 1, 1, 1});
  const at::Tensor all = prior.denoise(u, levels);
  EXPECT_TRUE(at::equal(u, copy));
  EXPECT_FALSE(all.requires_grad());
  for (std::int64_t i = 0; i < 4; ++i)
    EXPECT_LT(worst(all.narrow(0, i, 1), prior.denoise(u.narrow(0, i, 1), levels.narrow(0, i, 1))), 1e-4);
}

// In the mode that frames are restored in.
TEST(DiffusionDenoisers, HaveAGradientThroughTilesToo) {
  const auto prior = std::make_shared<DiffusionDenoiser>(network("updown"), card_of("updown"));
  const TiledDenoiser tiled(prior, {.size = 64, .overlap = 16});
  ASSERT_TRUE(tiled.differentiable());
  const c10::InferenceMode frames;
  for (const std::int64_t width : {20, 70}) {
    const at::Tensor u = weight("u", {1, 3, 13, width}), direction = weight("direction", {1, 3, 13, width});
    const auto twice = [](const at::Tensor& denoised) { return 2 * denoised; };
    const auto found = tiled.differentiable()->denoise_with_gradient(u, level(0.3), twice);
    EXPECT_LT(worst(found.denoised, tiled.denoise(u, level(0.3))), 1e-5);
    const auto energy = [&](double step) {
      return tiled.denoise(u + step * direction, level(0.3)).to(at::kDouble).square().sum().item<double>();
    };
    const double told = (found.gradient * direction).sum().item<double>();
    const double measured = (energy(1e-2) - energy(-1e-2)) / 2e-2;
    EXPECT_NEAR(told, measured, 0.02 * std::abs(measured) + 0.05) << width;
  }
}

}  // namespace
}  // namespace reddiff
