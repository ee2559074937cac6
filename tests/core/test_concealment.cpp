// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Frames that a decoder has made of nothing: what is shown instead is nearer to what was lost, and everything else stays as it came.
#include <algorithm>
#include <cmath>
#include <vector>

#include "core/api/units.h"
#include "core/concealer.h"
#include "core/temporal/concealment.h"
#include "tests/core/engine_helpers.h"

namespace reddiff {
namespace {

constexpr std::int64_t rows = 96, columns = 128;

// The same motion everywhere, whatever is seen.
class UniformFlow final : public Flow {
 public:
  explicit UniformFlow(double u) : u_(u) {}
  at::Tensor estimate(const at::Tensor& to, const at::Tensor&) const override {
    auto flow = at::zeros({1, 2, to.size(2), to.size(3)});
    flow.select(1, 0).fill_(u_);
    return flow;
  }

 private:
  double u_;
};

// A strong scene that moves a pixel a frame to the left.
at::Tensor truth(int frame, std::uint64_t seed = 7) {
  const auto all = scene(rows, columns + 64, seed) * 1.6;
  return all.narrow(3, frame, columns).clamp(-1, 1).contiguous();
}

at::Tensor moved_left(const at::Tensor& picture) {
  return at::cat({picture.narrow(3, 1, columns - 1), picture.narrow(3, columns - 1, 1)}, 3);
}

// What a decoder without a reference makes of `truth` from frame `first` on: grey, and every frame's changes drawn into it.
std::vector<at::Tensor> decoded_from(int first, int count) {
  std::vector<at::Tensor> frames;
  for (int i = 0; i < count; ++i) {
    const auto reference = frames.empty() ? at::zeros({1, 3, rows, columns}) : moved_left(frames.back());
    frames.push_back(reference + truth(first + i) - moved_left(truth(first + i - 1)));
  }
  return frames;
}

double mean_square_around(const at::Tensor& a, const at::Tensor& b, std::int64_t y, std::int64_t x) {
  double sum = 0, count = 0;
  for (std::int64_t i = std::max<std::int64_t>(0, y - 4); i <= std::min(rows - 1, y + 4); ++i)
    for (std::int64_t j = std::max<std::int64_t>(0, x - 4); j <= std::min(columns - 1, x + 4); ++j, ++count)
      for (std::int64_t c = 0; c < 3; ++c)
        sum += std::pow(a[0][c][i][j].item<double>() - b[0][c][i][j].item<double>(), 2) / 3;
  return sum / count;
}

TEST(Concealment, MotionGoesOnAlongItself) {
  for (const int steps : {1, 2, 3}) {
    const auto uniform = continued_motion(UniformFlow(1.5).estimate(truth(0), truth(0)), steps);
    EXPECT_TRUE(at::allclose(uniform.select(1, 0), at::full({1, rows, columns}, 1.5 * steps))) << steps;
    EXPECT_EQ(uniform.select(1, 1).abs().max().item<double>(), 0);
  }
  // u(x) = x / 10: f(x) = u(x + f(x)), so f(x) = x / 9, by the rule's three steps to a thousandth of that.
  auto growing = at::zeros({1, 2, 40, 120});
  growing.select(1, 0).copy_(at::arange(120, at::kFloat).div(10).view({1, 1, 120}));
  const auto motion = continued_motion(growing);
  for (const int x : {0, 9, 45, 90}) {
    EXPECT_NEAR(motion[0][0][20][x].item<double>(), x / 9.0, 0.002 * x) << x;
  }
}

TEST(Concealment, TheFirstFrameIsThePastMovedAlong) {
  const UniformFlow flow(1);
  Concealment concealment(flow);
  const auto shown = concealment.begin(decoded_from(3, 1)[0], truth(2), truth(1));
  ASSERT_TRUE(shown.defined());
  EXPECT_TRUE(concealment.is_active());
  const auto expected = moved_left(truth(2)), decoded = decoded_from(3, 1)[0];
  int places = 0;
  for (std::int64_t y = 8; y < rows; y += 17)
    for (std::int64_t x = 8; x < columns - 8; x += 13) {
      if (mean_square_around(decoded, expected, y, x) < std::pow(level_to_core(35), 2)) continue;
      ++places;
      EXPECT_NEAR(shown[0][1][y][x].item<double>(), expected[0][1][y][x].item<double>(), 1e-5) << y << " " << x;
    }
  EXPECT_GT(places, 10);
}

TEST(Concealment, MissingFramesHaveMovedToo) {
  const UniformFlow flow(1);
  Concealment concealment(flow);
  const auto decoded = decoded_from(5, 1)[0];
  const auto shown = concealment.begin(decoded, truth(2), truth(1), 3);
  ASSERT_TRUE(shown.defined());
  const auto middle = [](const at::Tensor& x) { return x.narrow(3, 8, columns - 24); };
  EXPECT_LT(rms(middle(shown - truth(5))), rms(middle(decoded - truth(5))) / 2);
}

TEST(Concealment, LaterFramesTakeOverWhatIsNewAsByHand) {
  const UniformFlow flow(1);
  Concealment concealment(flow);
  const auto decoded = decoded_from(3, 2);
  const auto shown = concealment.begin(decoded[0], truth(2), truth(1)).clone();
  const auto next = concealment.go_on(decoded[1]);
  ASSERT_TRUE(next.defined());
  const auto moved_shown = moved_left(shown), moved_decoded = moved_left(decoded[0]);
  for (std::int64_t y = 8; y < rows; y += 21)
    for (std::int64_t x = 8; x < columns - 8; x += 15) {
      const double e0 = mean_square_around(decoded[1], moved_shown, y, x),
                   e1 = mean_square_around(decoded[1], moved_decoded, y, x);
      const double share = e0 / (e0 + e1 + std::pow(level_to_core(1), 2));
      const double there = decoded[1][0][0][y][x].item<double>();
      const double change = moved_shown[0][0][y][x].item<double>() - moved_decoded[0][0][y][x].item<double>();
      const double expected = std::max(std::min(there + share * change, std::max(there, 1.0)), std::min(there, -1.0));
      EXPECT_NEAR(next[0][0][y][x].item<double>(), expected, 1e-4) << y << " " << x;
    }
}

TEST(Concealment, IsNearerToWhatWasLostUntilAKeyFrame) {
  const auto flow = make_flow();
  Concealment concealment(*flow);
  const auto decoded = decoded_from(3, 12);
  auto shown = concealment.begin(decoded[0], truth(2), truth(1));
  for (int i = 0; i < 12; ++i) {
    if (i > 0) shown = concealment.go_on(decoded[i]);
    ASSERT_TRUE(shown.defined()) << i;
    EXPECT_LT(rms(shown - truth(3 + i)), rms(decoded[i] - truth(3 + i)) / 2) << i;  // 6 dB
  }
  EXPECT_FALSE(concealment.go_on(truth(15)).defined());  // a key frame whose type nobody tells
  EXPECT_FALSE(concealment.is_active());
}

TEST(Concealment, OnlyTheDamagedBandChanges) {
  const auto flow = make_flow();
  Concealment concealment(*flow);
  auto decoded = truth(3);
  constexpr std::int64_t top = 56;
  decoded.narrow(2, top, rows - top).fill_(0.0);
  const auto shown = concealment.begin(decoded, truth(2), truth(1));
  ASSERT_TRUE(shown.defined());
  constexpr std::int64_t rim = 12;  // of the windows
  EXPECT_TRUE(at::equal(shown.narrow(2, 0, top - rim), decoded.narrow(2, 0, top - rim)));
  const auto band = [](const at::Tensor& x) { return x.narrow(2, top, rows - top); };
  EXPECT_LT(rms(band(shown - truth(3))), rms(band(decoded - truth(3))) / 2);
}

TEST(Concealment, WhatIsAPictureStaysAsItCame) {
  const auto flow = make_flow();
  Concealment concealment(*flow);
  EXPECT_FALSE(concealment.begin(truth(3), truth(2), truth(1)).defined());
  EXPECT_FALSE(concealment.begin(truth(3, 99), truth(2), truth(1)).defined());  // another scene
  EXPECT_FALSE(concealment.is_active());
}

// Block by block, as encoders do that send no key frames.
TEST(Concealment, WhatTheStreamRepairsIsShownAsDecoded) {
  const UniformFlow flow(1);
  Concealment concealment(flow);
  auto decoded = decoded_from(3, 1)[0];
  ASSERT_TRUE(concealment.begin(decoded, truth(2), truth(1)).defined());
  constexpr std::int64_t part = 12;
  for (int i = 1; concealment.is_active(); ++i) {
    ASSERT_LT(i, 12);
    decoded = moved_left(decoded) + truth(3 + i) - moved_left(truth(2 + i));
    const auto whole = std::min<std::int64_t>(rows, i * part);
    decoded.narrow(2, 0, whole).copy_(truth(3 + i).narrow(2, 0, whole));
    const auto shown = concealment.go_on(decoded);
    if (!shown.defined()) break;
    EXPECT_LT(rms(shown - truth(3 + i)), rms(decoded - truth(3 + i)) + level_to_core(1)) << i;
  }
  EXPECT_FALSE(concealment.is_active());
}

TEST(Concealment, AnotherSceneEndsIt) {
  const auto flow = make_flow();
  Concealment concealment(*flow);
  ASSERT_TRUE(concealment.begin(decoded_from(3, 1)[0], truth(2), truth(1)).defined());
  EXPECT_FALSE(concealment.go_on(truth(4, 99)).defined());
  EXPECT_FALSE(concealment.is_active());
}

// Frames of an engine, each as the decoder has it.
struct Stream {
  explicit Stream(const Config& config, const char* format = "I420") : format_(format), engine(engine_of(config)) {}

