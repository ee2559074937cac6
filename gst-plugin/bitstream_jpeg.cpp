// SPDX-License-Identifier: LGPL-2.1-or-later
//
// JPEG: quantisation tables and sampling.
#include <numeric>

#include "gst-plugin/bitstream.h"

namespace reddiff {
namespace {

constexpr std::size_t lowest = 15;  // frequencies of the luma, where pictures have their errors

class JpegReader : public BitstreamReader {
 public:
  bool read(Bytes bytes, CodedFrame& frame) override {
    frame = CodedFrame();
    // Tables may be left out when they are those of the frame before.
    while (next_segment(bytes)) {
      if (marker_ == 0xdb) tables(segment_);
      if (marker_ == 0xc0 || marker_ == 0xc1 || marker_ == 0xc2) size(segment_, frame);
    }
    if (marker_ != 0xda || frame.components.empty() || frame.width == 0 || frame.height == 0) return false;
    for (const JpegComponent& component : frame.components)
      if (tables_[static_cast<std::size_t>(component.table)][0] == 0) return false;
    const auto& luma = tables_[static_cast<std::size_t>(frame.components.front().table)];
    frame.qp = std::accumulate(luma.begin(), luma.begin() + lowest, 0.0) / lowest;
    frame.scale_qp = frame.reference_qp = scale_qp(frame.qp);
    frame.tables.assign(tables_.begin(), tables_.end());
    return true;
  }

 private:
  // False at the end and at the scan.
  bool next_segment(Bytes& rest) {
    marker_ = 0;
    while (rest.size() >= 2) {
      if (rest[0] != 0xff || rest[1] == 0xff || rest[1] == 0) {
        rest = rest.subspan(1);
        continue;
      }
      marker_ = rest[1];
      rest = rest.subspan(2);
      if (marker_ == 0xda) return false;
      if (marker_ == 0x01 || (marker_ >= 0xd0 && marker_ <= 0xd9)) continue;  // has no length
      if (rest.size() < 2) return false;
      const std::size_t length = std::min<std::size_t>(std::max(2, rest[0] << 8 | rest[1]), rest.size());
      segment_ = rest.subspan(2, length - 2);
      rest = rest.subspan(length);
      return true;
    }
    return false;
  }

  void tables(Bytes data) {
    while (!data.empty()) {
      const std::size_t width = data[0] >> 4 == 0 ? 1 : 2, which = data[0] & 15;
      if (which > 3 || data.size() < 1 + 64 * width) return;
      for (std::size_t i = 0; i < 64; ++i) {
        const std::size_t at = 1 + width * i;
        tables_[which][i] = width == 1 ? data[at] : data[at] << 8 | data[at + 1];
        tables_[which][i] = std::max(1, tables_[which][i]);
      }
      data = data.subspan(1 + 64 * width);
    }
  }

  static void size(Bytes data, CodedFrame& frame) {
    if (data.size() < 6 || data.size() < 6 + 3u * data[5] || data[5] > 4) return;
    frame.height = data[1] << 8 | data[2];
    frame.width = data[3] << 8 | data[4];
    frame.components.clear();
    for (std::size_t at = 6; at < 6 + 3u * data[5]; at += 3)
      frame.components.push_back({data[at + 1] >> 4, data[at + 1] & 15, data[at + 2] & 3});
  }

  std::array<std::array<int, 64>, 4> tables_{};
  int marker_ = 0;
  Bytes segment_;
};

}  // namespace

std::unique_ptr<BitstreamReader> make_jpeg_reader() { return std::make_unique<JpegReader>(); }

}  // namespace reddiff
