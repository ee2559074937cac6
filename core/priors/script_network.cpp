// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/priors/script_network.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/serialization/import.h>

#include <algorithm>

#include "core/api/abort.h"
#include "core/api/error.h"
#include "core/priors/gradient.h"
#include "core/priors/precision.h"

namespace reddiff {
namespace {

constexpr std::size_t longest_reason = 200;

// The file as the reader of archives wants it, without a copy.
class Source final : public caffe2::serialize::ReadAdapterInterface {
 public:
  explicit Source(FileBytes file) : file_(std::move(file)) {}
  std::size_t size() const override { return file_.size(); }
  std::size_t read(std::uint64_t at, void* to, std::size_t length, const char*) const override {
    if (at >= file_.size()) return 0;
    const std::size_t count = std::min<std::size_t>(length, file_.size() - at);
    std::copy_n(file_.data() + at, count, static_cast<std::byte*>(to));
    return count;
  }

 private:
  FileBytes file_;
};

// What TorchScript throws begins with a trace of the program, and ends with the reason.
std::string reason_of(const std::exception& error) {
  std::string text = error.what();
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  if (const std::size_t line = text.rfind('\n'); line != text.npos) text.erase(0, line + 1);
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c > 0x7e; }, '?');
  return text.substr(0, longest_reason);
}

class ScriptNetwork final : public LevelNetwork {
 public:
  ScriptNetwork(const FileBytes& file, const ModelCard& card, at::Device device, Precision precision)
      : name_(card.name),
        takes_level_(card.diffusion->level != LevelInput::none),
        multiple_of_(card.diffusion->fixed_size ? 1 : card.multiple_of),
        device_(device) {
    protect([&] {
      module_ = torch::jit::load(std::make_shared<Source>(file), device, /*load_debug_files=*/false);
      module_.eval();
      if (precision == Precision::automatic) return;
      dtype_ = dtype_of(chosen_precision(precision, precision_facts(device, false), false));
      module_.to(device, dtype_);
    });
    const std::int64_t least = 64, m = multiple_of_;
    const std::int64_t side = card.diffusion->fixed_size ? card.diffusion->size : (least + m - 1) / m * m;
    const at::Tensor grey = at::zeros({1, 3, side, side}, device), level = at::ones({1}, device);
    {
      const c10::NoGradGuard no_grad;
      forward(grey, level);
    }
    try {
      const auto call = [&](const at::Tensor& x) { return forward(x, level); };
      through_autograd(grey, call, [](const at::Tensor& result) { return at::ones_like(result); });
      differentiable_ = true;
    } catch (const std::exception&) {  // it works without one
    }
  }

  at::Tensor forward(const at::Tensor& x, const at::Tensor& level) const override {
    throw_if_aborted();
    at::Tensor result;
    protect([&] {
      std::vector<c10::IValue> inputs = {x.to(dtype_)};
      if (takes_level_) inputs.emplace_back(level);
      const c10::IValue value = module_.get_method("forward")(std::move(inputs));
      if (!value.isTensor()) refuse("it returns something that is no tensor");
      result = value.toTensor();
    });
    if (result.dim() != 4 || result.size(0) != x.size(0) || (result.size(1) != 3 && result.size(1) != 6) ||
        result.size(2) != x.size(2) || result.size(3) != x.size(3))
      refuse("it returns no picture of 3 channels, or 6 with a learned variance, of the size that went in");
    return result;
  }

  bool differentiable() const override { return differentiable_; }
  std::int64_t multiple_of() const override { return multiple_of_; }
  at::Device device() const override { return device_; }
  std::string description() const override { return std::string("torchscript, ") + c10::toString(dtype_); }

 private:
  [[noreturn]] void refuse(const std::string& why, const std::string& detail = {}) const {
    throw Error(ErrorCode::wrong_model, "The TorchScript program '" + name_ + "' cannot be used: " + why + ".", detail);
  }

  // LibTorch's exceptions are many here, and not all of one kind.
  template <typename Work> void protect(Work work) const {
    try {
      work();
    } catch (const Error&) {
      throw;
    } catch (const c10::OutOfMemoryError&) {
      throw;
    } catch (const std::exception& error) {
      refuse(reason_of(error), error.what());
    }
  }

  std::string name_;
  bool takes_level_, differentiable_ = false;
  std::int64_t multiple_of_;
  at::Device device_;
  at::ScalarType dtype_ = at::kFloat;
  mutable torch::jit::Module module_;  // calling it is not const, and its interpreter locks what it changes
};

}  // namespace

LevelNetworkPtr load_script(const FileBytes& file, const ModelCard& card, at::Device device, Precision precision) {
  return std::make_shared<const ScriptNetwork>(file, card, device, precision);
}

}  // namespace reddiff
