// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/priors/tensor_conv.h"

#include <ATen/ATen.h>

#include <vector>

#include "core/api/error.h"
#ifdef REDDIFF_CUDA
#include <c10/core/DeviceGuard.h>

#include "core/frame/cuda_stream.h"
#include "core/priors/tensor_conv_cuda.h"
#endif

namespace reddiff {

#ifdef REDDIFF_CUDA
namespace {

constexpr std::int64_t head_channels = 16, tail_channels = 16;  // of 12 each, the rest is 0

FilmType half_type(const at::Tensor& x) {
  return x.scalar_type() == at::kHalf ? FilmType::float16 : FilmType::bfloat16;
}

// [out,in,3,3] as the kernels want it, with zeros up to so many channels.
at::Tensor packed(const at::Tensor& weight, std::int64_t out, std::int64_t in) {
  const auto wide = at::constant_pad_nd(weight, {0, 0, 0, 0, 0, in - weight.size(1), 0, out - weight.size(0)});
  std::vector<std::int64_t> order;
  for (int row = 0; row < out; ++row) order.push_back(channel_of_row(row, static_cast<int>(out)));
  return wide.permute({2, 3, 0, 1}).reshape({9, out, in}).index_select(1, at::tensor(order).to(weight.device()));
}

ActivationSize size_of(const at::Tensor& x) {
  return {static_cast<std::int32_t>(x.size(0)), static_cast<std::int32_t>(x.size(2)),
          static_cast<std::int32_t>(x.size(3))};
}

at::Tensor empty_activation(std::int64_t images, std::int64_t channels, std::int64_t height, std::int64_t width,
                            const at::Tensor& like) {
  return at::empty({images, channels, height, width}, like.options().memory_format(at::MemoryFormat::ChannelsLast));
}

NoisyPicture noisy(const at::Tensor& u, const at::Tensor& sigma, const NoiseRange& range) {
  TORCH_CHECK(u.is_contiguous() && sigma.is_contiguous() && (sigma.numel() == 1 || sigma.numel() * 3 == u.numel()),
              "prior: picture and level do not belong together");
  return {u.const_data_ptr<float>(),
          sigma.const_data_ptr<float>(),
          sigma.numel() == 1 ? 0 : 1,
          static_cast<std::int32_t>(u.size(2)),
          static_cast<std::int32_t>(u.size(3)),
          static_cast<float>(range.sigma_min),
          static_cast<float>(range.sigma_max),
          static_cast<float>(range.sigma_data)};
}

}  // namespace

bool has_tensor_conv(at::Device device, at::ScalarType type, std::int64_t channels) {
  if (!device.is_cuda() || (type != at::kHalf && type != at::kBFloat16)) return false;
  return has_tensor_conv(static_cast<int>(channels), type == at::kHalf ? FilmType::float16 : FilmType::bfloat16,
                         device.index());
}

TensorBlock::TensorBlock(const at::Tensor& weight1, const at::Tensor& weight2)
    : first_(packed(weight1, weight1.size(0), weight1.size(1))),
      second_(packed(weight2, weight2.size(0), weight2.size(1))) {}

void TensorBlock::apply(at::Tensor& x, const FilmMap& map, const at::Tensor& table) const {
  const c10::DeviceGuard guard(x.device());
  const auto channels = x.size(1), pixels = x.numel() / channels, mapped = map.index.size(0);
  TORCH_CHECK(x.is_contiguous(at::MemoryFormat::ChannelsLast) && channels == first_.size(1) &&
                  (mapped == pixels || mapped == 1),
              "prior: activation and map do not belong together");
  const FilmRows rows{map.index.const_data_ptr<std::int32_t>(), map.fraction.const_data_ptr<float>(),
                      table.const_data_ptr<float>(), mapped == 1 ? 0 : 1};
  auto* const stream = current_cuda_stream(x.device());
  const auto hidden = at::empty_like(x);
  film_conv_on_cuda(x.const_data_ptr(), first_.const_data_ptr(), rows, hidden.mutable_data_ptr(),
                    static_cast<int>(channels), size_of(x), half_type(x), stream);
  add_conv_on_cuda(hidden.const_data_ptr(), second_.const_data_ptr(), x.mutable_data_ptr(), static_cast<int>(channels),
                   size_of(x), half_type(x), stream);
}

TensorEnds::TensorEnds(const at::Tensor& head, const at::Tensor& head_bias, const at::Tensor& tail,
                       const at::Tensor& tail_bias, NoiseRange range)
    : head_(packed(head, head.size(0), head_channels)),
      head_bias_(head_bias.to(at::kFloat).contiguous()),
      tail_(packed(tail, tail_channels, tail.size(1))),
      tail_bias_(at::constant_pad_nd(tail_bias.to(at::kFloat), {0, tail_channels - tail_bias.size(0)})),
      range_(range) {}

at::Tensor TensorEnds::head(const at::Tensor& u, const at::Tensor& sigma, std::int64_t height,
                            std::int64_t width) const {
  const c10::DeviceGuard guard(u.device());
  const auto out = empty_activation(u.size(0), head_.size(1), height, width, head_);
  head_on_cuda(noisy(u, sigma, range_), head_.const_data_ptr(), head_bias_.const_data_ptr<float>(),
               out.mutable_data_ptr(), size_of(out), half_type(out), current_cuda_stream(u.device()));
  return out;
}

at::Tensor TensorEnds::tail(const at::Tensor& x, const at::Tensor& u, const at::Tensor& sigma) const {
  const c10::DeviceGuard guard(u.device());
  const auto denoised = at::empty_like(u);
  tail_on_cuda(x.const_data_ptr(), tail_.const_data_ptr(), tail_bias_.const_data_ptr<float>(), noisy(u, sigma, range_),
               denoised.mutable_data_ptr<float>(), size_of(x), half_type(x), current_cuda_stream(u.device()));
  return denoised;
}

#else

namespace {

[[noreturn]] void fail() { throw Error(ErrorCode::failed, "This build has no kernels for tensor cores."); }

}  // namespace

bool has_tensor_conv(at::Device, at::ScalarType, std::int64_t) { return false; }
TensorBlock::TensorBlock(const at::Tensor&, const at::Tensor&) { fail(); }
void TensorBlock::apply(at::Tensor&, const FilmMap&, const at::Tensor&) const { fail(); }
TensorEnds::TensorEnds(const at::Tensor&, const at::Tensor&, const at::Tensor&, const at::Tensor&, NoiseRange range)
    : range_(range) {
  fail();
}
at::Tensor TensorEnds::head(const at::Tensor&, const at::Tensor&, std::int64_t, std::int64_t) const { fail(); }
at::Tensor TensorEnds::tail(const at::Tensor&, const at::Tensor&, const at::Tensor&) const { fail(); }

#endif

}  // namespace reddiff
