// SPDX-License-Identifier: LGPL-2.1-or-later
//
// CUDA graphs, by LibTorch's allocator and CUDA's own calls. LibTorch's at::cuda::CUDAGraph would do, but for a capture that fails: it
// leaves the allocator in it.
//
// Note [Capture]: one at a time in a process, on a stream that nothing else is queued on. The mode is the thread's own, so that other
// threads may call whatever they like meanwhile. What is allocated on that stream comes out of a pool of the recorder, in which no
// other work finds its memory.
#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <cuda_runtime_api.h>

#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include "core/priors/recorder.h"

namespace reddiff {
namespace {

namespace allocator = c10::cuda::CUDACachingAllocator;
using Pool = c10::MempoolId_t;

std::mutex& capturing() {
  static std::mutex mutex;
  return mutex;
}

// Never destroyed: LibTorch's handles of cuDNN may remember it. Under the lock of captures.
c10::cuda::CUDAStream capture_stream(c10::DeviceIndex device) {
  static std::map<c10::DeviceIndex, cudaStream_t> streams;
  const auto [found, is_new] = streams.try_emplace(device, nullptr);
  if (is_new) C10_CUDA_CHECK(cudaStreamCreateWithFlags(&found->second, cudaStreamNonBlocking));
  return c10::cuda::getStreamFromExternal(found->second, device);
}

std::int64_t reserved(c10::DeviceIndex device) { return allocator::getDeviceStats(device).reserved_bytes[0].current; }

// Only newer allocators can empty one pool alone.
template <typename Id> void empty(const Id& pool) {
  if constexpr (requires { allocator::emptyCache(pool); })
    allocator::emptyCache(pool);
  else
    allocator::emptyCache();
}

// A part in a pool of memory, and while `open` all that its stream allocates.
class PoolUse {
 public:
  PoolUse(c10::DeviceIndex device, Pool pool, cudaStream_t stream) : device_(device), pool_(pool) {
    allocator::beginAllocateToPool(device, pool, [stream](cudaStream_t other) { return other == stream; });
  }
  ~PoolUse() {
    try {
      close();
      allocator::releasePool(device_, pool_);
    } catch (const std::exception& error) {
      TORCH_WARN("memory of a CUDA graph is lost: ", error.what());
    }
  }
  PoolUse(const PoolUse&) = delete;
  PoolUse& operator=(const PoolUse&) = delete;

  void close() {
    if (std::exchange(open_, false)) allocator::endAllocateToPool(device_, pool_);
  }

 private:
  c10::DeviceIndex device_;
  Pool pool_;
  bool open_ = true;
};

// What the stream is given becomes a graph instead of being done.
class Capture {
 public:
  explicit Capture(cudaStream_t stream) : stream_(stream) {
    C10_CUDA_CHECK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
  }
  ~Capture() {
    if (open_) C10_CUDA_ERROR_HANDLED(cudaStreamEndCapture(stream_, &graph_)), (void)cudaGetLastError();
    if (graph_) C10_CUDA_CHECK_WARN(cudaGraphDestroy(graph_));
  }
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;

  // Its own; ends the capture.
  cudaGraph_t graph() {
    open_ = false;
    C10_CUDA_CHECK(cudaStreamEndCapture(stream_, &graph_));
    TORCH_CHECK(graph_ != nullptr, "the capture is not valid");
    return graph_;
  }

 private:
  cudaStream_t stream_;
  cudaGraph_t graph_ = nullptr;
  bool open_ = true;
};

class CudaRecording final : public Recording {
 public:
  CudaRecording(c10::DeviceIndex device, cudaGraph_t graph, std::unique_ptr<PoolUse> memory)
      : device_(device), memory_(std::move(memory)) {
    C10_CUDA_CHECK(cudaGraphInstantiateWithFlags(&graph_, graph, 0));
  }
  ~CudaRecording() override { C10_CUDA_CHECK_WARN(cudaGraphExecDestroy(graph_)); }

  void replay() override {
    const c10::cuda::CUDAGuard guard(device_);
    C10_CUDA_CHECK(cudaGraphLaunch(graph_, c10::cuda::getCurrentCUDAStream(device_)));
  }

 private:
  c10::DeviceIndex device_;
  std::unique_ptr<PoolUse> memory_;  // outlives the graph
  cudaGraphExec_t graph_ = nullptr;
};

class CudaRecorder final : public Recorder {
 public:
  explicit CudaRecorder(c10::DeviceIndex device) : device_(device) {}
  ~CudaRecorder() override {
    if (done_) C10_CUDA_CHECK_WARN(cudaEventDestroy(done_));
  }
  CudaRecorder(const CudaRecorder&) = delete;
  CudaRecorder& operator=(const CudaRecorder&) = delete;

  std::unique_ptr<Recording> record(const std::function<void()>& work) override {
    const std::lock_guard lock(capturing());
    const c10::cuda::CUDAGuard device(device_);
    const auto stream = capture_stream(device_);
    if (!pool_) pool_ = at::cuda::graph_pool_handle();
    const auto before = reserved(device_);
    auto memory = std::make_unique<PoolUse>(device_, *pool_, stream.stream());
    const c10::cuda::CUDAStreamGuard here(stream);
    Capture capture(stream.stream());
    work();
    const cudaGraph_t graph = capture.graph();
    memory->close();
    bytes_ += std::max<std::int64_t>(0, reserved(device_) - before);
    return std::make_unique<CudaRecording>(device_, graph, std::move(memory));
  }

  void enter() override {
    const c10::cuda::CUDAGuard device(device_);
    if (!done_) C10_CUDA_CHECK(cudaEventCreateWithFlags(&done_, cudaEventDisableTiming));
    const auto stream = c10::cuda::getCurrentCUDAStream(device_).stream();
    if (last_ && *last_ != stream) C10_CUDA_CHECK(cudaStreamWaitEvent(stream, done_, 0));
  }

  void leave() override {
    const c10::cuda::CUDAGuard device(device_);
    last_ = c10::cuda::getCurrentCUDAStream(device_).stream();
    C10_CUDA_CHECK_WARN(cudaEventRecord(done_, *last_));
  }

  void wait() override {
    if (last_) C10_CUDA_CHECK_WARN(cudaEventSynchronize(done_));
  }

  std::int64_t bytes() const override { return bytes_; }

  void release() override {
    if (!pool_) return;
    const std::lock_guard lock(capturing());  // an allocator that captures gives nothing back
    try {
      const c10::cuda::CUDAGuard device(device_);
      empty(*pool_);
    } catch (const std::exception& error) {
      TORCH_WARN("memory of CUDA graphs could not be given back: ", error.what());
    }
    pool_.reset();
    bytes_ = 0;
  }

 private:
  c10::DeviceIndex device_;
  std::optional<Pool> pool_;
  std::int64_t bytes_ = 0;
  cudaEvent_t done_ = nullptr;
  std::optional<cudaStream_t> last_;
};

}  // namespace

std::unique_ptr<Recorder> make_cuda_recorder(c10::Device device) {
  return std::make_unique<CudaRecorder>(device.index());
}

}  // namespace reddiff
