// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Frames that own their memory, one layout per family of GStreamer formats: what the tests read from and write to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/api/frame_view.h"

namespace reddiff {

// Where a component lies: plane, offset and pixel stride in words, subsampled or not.
struct Place {
  int plane, offset, step;
  bool half_width, half_height;
};

struct Format {
  const char* name;
  ColorModel model;
  bool alpha;
  int word_bytes, depth, shift;
  std::vector<Place> places;  // colour components, then alpha
};

inline const std::vector<Format>& formats() {
  constexpr auto rgb = ColorModel::rgb;
  constexpr auto ycbcr = ColorModel::ycbcr;
  static const std::vector<Format> all = {
      {"RGB", rgb, false, 1, 8, 0, {{0, 0, 3, 0, 0}, {0, 1, 3, 0, 0}, {0, 2, 3, 0, 0}}},
      {"BGRx", rgb, false, 1, 8, 0, {{0, 2, 4, 0, 0}, {0, 1, 4, 0, 0}, {0, 0, 4, 0, 0}}},
      {"ARGB", rgb, true, 1, 8, 0, {{0, 1, 4, 0, 0}, {0, 2, 4, 0, 0}, {0, 3, 4, 0, 0}, {0, 0, 4, 0, 0}}},
      {"GBR", rgb, false, 1, 8, 0, {{2, 0, 1, 0, 0}, {0, 0, 1, 0, 0}, {1, 0, 1, 0, 0}}},
      {"GBR_10LE", rgb, false, 2, 10, 0, {{2, 0, 1, 0, 0}, {0, 0, 1, 0, 0}, {1, 0, 1, 0, 0}}},
      {"ARGB64", rgb, true, 2, 16, 0, {{0, 1, 4, 0, 0}, {0, 2, 4, 0, 0}, {0, 3, 4, 0, 0}, {0, 0, 4, 0, 0}}},
      {"GRAY8", ColorModel::gray, false, 1, 8, 0, {{0, 0, 1, 0, 0}}},
      {"GRAY16_LE", ColorModel::gray, false, 2, 16, 0, {{0, 0, 1, 0, 0}}},
      {"I420", ycbcr, false, 1, 8, 0, {{0, 0, 1, 0, 0}, {1, 0, 1, 1, 1}, {2, 0, 1, 1, 1}}},
      {"NV21", ycbcr, false, 1, 8, 0, {{0, 0, 1, 0, 0}, {1, 1, 2, 1, 1}, {1, 0, 2, 1, 1}}},
      {"Y42B", ycbcr, false, 1, 8, 0, {{0, 0, 1, 0, 0}, {1, 0, 1, 1, 0}, {2, 0, 1, 1, 0}}},
      {"UYVY", ycbcr, false, 1, 8, 0, {{0, 1, 2, 0, 0}, {0, 0, 4, 1, 0}, {0, 2, 4, 1, 0}}},
      {"Y444", ycbcr, false, 1, 8, 0, {{0, 0, 1, 0, 0}, {1, 0, 1, 0, 0}, {2, 0, 1, 0, 0}}},
      {"A420", ycbcr, true, 1, 8, 0, {{0, 0, 1, 0, 0}, {1, 0, 1, 1, 1}, {2, 0, 1, 1, 1}, {3, 0, 1, 0, 0}}},
      {"I420_10LE", ycbcr, false, 2, 10, 0, {{0, 0, 1, 0, 0}, {1, 0, 1, 1, 1}, {2, 0, 1, 1, 1}}},
      {"P010_10LE", ycbcr, false, 2, 10, 6, {{0, 0, 1, 0, 0}, {1, 0, 2, 1, 1}, {1, 1, 2, 1, 1}}},
      {"P012_LE", ycbcr, false, 2, 12, 4, {{0, 0, 1, 0, 0}, {1, 0, 2, 1, 1}, {1, 1, 2, 1, 1}}},
      {"P016_LE", ycbcr, false, 2, 16, 0, {{0, 0, 1, 0, 0}, {1, 0, 2, 1, 1}, {1, 1, 2, 1, 1}}},
      {"v216", ycbcr, false, 2, 16, 0, {{0, 1, 2, 0, 0}, {0, 0, 4, 1, 0}, {0, 2, 4, 1, 0}}},
      {"A422_10LE", ycbcr, true, 2, 10, 0, {{0, 0, 1, 0, 0}, {1, 0, 1, 1, 0}, {2, 0, 1, 1, 0}, {3, 0, 1, 0, 0}}},
      {"AYUV64", ycbcr, true, 2, 16, 0, {{0, 1, 4, 0, 0}, {0, 2, 4, 0, 0}, {0, 3, 4, 0, 0}, {0, 0, 4, 0, 0}}},
      {"GBRA_12LE", rgb, true, 2, 12, 0, {{2, 0, 1, 0, 0}, {0, 0, 1, 0, 0}, {1, 0, 1, 0, 0}, {3, 0, 1, 0, 0}}},
      {"Y444_16LE", ycbcr, false, 2, 16, 0, {{0, 0, 1, 0, 0}, {1, 0, 1, 0, 0}, {2, 0, 1, 0, 0}}},
  };
  return all;
}

inline const Format& format_named(const std::string& name) {
  for (const Format& f : formats())
    if (name == f.name) return f;
  throw std::runtime_error(name);
}

// A frame that owns its memory; planes lie far apart and rows are padded, so that a stray write is seen.
class Frame {
 public:
  Frame(const Format& format, int width, int height, std::uint32_t seed) {
    view.width = width;
    view.height = height;
    view.model = format.model;
    view.has_alpha = format.alpha;
    view.full_range = format.model != ColorModel::ycbcr;
    const std::size_t row = static_cast<std::size_t>(4 * (width + 1) * format.word_bytes + 6);
    const std::size_t plane = row * static_cast<std::size_t>(height + 2);
    words.resize(4 * plane / 2);
    std::mt19937 random(seed);
    for (auto& word : words) word = static_cast<std::uint16_t>(random());
    for (std::size_t i = 0; i < format.places.size(); ++i) {
      const Place& p = format.places[i];
      Component& c = view.component[i == format.places.size() - 1 && format.alpha ? 3 : i];
      c.data =
          bytes() + plane * static_cast<std::size_t>(p.plane) + static_cast<std::size_t>(p.offset * format.word_bytes);
      c.row_stride = static_cast<std::ptrdiff_t>(row);
      c.pixel_stride = p.step * format.word_bytes;
      c.width = p.half_width ? (width + 1) / 2 : width;
      c.height = p.half_height ? (height + 1) / 2 : height;
      c.word_bytes = format.word_bytes;
      c.depth = format.depth;
      c.shift = format.shift;
    }
  }
  Frame(const Frame&) = delete;

