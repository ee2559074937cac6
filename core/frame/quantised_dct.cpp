// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/frame/quantised_dct.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>
#include <vector>

#include "core/frame/block_dct.h"
#include "core/frame/convert.h"
#include "core/frame/device_queue.h"
#include "core/frame/jpeg_planes.h"
#include "core/frame/luma.h"
#include "core/frame/truncated_mean.h"

namespace reddiff {
namespace {

using namespace jpeg;

// Mean square, in code values and about its mean, by which the decoded pixels of a block may differ from what its coefficients say. Rounding
// leaves 1/12, fast arithmetic up to .6 of that size more, multiples of another step 3/4 where that is 3.
constexpr double most_wrong = 0.7;
// By how much all pixels may be too dark, code values, what is usual first: libjpeg's fast arithmetic rounds down, and so do converters to
// R'G'B' after either.
constexpr float darker[] = {0, 0.5, 0.75, 1.25, 1, 0.25};
// In that, plain blocks differ from others; code values.
constexpr double most_off = 0.75;
// Of the blocks that could tell, nothing clipped: how many have to be as the tables say.
constexpr double most_doubted = 0.1;
// A step so small is no coarser than the rounding of decoded pixels, which then hides which multiple it was.
constexpr double smallest_step = 2, rounding = 0.29;
// Where a block is not what the tables say, some pixels of it were clipped or painted on: cells around what is there, of so many steps.
constexpr double widened = 1;
// Of the blocks, where none is as the tables say, and none speaks against them.
constexpr double least_share = 1e-3;

// One plane and its cells, in code values; whole blocks alone.
struct CodedPlane {
  int plane;
  int across, down;  // pixels that share a sample
  Intervals cells;   // [h,w]
};

// [h,w], whole blocks of [1,1,H,W].
at::Tensor whole_blocks(const at::Tensor& plane) {
  const auto height = plane.size(2) / block_side * block_side, width = plane.size(3) / block_side * block_side;
  return plane[0][0].narrow(0, 0, height).narrow(1, 0, width);
}

at::Tensor coded_values(const at::Tensor& plane, int which) {
  return (whole_blocks(plane) * codes).add_(which == luma ? luma_shift : 0);
}

struct Evidence {
  Intervals cells;
  at::Tensor telling, wrong;  // how many blocks could tell, and how many of them are not as the tables say
  at::Tensor good;            // how many blocks are
};

// [1,1,1,1]: what the decoder took off all pixels, by how near the blocks' means then are to multiples; the first of those that do as well.
// coefficients and steps: [h/8,8,w/8,8].
at::Tensor darkening(const at::Tensor& coefficients, const at::Tensor& steps, const at::Tensor& telling) {
  const auto mean = coefficients.select(3, 0).select(1, 0), step = steps.select(3, 0).select(1, 0);
  std::vector<at::Tensor> misses;
  for (const float bias : darker) {
    const auto found = (mean + bias * block_side) / step;
    misses.push_back(at::where(telling, (found - found.round()).square_(), 0).sum());
  }
  constexpr double as_well = 2;
  const auto miss = at::stack(misses);
  const auto first = (miss <= as_well * miss.min()).to(at::kInt).argmax();
  return put(at::tensor(std::vector<float>(std::begin(darker), std::end(darker))), coefficients.options())
      .index_select(0, first.view({1}))
      .view({1, 1, 1, 1});
}

// [...], of blocks in the last two dimensions (or 1 and 3 of [h/8,8,w/8,8]): whether decoding gives the pixels again. dark: darkening().
at::Tensor gives_again(const at::Tensor& decoded, const at::Tensor& pixels, const at::Tensor& dark,
                       at::IntArrayRef block) {
  const auto missed = decoded.clamp(-128, 127).sub_(pixels);
  const auto off = missed.mean(block, true), half = dark.view({1}) / 2;
  return ((missed - off).square_().mean(block) <= most_wrong)
      .logical_and_((off.squeeze(block) - half).abs_() <= half.abs() + most_off);
}

// Of blocks with clipped pixels, [n,8,8], what was decoded: in turn the multiples nearest to a block, and a block that shows its pixels where these
// were not clipped and at least as much beyond the end where they were. Most come to rest within some rounds. Coefficients, multiples of steps.
at::Tensor behind_ends(const at::Tensor& pixels, const at::Tensor& steps, const at::Tensor& dark) {
  constexpr int rounds = 6;
  const auto basis = block_basis(pixels);
  const auto white = pixels > 126.75, black = pixels < -127.75;
  const auto lit = pixels + dark.view({1});
  auto block = lit;
  at::Tensor rounded;
  for (int round = 0; round <= rounds; ++round) {
    rounded = at::matmul(at::matmul(basis, block), basis.t()).div_(steps).round_().mul_(steps);
    const auto decoded = at::matmul(at::matmul(basis.t(), rounded), basis);
    const auto beyond = at::where(white, decoded.clamp_min(127), at::where(black, decoded.clamp_max(-128), lit));
    block = at::where(gives_again(decoded, pixels, dark, {1, 2}).view({-1, 1, 1}), block, beyond);
  }
  return rounded;
}

// Replaces what `rounded` and `good` say of the blocks that are clipped and not good. [h/8,8,w/8,8]; [h/8,w/8].
void look_behind_ends(const at::Tensor& values, const at::Tensor& steps, const at::Tensor& dark,
                      const at::Tensor& clipped, at::Tensor& rounded, at::Tensor& good) {
  const auto open = clipped.logical_and(good.logical_not()).view({-1}).nonzero().view({-1});
  if (open.numel() == 0) return;
  const auto in_rows = [](const at::Tensor& blocks) {
    return blocks.permute({0, 2, 1, 3}).reshape({-1, block_side, block_side});
  };
  const auto pixels = in_rows(by_block(values)).index_select(0, open);
  const auto step = steps[0].permute({1, 0, 2})[0].contiguous();
  const auto found = behind_ends(pixels, step, dark);
  const auto basis = block_basis(pixels);
  const auto again = gives_again(at::matmul(at::matmul(basis.t(), found), basis), pixels, dark, {1, 2});
  good = good.view({-1}).index_copy(0, open, again).view(good.sizes());
  rounded = in_rows(rounded)
                .index_copy(0, open, found)
                .view({rounded.size(0), rounded.size(2), block_side, block_side})
                .permute({0, 2, 1, 3})
                .contiguous();
}

// values: [h,w], code values around 0. clipped_before: [h,w], true where another value was clipped on the way here.
Evidence look_at(const at::Tensor& values, const at::Tensor& clipped_before, const JpegTables::Plane& table) {
  const auto found = by_block(block_dct(values)).clone();
  const auto steps = steps_of(table, values).expand_as(found);
  const auto busy = (found / steps).round_().ne_(0).sum({1, 3}) > 1;
  const auto clipped = by_block((values.abs() > 126.75).logical_or_(clipped_before)).any(3).any(1);
  const auto telling = busy.logical_and(clipped.logical_not());
  const auto dark = darkening(found, steps, telling);
  found.select(3, 0).select(1, 0).add_(dark.view({1, 1}) * block_side);
  auto rounded = (found / steps).round_().mul_(steps);
  auto good = gives_again(by_block(inverse_block_dct(rounded.view_as(values))), by_block(values), dark, {1, 3});
  const auto wrong = telling.logical_and(good.logical_not()).sum();
  look_behind_ends(values, steps, dark, clipped, rounded, good);
  const auto as_said = over_blocks(good),
             fine = (steps <= smallest_step).logical_and(over_blocks(clipped.logical_not()));
  const auto half = at::where(as_said, at::where(fine, steps / 2 + rounding, steps / 2), steps * widened);
  const auto centre = at::where(as_said.logical_and(fine.logical_not()), rounded, found);
  return {{centre.reshape(values.sizes()), half.reshape(values.sizes())}, telling.sum(), wrong, good.sum()};
}

// The share of good blocks; none where the tables are not believed.
std::optional<double> share_of_good(const Evidence& evidence) {
  Awaited counts(at::stack({evidence.telling, evidence.wrong, evidence.good}));
  const auto* read = counts.get().const_data_ptr<std::int64_t>();
  if (static_cast<double>(read[1]) > most_doubted * static_cast<double>(read[0])) return {};
  const auto blocks = evidence.cells.centre.numel() / (block_side * block_side);
  return std::max(least_share, static_cast<double>(read[2]) / static_cast<double>(blocks));
}

class QuantisedDct final : public Likelihood {
 public:
  QuantisedDct(double sigma_y, double noise, const ColorMatrix& matrix, std::vector<CodedPlane> planes)
      : Likelihood(sigma_y), noise_(noise), matrix_(matrix), planes_(std::move(planes)) {}

