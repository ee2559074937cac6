// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Every restoration of the table, through whole frames: what each must keep whatever it does with the past.
#include <gtest/gtest.h>

#include <set>

#include "core/api/plan.h"
#include "core/registry.h"
#include "core/restorations/restoration.h"
#include "tests/core/engine_helpers.h"
#include "tests/core/fake_priors.h"
#include "tests/core/jpeg_coder.h"

namespace reddiff {
namespace {

struct Subject {
  Shape shape;
  Config config;
};

bool is_coded(Shape shape) { return shape == Shape::coded || shape == Shape::coded_pictures; }
bool is_cleaned(Shape shape) { return shape >= Shape::cleaned && shape <= Shape::cleaned_pictures; }
bool has_past(Shape shape) { return shape != Shape::independent && shape != Shape::coded && shape != Shape::cleaned; }

// One configuration for each shape of a plan.
std::vector<Subject> subjects() {
  const std::string blur = "gaussian-blur:sigma=1";
  std::vector<Subject> all{
      {Shape::independent, {.noise = 10, .temporal = Temporal::none}},
      {Shape::warm_started, {.operator_text = blur, .noise = 4, .temporal = Temporal::warm_start}},
      {Shape::fused_start, {.noise = 10, .temporal = Temporal::warm_start}},
      {Shape::noisy_pictures, {.noise = 10}},
      {Shape::holed_pictures, {.task = Task::inpaint, .noise = 2}},
      {Shape::reduced_pictures, {.task = Task::super_resolution, .noise = 0}},
      {Shape::blurred_measurements, {.operator_text = blur, .noise = 4}},
      {Shape::reduced_measurements, {.task = Task::super_resolution, .noise = 8}},
      {Shape::cleaned, {.task = Task::restore, .scale = 2, .temporal = Temporal::none}},
      {Shape::cleaned_start, {.task = Task::restore, .scale = 2, .temporal = Temporal::warm_start}},
      {Shape::cleaned_pictures, {.task = Task::restore, .scale = 2}},
      {Shape::coded, {.task = Task::restore, .temporal = Temporal::none}},
      {Shape::coded_pictures, {.task = Task::restore}},
  };
  return all;
}

// With a prior that knows what a codec leaves, where that is asked for.
std::unique_ptr<Engine> engine_for(Shape shape, Config config) {
  if (!is_cleaned(shape)) return engine_of(config);
  config.prior = "tiny";
  config.device = "cpu";
  return std::make_unique<Engine>(config, false, model_path());
}

constexpr int frames = 4;

// Moves two pixels a frame; of `scene` frames before the cut, and of another one behind it. RGBA, a hole in the alpha channel.
std::unique_ptr<Frame> frame_of(int index, int cut_at, int w, int h, const char* format = "ARGB") {
  auto frame = std::make_unique<Frame>(format_named(format), w, h, 1);
  frame->view.full_range = true;
  const bool other = index >= cut_at;
  auto picture = scene(h + 32, w + 32, other ? 9 : 5).narrow(2, 16, h).narrow(3, 2 * index, w) * 0.7;
  if (other) picture = -picture;
  auto alpha = at::ones({1, 1, h, w});
  alpha.narrow(2, h / 3, h / 4).narrow(3, w / 3, w / 4).zero_();
  write_picture((picture + 0.06 * noise({1, 3, h, w}, 100 + index)).contiguous(), alpha, frame->view);
  return frame;
}

struct Played {
  std::vector<std::vector<std::uint16_t>> words;
  std::vector<FrameReport> reports;
};

Played play(Engine& engine, const Config& config, int first, int cut_at, int w = width, int h = height, int most = -1) {
  Played played;
  for (int i = first; i < frames; ++i) {
    const bool coded = config.task == Task::restore && config.scale == 0;
    const char* format = coded ? "I420" : "ARGB";
    const auto in = frame_of(i, cut_at, w, h, format);
    FrameOptions options{.noise = config.noise, .most_calls = most};
    const auto tables = tables_of(in->view, 40);
    if (coded) {
      code_frame(in->view, tables);
      options.jpeg = &tables;
      options.least_noise = 6;
    } else if (config.task == Task::restore) {
      options.least_noise = 30;
    }
    const auto restored = restore(engine, *in, resolve_scale(config), options, format);
    EXPECT_EQ(restored.report.coded_share > 0.9, coded && most != 0 && w >= 16 && h >= 16);
    played.words.push_back({restored.frame->words.begin(), restored.frame->words.end()});
    played.reports.push_back(restored.report);
  }
  return played;
}

constexpr int never = frames;

TEST(Restorations, HaveASubjectEach) {
  std::set<Shape> shapes;
  for (const auto& [shape, config] : subjects()) {
    const double sigma_y = std::max(level_to_core(std::max(config.noise, 0.0)), quantisation_floor(8));
    const auto errors = is_coded(shape) ? Errors::intervals : is_cleaned(shape) ? Errors::codec : Errors::noise;
    EXPECT_EQ(PlanBook(config, false).at(sigma_y, -1, errors).shape, shape);
    shapes.insert(shape);
  }
  EXPECT_EQ(shapes.size(), static_cast<std::size_t>(Shape::coded_pictures) + 1);  // the last of the enumeration
}

TEST(Restorations, AfterAResetTheyAreNewToTheBit) {
  for (const auto& [shape, config] : subjects()) {
    const auto used = engine_for(shape, config), fresh = engine_for(shape, config);
    play(*used, config, 0, never);
    used->reset();
    EXPECT_EQ(play(*used, config, 1, never).words, play(*fresh, config, 1, never).words) << static_cast<int>(shape);
  }
}

TEST(Restorations, TakeFromThePastWhatThePlanSays) {
  for (const auto& [shape, config] : subjects()) {
    const auto played = play(*engine_for(shape, config), config, 0, never);
    EXPECT_TRUE(played.reports[0].cold) << static_cast<int>(shape);
    for (int i = 1; i < frames; ++i)
      EXPECT_EQ(played.reports[i].cold, !has_past(shape)) << static_cast<int>(shape) << " frame " << i;
  }
}

TEST(Restorations, ForgetAtACut) {
  constexpr int cut_at = 2;
  for (const auto& [shape, config] : subjects()) {
    const auto played = play(*engine_for(shape, config), config, 0, cut_at);
    for (int i = 0; i < frames; ++i) {
      const bool expected = i == cut_at && has_past(shape);
      EXPECT_EQ(played.reports[i].cut, expected) << static_cast<int>(shape) << " frame " << i;
    }
    if (has_past(shape)) {
      EXPECT_TRUE(played.reports[cut_at].cold) << static_cast<int>(shape);
    }
    // Nothing of the scene before is left: the same as from an engine that began with the cut.
    const auto fresh = play(*engine_for(shape, config), config, cut_at, cut_at);
    EXPECT_EQ(played.words[cut_at], fresh.words[0]) << static_cast<int>(shape);
    EXPECT_EQ(played.words[cut_at + 1], fresh.words[1]) << static_cast<int>(shape);
  }
}

TEST(Restorations, KeepToTheirBudget) {
  for (auto [shape, config] : subjects()) {
    config.steps = 5;
    for (int most = 0; most <= 3; ++most)
      for (const auto& report : play(*engine_for(shape, config), config, 0, never, width, height, most).reports) {
        EXPECT_LE(report.prior_calls, most) << static_cast<int>(shape);
        EXPECT_EQ(report.prior_calls > 0, most > 0) << static_cast<int>(shape);
        EXPECT_FALSE(report.not_finite);
      }
  }
}

TEST(Restorations, TakeAnySize) {
  for (const auto& [shape, config] : subjects())
    for (const auto& [w, h] : {std::pair{1, 1}, {2, 9}, {33, 32}, {47, 31}}) {
      const auto played = play(*engine_for(shape, config), config, 0, never, w, h);
      for (const auto& report : played.reports) EXPECT_FALSE(report.not_finite) << static_cast<int>(shape) << w << h;
    }
}

// An exception leaves no half of a frame behind: the frames after it are those of a new engine.
TEST(Restorations, ForgetAfterAFailure) {
  for (const auto& [shape, config] : subjects()) {
    const auto used = engine_for(shape, config), fresh = engine_for(shape, config);
    play(*used, config, 0, never);
    const std::atomic<bool> abort = true;
    const auto in = frame_of(1, never, width, height);
    EXPECT_THROW(restore(*used, *in, resolve_scale(config), {.noise = config.noise, .abort = &abort}, "ARGB"), Error);
    EXPECT_EQ(play(*used, config, 1, never).words, play(*fresh, config, 1, never).words) << static_cast<int>(shape);
  }
}

// Halves what it is shown, less by the level.
class Halving final : public testing::GaussianPrior {
 public:
  Halving() : GaussianPrior(0, 1) {}
  at::Tensor denoise(const at::Tensor& u, const at::Tensor& sigma) const override { return u / 2 - sigma; }
};

class KnowsCodecs final : public testing::GaussianPrior {
 public:
  KnowsCodecs() : GaussianPrior(0, 1) {}
  const Denoiser* for_kind(std::string_view kind) const override {
    if (kind == "codec") return &halving_;
    return this;
  }

