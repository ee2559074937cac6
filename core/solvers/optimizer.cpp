// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/solvers/optimizer.h"

#include <ATen/ATen.h>
#include <torch/optim/adam.h>
#include <torch/optim/adamw.h>
#include <torch/optim/lbfgs.h>
#include <torch/optim/rmsprop.h>
#include <torch/optim/sgd.h>

namespace reddiff {
namespace {

// An optimiser of LibTorch over one tensor that shares its memory with mu.
template <typename Torch, typename Options> class TorchOptimizer : public MeanOptimizer {
 public:
  explicit TorchOptimizer(Options options) : options_(std::move(options)) {}

  void step(at::Tensor& mu, const at::Tensor& gradient) override {
    if (!optimizer_) {
      parameter_ = mu;
      optimizer_ = std::make_unique<Torch>(std::vector<at::Tensor>{parameter_}, options_);
    }
    parameter_.mutable_grad() = gradient;
    optimizer_->step();
  }

 private:
  Options options_;
  at::Tensor parameter_;
  std::unique_ptr<Torch> optimizer_;
};

// L-BFGS measures curvature by dot products over its parameters: one optimiser per image keeps images independent.
class PerImageLbfgs : public MeanOptimizer {
 public:
  explicit PerImageLbfgs(torch::optim::LBFGSOptions options) : options_(std::move(options)) {}

  void step(at::Tensor& mu, const at::Tensor& gradient) override {
    if (optimizers_.empty()) {
      for (const auto& image : mu.unbind(0)) {
        parameters_.push_back(image);
        optimizers_.push_back(std::make_unique<torch::optim::LBFGS>(std::vector<at::Tensor>{image}, options_));
      }
    }
    for (std::size_t i = 0; i < optimizers_.size(); ++i) {
      const auto g = gradient[static_cast<std::int64_t>(i)];
      optimizers_[i]->step([&] {
        parameters_[i].mutable_grad() = g;
        return at::zeros({}, g.options());  // the value is only read by line searches, and none is used
      });
    }
  }

 private:
  torch::optim::LBFGSOptions options_;
  std::vector<at::Tensor> parameters_;
  std::vector<std::unique_ptr<torch::optim::LBFGS>> optimizers_;
};

}  // namespace

std::unique_ptr<MeanOptimizer> make_adam(const RedDiffOptions& options) {
  auto settings = torch::optim::AdamOptions(options.learning_rate).betas({0.9, 0.99}).eps(*options.optimizer_epsilon);
  return std::make_unique<TorchOptimizer<torch::optim::Adam, torch::optim::AdamOptions>>(settings);
}

std::unique_ptr<MeanOptimizer> make_adamw(const RedDiffOptions& options) {
  auto settings = torch::optim::AdamWOptions(options.learning_rate)
                      .betas({0.9, 0.99})
                      .eps(*options.optimizer_epsilon)
                      .weight_decay(0.01);
  return std::make_unique<TorchOptimizer<torch::optim::AdamW, torch::optim::AdamWOptions>>(settings);
}

std::unique_ptr<MeanOptimizer> make_sgd(const RedDiffOptions& options) {
  auto settings = torch::optim::SGDOptions(options.learning_rate).momentum(0.9);
  return std::make_unique<TorchOptimizer<torch::optim::SGD, torch::optim::SGDOptions>>(settings);
}

std::unique_ptr<MeanOptimizer> make_rmsprop(const RedDiffOptions& options) {
  auto settings = torch::optim::RMSpropOptions(options.learning_rate).alpha(0.99).eps(*options.optimizer_epsilon);
  return std::make_unique<TorchOptimizer<torch::optim::RMSprop, torch::optim::RMSpropOptions>>(settings);
}

std::unique_ptr<MeanOptimizer> make_lbfgs(const RedDiffOptions& options) {
  auto settings = torch::optim::LBFGSOptions(options.learning_rate).max_iter(1).history_size(10);
  return std::make_unique<PerImageLbfgs>(settings);
}

namespace {

constexpr OptimizerEntry optimizers[] = {
    {Optimizer::adam, make_adam},       {Optimizer::adamw, make_adamw}, {Optimizer::sgd, make_sgd},
    {Optimizer::rmsprop, make_rmsprop}, {Optimizer::lbfgs, make_lbfgs},
};

}  // namespace

std::span<const OptimizerEntry> optimizer_registry() { return optimizers; }

std::unique_ptr<MeanOptimizer> make_optimizer(const RedDiffOptions& options) {
  for (const auto& entry : optimizers)
    if (entry.value == options.optimizer) return entry.make(options);
  TORCH_CHECK(false, "an optimiser of the names table is missing from the registry");
}

}  // namespace reddiff
