// SPDX-License-Identifier: LGPL-2.1-or-later
//
// MPEG-1, MPEG-2 and MPEG-4 Visual: the quantiser of each slice, or of the picture.
#include "gst-plugin/bitstream.h"

namespace reddiff {
namespace {

// What a code of the second scale stands for, in units of the first.
constexpr double second_scale(unsigned code) {
  if (code <= 8) return code / 2.0;
  if (code <= 16) return code - 4.0;
  if (code <= 24) return 2.0 * code - 20;
  return 4.0 * code - 68;
}

void finish(const SliceTally& tally, CodedFrame& frame) {
  frame.type = tally.type();
  frame.qp = tally.mean();
  frame.scale_qp = frame.reference_qp = scale_qp(2 * frame.qp);
}

class Mpeg12Reader : public BitstreamReader {
 public:
  void on_codec_data(Bytes data) override {
    each_start_code(data, [this](Bytes unit) { header(unit); });
  }

  bool read(Bytes bytes, CodedFrame& frame) override {
    SliceTally tally;
    type_ = 0;
    each_start_code(bytes, [&](Bytes unit) {
      header(unit);
      if (unit.size() < 2 || unit[0] < 0x01 || unit[0] > 0xaf || type_ == 0) return;
      BitReader r(unit.subspan(1));
      if (height_ > 2800) r.skip(3);
      const unsigned code = r.bits(5);
      if (code != 0 && !r.broken()) tally.add(type_, second_scale_ ? second_scale(code) : code);
    });
    if (tally.count() == 0 || width_ == 0 || height_ == 0) return false;
    finish(tally, frame);
    frame.width = width_;
    frame.height = height_;
    return true;
  }

 private:
  void header(Bytes unit) {
    if (unit.empty()) return;
    BitReader r(unit.subspan(1));
    if (unit[0] == 0xb3) sequence(r);
    if (unit[0] == 0xb5) extension(r);
    if (unit[0] != 0x00) return;
    r.skip(10);
    const unsigned type = r.bits(3);
    type_ = type >= 1 && type <= 4 && !r.broken() ? "IPBI"[type - 1] : 0;
    second_scale_ = false;
  }

  void sequence(BitReader& r) {
    const auto width = static_cast<int>(r.bits(12)), height = static_cast<int>(r.bits(12));
    if (r.broken()) return;
    width_ = width;
    height_ = height;
  }

  void extension(BitReader& r) {
    const unsigned kind = r.bits(4);
    if (kind == 1) {
      r.skip(11);
      const auto width = static_cast<int>(r.bits(2)), height = static_cast<int>(r.bits(2));
      if (r.broken()) return;
      width_ = (width_ & 4095) | width << 12;
      height_ = (height_ & 4095) | height << 12;
    }
    if (kind == 8) {
      r.skip(16 + 2 + 2 + 1 + 1 +
             1);  // ranges of motion vectors, precision, structure, order of fields, prediction, motion vectors
      second_scale_ = r.flag();
    }
  }

  int width_ = 0, height_ = 0;
  char type_ = 0;  // of the picture that slices belong to
  bool second_scale_ = false;
};

// Of a video object layer of MPEG-4; only what is rectangular.
struct Layer {
  bool known = false, interlaced = false;
  unsigned time_bits = 1, quantiser_bits = 5;
  int width = 0, height = 0;
};

void skip_control(BitReader& r) {
  r.skip(3);
  if (r.flag()) r.skip(79);
}

void skip_matrix(BitReader& r) {
  if (!r.flag()) return;
  for (int i = 0; i < 64 && r.bits(8) != 0; ++i)
    if (r.broken()) return;
}

Layer read_layer(BitReader& r) {
  Layer layer;
  r.skip(9);
  unsigned version = 1;
  if (r.flag()) {
    version = r.bits(4);
    r.skip(3);
  }
  if (r.bits(4) == 15) r.skip(16);
  if (r.flag()) skip_control(r);
  const bool rectangular = r.bits(2) == 0;
  r.flag();
  layer.time_bits = std::max(1u, bits_for(r.bits(16)));
  r.flag();
  if (r.flag()) r.skip(layer.time_bits);
  r.flag();
  layer.width = static_cast<int>(r.bits(13));
  r.flag();
  layer.height = static_cast<int>(r.bits(13));
  r.flag();
  layer.interlaced = r.flag();
  r.flag();
  const unsigned sprite = r.bits(version == 1 ? 1 : 2);
  if (sprite == 2) r.skip(6 + 2 + 1);  // global motion: points, their accuracy, brightness
  if (r.flag()) {
    layer.quantiser_bits = r.bits(4);
    r.skip(4);
  }
  if (r.flag()) skip_matrix(r), skip_matrix(r);
  if (version != 1) r.flag();
  const bool plain = r.flag();  // complexity_estimation_disable
  layer.known = rectangular && plain && sprite != 1 && !r.broken() && layer.width > 0 && layer.height > 0;
  return layer;
}

class Mpeg4Reader : public BitstreamReader {
 public:
  void on_codec_data(Bytes data) override {
    each_start_code(data, [this](Bytes unit) { header(unit); });
  }

  bool read(Bytes bytes, CodedFrame& frame) override {
    SliceTally tally;
    bool good = true;
    each_start_code(bytes, [&](Bytes unit) {
      header(unit);
      // DivX packs a second picture behind the first, which is the one that is shown.
      if (!unit.empty() && unit[0] == 0xb6 && tally.count() == 0) good = picture(BitReader(unit.subspan(1)), tally);
    });
    if (!good || tally.count() == 0) return false;
    finish(tally, frame);
    frame.width = layer_.width;
    frame.height = layer_.height;
    return true;
  }

 private:
  void header(Bytes unit) {
    if (unit.empty() || unit[0] < 0x20 || unit[0] > 0x2f) return;
    BitReader r(unit.subspan(1));
    if (const Layer layer = read_layer(r); layer.known) layer_ = layer;
  }

  bool picture(BitReader r, SliceTally& tally) const {
    const unsigned type = r.bits(2);
    if (!layer_.known || type == 3)
      return false;  // the place of vop_quant behind a sprite's path is not worth its reading
    while (r.flag() && !r.broken()) {
    }
    r.flag();
    r.skip(layer_.time_bits);
    r.flag();
    if (!r.flag()) return false;  // not coded
    if (type == 1) r.flag();
    r.skip(3);
    if (layer_.interlaced) r.skip(2);
    const unsigned quantiser = r.bits(layer_.quantiser_bits);
    if (r.broken() || quantiser == 0) return false;
    tally.add("IPB"[type], quantiser);
    return true;
  }

  Layer layer_;
};

}  // namespace

std::unique_ptr<BitstreamReader> make_mpeg12_reader() { return std::make_unique<Mpeg12Reader>(); }
std::unique_ptr<BitstreamReader> make_mpeg4_reader() { return std::make_unique<Mpeg4Reader>(); }

}  // namespace reddiff