 private:
  Halving halving_;
};

// Solves nothing and keeps what it was asked.
class Recorder final : public Solver {
 public:
  Needs needs() const override { return {}; }
  Solution solve(const Denoiser&, const Problem& problem, const Start& start, const Pass&, Trace&) const override {
    asked = problem;
    return {start.mu, {0.1}};
  }
  mutable Problem asked;
};

TEST(Restorations, TakeAwayWhatACodecLeftBeforeTheyEnlarge) {
  const KnowsCodecs prior;
  const Recorder solver;
  const Tools tools{make_operator(parse_operator("bicubic:factor=2")), ProblemKind::reduce, prior, solver, {}};
  const auto y = noise({1, 3, 24, 32}, 7) * 0.3;
  auto map = at::full({1, 1, 24, 32}, 0.06);
  map.narrow(3, 0, 16).fill_(0.02);
  const Problem problem{tools.op, y, {}, make_left_by_codec(0.05, map), error_kind::codec};
  for (const Shape shape : {Shape::cleaned, Shape::cleaned_start, Shape::cleaned_pictures}) {
    const MotionSearch search;
    Motion motion(search);
    Trace trace(at::kCPU);
    const auto restored =
        make_restoration(shape, tools)->restore(problem, {.shape = shape, .along = {0}}, motion, trace);
    EXPECT_LT((solver.asked.y - (y / 2 - map)).abs().max().item<double>(), 1e-6);
    EXPECT_EQ(solver.asked.kind, error_kind::white);
    EXPECT_LT(solver.asked.sigma_y(), 0.04);  // some of the mean
    EXPECT_GT(solver.asked.sigma_y(), 0.01);
    EXPECT_FALSE(solver.asked.likelihood->sigma_map().defined());
    EXPECT_TRUE(at::equal(restored.plain, tools.op->pseudo_inverse(solver.asked.y)));
  }
}

// Strength 0 shows nothing of the prior's work: then there is none, and what was not seen is no past.
TEST(Restorations, AreNotAskedWhereNothingOfThemIsShown) {
  Config config{.task = Task::super_resolution, .noise = 0};
  const auto engine = engine_of(config), fresh = engine_of(config);
  play(*engine, config, 0, never);
  const auto skipped = restore(*engine, *frame_of(0, never, width, height), 2, {.strength = 0, .noise = 0}, "ARGB");
  EXPECT_EQ(skipped.report.prior_calls, 0);
  EXPECT_EQ(play(*engine, config, 1, never).words, play(*fresh, config, 1, never).words);
}

}  // namespace
}  // namespace reddiff