  at::Tensor show(const at::Tensor& decoded, FrameDamage damage) {
    Frame in(format_named(format_), columns, rows, 1), out(format_named(format_), columns, rows, 1);
    write_picture(decoded, {}, in.view);
    FrameOptions options;
    options.damage = damage;
    report = engine->process(in.view, out.view, options);
    return read(out);
  }

  const char* format_;
  std::unique_ptr<Engine> engine;
  FrameReport report;
};

TEST(ConcealedFrames, WatchingChangesNothingOfAWholeStream) {
  Stream watched({}), unwatched({});
  for (int i = 0; i < 4; ++i)
    EXPECT_TRUE(at::equal(watched.show(truth(i), i == 2 ? FrameDamage::lost : FrameDamage::none),
                          unwatched.show(truth(i), FrameDamage::unwatched)))
        << i;
}

TEST(ConcealedFrames, AreShownWhateverIsToBeDone) {
  for (const auto temporal : {Temporal::none, Temporal::filter})
    for (const char* format : {"I420", "RGB"}) {
      Config config;
      config.temporal = temporal;
      Stream stream(config, format);
      for (int i = 0; i < 3; ++i) stream.show(truth(i), FrameDamage::none);
      EXPECT_EQ(stream.report.concealed_share, 0);
      const auto decoded = decoded_from(3, 3);
      for (int i = 0; i < 3; ++i) {
        const auto out = stream.show(decoded[i], i == 0 ? FrameDamage::lost : FrameDamage::inherited);
        EXPECT_GT(stream.report.concealed_share, 0.2) << format;
        EXPECT_LT(rms(out - truth(3 + i)), rms(decoded[i] - truth(3 + i)) / 1.4) << format << i;
      }
      stream.show(truth(6), FrameDamage::none);
      EXPECT_EQ(stream.report.concealed_share, 0);
    }
}

TEST(ConcealedFrames, WithoutTwoFramesBeforeItAFrameIsShownAsItIs) {
  const auto decoded = decoded_from(3, 1)[0];
  for (const int before : {0, 1}) {
    Stream stream({}), other({});
    for (int i = 0; i < before; ++i) {
      stream.show(truth(2), FrameDamage::none);
      other.show(truth(2), FrameDamage::unwatched);
    }
    EXPECT_TRUE(at::equal(stream.show(decoded, FrameDamage::lost), other.show(decoded, FrameDamage::unwatched)));
    EXPECT_EQ(stream.report.concealed_share, 0);
  }
}

TEST(ConcealedFrames, AResetForgetsTheFramesBefore) {
  Stream stream({});
  for (int i = 0; i < 3; ++i) stream.show(truth(i), FrameDamage::none);
  stream.engine->reset();
  stream.show(decoded_from(3, 1)[0], FrameDamage::lost);
  EXPECT_EQ(stream.report.concealed_share, 0);
}

}  // namespace
}  // namespace reddiff
