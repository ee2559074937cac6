// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/priors/int8_conv.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "core/priors/int8_byte.h"
#include "core/priors/private_operator.h"

namespace reddiff {
namespace {

constexpr double most_byte = 255, most_weight = 127;
constexpr std::int64_t values_per_task = 1 << 15;

using Words = std::optional<c10::string_view>;
using Scalars = c10::List<std::optional<at::Scalar>>;
using Sizes = c10::List<std::int64_t>;

// The schemas as of LibTorch 2.11, as C++ signatures.
using Prepack = at::Tensor(at::Tensor, at::Tensor, double, std::int64_t, Sizes, Sizes, Sizes, std::int64_t,
                           std::optional<Sizes>);
using Pointwise = at::Tensor(at::Tensor, double, std::int64_t, at::Tensor, at::Tensor, at::Tensor,
                             std::optional<at::Tensor>, Sizes, Sizes, Sizes, std::int64_t, double, std::int64_t,
                             std::optional<at::ScalarType>, c10::string_view, Scalars, Words);
using Binary = at::Tensor(at::Tensor, double, std::int64_t, at::Tensor, at::Tensor, at::Tensor, at::Tensor,
                          std::optional<at::Tensor>, Sizes, Sizes, Sizes, std::int64_t, double, std::int64_t,
                          std::optional<at::ScalarType>, double, std::int64_t, c10::string_view,
                          std::optional<at::Scalar>, Words, Scalars, Words);

const Sizes& ones() {
  static const Sizes sizes({1, 1});
  return sizes;
}

struct Int8Ops {
  c10::TypedOperatorHandle<Prepack> prepack;
  c10::TypedOperatorHandle<Pointwise> pointwise;
  c10::TypedOperatorHandle<Binary> binary;
};

// A convolution's weights as the operators want them.
struct Packed {
  at::Tensor weight, step, zero;
};

// The layout hangs on whether there is a zero point, not on which.
Packed pack(const Int8Ops& ops, const at::Tensor& weight, Int8Conv2d::Input input) {
  const at::Tensor most = weight.abs().amax({1, 2, 3});
  const at::Tensor step = at::where(most > 0, most / most_weight, at::ones_like(most));
  const at::Tensor whole = (weight / step.view({-1, 1, 1, 1})).round_().clamp_(-most_weight, most_weight).to(at::kChar);
  const std::int64_t zero_point = input == Int8Conv2d::Input::any_sign ? 128 : 0;
  return {ops.prepack.call(whole, step, 1, zero_point, ones(), ones(), ones(), 1, std::nullopt), step,
          at::zeros(step.sizes(), step.options().dtype(at::kLong))};
}

struct Output {
  double step;
  at::ScalarType type;
  const char* activation;
};

at::Tensor convolved(const Int8Ops& ops, const Packed& packed, const at::Tensor& x, const Quantisation& scale,
                     const std::optional<at::Tensor>& bias, const Output& output) {
  return ops.pointwise.call(x, scale.step, scale.zero, packed.weight, packed.step, packed.zero, bias, ones(), ones(),
                            ones(), 1, output.step, 0, output.type, output.activation, Scalars(), Words(""));
}

void add(const Int8Ops& ops, const Packed& packed, at::Tensor& residual, const at::Tensor& x,
         const Quantisation& scale) {
  ops.binary.call(x, scale.step, scale.zero, packed.weight, packed.step, packed.zero, residual, std::nullopt, ones(),
                  ones(), ones(), 1, 1, 0, at::kFloat, 1, 0, "sum", at::Scalar(1), Words("none"), Scalars(), Words(""));
}

// Sums as large as they get, of both signs, against exact ones: whole numbers, which float32 holds too.
bool works(const Int8Ops& ops) {
  const auto options = at::TensorOptions().dtype(at::kFloat);
  at::Tensor bytes = at::full({1, 32, 6, 6}, most_byte, options);
  bytes.select(2, 3).copy_(at::arange(6, options).view({1, 1, 6}) * 20);
  at::Tensor weight = at::full({32, 32, 3, 3}, most_weight, options);
  weight.narrow(0, 8, 8).neg_();
  weight.narrow(0, 16, 16).copy_((at::arange(16 * 32 * 9, options).remainder(255) - 127).view({16, 32, 3, 3}));
  weight.select(1, 0).select(1, 0).select(1, 0).fill_(most_weight);  // every channel's step is 1
  const at::Tensor x = bytes.to(at::kByte).contiguous(at::MemoryFormat::ChannelsLast);
  for (const std::int64_t zero : {std::int64_t{0}, std::int64_t{57}}) {
    const auto input = zero == 0 ? Int8Conv2d::Input::positive : Int8Conv2d::Input::any_sign;
    const Packed packed = pack(ops, weight, input);
    const at::Tensor exact =
        at::conv2d((bytes - static_cast<double>(zero)).to(at::kDouble), weight.to(at::kDouble), {}, 1, 1)
            .to(at::kFloat);
    at::Tensor residual = at::ones_like(exact).contiguous(at::MemoryFormat::ChannelsLast);
    const Quantisation scale{1, zero};
    if (!at::equal(convolved(ops, packed, x, scale, std::nullopt, {1, at::kFloat, "none"}), exact)) return false;
    add(ops, packed, residual, x, scale);
    if (!at::equal(residual, exact + 1)) return false;
    const at::Tensor rounded = convolved(ops, packed, x, scale, std::nullopt, {65536, at::kByte, "relu"});
    if (!at::equal(rounded.to(at::kFloat), (exact / 65536).round().clamp(0, most_byte))) return false;
  }
  return true;
}

// Bytes may be part of anything in memory: without __restrict no two are computed at once.
void to_bytes(const float* __restrict from, std::uint8_t* __restrict to, std::int64_t count, float per_step,
              float zero) {
  for (std::int64_t i = 0; i < count; ++i) to[i] = to_byte(from[i] * per_step + zero);
}

std::optional<Int8Ops> find_int8_ops() {
  const auto prepack = find_private_operator<Prepack>("onednn::qconv_prepack", "", 9);
  const auto pointwise = find_private_operator<Pointwise>("onednn::qconv2d_pointwise", "", 17);
  const auto binary = find_private_operator<Binary>("onednn::qconv2d_pointwise", "binary", 22);
  if (!prepack || !pointwise || !binary) return std::nullopt;
  return Int8Ops{*prepack, *pointwise, *binary};
}

const std::optional<Int8Ops>& int8_ops() {
  static const std::optional<Int8Ops> ops = found_to_work<Int8Ops>(find_int8_ops, works);
  return ops;
}

}  // namespace

bool has_int8_convolution() { return int8_ops().has_value(); }

Quantisation Quantisation::of_range(double least, double most) {
  const double low = std::min(least, 0.0), high = std::max(most, 0.0);
  if (!(high - low > 0)) return {};
  Quantisation scale;
  scale.step = (high - low) / most_byte;
  scale.zero = std::llround(-low / scale.step);
  return scale;
}

at::Tensor quantised(const at::Tensor& x, const Quantisation& scale) {
  TORCH_CHECK(x.scalar_type() == at::kFloat && x.is_non_overlapping_and_dense(), "quantised: float32, dense");
  at::Tensor bytes = at::empty_like(x, x.options().dtype(at::kByte));
  const float* from = x.const_data_ptr<float>();
  auto* to = bytes.mutable_data_ptr<std::uint8_t>();
  const auto per_step = static_cast<float>(1 / scale.step), zero = static_cast<float>(scale.zero) + 0.5F;
  at::parallel_for(0, x.numel(), values_per_task, [=](std::int64_t begin, std::int64_t end) {
    to_bytes(from + begin, to + begin, end - begin, per_step, zero);
  });
  return bytes;
}

Int8Conv2d::Int8Conv2d(const at::Tensor& weight, Input input) {
  TORCH_CHECK(has_int8_convolution(), "this CPU has no convolution of 8-bit numbers");
  const Packed packed = pack(*int8_ops(), weight, input);
  weight_ = packed.weight, step_ = packed.step, zero_ = packed.zero;
}

at::Tensor Int8Conv2d::forward(const at::Tensor& x, const Quantisation& scale) const {
  return convolved(*int8_ops(), {weight_, step_, zero_}, x, scale, std::nullopt, {1, at::kFloat, "none"});
}

at::Tensor Int8Conv2d::forward_scaled_relu(const at::Tensor& x, const Quantisation& scale, const at::Tensor& gain,
                                           const at::Tensor& bias, double step) const {
  return convolved(*int8_ops(), {weight_, step_ * gain, zero_}, x, scale, bias, {step, at::kByte, "relu"});
}

void Int8Conv2d::add_to(at::Tensor& residual, const at::Tensor& x, const Quantisation& scale) const {
  add(*int8_ops(), {weight_, step_, zero_}, residual, x, scale);
}

}  // namespace reddiff