  at::Tensor expected_y(const at::Tensor& y, const std::function<at::Tensor()>&) const override { return y; }
  at::Tensor debias(const at::Tensor& mean) const override { return mean; }
  LikelihoodPtr debiased() const override { return make_gaussian(sigma_y()); }
  bool has_intervals() const override { return true; }

  at::Tensor mean_in_intervals(const at::Tensor& denoised, double level) const override {
    auto result = denoised.clone();
    const auto luma_plane = luma_of(matrix_, denoised);
    for (const CodedPlane& coded : planes_) {
      const auto plane = pooled(plane_of(matrix_, denoised, luma_plane, coded.plane), coded.across, coded.down);
      const double norm = codes * norm_of(matrix_, coded.plane) / std::sqrt(coded.across * coded.down);
      const auto before = block_dct(coded_values(plane, coded.plane));
      const auto after = truncated_mean(before, coded.cells, norm * level, norm * noise_);
      auto change = at::zeros_like(plane);
      whole_blocks(change).copy_(inverse_block_dct(after - before).div_(codes));
      if (coded.across * coded.down > 1)
        change = change.repeat_interleave(coded.down, 2)
                     .repeat_interleave(coded.across, 3)
                     .narrow(2, 0, denoised.size(2))
                     .narrow(3, 0, denoised.size(3));
      add_to(result, change, matrix_, coded.plane);
    }
    return result;
  }

