// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Where a codec's error is to be taken away: where a camera has been, and not where something is drawn.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "core/api/units.h"
#include "core/frame/codec_error.h"
#include "core/frame/drawing.h"
#include "tests/core/scene.h"

namespace reddiff {
namespace {

constexpr std::int64_t height = 96, width = 160;

at::Tensor of_camera() {
  return (scene(height, width, 3).mean(1, true) * 0.5 + level_to_core(2) * noise({1, 1, height, width}, 5))
      .contiguous();
}

// Squares of two code values, as in a table of text.
at::Tensor of_screen(std::int64_t size) {
  const auto x = at::arange(width).div(size, "floor"), y = at::arange(height).div(size, "floor").view({-1, 1});
  return ((x + y).remainder(2) * 1.6 - 0.8).to(at::kFloat).expand({1, 1, height, width}).contiguous();
}

TEST(CodecError, IsWhereACameraHasBeen) {
  for (const double error : {2.0, 5.0, 10.0}) {
    const auto places = camera_places(of_camera(), level_to_core(error));
    EXPECT_EQ(places.sizes(), at::IntArrayRef({1, 1, height, width}));
    EXPECT_GT(places.mean().item<double>(), 0.95) << error;
    EXPECT_LE(places.max().item<double>(), 1) << error;
  }
}

TEST(CodecError, IsNotInWhatIsDrawn) {
  for (const std::int64_t size : {1, 2, 4, 8, 16})
    for (const double error : {2.0, 5.0, 10.0, 15.0})
      EXPECT_EQ(camera_places(of_screen(size), level_to_core(error)).max().item<double>(), 0) << size << " " << error;
}

TEST(CodecError, KnowsTheTwoApartInOnePicture) {
  auto both = of_camera();
  both.narrow(3, 0, width / 2).copy_(of_screen(8).narrow(3, 0, width / 2));
  const auto places = camera_places(both, level_to_core(5));
  EXPECT_LT(places.narrow(3, 0, 16).max().item<double>(), 0.01);
  EXPECT_GT(places.narrow(3, width - 16, 16).min().item<double>(), 0.9);
}

// A plain wall repeats as well, and has no edges.
TEST(CodecError, MayBeWhereNothingIs) {
  const auto plain = at::full({1, 1, height, width}, 0.25);
  EXPECT_EQ(camera_places(plain, level_to_core(5)).min().item<double>(), 1);
}

TEST(CodecError, IsToldInPictures) {
  const auto picture = of_camera().expand({1, 3, height, width}).contiguous();
  for (const ColorModel model : {ColorModel::rgb, ColorModel::ycbcr, ColorModel::gray}) {
    FrameView frame;
    frame.model = model;
    const auto error = codec_error(frame, picture, level_to_core(5));
    EXPECT_GT(level_to_user(error.rms), 3) << static_cast<int>(model);
    EXPECT_LT(level_to_user(error.rms), 5) << static_cast<int>(model);
    EXPECT_NEAR(error.map.square().mean().sqrt().item<double>(), error.rms, 1e-6);
  }
}

at::Tensor whole_codes(const at::Tensor& luma) { return ((luma + 1) * 127.5).round().clamp(0, 255) / 127.5 - 1; }

TEST(CodecError, OnePassSeesWhatOperatorsSee) {
  for (const auto& luma : {of_camera(), of_screen(1), of_screen(2), of_screen(3), of_screen(16)})
    for (const std::int64_t cut : {0, 1, 5, 15}) {
      const auto picture = whole_codes(luma).narrow(2, 0, height - cut).narrow(3, cut, width - cut);
      const auto one = drawing_on_host(picture), other = drawing_by_operators(picture);
      EXPECT_EQ(one.sizes(), other.sizes());
      EXPECT_LT((one - other).abs().max().item<double>(), 1e-6) << cut;
    }
}

// The luma of grey pixels is not grey to the last bit.
TEST(CodecError, CountsCodeValuesWhateverTheLastBitIs) {
  const auto plain = whole_codes(at::full({1, 1, height, width}, 0.25));
  const auto nearly = plain + 1e-6 * noise({1, 1, height, width}, 7);
  for (const auto& shares : {drawing_on_host(nearly), drawing_by_operators(nearly)})
    EXPECT_EQ(shares.narrow(1, 0, 1).min().item<double>(), 1);
}

TEST(CodecError, TakesPicturesOfAnySize) {
  for (const std::int64_t side : {1, 2, 3, 15, 17, 33})
    EXPECT_EQ(camera_places(at::zeros({1, 1, side, side + 1}), level_to_core(5)).sizes(),
              at::IntArrayRef({1, 1, side, side + 1}));
}

}  // namespace
}  // namespace reddiff
