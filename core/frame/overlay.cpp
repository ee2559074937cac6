// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/frame/overlay.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "core/api/names.h"
#include "core/frame/convert.h"
#include "core/frame/device_queue.h"
#include "core/frame/font.h"

namespace reddiff {
namespace {

constexpr int column = letter_width + 1, row = letter_height + 2, margin = 2;  // pixels of the font
constexpr int rows_of_video = 360;  // for which a pixel of the font is one of the picture's

// Lines stand under each other: as wide as can be expected, so that the numbers do not dance.
std::string line(const char* format, double value, const char* unit) {
  char number[32] = "-";
  if (std::isfinite(value)) std::snprintf(number, sizeof(number), format, value);
  char text[64];
  std::snprintf(text, sizeof(text), "%7s%s", number, unit);
  return text;
}

// The frame's first pixels alone; an even number, so that chroma knows where they end, but for all of an odd frame.
FrameView corner_of(FrameView frame, int width, int height) {
  const bool half_width = frame.component[1].width < frame.width,
             half_height = frame.component[1].height < frame.height;
  frame.width = std::min(width, frame.width);
  frame.height = std::min(height, frame.height);
  for (int i = 0; i < 4; ++i) {
    const bool is_chroma = frame.model == ColorModel::ycbcr && (i == 1 || i == 2);
    frame.component[i].width = is_chroma && half_width ? (frame.width + 1) / 2 : frame.width;
    frame.component[i].height = is_chroma && half_height ? (frame.height + 1) / 2 : frame.height;
  }
  return frame;
}

}  // namespace

std::vector<std::string> overlay_lines(unsigned overlay, const FrameReport& report, double ms) {
  const auto shows = [&](Overlay figure) { return (overlay & static_cast<unsigned>(figure)) != 0; };
  std::vector<std::string> lines;
  if (shows(Overlay::noise)) lines.push_back("noise" + line("%.2f", report.noise, ""));
  if (shows(Overlay::calls)) lines.push_back("calls" + line("%.0f", report.prior_calls, ""));
  if (shows(Overlay::time)) lines.push_back("time " + line("%.1f", ms, " ms"));
  return lines;
}

at::Tensor drawn_lines(const std::vector<std::string>& lines, int scale) {
  std::size_t longest = 0;
  for (const auto& text : lines) longest = std::max(longest, text.size());
  const auto even = [](std::int64_t n) { return n + n % 2; };
  const std::int64_t height = even(static_cast<std::int64_t>(lines.size()) * row + 2 * margin),
                     width = even(static_cast<std::int64_t>(longest) * column + 2 * margin);
  auto plane = at::full({height, width}, -1.0F, at::kFloat);
  auto pixels = plane.accessor<float, 2>();
  for (std::size_t i = 0; i < lines.size(); ++i)
    for (std::size_t k = 0; k < lines[i].size(); ++k) {
      const Letter* letter = letter_of(lines[i][k]);
      TORCH_CHECK(letter, "overlay: the font has no letter '", lines[i].substr(k, 1), "'");
      for (int y = 0; y < letter_height; ++y)
        for (int x = 0; x < letter_width; ++x)
          if (letter->rows[static_cast<std::size_t>(y)][static_cast<std::size_t>(x)] == '#')
            pixels[margin + static_cast<std::int64_t>(i) * row + y + 1]
                  [margin + static_cast<std::int64_t>(k) * column + x] = 1;
    }
  const auto large = plane.repeat_interleave(scale, 0).repeat_interleave(scale, 1);
  return large.expand({1, 3, -1, -1}).contiguous();
}

void draw_overlay(const std::vector<std::string>& lines, const FrameView& frame, at::Device worker) {
  if (lines.empty()) return;
  const auto drawn = drawn_lines(lines, std::max(1, (frame.height + rows_of_video / 2) / rows_of_video));
  const auto corner = corner_of(frame, static_cast<int>(drawn.size(3)), static_cast<int>(drawn.size(2)));
  const auto part = drawn.narrow(2, 0, corner.height).narrow(3, 0, corner.width).contiguous();
  write_picture(put(part, at::TensorOptions().dtype(at::kFloat).device(worker)), {}, corner);
}

}  // namespace reddiff
