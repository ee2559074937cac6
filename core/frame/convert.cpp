// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/frame/convert.h"

#include <ATen/ATen.h>

#include <string>

#include "core/api/error.h"
#include "core/frame/chroma.h"
#include "core/frame/chroma_gains.h"
#include "core/frame/convert_by_steps.h"
#include "core/frame/device_queue.h"
#include "core/frame/step_runner.h"
#include "core/frame/words.h"

namespace reddiff {
namespace {

// out = offset + scale * x in one pass; out may be x.
void affine(at::Tensor out, const at::Tensor& x, double scale, double offset) {
  at::add_out(out, at::scalar_tensor(offset, x.options().device(at::kCPU)), x, scale);
}

// out: [height,width] float32. Bytes cross to another device before they become four times as many.
void read_component(const FrameView& frame, int index, const CodeRange& codes, at::Tensor out) {
  const Words words = words_of(frame, index);
  const at::Tensor view = put(words.view, words.view.options().device(out.device()));
  out.copy_(words.bottom_up ? view.to(at::kFloat).flip({0}) : view);
  if (const int shift = frame.component[index].shift; shift > 0) out.mul_(1.0 / (1 << shift)).floor_();
  affine(out, out, 1 / codes.scale, -codes.offset / codes.scale);
}

// values: [height,width] float32, in the units of codes. scratch: overwritten, may be values itself.
void write_component(const FrameView& frame, int index, const CodeRange& codes, const at::Tensor& values,
                     at::Tensor scratch) {
  // Conversion to integers truncates: half a code value up makes it round to nearest in one pass less.
  affine(scratch, values, codes.scale, codes.offset + 0.5);
  scratch.clamp_(codes.low + 0.5, codes.high + 0.5);
  if (const int shift = frame.component[index].shift; shift > 0) scratch.floor_().mul_(1 << shift);
  store(words_of(frame, index), scratch);
}

at::Tensor native_chroma(const FrameView& frame, const at::TensorOptions& options) {
  at::Tensor chroma = at::empty({1, 2, frame.component[1].height, frame.component[1].width}, options);
  for (int i : {1, 2}) read_component(frame, i, core_codes(frame, i), chroma[0][i - 1]);
  return chroma;
}

at::Tensor read_chroma(const FrameView& frame, const at::TensorOptions& options) {
  at::Tensor chroma = native_chroma(frame, options);
  if (chroma.size(2) != frame.height) chroma = upsample_chroma(chroma, 2, frame.height, frame.chroma_cosited_y);
  if (chroma.size(3) != frame.width) chroma = upsample_chroma(chroma, 3, frame.width, frame.chroma_cosited_x);
  return chroma[0];
}

void read_ycbcr(const FrameView& frame, at::Tensor rgb) {
  const at::Tensor chroma = read_chroma(frame, rgb.options());
  const at::Tensor cb = chroma[0];
  const at::Tensor cr = chroma[1];
  const ChromaGains gains = chroma_gains(frame.matrix);
  at::Tensor red = rgb[0], luma = rgb[1], blue = rgb[2];
  read_component(frame, 0, core_codes(frame, 0), luma);
  at::add_out(red, luma, cr, gains.cr_r);
  at::add_out(blue, luma, cb, gains.cb_b);
  luma.add_(cb, gains.cb_g).add_(cr, gains.cr_g);  // and is the green plane now
}

void write_ycbcr(const FrameView& frame, const at::Tensor& rgb) {
  const ColorMatrix& m = frame.matrix;
  const ChromaGains gains = chroma_gains(m);
  at::Tensor luma = at::mul(rgb[0], m.kr).add_(rgb[1], 1 - m.kr - m.kb).add_(rgb[2], m.kb);
  const int sources[] = {2, 0};  // B - Y' gives Cb, R - Y' gives Cr
  for (int i : {1, 2}) {
    at::Tensor chroma = at::sub(rgb[sources[i - 1]], luma).unsqueeze(0).unsqueeze(0);
    if (frame.component[i].width != frame.width) chroma = downsample_chroma(chroma, 3, frame.chroma_cosited_x);
    if (frame.component[i].height != frame.height) chroma = downsample_chroma(chroma, 2, frame.chroma_cosited_y);
    CodeRange codes = core_codes(frame, i);
    codes.scale /= i == 1 ? gains.cb_b : gains.cr_r;
    write_component(frame, i, codes, chroma[0][0], chroma[0][0]);
  }
  write_component(frame, 0, core_codes(frame, 0), luma, luma);
}

void write_alpha(const FrameView& frame, const at::Tensor& alpha) {
  const CodeRange codes = full_codes(frame.component[3].depth);
  if (!alpha.defined()) {
    const Words words = words_of(frame, 3);
    store(words,
          at::scalar_tensor(codes.high * (1 << frame.component[3].shift), words.view.options().dtype(at::kFloat)));
    return;
  }
  write_component(frame, 3, codes, alpha[0][0], at::empty_like(alpha[0][0]));
}

// Indices of the components that a frame has, alpha last.
std::vector<int> present_components(const FrameView& frame) {
  std::vector<int> present;
  for (int i = 0; i < color_components(frame); ++i) present.push_back(i);
  if (frame.has_alpha) present.push_back(3);
  return present;
}

void check_fits(const FrameView& frame, const at::Tensor& t, std::int64_t channels, const char* what) {
  if (t.dim() == 4 && t.size(0) == 1 && t.size(1) == channels && t.size(2) == frame.height && t.size(3) == frame.width)
    return;
  throw Error(ErrorCode::format, std::string("The ") + what +
                                     " does not have the size of the frame it is written to, " +
                                     std::to_string(frame.width) + "x" + std::to_string(frame.height) + ".");
}

}  // namespace

at::Tensor read_picture(const FrameView& frame, at::Device device) {
  validate(frame);
  at::Tensor picture =
      at::empty({1, 3, frame.height, frame.width}, at::TensorOptions().dtype(at::kFloat).device(device));
  at::Tensor planes = picture[0];
  if (frame.model == ColorModel::ycbcr) {
    if (StepRunner::has_kernels(device))
      read_ycbcr_by_step(frame, planes);
    else
      read_ycbcr(frame, planes);
    return picture;
  }
  const int colors = color_components(frame);
  for (int i = 0; i < colors; ++i) read_component(frame, i, core_codes(frame, i), planes[i]);
  for (int i = colors; i < 3; ++i) planes[i].copy_(planes[0]);
  return picture;
}

at::Tensor read_chroma_planes(const FrameView& frame, at::Device device) {
  validate(frame);
  return native_chroma(frame, at::TensorOptions().dtype(at::kFloat).device(device));
}

at::Tensor read_alpha(const FrameView& frame, at::Device device) {
  if (!frame.has_alpha) return {};
  validate(frame);
  at::Tensor alpha = at::empty({1, 1, frame.height, frame.width}, at::TensorOptions().dtype(at::kFloat).device(device));
  read_component(frame, 3, full_codes(frame.component[3].depth), alpha[0][0]);
  return alpha;
}

std::vector<at::Tensor> read_planes(const FrameView& frame, at::Device device) {
  validate(frame);
  std::vector<at::Tensor> planes;
  for (const int i : present_components(frame)) {
    const Component& c = frame.component[i];
    planes.push_back(at::empty({1, 1, c.height, c.width}, at::TensorOptions().dtype(at::kFloat).device(device)));
    read_component(frame, i, i == 3 ? full_codes(c.depth) : core_codes(frame, i), planes.back()[0][0]);
  }
  return planes;
}

void write_planes(const std::vector<at::Tensor>& planes, const FrameView& frame) {
  validate(frame);
  const auto present = present_components(frame);
  TORCH_CHECK(planes.size() == present.size(), "a plane for every component is needed");
  for (std::size_t at = 0; at < present.size(); ++at) {
    const int i = present[at];
    const auto values = planes[at][0][0];
    const CodeRange all = full_codes(frame.component[i].depth);
    CodeRange codes = i == 3 ? all : core_codes(frame, i);
    codes.low = all.low, codes.high = all.high;
    write_component(frame, i, codes, values, at::empty_like(values));
  }
}

void write_picture(const at::Tensor& picture, const at::Tensor& alpha, const FrameView& frame) {
  validate(frame);
  check_fits(frame, picture, 3, "picture");
  if (frame.has_alpha && alpha.defined()) check_fits(frame, alpha, 1, "alpha");
  const at::Tensor planes = picture[0];
  if (frame.model == ColorModel::ycbcr && StepRunner::has_kernels(picture.device())) {
    write_ycbcr_by_step(frame, planes);
  } else if (frame.model == ColorModel::ycbcr) {
    write_ycbcr(frame, planes);
  } else if (frame.model == ColorModel::gray) {
    at::Tensor mean = planes.mean(0);
    write_component(frame, 0, core_codes(frame, 0), mean, mean);
  } else {
    at::Tensor scratch = at::empty({frame.height, frame.width}, picture.options());
    for (int i = 0; i < 3; ++i) write_component(frame, i, core_codes(frame, i), planes[i], scratch);
  }
  if (frame.has_alpha) write_alpha(frame, alpha);
}

bool have_one_layout(const FrameView& a, const FrameView& b) {
  if (a.model != b.model || a.has_alpha != b.has_alpha || a.full_range != b.full_range) return false;
  for (int i = 0; i < 4; ++i) {
    if (i == 3 ? !a.has_alpha : i >= color_components(a)) continue;
    const Component &of_a = a.component[i], &of_b = b.component[i];
    if (of_a.width != of_b.width || of_a.height != of_b.height || of_a.depth != of_b.depth ||
        of_a.shift != of_b.shift || of_a.word_bytes != of_b.word_bytes)
      return false;
  }
  return true;
}

void copy_frame(const FrameView& from, const FrameView& to) {
  for (const int index : present_components(from)) {
    const Words source = words_of(from, index);
    store(words_of(to, index), source.bottom_up ? source.view.to(at::kInt).flip({0}) : source.view);
  }
}

}  // namespace reddiff
