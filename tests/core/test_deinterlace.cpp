// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Whole frames of fields: what was measured stays, what stands still is woven to the code value, what moves is better than its field alone.
#include <algorithm>
#include <utility>
#include <vector>

#include "core/api/error.h"
#include "core/deinterlacer.h"
#include "core/temporal/field_filter.h"
#include "tests/core/engine_helpers.h"

namespace reddiff {
namespace {

FrameLines lines_of(int index) { return index % 2 == 0 ? FrameLines::top_field : FrameLines::bottom_field; }

at::Tensor constant(std::int64_t rows, std::int64_t columns, double u, double v) {
  at::Tensor flow = at::empty({1, 2, rows, columns});
  flow.select(1, 0).fill_(u);
  flow.select(1, 1).fill_(v);
  return flow;
}

class ConstantFlow final : public Flow {
 public:
  ConstantFlow(double u, double v) : u_(u), v_(v) {}
  at::Tensor estimate(const at::Tensor& to, const at::Tensor&) const override {
    ++searches;
    return constant(to.size(2), to.size(3), u_, v_);
  }
  mutable int searches = 0;

 private:
  double u_, v_;
};

void see(Deinterlacer& fields, const Frame& frame, int index) {
  Trace trace(at::kCPU);
  fields.see(frame.view, lines_of(index), trace);
}

// Code values of component i that differ, of the lines first, first + step, ...
int differences(const FrameView& a, const FrameView& b, int i, int first, int step) {
  int count = 0;
  const Component &of_a = a.component[i], &of_b = b.component[i];
  for (int y = first; y < of_a.height; y += step)
    for (int x = 0; x < of_a.width; ++x) count += Frame::code(of_a, x, y) != Frame::code(of_b, x, y);
  return count;
}

std::vector<int> components_of(const FrameView& view) {
  std::vector<int> all;
  for (int i = 0; i < color_components(view); ++i) all.push_back(i);
  if (view.has_alpha) all.push_back(3);
  return all;
}

// Line by line, from the rule: 9/16 of the two lines next to it, -1/16 of the next but one, the border's lines repeated.
double cubic_by_hand(const at::Tensor& picture, std::int64_t first, std::int64_t y, std::int64_t x) {
  const std::int64_t height = picture.size(2), last = first + (height - 1 - first) / 2 * 2;
  const auto at_line = [&](std::int64_t line) {
    return picture[0][0][std::clamp(line, first, last)][x].item<double>();
  };
  return (9 * (at_line(y - 1) + at_line(y + 1)) - at_line(y - 3) - at_line(y + 3)) / 16;
}

TEST(Fields, AreInterpolatedAsByHand) {
  for (const std::int64_t rows : {2, 3, 4, 5, 9, 16})
    for (const std::int64_t first : {0, 1}) {
      const auto picture = noise({1, 2, rows, 6}, 3);
      const auto whole = interpolated(field_of(picture, first));
      ASSERT_EQ(whole.sizes(), picture.sizes());
      for (std::int64_t y = 0; y < rows; ++y) {
        const double expected =
            y % 2 == first ? picture[0][0][y][2].item<double>() : cubic_by_hand(picture, first, y, 2);
        EXPECT_NEAR(whole[0][0][y][2].item<double>(), expected, 1e-5) << rows << " " << first << " " << y;
      }
    }
}

// From the third field on both parities have been seen twice.
TEST(Fields, OfAStandingSceneAreWovenToTheCodeValue) {
  for (const Format& format : formats()) {
    const auto frame = moving_frame(0, 0.05, 62, 50, format.name);
    const auto flow = make_flow();
    Deinterlacer fields(at::kCPU, *flow);
    Frame out(format, 62, 50, 7);
    for (int index = 0; index < 5; ++index) {
      see(fields, *frame, index);
      fields.write(out.view);
      for (const int i : components_of(frame->view)) {
        EXPECT_EQ(differences(frame->view, out.view, i, index % 2, 2), 0) << format.name << " " << i << " measured";
        if (index >= 2) {
          EXPECT_EQ(differences(frame->view, out.view, i, 0, 1), 0) << format.name << " " << i << " at " << index;
        }
      }
    }
  }
}

TEST(Fields, OfAStandingSceneNeedNoSearchForMotion) {
  const ConstantFlow flow(0, 0);
  Deinterlacer fields(at::kCPU, flow);
  const auto frame = moving_frame(0, 0);
  for (int index = 0; index < 8; ++index) see(fields, *frame, index);
  EXPECT_EQ(flow.searches, 2);  // the second field and the third; from then on two of either parity repeat
}

// A picture that moves by whole pixels a field.
double error_of_pan(int right, int down, int fields_seen, bool alone) {
  const auto fine = at::avg_pool2d(noise({1, 3, 162, 202}, 5), {3, 3}, {1, 1});  // as a lens shows it
  const auto canvas = scene(160, 200, 4) + 0.3 * fine;
  const auto at_time = [&](int index) {
    return canvas.narrow(2, 40 - down * index, 96).narrow(3, 40 - right * index, 128).contiguous();
  };
  FieldFilter filter;
  at::Tensor error;
  for (int index = 0; index < fields_seen; ++index) {
    const auto picture = at_time(index);
    const auto field = field_of(picture, index % 2);
    const auto whole = filter.update(field, index == 0 ? at::Tensor() : constant(96, 128, -right, -down));
    error = (alone ? interpolated(field) : whole.picture) - picture;
  }
  return rms(error.narrow(2, 20, 56).narrow(3, 24, 80));
}

TEST(Fields, ThatMoveAreBetterThanAlone) {
  for (const auto& [right, down] : {std::pair{2, 0}, {1, 2}, {-3, 0}})
    EXPECT_LT(error_of_pan(right, down, 8, false), 0.5 * error_of_pan(right, down, 8, true)) << right << " " << down;
  // At one line a field every field measures the same lines of the picture: nothing can be had from the others.
  EXPECT_LT(error_of_pan(0, 1, 8, false), 1.1 * error_of_pan(0, 1, 8, true));
}

// What stood there before shows nothing of a scene that is another one.
TEST(Fields, AfterACutAreAsGoodAsAlone) {
  FieldFilter filter;
  const auto before = scene(96, 128, 11), after = scene(96, 128, 12);
  for (int index = 0; index < 4; ++index) filter.update(field_of(before, index % 2), {});
  const auto field = field_of(after, 0);
  const auto whole = filter.update(field, at::zeros({1, 2, 96, 128})).picture;
  EXPECT_LT(rms(whole - after), 1.3 * rms(interpolated(field) - after) + level_to_core(1));
}

TEST(Fields, OfEverySizeBecomeFrames) {
  for (const Format& format : formats())
    for (const auto& [w, h] : {std::pair{1, 1}, {1, 2}, {5, 3}, {2, 7}, {70, 5}}) {
      const auto flow = make_flow();
      Deinterlacer fields(at::kCPU, *flow);
      Frame out(format, w, h, 3);
      for (int index = 0; index < 4; ++index) {
        const Frame frame(format, w, h, static_cast<std::uint32_t>(20 + index));  // of any words there are
        see(fields, frame, index);
        fields.write(out.view);
        if (format.depth + format.shift < 8 * format.word_bytes) continue;  // words that are no code values
        for (const int i : components_of(frame.view)) {
          EXPECT_EQ(differences(frame.view, out.view, i, index % 2, 2), 0) << format.name << " " << w << "x" << h;
        }
      }
    }
}

FrameOptions field_options(int index, bool shown = true) {
  FrameOptions options;
  options.lines = lines_of(index);
  options.shown = shown;
  return options;
}

TEST(Engine, MakesFramesOfFieldsAndPassesWholeOnes) {
  const auto engine = engine_of({.task = Task::deinterlace});
  const auto frame = moving_frame(0, 0, width, height, "I420");
  Frame out(format_named("I420"), width, height, 9);
  for (int index = 0; index < 4; ++index) engine->process(frame->view, out.view, field_options(index));
  for (const int i : {0, 1, 2}) EXPECT_EQ(differences(frame->view, out.view, i, 0, 1), 0) << i;
  const auto next = moving_frame(1, 0.1, width, height, "I420");
  EXPECT_EQ(engine->process(next->view, out.view, {}).prior_calls, 0);
  for (const int i : {0, 1, 2}) EXPECT_EQ(differences(next->view, out.view, i, 0, 1), 0) << i;
}

TEST(Engine, DenoisesWhatIsUncertainBetweenTheLinesAndNothingElse) {
  for (const Preset preset : {Preset::live, Preset::quality}) {
    const auto engine = engine_of({.preset = preset, .task = Task::deinterlace});
    Frame out(format_named("A420"), width, height, 9);
    for (int index = 0; index < 3; ++index) {
      const auto frame = moving_frame(2 * index, 0.1, width, height, "A420");
      const auto report = engine->process(frame->view, out.view, field_options(index));
      EXPECT_EQ(report.prior_calls, preset == Preset::live ? 0 : 1) << index;
      for (const int i : {0, 1, 2, 3}) EXPECT_EQ(differences(frame->view, out.view, i, index % 2, 2), 0) << i;
    }
  }
}

// In front of another task: as if somebody else had done it.
TEST(Engine, DeinterlacesInFrontOfAnyTask) {
  for (auto config : {Config{.noise = 15}, Config{.task = Task::super_resolution, .noise = 3}}) {
    const auto alone = engine_of(config);
    config.deinterlace = Deinterlace::automatic;
    const auto both = engine_of(config);
    const auto flow = make_flow();
    Deinterlacer fields(at::kCPU, *flow);
    const int scale = resolve_scale(config);
    Frame whole(format_named("I420"), width, height, 4);
    Frame expected(format_named("I420"), scale * width, scale * height, 5),
        found(format_named("I420"), scale * width, scale * height, 6);
    for (int index = 0; index < 3; ++index) {
      const auto frame = moving_frame(index, 0.1, width, height, "I420");
      see(fields, *frame, index);
      fields.write(whole.view);
      FrameOptions options{.noise = config.noise};
      alone->process(whole.view, expected.view, options);
      options.lines = lines_of(index);
      both->process(frame->view, found.view, options);
      for (const int i : {0, 1, 2}) EXPECT_EQ(differences(expected.view, found.view, i, 0, 1), 0) << index << " " << i;
    }
  }
}

TEST(Engine, RemembersAFieldThatIsNotShown) {
  const auto engine = engine_of({.task = Task::deinterlace});
  const auto frame = moving_frame(0, 0, width, height, "GRAY8");
  Frame out(format_named("GRAY8"), width, height, 9);
  const Frame before(format_named("GRAY8"), width, height, 9);
  for (int index = 0; index < 2; ++index) {
    engine->process(frame->view, out.view, field_options(index, false));
    EXPECT_EQ(out.words, before.words);
  }
  engine->process(frame->view, out.view, field_options(2));
  EXPECT_EQ(differences(frame->view, out.view, 0, 0, 1), 0);
}

TEST(Engine, ForgetsFieldsLikeEverythingElse) {
  const auto first_after = [](bool used) {
    const auto engine = engine_of({.task = Task::deinterlace});
    Frame out(format_named("I420"), width, height, 9);
    for (int index = 0; used && index < 3; ++index)
      engine->process(moving_frame(index, 0, width, height, "I420")->view, out.view, field_options(index));
    engine->reset();
    engine->process(moving_frame(7, 0, width, height, "I420")->view, out.view, field_options(1));
    return out.words;
  };
  EXPECT_EQ(first_after(false), first_after(true));
}

TEST(Engine, RefusesFieldsThatNobodyAskedFor) {
  const auto engine = engine_of({.noise = 15});
  const auto frame = moving_frame(0, 0);
  Frame out(format_named("RGB"), width, height, 9);
  EXPECT_THROW(engine->process(frame->view, out.view, field_options(0)), Error);
}

}  // namespace
}  // namespace reddiff
