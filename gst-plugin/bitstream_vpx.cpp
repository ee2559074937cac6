// SPDX-License-Identifier: LGPL-2.1-or-later
//
// VP8 and VP9: the header of a frame as far as the index of its quantiser.
#include "gst-plugin/bitstream.h"

namespace reddiff {
namespace {

// VP8's arithmetic decoder.
class BoolDecoder {
 public:
  explicit BoolDecoder(Bytes bytes) : bytes_(bytes) { value_ = next() << 8 | next(); }

  bool read(unsigned probability) {
    const unsigned split = 1 + ((range_ - 1) * probability >> 8);
    const bool bit = value_ >= split << 8;
    if (bit) value_ -= split << 8;
    range_ = bit ? range_ - split : split;
    for (; range_ < 128; range_ <<= 1) {
      value_ <<= 1;
      if (++shifted_ % 8 == 0) value_ |= next();
    }
    return bit;
  }
  bool flag() { return read(128); }
  unsigned bits(int count) {
    unsigned value = 0;
    for (; count > 0; --count) value = value << 1 | static_cast<unsigned>(flag());
    return value;
  }
  bool broken() const { return at_ > bytes_.size() + 2; }  // two bytes are read ahead

 private:
  unsigned next() {
    const std::size_t at = at_++;
    return at < bytes_.size() ? bytes_[at] : 0;
  }

  Bytes bytes_;
  std::size_t at_ = 0;
  unsigned value_ = 0, range_ = 255, shifted_ = 0;
};

void skip_optional(BoolDecoder& d, int count, int bits) {
  for (; count > 0; --count)
    if (d.flag()) d.bits(bits);
}

class Vp8Reader : public BitstreamReader {
 public:
  bool read(Bytes bytes, CodedFrame& frame) override {
    if (bytes.size() < 4) return false;
    const bool key = (bytes[0] & 1) == 0;
    Bytes rest = bytes.subspan(3);
    if (key) {
      if (rest.size() < 8 || rest[0] != 0x9d || rest[1] != 0x01 || rest[2] != 0x2a) return false;
      width_ = (rest[3] | rest[4] << 8) & 0x3fff;
      height_ = (rest[5] | rest[6] << 8) & 0x3fff;
      rest = rest.subspan(7);
    }
    BoolDecoder d(rest);
    if (key) d.bits(2);
    if (d.flag()) skip_segments(d);
    d.bits(1 + 6 + 3);
    if (d.flag() && d.flag()) skip_optional(d, 8, 7);
    d.bits(2);
    const auto index = static_cast<int>(d.bits(7));
    if (d.broken() || width_ == 0 || height_ == 0) return false;
    frame.type = key ? 'I' : 'P';
    frame.qp = index;
    frame.scale_qp = frame.reference_qp = scale_qp(vp8_step(index) / 8);
    frame.width = width_;
    frame.height = height_;
    return true;
  }

 private:
  static void skip_segments(BoolDecoder& d) {
    const bool map = d.flag();
    if (d.flag()) {
      d.flag();
      skip_optional(d, 4, 7 + 1);
      skip_optional(d, 4, 6 + 1);
    }
    if (map) skip_optional(d, 3, 8);
  }

  int width_ = 0, height_ = 0;
};

class Vp9Reader : public BitstreamReader {
 public:
  bool read(Bytes bytes, CodedFrame& frame) override {
    bool shown = false, good = true;
    each_frame(bytes, [&](Bytes part) {
      Shown found;
      good = one(part, found) && good;
      if (found.visible || !shown) frame = found.frame;
      shown = shown || found.visible;
    });
    return good && frame.width > 0;
  }

 private:
  struct Shown {
    CodedFrame frame;
    bool visible = false;
  };
  struct Header {
    bool show = true, key = false, resilient = false, intra = false;
    unsigned profile = 0, refresh = 0xff;
  };

