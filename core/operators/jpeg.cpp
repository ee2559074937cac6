// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What a JPEG encoder and decoder leave of a picture, without the entropy coding between them, which loses nothing: code values of
// R'G'B' to JFIF's Y'CbCr, means of the pixels that share a chroma sample, the DCT of 8x8 blocks rounded to multiples of libjpeg's tables,
// and back, with libjpeg's filter for halved chroma. Blocks that the border cuts see the last row and column repeated. One channel is
// coded as luma.
#include <ATen/ATen.h>

#include <cmath>

#include "core/api/jpeg_tables.h"
#include "core/frame/block_dct.h"
#include "core/frame/jpeg_planes.h"
#include "core/operators/interval_stage.h"
#include "core/operators/operators.h"
#include "core/operators/per_image.h"

namespace reddiff {
namespace {

// A multiple of 8 that holds n.
std::int64_t whole(std::int64_t n) { return (n + block_side - 1) / block_side * block_side; }

class Jpeg final : public IntervalStage {
 public:
  explicit Jpeg(const JpegTables& tables) : tables_(tables) {}

  at::Tensor forward(const at::Tensor& x) const override {
    return per_image(x.size(0), [&](std::int64_t i) { return coded(image(x, i)); });
  }

 private:
  at::Tensor coded(const at::Tensor& x) const {
    const auto picture = (x.clamp(-1, 1) * jpeg::codes + jpeg::codes).round_().sub_(jpeg::codes).div_(jpeg::codes);
    if (x.size(1) == 1) return coded_plane(picture, jpeg::luma).clamp(-1, 1);
    const auto luma = jpeg::luma_of_files(picture);
    auto result = coded_plane(luma, jpeg::luma).expand({1, 3, -1, -1}).clone();
    const int across = tables_.plane[jpeg::luma].horizontal, down = tables_.plane[jpeg::luma].vertical;
    for (const int plane : {jpeg::cb, jpeg::cr}) {
      const auto whole_plane = jpeg::plane_of(jpeg::of_files, picture, luma, plane);
      auto chroma = coded_plane(jpeg::pooled(whole_plane, across, down), plane);
      if (across == 2) chroma = jpeg::enlarged(chroma, 3, x.size(3));
      if (down == 2) chroma = jpeg::enlarged(chroma, 2, x.size(2));
      jpeg::add_to(result, chroma, jpeg::of_files, plane);
    }
    return result.clamp(-1, 1);
  }

  // [1,1,h,w]
  at::Tensor coded_plane(const at::Tensor& plane, int which) const {
    const auto height = plane.size(2), width = plane.size(3);
    const double shift = which == jpeg::luma ? jpeg::luma_shift : 0;
    const auto values = at::replication_pad2d(plane, {0, whole(width) - width, 0, whole(height) - height})[0][0];
    const auto coefficients = block_dct((values * jpeg::codes + shift).round_());
    const auto steps = jpeg::steps_of(tables_.plane[static_cast<std::size_t>(which)], plane);
    const auto rounded = by_block(coefficients).div(steps).round_().mul_(steps).view_as(coefficients);
    const auto decoded = inverse_block_dct(rounded).round_().clamp_(-128, 127);
    return decoded.sub_(shift).div_(jpeg::codes).narrow(0, 0, height).narrow(1, 0, width).view({1, 1, height, width});
  }

  JpegTables tables_;
};

}  // namespace

OperatorPtr make_jpeg(const OperatorStage& stage) {
  return std::make_shared<Jpeg>(
      usual_tables(static_cast<int>(stage.numbers.at("quality")), static_cast<int>(stage.numbers.at("subsampling"))));
}

}  // namespace reddiff
