// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/concealer.h"

#include <ATen/ATen.h>

#include <utility>

#include "core/api/units.h"
#include "core/frame/convert.h"

namespace reddiff {

void Concealer::reset() {
  concealment_.reset();
  for (auto& frame : kept_) frame.reset();
}

// The memory of the frame that is forgotten serves the next one.
void Concealer::keep(const FrameView& in) {
  std::swap(kept_[0], kept_[1]);
  if (!kept_[0]) kept_[0].emplace(in);
  copy_frame(in, kept_[0]->view());
}

at::Tensor Concealer::concealed(const at::Tensor& decoded, FrameDamage damage, int steps) {
  if (concealment_.is_active()) {
    auto shown = concealment_.go_on(decoded, steps);
    if (shown.defined()) return shown;
  }
  if (damage != FrameDamage::lost || !kept_[1]) return {};
  const auto last = read_picture(kept_[0]->view(), device_), before = read_picture(kept_[1]->view(), device_);
  return concealment_.begin(decoded, last, before, steps);
}

std::optional<Concealer::Repaired> Concealer::see(const FrameView& in, FrameDamage damage, int steps, Trace& trace) {
  if (damage == FrameDamage::unwatched) {
    reset();
    return {};
  }
  if (damage == FrameDamage::none) concealment_.reset();
  std::optional<Repaired> repaired;
  if (concealment_.is_active() || (damage == FrameDamage::lost && kept_[1])) {
    const auto decoded = trace.in(Trace::Stage::convert, [&] { return read_picture(in, device_); });
    const auto shown = trace.in(Trace::Stage::motion, [&] { return concealed(decoded, damage, steps); });
    if (shown.defined()) {
      repaired = Repaired{FrameLike(in), 0};
      const auto changed = (shown - decoded).abs_().amax(1, true) > level_to_core(1);
      repaired->share = changed.to(at::kFloat).mean().item<double>();
      trace.in(Trace::Stage::convert, [&] { write_picture(shown, read_alpha(in, device_), repaired->frame.view()); });
    }
  }
  trace.in(Trace::Stage::convert, [&] { keep(repaired ? repaired->frame.view() : in); });
  return repaired;
}

}  // namespace reddiff