  // The frames of a superframe: their sizes stand at its end.
  template <class Take> static void each_frame(Bytes bytes, Take take) {
    if (bytes.empty()) return;
    const unsigned mark = bytes.back(), frames = 1 + (mark & 7), width = 1 + (mark >> 3 & 3);
    const std::size_t index = 2 + frames * width;
    if ((mark & 0xe0) != 0xc0 || bytes.size() < index || bytes[bytes.size() - index] != mark) return take(bytes);
    Bytes sizes = bytes.last(index - 1), rest = bytes.first(bytes.size() - index);
    for (unsigned i = 0; i < frames; ++i) {
      std::size_t size = 0;
      for (unsigned k = 0; k < width; ++k) size |= static_cast<std::size_t>(sizes[i * width + k]) << 8 * k;
      size = std::min(size, rest.size());
      if (size > 0) take(rest.first(size));
      rest = rest.subspan(size);
    }
  }

  static void skip_colours(BitReader& r, unsigned profile) {
    if (profile >= 2) r.flag();
    const bool rgb = r.bits(3) == 7;
    if (!rgb) r.flag();
    if (profile % 2 == 1) r.skip(rgb ? 1 : 3);
  }

  static void read_size(BitReader& r, CodedFrame& frame) {
    frame.width = 1 + static_cast<int>(r.bits(16));
    frame.height = 1 + static_cast<int>(r.bits(16));
  }

  static void skip_shown_size(BitReader& r) {
    if (r.flag()) r.skip(32);
  }

  void read_intra(BitReader& r, Header& h, CodedFrame& frame) const {
    if (r.bits(24) != 0x498342) return r.give_up();
    if (h.key || h.profile > 0) skip_colours(r, h.profile);
    if (!h.key) h.refresh = r.bits(8);
    read_size(r, frame);
    skip_shown_size(r);
  }

  void read_inter(BitReader& r, Header& h, CodedFrame& frame) const {
    h.refresh = r.bits(8);
    unsigned references[3];
    for (unsigned& reference : references) {
      reference = r.bits(3);
      r.flag();
    }
    bool found = false;
    for (const unsigned reference : references) {
      if (!(found = r.flag())) continue;
      frame.width = slots_[reference].width;
      frame.height = slots_[reference].height;
      break;
    }
    if (!found) read_size(r, frame);
    skip_shown_size(r);
    r.flag();
    if (!r.flag()) r.bits(2);
  }

  bool one(Bytes bytes, Shown& found) {
    BitReader r(bytes);
    Header h;
    if (r.bits(2) != 2) return false;
    h.profile = r.bits(1);
    h.profile |= r.bits(1) << 1;
    if (h.profile == 3) r.flag();
    if (r.flag()) {
      found = {slots_[r.bits(3)], true};
      return !r.broken();
    }
    h.key = !r.flag();
    found.visible = r.flag();
    h.resilient = r.flag();
    if (!h.key) {
      h.intra = !found.visible && r.flag();
      if (!h.resilient) r.bits(2);
    }
    CodedFrame& frame = found.frame;
    if (h.key || h.intra)
      read_intra(r, h, frame);
    else
      read_inter(r, h, frame);
    if (!h.resilient) r.skip(2);
    r.skip(2 + 6 + 3);
    if (r.flag() && r.flag())
      for (int i = 0; i < 6; ++i)
        if (r.flag()) r.skip(7);
    const auto index = static_cast<int>(r.bits(8));
    if (r.broken()) return false;
    frame.type = h.key || h.intra ? 'I' : 'P';
    frame.qp = index;
    frame.scale_qp = frame.reference_qp = scale_qp(vp9_step(index) / 8);
    for (std::size_t i = 0; i < slots_.size(); ++i)
      if (h.refresh >> i & 1) slots_[i] = frame;
    return true;
  }

  std::array<CodedFrame, 8> slots_;
};

}  // namespace

std::unique_ptr<BitstreamReader> make_vp8_reader() { return std::make_unique<Vp8Reader>(); }
std::unique_ptr<BitstreamReader> make_vp9_reader() { return std::make_unique<Vp9Reader>(); }

}  // namespace reddiff