  std::uint8_t* bytes() { return reinterpret_cast<std::uint8_t*>(words.data()); }
  std::size_t size() const { return words.size() * 2; }

  static std::uint8_t* sample(const Component& c, int x, int y) {
    return static_cast<std::uint8_t*>(c.data) + y * c.row_stride + x * c.pixel_stride;
  }
  static int code(const Component& c, int x, int y) {
    std::uint16_t word = 0;
    std::memcpy(&word, sample(c, x, y), static_cast<std::size_t>(c.word_bytes));
    return word >> c.shift;
  }
  static void set_code(const Component& c, int x, int y, int value) {
    const auto word = static_cast<std::uint16_t>(value << c.shift);
    std::memcpy(sample(c, x, y), &word, static_cast<std::size_t>(c.word_bytes));
  }

  void for_each(const std::function<void(int, const Component&, int, int)>& visit) {
    for (int i = 0; i < 4; ++i) {
      if (i >= color_components(view) && !(i == 3 && view.has_alpha)) continue;
      const Component& c = view.component[i];
      for (int y = 0; y < c.height; ++y)
        for (int x = 0; x < c.width; ++x) visit(i, c, x, y);
    }
  }

  // Any code a sender may use: limited range reserves the lowest and the highest 8-bit code.
  void fill_codes(std::uint32_t seed) {
    std::mt19937 random(seed);
    for_each([&](int i, const Component& c, int x, int y) {
      const int unit = view.full_range || i == 3 ? 0 : 1 << (c.depth - 8);
      const int low = unit;
      const int high = unit == 0 ? (1 << c.depth) - 1 : 255 * unit - 1;
      set_code(c, x, y, low + static_cast<int>(random() % static_cast<unsigned>(high - low + 1)));
    });
  }

  FrameView view;
  std::vector<std::uint16_t> words;
};

}  // namespace reddiff
