// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Dense inverse search (Kroeger et al., arXiv 1603.03590) as OpenCV implements it, on 8-bit grey pictures.
#include <ATen/ATen.h>

#include <algorithm>
#include <mutex>
#include <opencv2/video/tracking.hpp>

#include "core/api/abort.h"
#include "core/api/error.h"
#include "core/temporal/flow.h"

namespace reddiff {
namespace {

constexpr std::int64_t smallest_side = 32;
// OpenCV's object answers otherwise at its second call where both sides are between 32 and 45 pixels, the longer one 40 at least.
constexpr std::int64_t remembered_below = 48;

// [H,W] uint8 on the CPU, contiguous; the weights are those of BT.601 luma, as any grey picture will do.
at::Tensor grey_bytes(const at::Tensor& picture) {
  at::Tensor grey = at::mul(picture[0][0], 0.299 * 127.5);
  grey.add_(picture[0][1], 0.587 * 127.5).add_(picture[0][2], 0.114 * 127.5).add_(128).clamp_(0, 255);
  return grey.to(at::kByte).cpu().contiguous();
}

cv::Mat as_mat(const at::Tensor& bytes) {
  return {static_cast<int>(bytes.size(0)), static_cast<int>(bytes.size(1)), CV_8UC1, bytes.data_ptr()};
}

class DisFlow final : public Flow {
 public:
  at::Tensor estimate(const at::Tensor& to, const at::Tensor& from) const override {
    TORCH_CHECK(to.dim() == 4 && to.size(0) == 1 && to.size(1) == 3 && to.sizes() == from.sizes(),
                "two [1,3,H,W] are needed");
    const std::int64_t height = to.size(2);
    const std::int64_t width = to.size(3);
    const auto options = to.options().dtype(at::kFloat);
    if (std::min(height, width) < smallest_side) return at::zeros({1, 2, height, width}, options);

    throw_if_aborted();
    const at::Tensor to_bytes = grey_bytes(to);
    const at::Tensor from_bytes = grey_bytes(from);
    cv::Mat flow;  // fresh each time: a filled one would be taken as the starting point
    try {
      const std::lock_guard lock(mutex_);
      if (!search_ || std::max(height, width) < remembered_below)
        search_ = cv::DISOpticalFlow::create(cv::DISOpticalFlow::PRESET_MEDIUM);
      search_->calc(as_mat(to_bytes), as_mat(from_bytes), flow);
    } catch (const cv::Exception& e) {
      throw Error(ErrorCode::failed,
                  "The motion between two frames could not be estimated; set temporal=none to go on without it.",
                  e.what());
    }
    throw_if_aborted();  // OpenCV cannot be asked to stop, and this took longest
    const at::Tensor pairs = at::from_blob(flow.ptr<float>(), {height, width, 2}, at::kFloat);
    return pairs.permute({2, 0, 1}).unsqueeze(0).to(options.device()).clone(at::MemoryFormat::Contiguous);
  }

 private:
  mutable std::mutex mutex_;
  mutable cv::Ptr<cv::DISOpticalFlow> search_;
};

}  // namespace

std::unique_ptr<Flow> make_dis_flow() { return std::make_unique<DisFlow>(); }

}  // namespace reddiff