 private:
  double noise_;
  ColorMatrix matrix_;
  std::vector<CodedPlane> planes_;
};

// Pixels that share a sample of this plane; false where that is another number than 1 or 2 a side.
bool find_sampling(const JpegTables& tables, CodedPlane& coded) {
  const auto& most = tables.plane[luma];
  const auto& own = tables.plane[static_cast<std::size_t>(coded.plane)];
  coded.across = most.horizontal / own.horizontal;
  coded.down = most.vertical / own.vertical;
  const auto fits = [](int pixels, int one, int all) { return (pixels == 1 || pixels == 2) && pixels * one == all; };
  return fits(coded.across, own.horizontal, most.horizontal) && fits(coded.down, own.vertical, most.vertical);
}

// What may be the decoder's planes: those of the frame, or where it was converted to R'G'B' since, what JFIF would have made that from.
class DecodedPlanes {
 public:
  DecodedPlanes(const at::Tensor& picture, const ColorMatrix& matrix, const at::Tensor& chroma = {})
      : picture_(picture), matrix_(matrix), luma_(luma_of(matrix, picture)), chroma_(chroma) {}

  const ColorMatrix& matrix() const { return matrix_; }

  at::Tensor get(const CodedPlane& coded) const {
    const auto height = (picture_.size(2) + coded.down - 1) / coded.down;
    const auto width = (picture_.size(3) + coded.across - 1) / coded.across;
    if (coded.plane != luma && chroma_.defined() && chroma_.size(2) == height && chroma_.size(3) == width)
      return chroma_.narrow(1, coded.plane - 1, 1);
    return pooled(plane_of(matrix_, picture_, luma_, coded.plane), coded.across, coded.down);
  }

  // The same, and what it was before libjpeg's filter enlarged it.
  std::vector<at::Tensor> candidates(const CodedPlane& coded) const {
    std::vector<at::Tensor> planes;
    planes.reserve(2);
    planes.push_back(get(coded));
    if (coded.across * coded.down > 1)
      planes.push_back(before_enlarging(planes[0], coded.across, coded.down, picture_.size(2), picture_.size(3)));
    return planes;
  }

  // [h,w] of a plane's whole blocks, true where the conversion to R'G'B' has clipped.
  at::Tensor clipped(const CodedPlane& coded, const at::Tensor& plane) const {
    if (chroma_.defined()) return at::zeros_like(whole_blocks(plane), at::kBool);
    const auto at_end = (picture_.abs() > 0.999).any(1, true).to(at::kFloat);
    return whole_blocks(pooled(at_end, coded.across, coded.down)) > 0;
  }

