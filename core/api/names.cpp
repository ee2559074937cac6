// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/api/names.h"

namespace reddiff {
namespace {

constexpr Name<Preset> presets[] = {
    {Preset::automatic, "auto", "live on a live source, quality otherwise"},
    {Preset::live, "live", "fewest calls of the prior that still restore"},
    {Preset::quality, "quality", "the best picture for a few calls of the prior per frame"},
    {Preset::archive, "archive", "many calls of the prior per frame"},
    {Preset::paper, "paper",
     "the published method: Adam over the whole noise schedule; published without a past, so set temporal=none too"},
};
constexpr Name<Task> tasks[] = {
    {Task::denoise, "denoise", "remove noise"},
    {Task::super_resolution, "super-resolution", "enlarge by 'scale', undoing a bicubic reduction"},
    {Task::inpaint, "inpaint", "fill what the mask marks as missing"},
    {Task::deblur, "deblur", "undo the blur named in 'operator'"},
    {Task::restore, "restore",
     "clean up a picture: identity operator, noise level from 'noise'; with a 'scale' above 1, clean up and enlarge"},
    {Task::deinterlace, "deinterlace",
     "make whole frames of interlaced video, and nothing else; progressive frames pass untouched"},
};
constexpr Name<Compare> comparisons[] = {
    {Compare::none, "none", "the restored picture alone"},
    {Compare::split, "split", "left of a white line the plainly resampled input, right of it what was made of it"},
};

constexpr Name<Overlay> overlays[] = {
    {Overlay::noise, "noise", "level of the noise, in 8-bit code values"},
    {Overlay::calls, "calls", "calls of the prior for this frame"},
    {Overlay::time, "time", "milliseconds that the frame before took; the output then depends on the clock"},
};
constexpr Name<Deinterlace> deinterlaces[] = {
    {Deinterlace::off, "off", "interlaced video is refused, but with task=deinterlace"},
    {Deinterlace::automatic, "auto", "whole frames are made of what is interlaced, in front of any task"},
};
constexpr Name<Fields> field_choices[] = {
    {Fields::all, "all", "a frame of every field, at twice the frame rate"},
    {Fields::top, "top", "a frame of every top field, at the frame rate"},
    {Fields::bottom, "bottom", "a frame of every bottom field, at the frame rate"},
};
constexpr Name<SolverKind> solvers[] = {
    {SolverKind::preset, "preset", "as the preset says"},
    {SolverKind::red_diff, "red-diff",
     "the published iteration (arXiv 2305.04391): an optimizer on the gradient of the data and of the denoiser at many "
     "noise levels"},
    {SolverKind::hqs, "hqs",
     "half-quadratic splitting: the stationary point of that objective at falling noise levels, the data step solved "
     "exactly; for noise alone the same as ensemble"},
    {SolverKind::ensemble, "ensemble",
     "noise alone: the picture denoised at its noise level, the mean over turned and mirrored copies"},
    {SolverKind::dps, "dps",
     "diffusion posterior sampling (arXiv 2209.14687): a sample led by a gradient through the prior, 'zeta' times; "
     "many steps, "
     "three times as long each"},
    {SolverKind::pigdm, "pigdm",
     "pseudo-inverse guidance (ICLR 2023): as dps, the misfit weighed by its covariance, noise by 'eta'"},
    {SolverKind::ddrm, "ddrm",
     "denoising diffusion restoration (arXiv 2201.11793): a sample led in the singular vectors of the operator, noise "
     "by "
     "'eta'; not for masks on anything but pictures, nor for kernels in general"},
    {SolverKind::diffpir, "diffpir",
     "DiffPIR (arXiv 2305.08995): hqs on a sample that is noised again after every step, 'zeta' of it afresh"},
};
constexpr Name<Optimizer> optimizers[] = {
    {Optimizer::preset, "preset", "as the preset says"},
    {Optimizer::adam, "adam", "Adam, betas 0.9 and 0.99"},
    {Optimizer::adamw, "adamw", "AdamW, betas 0.9 and 0.99, decay 0.01 towards mid-grey"},
    {Optimizer::sgd, "sgd", "gradient descent with momentum 0.9"},
    {Optimizer::rmsprop, "rmsprop", "RMSprop, smoothing 0.99"},
    {Optimizer::lbfgs, "lbfgs", "L-BFGS, history 10, one iteration per step, one optimiser per image"},
    {Optimizer::fixed_point, "fixed-point", "the old name of solver=hqs"},
};
constexpr Name<Weighting> weightings[] = {
    {Weighting::preset, "preset", "as the preset says"},
    {Weighting::linear, "linear", "s, the inverse signal-to-noise ratio"},
    {Weighting::sqrt, "sqrt", "square root of s"},
    {Weighting::square, "square", "s squared"},
    {Weighting::log, "log", "ln(1 + s)"},
    {Weighting::trunc_linear, "trunc-linear", "min(s, 1)"},
    {Weighting::power_two_thirds, "power-2/3", "s to the power 2/3"},
    {Weighting::constant, "const", "1"},
};
constexpr Name<Order> orders[] = {
    {Order::preset, "preset", "as the preset says"},
    {Order::descending, "descending", "from much noise to little"},
    {Order::ascending, "ascending", "from little noise to much"},
    {Order::random, "random", "shuffled by 'seed'"},
};
constexpr Name<Spacing> spacings[] = {
    {Spacing::preset, "preset", "as the preset says"},
    {Spacing::uniform, "uniform", "equal steps of diffusion time"},
    {Spacing::quadratic, "quadratic", "steps of diffusion time that shrink towards little noise"},
};
constexpr Name<Temporal> temporals[] = {
    {Temporal::none, "none", "every frame on its own"},
    {Temporal::warm_start, "warm-start", "start from the previous frame's solution, moved along the motion"},
    {Temporal::filter, "filter",
     "a recursive filter of all measurements along the motion, two calls of the prior per frame at least but for "
     "blurs; gray, holes in blurred or in small noisy video, and other optimizers: warm-start"},
};
constexpr Name<MaskSource> mask_sources[] = {
    {MaskSource::automatic, "auto",
     "file when mask-location is set, else roi when mask-roi-type is, else alpha when task=inpaint, none otherwise"},
    {MaskSource::none, "none", "every pixel was measured"},
    {MaskSource::alpha, "alpha", "pixels whose alpha is below 98 % are missing"},
    {MaskSource::roi, "roi", "regions of interest of type mask-roi-type (of any type when that is empty) are missing"},
    {MaskSource::file, "file", "what is not white (98 %) and opaque in the picture mask-location is missing"},
};
constexpr Name<Precision> precisions[] = {
    {Precision::automatic, "auto",
     "on a CPU float32, or int8 where preset=live or quality, the solver is hqs or ensemble and it has VNNI "
     "instructions; on CUDA bfloat16 from compute capability 8.0, float16 below"},
    {Precision::float32, "float32", "32-bit floating point"},
    {Precision::bfloat16, "bfloat16", "16-bit floating point with the range of float32 in the prior"},
    {Precision::float16, "float16", "16-bit floating point in the prior"},
    {Precision::int8, "int8", "8-bit whole numbers in most convolutions of the prior, on a CPU with VNNI instructions"},
};

}  // namespace

template <> std::span<const Name<Preset>> names() { return presets; }
template <> std::span<const Name<Task>> names() { return tasks; }
template <> std::span<const Name<Deinterlace>> names() { return deinterlaces; }
template <> std::span<const Name<Compare>> names() { return comparisons; }
template <> std::span<const Name<Overlay>> names() { return overlays; }
template <> std::span<const Name<Fields>> names() { return field_choices; }
template <> std::span<const Name<SolverKind>> names() { return solvers; }
template <> std::span<const Name<Optimizer>> names() { return optimizers; }
template <> std::span<const Name<Weighting>> names() { return weightings; }
template <> std::span<const Name<Order>> names() { return orders; }
template <> std::span<const Name<Spacing>> names() { return spacings; }
template <> std::span<const Name<Temporal>> names() { return temporals; }
template <> std::span<const Name<MaskSource>> names() { return mask_sources; }
template <> std::span<const Name<Precision>> names() { return precisions; }

}  // namespace reddiff
