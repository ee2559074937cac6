// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/priors/diffusion_head.h"

#include <ATen/ATen.h>

#include <cmath>
#include <numbers>

namespace reddiff {
namespace {

at::Tensor root_abar(const at::Tensor& s) { return (s.square() + 1).rsqrt(); }

Coefficients of_eps(const DiffusionCard&, const at::Tensor& s) { return {root_abar(s), at::ones_like(s), -s}; }

Coefficients of_x0(const DiffusionCard&, const at::Tensor& s) {
  return {root_abar(s), at::zeros_like(s), at::ones_like(s)};
}

Coefficients of_v(const DiffusionCard&, const at::Tensor& s) {
  const at::Tensor root = root_abar(s);
  return {root, root.square(), -s * root};
}

Coefficients of_edm(const DiffusionCard& card, const at::Tensor& s) {
  const double sd = card.sigma_data;
  const at::Tensor variance = s.square() + sd * sd, inverse = variance.rsqrt();
  return {inverse, sd * sd / variance, s * sd * inverse};
}

Coefficients of_denoiser(const DiffusionCard&, const at::Tensor& s) {
  return {at::ones_like(s), at::zeros_like(s), at::ones_like(s)};
}

struct HeadRow {
  Head head;
  Coefficients (*coefficients)(const DiffusionCard&, const at::Tensor& s);
};
constexpr HeadRow heads[] = {
    {Head::eps, of_eps}, {Head::x0, of_x0}, {Head::v, of_v}, {Head::edm, of_edm}, {Head::denoiser, of_denoiser}};

at::Tensor linear_betas(const DiffusionCard& card) {
  return at::linspace(card.beta_first, card.beta_last, card.steps, at::kDouble);
}

at::Tensor root_linear_betas(const DiffusionCard& card) {
  return at::linspace(std::sqrt(card.beta_first), std::sqrt(card.beta_last), card.steps, at::kDouble).square();
}

// abar(t) = g(t) / g(0) with g = cos^2((t + .008) / 1.008 pi / 2) (arXiv 2102.09672), no beta above .999.
at::Tensor cosine_betas(const DiffusionCard& card) {
  const at::Tensor time = at::arange(card.steps + 1, at::kDouble) / static_cast<double>(card.steps);
  const at::Tensor g = at::cos((time + 0.008) * (std::numbers::pi / 2 / 1.008)).square();
  return (1 - g.narrow(0, 1, card.steps) / g.narrow(0, 0, card.steps)).clamp(0, 0.999);
}

// Of schedules that are longer than numbers reach: s is a million there.
constexpr double least_abar = 1e-12;

struct ScheduleRow {
  BetaSchedule schedule;
  at::Tensor (*betas)(const DiffusionCard&);
};
constexpr ScheduleRow schedules[] = {{BetaSchedule::linear, linear_betas},
                                     {BetaSchedule::root_linear, root_linear_betas},
                                     {BetaSchedule::cosine, cosine_betas}};

}  // namespace

Coefficients coefficients_of(const DiffusionCard& card, const at::Tensor& s) {
  for (const HeadRow& row : heads)
    if (row.head == card.head) return row.coefficients(card, s);
  TORCH_CHECK(false, "a head of the card is missing from the table");
}

at::Tensor deviations_of(const DiffusionCard& card) {
  for (const ScheduleRow& row : schedules)
    if (row.schedule == card.schedule) {
      const at::Tensor abar = (1 - row.betas(card)).cumprod(0).clamp_min(least_abar);
      return ((1 - abar) / abar).sqrt();
    }
  TORCH_CHECK(false, "a schedule of the card is missing from the table");
}

LevelWords::LevelWords(const DiffusionCard& card, at::Device device) : input_(card.level) {
  if (input_ == LevelInput::step) log_deviations_ = deviations_of(card).log().to(device, at::kFloat);
}

at::Tensor LevelWords::operator()(const at::Tensor& s) const {
  switch (input_) {
    case LevelInput::c_noise:
      return s.log() / 4;
    case LevelInput::sigma:
    case LevelInput::none:
      return s;
    case LevelInput::step:
      break;
  }
  const std::int64_t steps = log_deviations_.size(0);
  const at::Tensor place = s.log().contiguous();
  const at::Tensor after = at::searchsorted(log_deviations_, place).clamp(1, steps - 1), before = after - 1;
  const at::Tensor low = log_deviations_.take(before), high = log_deviations_.take(after);
  return before + ((place - low) / (high - low).clamp_min(1e-12)).clamp(0, 1);
}

}  // namespace reddiff
