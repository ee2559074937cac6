// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/priors/graphed.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <c10/core/InferenceMode.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <compare>
#include <iterator>
#include <mutex>

#include "core/api/abort.h"
#include "core/priors/tiled.h"

namespace reddiff {
namespace {

// Plain calls of a size before the one that is recorded, at first and at most.
constexpr int fewest_calls = 2, most_calls = 1024;
constexpr std::int64_t most_recordings = 32, most_sizes = 64;
constexpr std::int64_t most_of_largest = 3;  // all recordings hold at most so many times what one has taken
constexpr std::int64_t little = 64 << 20;    // or what so many bytes would be
constexpr std::int64_t enough_replays = 16;  // of a recording, on average, so that it was of use

struct Key {
  const Denoiser* prior;
  std::vector<std::int64_t> picture, sigma;
  auto operator<=>(const Key&) const = default;
};

// What is known of a size. The tensors are those that the recording reads and writes.
struct Call {
  int calls = 0;
  std::int64_t last = 0;
  at::Tensor picture, sigma, result;
  std::unique_ptr<Recording> recording;
};

std::string reason(const std::exception& error) {
  const auto* of_torch = dynamic_cast<const c10::Error*>(&error);
  return of_torch ? of_torch->what_without_backtrace() : error.what();
}

}  // namespace

class GraphedDenoiser::Recordings {
 public:
  explicit Recordings(std::unique_ptr<Recorder> recorder) : recorder_(std::move(recorder)) {}
  ~Recordings() { forget(); }
  Recordings(const Recordings&) = delete;
  Recordings& operator=(const Recordings&) = delete;

  // Undefined where the call is to be plain.
  at::Tensor run(const Denoiser& prior, const at::Tensor& picture, const at::Tensor& sigma) {
    const std::lock_guard lock(mutex_);
    if (refused_) return {};
    Call& call = find({&prior, picture.sizes().vec(), sigma.sizes().vec()});
    if (!call.recording && ++call.calls <= calls_before_) return {};
    const Entered entered(*recorder_);
    if (!call.recording) return recorded(prior, picture, sigma, call);
    call.picture.copy_(picture);
    call.sigma.copy_(sigma);
    call.recording->replay();
    ++replays_;
    return call.result.clone(at::MemoryFormat::Contiguous);
  }

  // For who needs the memory otherwise. Whether there was any.
  bool give_back() {
    const std::lock_guard lock(mutex_);
    const bool had_some = recordings_ > 0;
    forget();
    return had_some;
  }

  std::int64_t count() const {
    const std::lock_guard lock(mutex_);
    return recordings_;
  }

  bool refused() const {
    const std::lock_guard lock(mutex_);
    return refused_;
  }

 private:
  struct Entered {
    explicit Entered(Recorder& to) : recorder(to) { recorder.enter(); }
    ~Entered() { recorder.leave(); }
    Entered(const Entered&) = delete;
    Entered& operator=(const Entered&) = delete;
    Recorder& recorder;
  };

  Call& find(Key key) {
    const auto [found, is_new] = calls_.try_emplace(std::move(key));
    found->second.last = ++clock_;
    if (is_new && std::ssize(calls_) > most_sizes) drop_oldest();
    return found->second;
  }

  // Of those without a recording there is always one.
  void drop_oldest() {
    auto oldest = calls_.end();
    for (auto it = calls_.begin(); it != calls_.end(); ++it)
      if (!it->second.recording && it->second.last != clock_ &&
          (oldest == calls_.end() || it->second.last < oldest->second.last))
        oldest = it;
    if (oldest != calls_.end()) calls_.erase(oldest);
  }

  // The answer of a plain call, which is recorded when it has run.
  at::Tensor recorded(const Denoiser& prior, const at::Tensor& picture, const at::Tensor& sigma, Call& call) {
    if (recordings_ == most_recordings) forget();
    const c10::InferenceMode outside(false);  // so that they may be written to in either mode
    const c10::NoGradGuard no_grad;
    const AbortScope not_now(nullptr);
    call.picture = at::empty(picture.sizes(), picture.options()).copy_(picture);
    call.sigma = at::empty(sigma.sizes(), picture.options()).copy_(sigma);
    const auto answer = prior.denoise(call.picture, call.sigma);
    const auto before = recorder_->bytes();
    try {
      call.recording = recorder_->record([&prior, &call] { call.result = prior.denoise(call.picture, call.sigma); });
    } catch (const std::exception& error) {
      refuse(error);
      return answer;
    }
    ++recordings_;
    largest_ = std::max({little, largest_, recorder_->bytes() - before});
    if (recorder_->bytes() > most_of_largest * largest_) forget();
    return answer;
  }

  void refuse(const std::exception& error) {
    forget();
    calls_before_ = most_calls;  // where memory ran out, there may be some another time
    refused_ = !is_out_of_memory(error);
    if (refused_)
      TORCH_WARN(
          "The prior's calls are queued operation by operation, which takes longer: they could not be recorded (",
          reason(error), ").");
  }

  void forget() {
    const bool of_use = replays_ >= enough_replays * recordings_;
    calls_before_ = of_use ? fewest_calls : std::min(2 * calls_before_, most_calls);
    recorder_->wait();
    for (auto& [key, call] : calls_) call = {0, call.last, {}, {}, {}, nullptr};
    recorder_->release();
    recordings_ = replays_ = largest_ = 0;
  }

  mutable std::mutex mutex_;
  std::unique_ptr<Recorder> recorder_;
  std::map<Key, Call> calls_;
  std::int64_t clock_ = 0, recordings_ = 0, replays_ = 0, largest_ = 0;
  int calls_before_ = fewest_calls;
  bool refused_ = false;
};

GraphedDenoiser::GraphedDenoiser(DenoiserPtr prior, std::unique_ptr<Recorder> recorder)
    : prior_(std::move(prior)), recordings_(std::make_shared<Recordings>(std::move(recorder))) {
  for (const std::string& kind : prior_->kinds())
    if (const Denoiser* other = prior_->for_kind(kind); other && other != prior_.get())
      others_[kind].reset(new GraphedDenoiser(DenoiserPtr(prior_, other), recordings_));
}

at::Tensor GraphedDenoiser::denoise(const at::Tensor& u, const at::Tensor& sigma) const {
  throw_if_aborted();  // a recording cannot be ended
  const c10::NoGradGuard no_grad;
  try {
    // What the prior is going to refuse is not recorded.
    if (u.scalar_type() == at::kFloat && u.device() == prior_->device())
      if (const auto answer = recordings_->run(*prior_, u, sigma); answer.defined()) return answer;
    return prior_->denoise(u, sigma);
  } catch (const std::exception& error) {
    if (!is_out_of_memory(error) || !recordings_->give_back()) throw;
  }
  return prior_->denoise(u, sigma);
}

const Denoiser* GraphedDenoiser::for_kind(std::string_view kind) const {
  if (const auto found = others_.find(kind); found != others_.end()) return found->second.get();
  return prior_->for_kind(kind) == prior_.get() ? this : nullptr;
}

std::string GraphedDenoiser::description() const {
  return prior_->description() + (recordings_->refused() ? ", call by call" : ", in CUDA graphs");
}

std::int64_t GraphedDenoiser::recordings() const { return recordings_->count(); }

DenoiserPtr with_graphs(DenoiserPtr prior) {
#ifdef REDDIFF_CUDA
  if (prior->device().is_cuda()) {
    auto recorder = make_cuda_recorder(prior->device());
    return std::make_shared<GraphedDenoiser>(std::move(prior), std::move(recorder));
  }
#endif
  return prior;
}

}  // namespace reddiff
