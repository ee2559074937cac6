// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/temporal/field_filter.h"

#include <ATen/ATen.h>

#include "core/api/abort.h"
#include "core/api/units.h"
#include "core/temporal/warp.h"

namespace reddiff {
namespace {

// Chosen on development clips.
constexpr double doubt = 2;           // how much more than P says is still no surprise
constexpr double wrong_share = 2;     // Q over E
constexpr double older_share = 0.25;  // of the energy against the field before last: that is twice as far away
constexpr double detail_share = 6;    // R over the energy that the moved picture has and the interpolated one has not
constexpr double difference_share = 0.1;  // R over the squared difference of the lines above and below
constexpr std::int64_t window = 7;        // pixels along a line
const double least_wrong = level_to_core(1) * level_to_core(1) / 2;
// A mean square change between fields of one parity that a codec's noise makes where nothing moves.
const double still = 4 * level_to_core(1) * level_to_core(1);

std::int64_t count_between(const Field& field) { return field.height - field.lines.size(2); }

// Line `step` around each missing one: 0, 1 above, 2, 3 below. The border's are repeated.
at::Tensor around(const at::Tensor& padded, const Field& field, std::int64_t step) {
  return padded.narrow(2, (field.first == 0 ? 1 : 0) + step, count_between(field));
}

at::Tensor padded(const at::Tensor& lines) { return at::replication_pad2d(lines, {0, 0, 2, 2}); }

// [1,C,m,W], of measured lines.
at::Tensor cubic_between(const at::Tensor& lines, const Field& field) {
  const auto all = padded(lines);
  const auto near = around(all, field, 1) + around(all, field, 2);
  return near.mul_(9. / 16).sub_(around(all, field, 0) + around(all, field, 3), 1. / 16);
}

at::Tensor mean_along(const at::Tensor& x, std::int64_t side) {
  return at::avg_pool2d(x, {1, side}, {1, 1}, {0, side / 2}, false, false);
}

// [1,1,m,W]: mean over the channels and the window of what was found on the two measured lines around.
at::Tensor mean_between(const at::Tensor& of_lines, const Field& field) {
  const auto all = padded(mean_along(of_lines.mean(1, true), window));
  return (around(all, field, 1) + around(all, field, 2)).mul_(0.5);
}

// The same of what is found on missing lines: over three of them.
at::Tensor mean_of_between(const at::Tensor& of_missing) {
  return at::avg_pool2d(mean_along(of_missing.mean(1, true), window), {3, 1}, {1, 1}, {1, 0}, false, false);
}

at::Tensor measured_lines(const at::Tensor& picture, const Field& field) {
  return picture.slice(2, field.first, field.height, 2);
}

at::Tensor missing_lines(const at::Tensor& picture, const Field& field) {
  return picture.slice(2, 1 - field.first, field.height, 2);
}

at::Tensor joined(const at::Tensor& measured, const at::Tensor& missing, const Field& field) {
  auto whole = at::empty({1, missing.size(1), field.height, missing.size(3)}, missing.options());
  measured_lines(whole, field).copy_(measured);
  missing_lines(whole, field).copy_(missing);
  return whole;
}

bool are_of_one_parity(const Field& a, const Field& b) {
  return a.first == b.first && a.lines.sizes() == b.lines.sizes();
}

FieldFilter::Whole warped(const FieldFilter::Whole& past, const at::Tensor& flow) {
  if (!past.picture.defined()) return {};
  return {warp(past.picture, flow, WarpFilter::bicubic), warp(past.variance, flow, WarpFilter::bilinear)};
}

// x: what the variance does not account for, of the energy of what a past gets wrong on the measured lines.
struct Miss {
  at::Tensor difference, energy, unexplained;
};

Miss miss(const Field& now, const FieldFilter::Whole& past) {
  const auto difference = now.lines - measured_lines(past.picture, now);
  const auto energy = mean_between(difference.square(), now);
  const auto expected = mean_between(measured_lines(past.variance, now), now);
  return {difference, energy, at::sub(energy, expected, doubt).clamp_min_(0)};
}

}  // namespace

Field field_of(const at::Tensor& picture, std::int64_t first) {
  return {picture.slice(2, first, picture.size(2), 2).contiguous(), first, picture.size(2)};
}

at::Tensor interpolated(const Field& field) { return joined(field.lines, cubic_between(field.lines, field), field); }

bool FieldFilter::repeats(const Field& now) const {
  return fields_.size() == 3 && are_of_one_parity(now, fields_[1]) && are_of_one_parity(fields_[0], fields_[2]) &&
         at::equal(now.lines, fields_[1].lines) && at::equal(fields_[0].lines, fields_[2].lines);
}

// [1,1,m,W]: mean squares of what changed since two fields ago, the larger one of the two parities; undefined where that is not known.
at::Tensor FieldFilter::change(const Field& now) const {
  if (fields_.size() < 2 || now.first == fields_[0].first || !are_of_one_parity(now, fields_[1])) return {};
  const auto own = mean_between((now.lines - fields_[1].lines).square_(), now);
  if (fields_.size() < 3 || !are_of_one_parity(fields_[0], fields_[2])) return own;
  return at::maximum(own, mean_of_between((fields_[0].lines - fields_[2].lines).square_()));
}

FieldFilter::Moved FieldFilter::moved(const Field& now, const Whole& by_one, const Whole& by_two,
                                      const at::Tensor& most_wrong) const {
  const auto seen = miss(now, by_one);
  auto unexplained = seen.unexplained, wrong = unexplained;
  if (by_two.picture.defined()) wrong = at::maximum(wrong, miss(now, by_two).unexplained * older_share);
  if (most_wrong.defined()) {
    wrong = at::minimum(wrong, most_wrong);
    unexplained = at::minimum(unexplained, most_wrong);
  }
  constexpr double no_energy = 1e-10;
  const auto share = unexplained / (seen.energy + no_energy);
  return {missing_lines(by_one.picture, now) + cubic_between(seen.difference, now) * share,
          missing_lines(by_one.variance, now), wrong};
}

FieldFilter::Moved FieldFilter::best_moved(const Field& now, const at::Tensor& flow) const {
  auto most = change(now);
  if (most.defined()) most = most.masked_fill(most > still, 1e6);
  const auto standing = moved(now, state_, before_, most);
  if (!flow.defined()) return standing;
  const auto along = moved(now, warped(state_, flow), warped(before_, flow * 2), {});
  const auto stands = standing.wrong <= along.wrong;
  return {at::where(stands, standing.picture, along.picture), at::where(stands, standing.variance, along.variance),
          at::where(stands, standing.wrong, along.wrong)};
}

FieldFilter::Whole FieldFilter::update(const Field& now, const at::Tensor& flow) {
  throw_if_aborted();
  const auto alone = cubic_between(now.lines, now);
  const auto all = padded(now.lines);
  const auto differences = (around(all, now, 1) - around(all, now, 2)).square_().mean(1, true);
  auto own = mean_along(differences, 3).mul_(difference_share).add_(least_wrong);  // R
  auto between = alone, variance = own;
  if (state_.picture.defined()) {
    const auto past = best_moved(now, flow);
    own.add_((mean_of_between((past.picture - alone).square()) - past.wrong).clamp_min_(0), detail_share);
    const auto predicted = at::add(past.variance, past.wrong, wrong_share);
    const auto gain = predicted / (predicted + own);
    between = past.picture + gain * (alone - past.picture);
    variance = gain * own;
  }
  before_ = state_;
  state_ = {joined(now.lines, between, now), joined(at::zeros_like(now.lines.narrow(1, 0, 1)), variance, now)};
  fields_.push_front(now);
  if (fields_.size() > 3) fields_.pop_back();
  return state_;
}

}  // namespace reddiff
