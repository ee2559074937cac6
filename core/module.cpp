// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The one exported symbol of libreddiff-torch.so, and the seam where every exception becomes a reddiff::Error.
#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <c10/util/Exception.h>
#include <omp.h>

#include <cstdlib>
#include <exception>

#include "core/api/restorer.h"
#include "core/degrade.h"
#include "core/engine.h"
#include "core/priors/tiled.h"

namespace reddiff {
namespace {

std::string first_line(const std::string& text) { return text.substr(0, std::min<std::size_t>(text.find('\n'), 200)); }

template <typename Function> auto with_our_errors(Function&& function) {
  try {
    return function();
  } catch (const Error&) {
    throw;
  } catch (const std::exception& error) {
    if (is_out_of_memory(error))
      throw Error(ErrorCode::out_of_memory,
                  "There is not enough memory for frames of this size; set a smaller tile-size, or give smaller ones.",
                  error.what());
    if (const auto* torch = dynamic_cast<const c10::Error*>(&error))
      throw Error(ErrorCode::failed, "LibTorch reported: " + first_line(torch->what_without_backtrace()),
                  torch->what());
    throw Error(ErrorCode::failed, "the solver failed: " + first_line(error.what()), error.what());
  }
}

// Where a frame lies is the caller's to know, and whether that can be reached is ours.
void check_reach(const FrameView& frame) {
  const int devices = static_cast<int>(at::hasCUDA() ? at::detail::getCUDAHooks().deviceCount() : 0);
  if (frame.device_index >= devices)
    throw Error(ErrorCode::device, "This frame lies in the memory of CUDA device " +
                                       std::to_string(frame.device_index) + ", and there are " +
                                       std::to_string(devices) + " of them here; send frames in host memory.");
}

// Small frames are worked on by one thread: waking others takes longer than their share of the work. The number of threads is the calling
// thread's own (an internal control variable of OpenMP, which LibTorch and oneDNN ask before each loop), and it is put back.
class Threads {
 public:
  explicit Threads(const FrameView& out)
      : before_(at::get_num_threads()) {  // LibTorch sets it once itself when first asked
    constexpr std::int64_t small = 128 * 96;
    if (std::int64_t{out.width} * out.height <= small) omp_set_num_threads(1);
  }
  ~Threads() { omp_set_num_threads(before_); }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

 private:
  const int before_;
};

class SafeRestorer final : public Restorer {
 public:
  explicit SafeRestorer(std::unique_ptr<Restorer> inner) : inner_(std::move(inner)) {}
  void reset() override {
    with_our_errors([&] { inner_->reset(); });
  }
  FrameReport process(const FrameView& in, const FrameView& out, const FrameOptions& options) override {
    return with_our_errors([&] {
      check_reach(in);
      check_reach(out);
      const Threads threads(out);
      return inner_->process(in, out, options);
    });
  }
  int cuda_device() const override { return inner_->cuda_device(); }
  std::string description() const override { return inner_->description(); }

 private:
  std::unique_ptr<Restorer> inner_;
};

class SafeDegrader final : public Degrader {
 public:
  explicit SafeDegrader(std::unique_ptr<Degrader> inner) : inner_(std::move(inner)) {}
  void process(const FrameView& in, const FrameView& out, std::uint64_t frame_index,
               const std::atomic<bool>* abort) override {
    with_our_errors([&] {
      check_reach(in);
      check_reach(out);
      const Threads threads(in);
      inner_->process(in, out, frame_index, abort);
    });
  }

 private:
  std::unique_ptr<Degrader> inner_;
};

std::string model_dirs(const std::string& module_dir) {
  const char* environment = std::getenv("REDDIFF_MODEL_PATH");
  const std::string own = module_dir + "/../models:" + module_dir + "/models";
  return environment && *environment ? std::string(environment) + ":" + own : own;
}

std::unique_ptr<Restorer> make_restorer(const Config& config, bool live, const std::string& module_dir) {
  return with_our_errors([&]() -> std::unique_ptr<Restorer> {
    return std::make_unique<SafeRestorer>(std::make_unique<Engine>(config, live, model_dirs(module_dir)));
  });
}

std::unique_ptr<Degrader> make_degrader(const DegraderConfig& config) {
  return with_our_errors([&]() -> std::unique_ptr<Degrader> {
    return std::make_unique<SafeDegrader>(std::make_unique<DegradeEngine>(config));
  });
}

constexpr ModuleTable table{module_guard(VERSION), make_restorer, make_degrader};

}  // namespace
}  // namespace reddiff

__attribute__((visibility("default"))) const reddiff::ModuleTable* reddiff_module() { return &reddiff::table; }
