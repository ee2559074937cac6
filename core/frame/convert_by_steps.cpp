// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/frame/convert_by_steps.h"

#include <ATen/ATen.h>

#include <array>

#include "core/frame/chroma_gains.h"
#include "core/frame/convert_steps.h"
#include "core/frame/device_queue.h"
#include "core/frame/step_runner.h"
#include "core/frame/words.h"

namespace reddiff {
namespace {

constexpr std::size_t components = 3;

PlaneOfWords plane_of(const FrameView& frame, int index, const Words& words) {
  const CodeRange codes = core_codes(frame, index);
  const std::int64_t bytes = words.view.element_size();
  return {static_cast<unsigned char*>(words.view.data_ptr()),
          words.view.stride(0) * bytes,
          words.view.stride(1) * bytes,
          step_size(bytes),
          frame.component[index].shift,
          step_size(words.view.size(0)),
          step_size(words.view.size(1)),
          static_cast<float>(codes.offset),
          static_cast<float>(codes.scale),
          static_cast<float>(codes.low),
          static_cast<float>(codes.high)};
}

// With the top row first again, where the rows lie bottom up.
PlaneOfWords upright(PlaneOfWords plane, bool bottom_up) {
  if (!bottom_up) return plane;
  plane.data += (plane.height - 1) * plane.row_stride;
  plane.row_stride = -plane.row_stride;
  return plane;
}

ChromaAxis axis_of(int whole, int chroma, bool cosited) { return {whole != chroma, cosited}; }

}  // namespace

void read_ycbcr_by_step(const FrameView& frame, at::Tensor rgb) {
  std::array<at::Tensor, components> kept;
  std::array<PlaneOfWords, components> planes;
  for (std::size_t i = 0; i < components; ++i) {
    auto words = words_of(frame, static_cast<int>(i));
    kept[i] = words.view = put(words.view, words.view.options().device(rgb.device()));
    planes[i] = upright(plane_of(frame, static_cast<int>(i), words), words.bottom_up);
  }
  const ChromaGains gains = chroma_gains(frame.matrix);
  const auto& chroma = frame.component[1];
  StepRunner(rgb.device())(ReadYcbcrStep{planes[0],
                                         planes[1],
                                         planes[2],
                                         axis_of(frame.height, chroma.height, frame.chroma_cosited_y),
                                         axis_of(frame.width, chroma.width, frame.chroma_cosited_x),
                                         {static_cast<float>(gains.cr_r), static_cast<float>(gains.cb_g),
                                          static_cast<float>(gains.cr_g), static_cast<float>(gains.cb_b)},
                                         rgb.mutable_data_ptr<float>(),
                                         frame.height,
                                         frame.width});
}

void write_ycbcr_by_step(const FrameView& frame, const at::Tensor& rgb) {
  const auto picture = rgb.contiguous();
  const ChromaGains gains = chroma_gains(frame.matrix);
  std::array<Words, components> frames;
  std::array<at::Tensor, components> written;
  std::array<PlaneOfWords, components> planes;
  for (std::size_t i = 0; i < components; ++i) {
    frames[i] = words_of(frame, static_cast<int>(i));
    Words words = frames[i];
    if (words.view.device() != picture.device())  // it gets its words later, in the order of its rows
      words.view = written[i] = at::empty(words.view.sizes(), words.view.options().device(picture.device()));
    planes[i] = upright(plane_of(frame, static_cast<int>(i), words), words.bottom_up);
  }
  planes[1].scale /= static_cast<float>(gains.cb_b);
  planes[2].scale /= static_cast<float>(gains.cr_r);
  const auto& chroma = frame.component[1];
  StepRunner(picture.device())(WriteYcbcrStep{picture.const_data_ptr<float>(), static_cast<float>(frame.matrix.kr),
                                              static_cast<float>(frame.matrix.kb), planes[0], planes[1], planes[2],
                                              axis_of(frame.height, chroma.height, frame.chroma_cosited_y),
                                              axis_of(frame.width, chroma.width, frame.chroma_cosited_x), frame.height,
                                              frame.width, chroma.height, chroma.width});
  for (std::size_t i = 0; i < components; ++i)
    if (written[i].defined()) frames[i].view.copy_(written[i]);
}

}  // namespace reddiff
