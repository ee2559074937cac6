// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Damaged frames of a stream, before anything else sees them (core/temporal/concealment.h), in code values of any format. Of a stream that
// may be damaged the last two frames are kept as they came, which is a copy each and nothing more.
#pragma once

#include <array>
#include <optional>

#include "core/api/restorer.h"
#include "core/deinterlacer.h"
#include "core/frame/trace.h"
#include "core/temporal/concealment.h"

namespace reddiff {

class Concealer {
 public:
  // flow must outlive it.
  Concealer(at::Device device, const Flow& flow) : device_(device), concealment_(flow) {}

  void reset();

  struct Repaired {
    FrameLike frame;
    double share;  // of the pixels, that were changed
  };

  // Every frame of one geometry, in order; steps: from the last one, as FrameOptions has it. None: it is to be shown as it came. A frame of
  // another geometry: reset() first.
  std::optional<Repaired> see(const FrameView& in, FrameDamage damage, int steps, Trace& trace);

 private:
  at::Tensor concealed(const at::Tensor& decoded, FrameDamage damage, int steps);
  void keep(const FrameView& in);

  at::Device device_;
  Concealment concealment_;
  std::array<std::optional<FrameLike>, 2> kept_;  // the last frame, and the one before
};

}  // namespace reddiff
