// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Motion by whole pixels, block by block, for what looks at noise.
#include <gtest/gtest.h>

#include <array>
#include <utility>

#include "core/frame/whole_motion.h"
#include "tests/core/scene.h"

namespace reddiff {
namespace {

constexpr std::int64_t room = 16;

std::array<at::Tensor, 3> sizes_of(const at::Tensor& luma) {
  const auto half = at::avg_pool2d(luma, {2, 2});
  return {luma, half, at::avg_pool2d(half, {2, 2})};
}

at::Tensor window_of(const at::Tensor& field, std::int64_t y, std::int64_t x, std::int64_t height, std::int64_t width) {
  return field.narrow(2, room + y, height).narrow(3, room + x, width).contiguous();
}

at::Tensor detailed(std::int64_t height, std::int64_t width, std::uint64_t seed) {
  return scene(height, width, seed) + 0.3 * noise({1, 3, height, width}, seed + 1);
}

// Of sizes that are no whole number of blocks, too, and under noise. What comes in from outside is not asked.
TEST(WholeMotion, FindsAPanByWholePixels) {
  for (const auto& [height, width] : {std::pair<std::int64_t, std::int64_t>{96, 160}, {101, 143}, {110, 97}}) {
    const auto field = detailed(height + 2 * room, width + 2 * room, 5);
    for (const auto& [y, x] : {std::pair<std::int64_t, std::int64_t>{0, 0}, {4, 4}, {-3, 1}, {8, -11}}) {
      const auto noisy = [&](const at::Tensor& t, std::uint64_t seed) { return t + 0.05 * noise(t.sizes(), seed); };
      const auto past = window_of(field, 0, 0, height, width), present = window_of(field, y, x, height, width);
      const WholeMotion motion(sizes_of(noisy(present, 2).mean(1, true)), sizes_of(noisy(past, 1).mean(1, true)));
      const auto found = motion.by_block().slice(1, 1, 2).slice(2, 1, 2).flatten();
      EXPECT_EQ(found[0].item<std::int64_t>(), y) << height;
      EXPECT_EQ(found[1].item<std::int64_t>(), x) << width;
      const auto block = [](const at::Tensor& t) { return t.narrow(2, 32, 32).narrow(3, 32, 32); };
      EXPECT_TRUE(block(motion.moved(past)).equal(block(present))) << height << y << x;
    }
  }
}

// Noise alone moves nothing, and where all is flat nothing does.
TEST(WholeMotion, StaysWhereNothingIsPlain) {
  const auto flat = at::full({1, 1, 96, 160}, 0.2);
  EXPECT_EQ(WholeMotion(sizes_of(flat), sizes_of(flat)).by_block().abs().max().item<std::int64_t>(), 0);
  const auto still =
      WholeMotion(sizes_of(flat + 0.1 * noise(flat.sizes(), 3)), sizes_of(flat + 0.1 * noise(flat.sizes(), 4)));
  EXPECT_LT((still.by_block() != 0).to(at::kFloat).mean().item<double>(), 0.15);
}

// Two halves that move apart; chroma of half size follows by half as much.
TEST(WholeMotion, GoesBlockByBlock) {
  const auto field = detailed(128 + 2 * room, 128 + 2 * room, 6);
  const auto before = window_of(field, 0, 0, 128, 128);
  auto now = window_of(field, 0, 6, 128, 128);
  now.narrow(3, 64, 64).copy_(window_of(field, 0, -4, 128, 128).narrow(3, 64, 64));
  const WholeMotion motion(sizes_of(now.mean(1, true)), sizes_of(before.mean(1, true)));
  const auto right = motion.by_block()[1];
  EXPECT_TRUE((right.narrow(1, 0, 2) == 6).all().item<bool>()) << right;
  EXPECT_TRUE((right.narrow(1, 2, 2) == -4).all().item<bool>()) << right;
  const auto columns = at::arange(64, at::kFloat).reshape({1, 1, 1, 64}).expand({1, 2, 64, 64}).contiguous();
  const auto chroma = motion.moved(columns) - columns;
  EXPECT_TRUE((chroma.narrow(3, 0, 32) == 3).all().item<bool>());
  EXPECT_TRUE((chroma.narrow(3, 34, 30) == -2).all().item<bool>());
}

}  // namespace
}  // namespace reddiff
