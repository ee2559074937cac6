// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst-plugin/bitstream.h"

#include <cmath>
#include <utility>

namespace reddiff {
namespace {

// A table that grows by `step`, `count` times.
struct Run {
  int step, count;
};

template <std::size_t size, std::size_t runs> constexpr std::array<int, size> grown(const Run (&list)[runs]) {
  std::array<int, size> table{};
  int value = 4;
  std::size_t at = 0;
  table[at++] = value;
  for (const Run& run : list)
    for (int i = 0; i < run.count; ++i) table[at++] = value += run.step;
  return table;
}

constexpr Run vp8_runs[] = {{1, 54}, {2, 29}, {3, 19}, {4, 14}, {5, 11}};
constexpr Run vp9_runs[] = {{4, 1},  {1, 94}, {2, 25}, {3, 17}, {4, 13}, {5, 10}, {6, 9},  {7, 7},  {8, 6},
                            {9, 6},  {10, 5}, {11, 5}, {12, 4}, {13, 4}, {14, 4}, {15, 3}, {16, 3}, {17, 3},
                            {18, 3}, {19, 3}, {20, 2}, {21, 3}, {22, 2}, {23, 2}, {24, 2}, {25, 2}, {26, 2},
                            {27, 2}, {28, 2}, {29, 2}, {30, 2}, {31, 1}, {32, 2}, {33, 1}, {34, 2}, {35, 1}};
constexpr auto vp8_steps = grown<128>(vp8_runs);
constexpr auto vp9_steps = grown<256>(vp9_runs);
static_assert(vp8_steps.back() == 284 && vp9_steps.back() == 1828);

}  // namespace

double scale_qp(double step) { return 4 + 6 * std::log2(step); }
double vp8_step(int index) { return vp8_steps.at(static_cast<std::size_t>(index)); }
double vp9_step(int index) { return vp9_steps.at(static_cast<std::size_t>(index)); }

std::unique_ptr<BitstreamReader> make_bitstream_reader(Codec codec, bool length_prefixed) {
  switch (codec) {
    case Codec::h264:
      return make_h264_reader(length_prefixed);
    case Codec::hevc:
      return make_hevc_reader(length_prefixed);
    case Codec::mpeg12:
      return make_mpeg12_reader();
    case Codec::mpeg4:
      return make_mpeg4_reader();
    case Codec::jpeg:
      return make_jpeg_reader();
    case Codec::vp8:
      return make_vp8_reader();
    case Codec::vp9:
      return make_vp9_reader();
    case Codec::av1:
      return make_av1_reader();
  }
  return nullptr;
}

}  // namespace reddiff