 private:
  at::Tensor picture_;
  ColorMatrix matrix_;
  at::Tensor luma_, chroma_;
};

// Those that the tables are believed of; none: the luma is not as they say.
std::vector<CodedPlane> believed_planes(const DecodedPlanes& decoded, const JpegTables& tables, int count,
                                        double& share) {
  std::vector<CodedPlane> planes;
  for (int i = 0; i < count; ++i) {
    CodedPlane coded{i, 1, 1, {}};
    const bool sampled = find_sampling(tables, coded);
    const auto plane = sampled ? decoded.get(coded) : at::Tensor();
    std::optional<double> good;
    if (sampled && plane.size(2) >= block_side && plane.size(3) >= block_side) {
      auto evidence =
          look_at(coded_values(plane, i), decoded.clipped(coded, plane), tables.plane[static_cast<std::size_t>(i)]);
      good = share_of_good(evidence);
      coded.cells = evidence.cells;
    }
    if (i == luma && !good) return {};
    if (i == luma) share = *good;
    if (good) planes.push_back(coded);
  }
  return planes;
}

// Of tables that are the frame's: each plane is what more blocks of are as they say.
std::vector<CodedPlane> trusted_planes(const DecodedPlanes& decoded, const JpegTables& tables, int count) {
  std::vector<CodedPlane> planes;
  for (int i = 0; i < count; ++i) {
    CodedPlane coded{i, 1, 1, {}};
    if (!find_sampling(tables, coded)) continue;
    std::int64_t most = -1;
    for (const auto& plane : decoded.candidates(coded)) {
      if (plane.size(2) < block_side || plane.size(3) < block_side) continue;
      const auto evidence =
          look_at(coded_values(plane, i), decoded.clipped(coded, plane), tables.plane[static_cast<std::size_t>(i)]);
      const auto good = Awaited(evidence.good).get().item<std::int64_t>();
      if (good > most) coded.cells = evidence.cells;
      most = std::max(most, good);
    }
    if (most >= 0) planes.push_back(coded);
  }
  return planes;
}

}  // namespace

double jpeg_error(const JpegTables& tables) {
  // Photographs at qualities 20 to 90 of libjpeg's scale.
  constexpr int low = 4;  // frequencies a side, in which pictures have their errors
  double sum = 0;
  for (int v = 0; v < low; ++v)
    for (int u = 0; u < low; ++u) sum += tables.plane[luma].steps[static_cast<std::size_t>(block_side * v + u)];
  return 0.0158 * std::sqrt(sum / (low * low));
}

CodedPicture make_quantised_dct(const FrameView& frame, const at::Tensor& picture, const JpegTables& tables,
                                double noise) {
  if (!is_valid(tables) || frame.width != tables.width || frame.height != tables.height) return {};
  const int count = frame.model == ColorModel::gray ? 1 : tables.planes;
  const bool own = frame.model == ColorModel::ycbcr && frame.full_range;
  const DecodedPlanes decoded(picture, own ? frame.matrix : of_files,
                              own ? read_chroma_planes(frame, picture.device()) : at::Tensor());
  double share = 0;
  auto planes = believed_planes(decoded, tables, count, share);
  if (planes.empty()) return {};
  return {std::make_shared<QuantisedDct>(jpeg_error(tables), noise, decoded.matrix(), std::move(planes)), share};
}

LikelihoodPtr make_jpeg_cells(const FrameView& frame, const at::Tensor& picture, const JpegTables& tables,
                              double noise) {
  const auto is_near = [](double a, double b) { return std::abs(a - b) < 1e-3; };
  const bool own = frame.model == ColorModel::ycbcr && frame.full_range && is_near(frame.matrix.kr, of_files.kr) &&
                   is_near(frame.matrix.kb, of_files.kb);
  const DecodedPlanes decoded(picture, of_files, own ? read_chroma_planes(frame, picture.device()) : at::Tensor());
  auto planes = trusted_planes(decoded, tables, frame.model == ColorModel::gray ? 1 : 3);
  return std::make_shared<QuantisedDct>(std::hypot(jpeg_error(tables), noise), noise, of_files, std::move(planes));
}

}  // namespace reddiff
