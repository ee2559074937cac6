// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A network that is called again and again with pictures of the same size need not be queued operation by operation: a Denoiser that
// records the calls of another one, one recording for each kind of error, size of the picture and shape of the level, and replays
// them. The values are those of the plain call. It sits under the tiles (tiles of one size replay one recording) and is shared by all who
// share the network. Any thread, one call at a time.
//
// Note [Sizes that come and go]: a size is recorded when it has been asked for some times. All recordings are forgotten, and their
// memory is given back, when there are too many, or when they hold several times the memory of one: sizes that grow step by step find
// no place in what smaller ones have left. Each time that this happens before recordings have been of use, a size has to be asked for
// twice as often before it is recorded.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/priors/denoiser.h"
#include "core/priors/recorder.h"

namespace reddiff {

class GraphedDenoiser final : public Denoiser {
 public:
  GraphedDenoiser(DenoiserPtr prior, std::unique_ptr<Recorder> recorder);

  // As the prior's. What cannot be recorded is called plainly from then on; LibTorch warns of it, once.
  at::Tensor denoise(const at::Tensor& u, const at::Tensor& sigma) const override;

  double sigma_min() const override { return prior_->sigma_min(); }
  double sigma_max() const override { return prior_->sigma_max(); }
  bool per_pixel_sigma() const override { return prior_->per_pixel_sigma(); }
  std::int64_t grid() const override { return prior_->grid(); }
  std::int64_t usual_side() const override { return prior_->usual_side(); }
  std::int64_t largest_side() const override { return prior_->largest_side(); }
  at::Device device() const override { return prior_->device(); }
  const DifferentiableDenoiser* differentiable() const override { return prior_->differentiable(); }  // not recorded
  std::vector<std::string> kinds() const override { return prior_->kinds(); }
  const Denoiser* for_kind(std::string_view kind) const override;
  std::string description() const override;
  double flops(std::int64_t height, std::int64_t width) const override { return prior_->flops(height, width); }

  std::int64_t recordings() const;  // that are held, of all kinds

 private:
  class Recordings;

  GraphedDenoiser(DenoiserPtr prior, std::shared_ptr<Recordings> recordings)
      : prior_(std::move(prior)), recordings_(std::move(recordings)) {}

  DenoiserPtr prior_;
  std::shared_ptr<Recordings> recordings_;
  std::map<std::string, std::unique_ptr<const GraphedDenoiser>, std::less<>> others_;  // by kind
};

// On a GPU, in a build that has a recorder for it; else the prior as it is.
DenoiserPtr with_graphs(DenoiserPtr prior);

}  // namespace reddiff
