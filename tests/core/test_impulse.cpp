// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Impulses: found where they were struck, and never in what people draw, film or light.
#include "core/frame/impulse.h"

#include "core/frame/impulse_by_steps.h"
#include "tests/core/engine_helpers.h"

namespace reddiff {
namespace {

constexpr std::int64_t rows = 144, columns = 176;
constexpr int frames = 8;

at::Tensor code_values(const at::Tensor& x) { return (x * 127.5 + 127.5).round().clamp(0, 255) / 127.5 - 1; }

at::Tensor uniform(at::IntArrayRef size, std::uint64_t seed) { return at::special_ndtr(noise(size, seed)); }

at::Tensor natural(int seed) { return scene(rows + 32, columns + 32, seed) * 0.8; }

at::Tensor tiled(const at::Tensor& pattern, std::int64_t enlarge = 1) {
  const auto large = pattern.repeat_interleave(enlarge, 2).repeat_interleave(enlarge, 3);
  const std::int64_t down = (rows + 32) / large.size(2) + 1, across = (columns + 32) / large.size(3) + 1;
  return large.repeat({1, 1, down, across}).narrow(2, 0, rows + 32).narrow(3, 0, columns + 32).expand({1, 3, -1, -1});
}

// Letters of 5x7 pixels, soft or hard, with dots of a single pixel, of any two shades.
at::Tensor letters(double ink, double paper, bool soft, std::int64_t gap) {
  auto page = at::zeros({1, 1, rows + 32, columns + 32});
  for (std::int64_t y = 2, i = 0; y + 9 < page.size(2); y += 8 + gap)
    for (std::int64_t x = 2; x + 6 < page.size(3); x += 6 + gap, ++i) {
      const auto glyph = (uniform({1, 1, 7, 5}, 900 + static_cast<std::uint64_t>(i % 26)) < 0.4).to(at::kFloat);
      if (i % 5 != 0) page.narrow(2, y, 7).narrow(3, x, 5).copy_(glyph);
      if (i % 5 == 0) page.narrow(2, y + 6, 1).narrow(3, x + 2, 1).fill_(1);  // a full stop
    }
  if (soft) page = page * 0.7 + 0.3 * at::avg_pool2d(page, {3, 3}, {1, 1}, {1, 1});
  return (paper + (ink - paper) * page).expand({1, 3, -1, -1});
}

// Sprites with the purest colours there are.
at::Tensor sprites(std::int64_t enlarge) {
  const auto half = (uniform({1, 3, 8, 4}, 31) * 3).floor() - 1;
  const auto sprite = at::cat({half, half.flip(3)}, 3);
  const auto ground = at::tensor({-0.5F, 0.2F, 1.0F}).view({1, 3, 1, 1}).expand({1, 3, 8, 8});
  return tiled(at::cat({at::cat({sprite, ground}, 3), at::cat({ground, sprite.flip(2)}, 3)}, 2), enlarge);
}

at::Tensor dithered(int levels, bool random) {
  const auto bayer =
      at::tensor({0, 8, 2, 10, 12, 4, 14, 6, 3, 11, 1, 9, 15, 7, 13, 5}).to(at::kFloat).view({1, 1, 4, 4});
  const auto threshold = random ? uniform({1, 3, rows + 32, columns + 32}, 8) : tiled(bayer / 16 + 1.0 / 32);
  return ((natural(3) / 2 + 0.5) * levels + threshold).floor().clamp(0, levels) / levels * 2 - 1;
}

at::Tensor stars() {
  auto sky = at::full({1, 1, rows + 32, columns + 32}, -0.95);
  const auto y = at::arange(rows + 32).view({1, 1, -1, 1}), x = at::arange(columns + 32).view({1, 1, 1, -1});
  const auto place = uniform({100, 3}, 9);
  for (int i = 0; i < 100; ++i) {
    const auto at = [&](int k) { return place[i][k].item<double>(); };
    sky += (2 * at(2) * at(2)) * (-((y - at(0) * rows).square() + (x - at(1) * columns).square()) / 0.7).exp();
  }
  return sky.expand({1, 3, -1, -1});
}

at::Tensor lines() {
  const auto y = at::arange(rows + 32).view({1, 1, -1, 1}).to(at::kFloat),
             x = at::arange(columns + 32).view({1, 1, 1, -1});
  auto page = at::ones({1, 1, rows + 32, columns + 32});
  for (int i = 0; i < 40; ++i) {
    const double angle = 0.37 * i, offset = 7.3 * i - 120;
    page = at::minimum(page, ((y * std::cos(angle) + x * std::sin(angle) - offset).abs() * 2 - 1).clamp(-1, 1));
  }
  return page.expand({1, 3, -1, -1});
}

struct Clean {
  const char* name;
  at::Tensor picture;  // a little larger than a frame, to move about in
};

std::vector<Clean> clean_pictures() {
  const auto checkers = at::tensor({1.0F, -1.0F, -1.0F, 1.0F}).view({1, 1, 2, 2});
  return {{"scene", natural(3)},
          {"bright scene", natural(4) * 3},
          {"texture", (natural(5) + 0.15 * noise({1, 3, rows + 32, columns + 32}, 77))},
          {"black on white", letters(-1, 1, false, 0)},
          {"black on grey, soft", letters(-1, 0, true, 3)},
          {"white on black", letters(1, -1, false, 6)},
          {"white on black, soft", letters(1, -1, true, 0)},
          {"light on dark", letters(0.6, -0.8, false, 2)},
          {"checkers 1", tiled(checkers)},
          {"checkers 8", tiled(checkers, 8)},
          {"sprites", sprites(1)},
          {"large sprites", sprites(4)},
          {"ordered dither, two tones", dithered(1, false)},
          {"ordered dither, four tones", dithered(3, false)},
          {"random dither, two tones", dithered(1, true)},
          {"random dither, four tones", dithered(3, true)},
          {"stars", stars()},
          {"lines", lines()}};
}

at::Tensor shown(const at::Tensor& picture, std::int64_t move) {
  return picture.narrow(2, move, rows).narrow(3, 2 * move, columns);
}

TEST(Impulses, AreNotFoundInCleanPictures) {
  for (const auto& [name, picture] : clean_pictures())
    for (const int speed : {0, 1}) {
      Impulses impulses;
      for (int t = 0; t < frames; ++t)
        EXPECT_FALSE(impulses.find(code_values(shown(picture, speed * t))).defined())
            << name << " " << speed << " " << t;
    }
}

TEST(Impulses, AreNotFoundInOtherNoise) {
  const auto picture = natural(3);
  for (const double level : {2.0, 10.0, 25.0, 50.0})
    for (const int speed : {0, 1}) {
      Impulses impulses;
      for (int t = 0; t < frames; ++t) {
        const auto field = noise({1, 3, rows, columns}, 50 + t) * (level * 2 / 255);
        const auto found = impulses.find(code_values(shown(picture, speed * t) + field));
        EXPECT_FALSE(found.defined()) << level << " " << speed << " " << t;
      }
    }
}

struct Struck {
  at::Tensor picture, where;  // where: [1,1,h,w], 1 = any channel
};

Struck salt_and_pepper(const at::Tensor& picture, double share, bool each_channel, std::uint64_t seed) {
  const auto draw = uniform({1, each_channel ? 3 : 1, rows, columns}, seed).expand_as(picture);
  const auto struck = at::where(draw < share / 2, -1.0, at::where(draw < share, 1.0, picture));
  return {struck, ((struck - picture).abs() > 0.3).to(at::kFloat).amax(1, true)};
}

// All but a few that lie beside white or black, and next to nothing else.
TEST(Impulses, SaltAndPepperIsFoundWhereItWasStruck) {
  for (const double share : {0.005, 0.02, 0.05, 0.1, 0.2})
    for (const bool each_channel : {false, true})
      for (const double level : {0.0, 10.0}) {
        const auto noisy = shown(natural(3), 0) + noise({1, 3, rows, columns}, 51) * (level * 2 / 255);
        const auto [picture, where] = salt_and_pepper(code_values(noisy), share, each_channel, 7);
        const auto found = Impulses().find(picture);
        ASSERT_TRUE(found.defined()) << share << " " << level;
        const double all = where.sum().item<double>(), hits = (found * where).sum().item<double>();
        EXPECT_GT(hits, (share > 0.1 ? 0.95 : 0.98) * all) << share << each_channel << level;
        EXPECT_LT((found.sum().item<double>() - hits) / where.numel(), 0.002 + 0.02 * share)
            << share << each_channel << level;
      }
}

Struck with_hot_pixels(const at::Tensor& picture) {
  auto hot = picture.clone(), where = at::zeros({1, 1, rows, columns});
  const auto place = uniform({40, 2}, 12);
  for (int i = 0; i < 40; ++i) {
    const auto y = static_cast<std::int64_t>(place[i][0].item<double>() * rows);
    const auto x = static_cast<std::int64_t>(place[i][1].item<double>() * columns);
    hot.narrow(2, y, 1).narrow(3, x, 1).narrow(1, i % 3, 1).fill_(i % 4 == 0 ? -1 : 1);
    where.narrow(2, y, 1).narrow(3, x, 1).copy_(
        ((hot - picture).abs() > 0.6).to(at::kFloat).amax(1, true).narrow(2, y, 1).narrow(3, x, 1));
  }
  return {hot, where};
}

// Within some frames, where the picture moves or is noisy. Without either they could be drawn.
TEST(Impulses, HotPixelsAreFoundWhereAllElseChanges) {
  struct Case {
    int speed;
    double level;
    bool found;
  };
  for (const auto& [speed, level, expected] :
       {Case{1, 0, true}, Case{0, 5, true}, Case{1, 5, true}, Case{0, 0, false}}) {
    Impulses impulses;
    at::Tensor found, where;
    for (int t = 0; t < 2 * frames; ++t) {
      const auto field = noise({1, 3, rows, columns}, 50 + t) * (level * 2 / 255);
      const auto now = with_hot_pixels(code_values(shown(natural(3), speed * t) + field));
      found = impulses.find(code_values(now.picture));
      where = now.where;
    }
    if (!expected) {
      EXPECT_FALSE(found.defined());
      continue;
    }
    ASSERT_TRUE(found.defined()) << speed << " " << level;
    EXPECT_GT((found * where).sum().item<double>(), 0.8 * where.sum().item<double>()) << speed << " " << level;
    EXPECT_LE((found * (1 - where)).sum().item<double>(), 8) << speed << " " << level;  // they may hide for a moment
  }
}

TEST(Impulses, HotPixelsThatAreGoneAreForgotten) {
  Impulses impulses;
  const auto frame = [&](int t) { return shown(natural(3), t % 16) + noise({1, 3, rows, columns}, 50 + t) * 0.04; };
  for (int t = 0; t < frames; ++t) impulses.find(with_hot_pixels(frame(t)).picture);
  at::Tensor found;
  for (int t = 0; t < 16; ++t) found = impulses.find(frame(t));
  EXPECT_FALSE(found.defined());
}

TEST(Impulses, AnyPictureWillDo) {
  for (auto [height, width] : {std::pair{1, 1}, {1, 300}, {15, 40}, {16, 16}, {17, 33}})
    for (const int channels : {1, 3}) {
      const auto picture = noise({1, channels, height, width}, 3);
      const auto found = Impulses().find(picture.clamp(-1, 1));
      EXPECT_TRUE(!found.defined() || found.sizes() == at::IntArrayRef({1, 1, height, width}));
      const auto struck = at::where(uniform(picture.sizes(), 4) < 0.05, 1.0, picture * 0.1);
      EXPECT_NO_THROW(Impulses().find(struck));
    }
}

// Value by value, row after row, without pairs.
Census plain_census(const Planes& planes, std::int64_t first, std::int64_t step) {
  Census census;
  for (std::int64_t plane = 0; plane < planes.count; ++plane)
    for (std::int64_t y = first; y < planes.height - 1; y += step) {
      const std::int64_t start = (plane * planes.height + y) * planes.width;
      std::vector<std::int64_t> in_row;
      for (std::int64_t x = 1; x < planes.width - 1; ++x) {
        const float* at = planes.values + start + x;
        float high = -9, low = 9;
        for (const std::int64_t dy : {-1, 0, 1})
          for (const std::int64_t dx : {-1, 0, 1})
            if (dy != 0 || dx != 0) {
              high = std::max(high, at[dy * planes.width + dx]);
              low = std::min(low, at[dy * planes.width + dx]);
            }
        const bool above = *at - high > 0.25F, below = low - *at > 0.25F;
        if (above || below) in_row.push_back(start + x);
        census.white.single += above && *at >= 0.98F;
        census.black.single += below && *at <= -0.98F;
        census.white.chances += high < 0.75F;
        census.black.chances += low > -0.75F;
        census.extreme += std::abs(*at) >= 0.98F;
      }
      census.values += planes.width;
      census.isolated_count += static_cast<std::int64_t>(in_row.size());
      if (census.isolated_count <= planes.size() / step / 100)
        census.isolated.insert(census.isolated.end(), in_row.begin(), in_row.end());
    }
  return census;
}

TEST(Impulses, TheCensusIsThatOfThePlainRule) {
  for (const double share : {0.0, 0.003, 0.05})
    for (const double level : {0.0, 25.0, 60.0})
      for (const std::int64_t step : {1, 4}) {
        const auto noisy = shown(natural(3), 0) + noise({1, 3, rows, columns}, 51) * (level * 2 / 255);
        const auto picture = salt_and_pepper(code_values(noisy), share, true, 7).picture.contiguous();
        const Planes planes{picture.const_data_ptr<float>(), 3, rows, columns};
        const std::int64_t first = step == 1 ? 1 : 3;
        const Census plain = plain_census(planes, first, step);
        for (const Census& found :
             {count_isolated(planes, first, step), count_isolated_by_step(picture, first, step)}) {
          EXPECT_EQ(found.isolated, plain.isolated) << share << " " << level << " " << step;
          EXPECT_EQ(found.isolated_count, plain.isolated_count);
          EXPECT_EQ(found.values, plain.values);
          EXPECT_EQ(found.extreme, plain.extreme);
          EXPECT_EQ(found.white.single, plain.white.single);
          EXPECT_EQ(found.black.single, plain.black.single);
          EXPECT_EQ(found.white.chances, plain.white.chances);
          EXPECT_EQ(found.black.chances, plain.black.chances);
        }
      }
}

double psnr(Frame& frame, const at::Tensor& truth) {
  return -20 * std::log10(rms((read(frame) - truth).clamp(-2, 2)) / 2);
}

// With nothing set but the task, in every family of formats.
// Strong noise isolates so many values that some stay so for frames, in a large picture.
TEST(Impulses, HotPixelsAreNotMadeOfStrongNoise) {
  Impulses impulses;
  for (std::uint64_t t = 0; t < 24; ++t)
    EXPECT_FALSE(impulses.find(0.2 * noise({1, 3, 480, 640}, 900 + t)).defined()) << t;
}

TEST(Impulses, AreFoundSoonAfterAQuietTime) {
  const auto clean = code_values(shown(natural(3), 0));
  for (const bool may_wait : {false, true}) {
    Impulses impulses;
    for (int t = 0; t < 30; ++t) EXPECT_FALSE(impulses.find(clean, may_wait).defined());
    int found = 0;
    for (std::uint64_t t = 0; t < 4; ++t)
      found += impulses.find(salt_and_pepper(clean, 0.05, true, 7 + t).picture.contiguous(), may_wait).defined();
    EXPECT_GE(found, may_wait ? 1 : 4);
  }
}

// What a GPU sends of a picture is enough for what looks at it.
TEST(Impulses, ASparsePictureShowsHotPixelsAsAWholeOneDoes) {
  constexpr std::int64_t height = 48, width = 64;
  HotPixels whole, sparse;
  SparsePicture copy;
  std::size_t hot = 0;
  for (std::uint64_t frame = 0; frame < 8; ++frame) {
    auto picture = (0.3 * scene(height, width, 6) + 0.1 * noise({1, 3, height, width}, 7 + frame)).contiguous();
    for (const auto& [y, x] : {std::pair{1, 1}, {20, 30}, {46, 62}}) picture[0][1][y][x] = 0.95;
    const Planes planes{picture.const_data_ptr<float>(), 3, height, width};
    const auto isolated = count_isolated(planes).isolated;
    auto looked_at = sparse.candidates();
    looked_at.insert(looked_at.end(), isolated.begin(), isolated.end());
    const auto found = sparse.update(copy.around(picture, looked_at), isolated);
    EXPECT_EQ(found, whole.update(planes, isolated)) << frame;
    hot = found.size();
  }
  EXPECT_EQ(hot, 3U);
}

TEST(Engine, RemovesSaltAndPepper) {
  for (const char* format : {"RGB", "GRAY8", "I420_10LE"})
    for (const auto task : {Task::denoise, Task::restore})
      for (const auto temporal : {Temporal::none, Temporal::warm_start, Temporal::filter}) {
        const auto engine = engine_of({.task = task, .temporal = temporal});
        for (int t = 0; t < 2; ++t) {
          const auto grey = shown(natural(3), t).mean(1, true).expand({1, 3, -1, -1}) * 0.9;
          const auto struck = salt_and_pepper(grey, 0.05, false, 70 + static_cast<std::uint64_t>(t)).picture;
          Frame in(format_named(format), columns, rows, 1);
          write_picture(struck, {}, in.view);
          const auto out = restore(*engine, in, 1, {});
          EXPECT_LT(psnr(in, grey), 25) << format << " " << t;
          EXPECT_GT(psnr(*out.frame, grey), 40) << format << " " << t;
          EXPECT_LT(out.report.noise, 3) << format << " " << t;
        }
      }
}

// Who says how much noise there is has the plain path.
TEST(Engine, LeavesImpulsesWhereTheNoiseIsKnown) {
  const auto engine = engine_of({.noise = 1, .temporal = Temporal::none});
  const auto truth = shown(natural(3), 0);
  Frame in(format_named("RGB"), columns, rows, 1);
  write_picture(salt_and_pepper(truth, 0.05, false, 70).picture, {}, in.view);
  EXPECT_LT(psnr(*restore(*engine, in, 1, {.noise = 1}).frame, truth), 25);
}

}  // namespace
}  // namespace reddiff
