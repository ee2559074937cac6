// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Every closed set a user can choose from, with the word and the one-line description that gst-inspect shows. The tables
// are the only place where these words stand: GEnums, the registries and error messages read them from here. The first
// value of a set that a preset can fill is `preset`.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace reddiff {

enum class Preset { automatic, live, quality, archive, paper };
enum class Task { denoise, super_resolution, inpaint, deblur, restore, deinterlace };
enum class Deinterlace { off, automatic };
enum class Compare { none, split };
// Figures that are drawn; flags.
enum class Overlay : unsigned { noise = 1, calls = 2, time = 4 };
enum class Fields { all, top, bottom };
enum class SolverKind { preset, red_diff, hqs, ensemble, dps, pigdm, ddrm, diffpir };
enum class Optimizer { preset, adam, adamw, sgd, rmsprop, lbfgs, fixed_point };
enum class Weighting { preset, linear, sqrt, square, log, trunc_linear, power_two_thirds, constant };
enum class Order { preset, descending, ascending, random };
enum class Spacing { preset, uniform, quadratic };
enum class Temporal { none, warm_start, filter };
enum class MaskSource { automatic, none, alpha, roi, file };
enum class Precision { automatic, float32, bfloat16, float16, int8 };

template <typename E> struct Name {
  E value;
  const char* nick;
  const char* description;
};

template <typename E> std::span<const Name<E>> names();

template <> std::span<const Name<Preset>> names();
template <> std::span<const Name<Task>> names();
template <> std::span<const Name<Deinterlace>> names();
template <> std::span<const Name<Compare>> names();
template <> std::span<const Name<Overlay>> names();
template <> std::span<const Name<Fields>> names();
template <> std::span<const Name<SolverKind>> names();
template <> std::span<const Name<Optimizer>> names();
template <> std::span<const Name<Weighting>> names();
template <> std::span<const Name<Order>> names();
template <> std::span<const Name<Spacing>> names();
template <> std::span<const Name<Temporal>> names();
template <> std::span<const Name<MaskSource>> names();
template <> std::span<const Name<Precision>> names();

template <typename E> const char* nick(E value) {
  for (const auto& name : names<E>())
    if (name.value == value) return name.nick;
  return "?";
}

}  // namespace reddiff
