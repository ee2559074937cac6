// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/priors/conv2d.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <optional>

#include "core/frame/exact_convolution.h"
#include "core/priors/private_operator.h"

namespace reddiff {
namespace {

using Words = std::optional<c10::string_view>;
using Scalars = c10::List<std::optional<at::Scalar>>;

// The schemas as of LibTorch 2.11, as C++ signatures.
using Pointwise = at::Tensor(const at::Tensor&, const at::Tensor&, const std::optional<at::Tensor>&, at::IntArrayRef,
                             at::IntArrayRef, at::IntArrayRef, std::int64_t, c10::string_view, Scalars, Words);
using Binary = at::Tensor&(at::Tensor&, const at::Tensor&, const at::Tensor&, const std::optional<at::Tensor>&,
                           at::IntArrayRef, at::IntArrayRef, at::IntArrayRef, std::int64_t, c10::string_view,
                           std::optional<at::Scalar>, Words, Scalars, Words);

struct FusedOps {
  c10::TypedOperatorHandle<Pointwise> pointwise;
  c10::TypedOperatorHandle<Binary> binary;
};

at::Tensor call_pointwise(const FusedOps& ops, const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                          std::int64_t stride, std::int64_t padding, const char* activation) {
  const std::int64_t paddings[] = {padding, padding}, strides[] = {stride, stride}, dilations[] = {1, 1};
  const auto optional_bias = bias.defined() ? std::optional<at::Tensor>(bias) : std::nullopt;
  return ops.pointwise.call(x, weight, optional_bias, paddings, strides, dilations, 1, activation, Scalars(),
                            Words(""));
}

void call_add(const FusedOps& ops, at::Tensor& residual, const at::Tensor& x, const at::Tensor& weight,
              const at::Tensor& bias, std::int64_t stride, std::int64_t padding) {
  const std::int64_t paddings[] = {padding, padding}, strides[] = {stride, stride}, dilations[] = {1, 1};
  const auto optional_bias = bias.defined() ? std::optional<at::Tensor>(bias) : std::nullopt;
  ops.binary.call(residual, x, weight, optional_bias, paddings, strides, dilations, 1, "add", at::Scalar(1),
                  std::nullopt, Scalars(), std::nullopt);
}

// A small convolution through both, compared with the public operator.
bool works(const FusedOps& ops) {
  const auto options = at::TensorOptions().dtype(at::kFloat);
  const at::Tensor x =
      at::linspace(-1, 1, 16 * 64, options).view({1, 16, 8, 8}).contiguous(at::MemoryFormat::ChannelsLast);
  const at::Tensor weight = at::linspace(-.1, .2, 16 * 16 * 9, options).view({16, 16, 3, 3});
  const at::Tensor bias = at::linspace(-1, 1, 16, options);
  const at::Tensor plain = at::conv2d(x, weight, bias, 1, 1);
  at::Tensor sum = x.clone();
  call_add(ops, sum, x, weight, bias, 1, 1);
  return at::allclose(call_pointwise(ops, x, weight, bias, 1, 1, "relu"), at::relu(plain), 1e-4, 1e-4) &&
         at::allclose(call_pointwise(ops, x, weight, bias, 1, 1, "none"), plain, 1e-4, 1e-4) &&
         at::allclose(sum, x + plain, 1e-4, 1e-4);
}

std::optional<FusedOps> find_fused_ops() {
  const auto pointwise = find_private_operator<Pointwise>("mkldnn::_convolution_pointwise", "", 10);
  const auto binary = find_private_operator<Binary>("mkldnn::_convolution_pointwise_", "binary", 13);
  if (!pointwise || !binary) return std::nullopt;
  return FusedOps{*pointwise, *binary};
}

const std::optional<FusedOps>& fused_ops() {
  static const std::optional<FusedOps> ops = found_to_work<FusedOps>(find_fused_ops, works);
  return ops;
}

}  // namespace

bool records_gradient() { return c10::GradMode::is_enabled(); }

bool has_fused_convolution() { return fused_ops().has_value(); }

Conv2d::Conv2d(const at::Tensor& weight, const at::Tensor& bias, std::int64_t stride, std::int64_t padding,
               ConvPath path)
    : weight_(weight.contiguous(at::MemoryFormat::ChannelsLast)),
      bias_(bias),
      stride_(stride),
      padding_(padding),
      path_(path) {}

at::Tensor Conv2d::forward(const at::Tensor& x) const {
  if (is_fused()) return call_pointwise(*fused_ops(), x, weight_, bias_, stride_, padding_, "none");
  return exact_conv2d(x, weight_, bias_, stride_, padding_);
}

at::Tensor Conv2d::forward_scaled_relu(const at::Tensor& x, const at::Tensor& gain, const at::Tensor& bias) const {
  const at::Tensor weight = weight_ * gain.view({-1, 1, 1, 1});
  if (is_fused()) return call_pointwise(*fused_ops(), x, weight, bias, stride_, padding_, "relu");
  return exact_conv2d(x, weight, bias, stride_, padding_).relu_();
}

void Conv2d::add_to(at::Tensor& residual, const at::Tensor& x) const {
  if (is_fused())
    call_add(*fused_ops(), residual, x, weight_, bias_, stride_, padding_);
  else if (records_gradient())
    residual = residual + exact_conv2d(x, weight_, bias_, stride_, padding_);
  else
    residual.add_(exact_conv2d(x, weight_, bias_, stride_, padding_));
}

}  // namespace reddiff
