// SPDX-License-Identifier: LGPL-2.1-or-later
//
// AV1: the header of a frame as far as base_q_idx.
#include "gst-plugin/bitstream.h"

namespace reddiff {
namespace {

constexpr unsigned select = 2;  // of a tool: each frame says

struct Sequence {
  bool known = false, reduced = false, decoder_model = false, equal_intervals = false, large_blocks = false,
       motion_field = false, superres = false;
  unsigned time_bits = 0, removal_bits = 0, delay_bits = 0, id_bits = 0, delta_id_bits = 0, order_bits = 0;
  unsigned screen_content = select, integer_motion = select, width_bits = 1, height_bits = 1, width = 0, height = 0;
  struct Point {
    unsigned idc = 0;
    bool model = false;
  };
  std::vector<Point> points;
};

void read_timing(BitReader& r, Sequence& s) {
  if (!r.flag()) return;
  r.skip(64);
  s.equal_intervals = r.flag();
  if (s.equal_intervals) r.ue();
  s.decoder_model = r.flag();
  if (!s.decoder_model) return;
  s.delay_bits = 1 + r.bits(5);
  r.skip(32);
  s.removal_bits = 1 + r.bits(5);
  s.time_bits = 1 + r.bits(5);
}

void read_points(BitReader& r, Sequence& s) {
  const bool delays = r.flag();
  for (unsigned left = 1 + r.bits(5); left > 0; --left) {
    Sequence::Point point;
    point.idc = r.bits(12);
    if (r.bits(5) > 7) r.flag();
    if (s.decoder_model && (point.model = r.flag())) r.skip(2 * s.delay_bits + 1);
    if (delays && r.flag()) r.skip(4);
    s.points.push_back(point);
  }
}

void read_tools(BitReader& r, Sequence& s) {
  r.skip(4);
  const bool ordered = r.flag();
  if (ordered) {
    r.flag();
    s.motion_field = r.flag();
  }
  s.screen_content = r.flag() ? select : r.bits(1);
  if (s.screen_content > 0) s.integer_motion = r.flag() ? select : r.bits(1);
  if (ordered) s.order_bits = 1 + r.bits(3);
}

Sequence read_sequence(BitReader& r) {
  Sequence s;
  r.skip(3 + 1);
  s.reduced = r.flag();
  if (s.reduced) {
    r.skip(5);
  } else {
    read_timing(r, s);
    read_points(r, s);
  }
  s.width_bits = 1 + r.bits(4);
  s.height_bits = 1 + r.bits(4);
  s.width = 1 + r.bits(s.width_bits);
  s.height = 1 + r.bits(s.height_bits);
  if (!s.reduced && r.flag()) {
    s.delta_id_bits = 2 + r.bits(4);
    s.id_bits = s.delta_id_bits + 1 + r.bits(3);
  }
  s.large_blocks = r.flag();
  r.skip(2);
  if (!s.reduced) read_tools(r, s);
  s.superres = r.flag();
  s.known = !r.broken();
  return s;
}

enum Kind : unsigned { key, inter, intra_only, switching };

struct Header {
  unsigned kind = key, width = 0, height = 0, coded_width = 0, refresh = 0xff;
  bool show = true, resilient = true, own_size = false, screen_content = false, integer_motion = false,
       last_update = true;
  bool intra() const { return kind == key || kind == intra_only; }
};

void scale_width(BitReader& r, const Sequence& s, Header& h) {
  h.coded_width = h.width;
  if (!s.superres || !r.flag()) return;
  const unsigned denominator = 9 + r.bits(3);
  h.coded_width = (h.width * 8 + denominator / 2) / denominator;
}

void read_size(BitReader& r, const Sequence& s, Header& h) {
  h.width = h.own_size ? 1 + r.bits(s.width_bits) : s.width;
  h.height = h.own_size ? 1 + r.bits(s.height_bits) : s.height;
  scale_width(r, s, h);
  if (r.flag()) r.skip(32);
}

unsigned below(BitReader& r, unsigned count) {
  unsigned width = 0;
  while (count >> width != 0) ++width;
  const unsigned few = (1u << width) - count, value = r.bits(width - 1);
  return value < few ? value : (value << 1) - few + r.bits(1);
}

// Tiles of widths or heights that are told one by one: log2 of how many, and the widest.
unsigned skip_tiles(BitReader& r, unsigned blocks, unsigned most, unsigned& widest) {
  unsigned count = 0;
  for (unsigned start = 0; start < blocks && !r.broken(); ++count) {
    const unsigned size = 1 + below(r, std::min(blocks - start, most));
    widest = std::max(widest, size);
    start += size;
  }
  return bits_for(count);
}

unsigned log2_ratio(unsigned block, unsigned target) {
  unsigned n = 0;
  while (n < 31 && block << n < target) ++n;
  return n;
}

void skip_tile_info(BitReader& r, const Sequence& s, const Header& h) {
  const unsigned log2_block = s.large_blocks ? 7 : 6;
  const auto blocks = [log2_block](unsigned pixels) {
    return ((pixels + 7) / 8 * 8 + (1u << log2_block) - 1) >> log2_block;
  };
  const unsigned columns = blocks(h.coded_width), rows = blocks(h.height);
  const unsigned widest_allowed = 4096 >> log2_block, area = 4096u * 2304 >> 2 * log2_block;
  const unsigned least_columns = log2_ratio(widest_allowed, columns);
  const unsigned least = std::max(least_columns, log2_ratio(area, rows * columns));
  unsigned log2_columns = 0, log2_rows = 0;
  if (r.flag()) {
    log2_columns = least_columns;
    while (log2_columns < bits_for(std::min(columns, 64u)) && r.flag()) ++log2_columns;
    log2_rows = least > log2_columns ? least - log2_columns : 0;
    while (log2_rows < bits_for(std::min(rows, 64u)) && r.flag()) ++log2_rows;
  } else {
    unsigned widest = 0, highest = 0;
    log2_columns = skip_tiles(r, columns, widest_allowed, widest);
    const unsigned most_area = least > 0 ? rows * columns >> (least + 1) : rows * columns;
    log2_rows = skip_tiles(r, rows, std::max(most_area / std::max(widest, 1u), 1u), highest);
  }
  if (log2_columns + log2_rows > 0) r.skip(log2_columns + log2_rows + 2);
}

class Av1Reader : public BitstreamReader {
 public:
  void on_codec_data(Bytes data) override {
    CodedFrame none;
    if (data.size() > 4) read(data.subspan(4), none);
  }

  bool read(Bytes bytes, CodedFrame& frame) override {
    bool good = true;
    shown_ = any_ = false;
    while (!bytes.empty() && good) good = unit(bytes, frame);
    return good && any_;
  }

 private:
  bool unit(Bytes& bytes, CodedFrame& frame) {
    const unsigned kind = bytes[0] >> 3 & 15;
    const bool extended = bytes[0] & 4, sized = bytes[0] & 2;
    if (bytes[0] & 0x80 || bytes.size() < 1u + extended) return false;
    const unsigned layers = extended ? bytes[1] : 0;
    bytes = bytes.subspan(1 + extended);
    std::size_t size = bytes.size();
    if (sized && !length(bytes, size)) return false;
    const Bytes data = bytes.first(std::min(size, bytes.size()));
    bytes = bytes.subspan(data.size());
    BitReader r(data);
    if (kind == 1) {
      Sequence found = read_sequence(r);
      if (found.known) sequence_ = std::move(found);
    }
    if (kind != 3 && kind != 6) return true;
    CodedFrame found;
    bool visible = false;
    if (!sequence_.known || !header(r, extended ? layers : 0, extended, found, visible)) return false;
    if (visible || !shown_) frame = found;
    any_ = true;
    shown_ = shown_ || visible;
    return true;
  }

  static bool length(Bytes& bytes, std::size_t& size) {
    size = 0;
    for (unsigned i = 0; i < 8 && !bytes.empty(); ++i) {
      const unsigned byte = bytes[0];
      bytes = bytes.subspan(1);
      size |= static_cast<std::size_t>(byte & 127) << 7 * i;
      if (byte < 128) return true;
    }
    return false;
  }

  // Type, and what is shown. True where an earlier frame is.
  bool read_kind(BitReader& r, Header& h, CodedFrame& frame) {
    const Sequence& s = sequence_;
    if (s.reduced) return false;
    if (r.flag()) {
      frame = slots_[r.bits(3)];
      return true;
    }
    h.kind = r.bits(2);
    h.show = r.flag();
    if (h.show && s.decoder_model && !s.equal_intervals) r.skip(s.time_bits);
    if (!h.show) r.flag();
    h.resilient = h.kind == switching || (h.kind == key && h.show) || r.flag();
    return false;
  }

  void read_beginning(BitReader& r, unsigned layers, bool layered, Header& h) const {
    const Sequence& s = sequence_;
    const bool no_update = r.flag();
    h.screen_content = s.screen_content == select ? r.flag() : s.screen_content != 0;
    if (h.screen_content) h.integer_motion = s.integer_motion == select ? r.flag() : s.integer_motion != 0;
    r.skip(s.id_bits);
    h.own_size = h.kind == switching || (!s.reduced && r.flag());
    r.skip(s.order_bits);
    if (!h.intra() && !h.resilient) r.skip(3);
    if (s.decoder_model && r.flag())
      for (const Sequence::Point& point : s.points) {
        const bool in = !layered || point.idc == 0 ||
                        ((point.idc >> (layers >> 5 & 7) & 1) && (point.idc >> (8 + (layers >> 3 & 3)) & 1));
        if (point.model && in) r.skip(s.removal_bits);
      }
    if (h.kind != switching && !(h.kind == key && h.show)) h.refresh = r.bits(8);
    if ((!h.intra() || h.refresh != 0xff) && h.resilient && s.order_bits > 0) r.skip(8 * s.order_bits);
    h.last_update = !s.reduced && !no_update;
  }

  void read_inter(BitReader& r, Header& h) const {
    const Sequence& s = sequence_;
    const bool brief = s.order_bits > 0 && r.flag();
    unsigned references[7] = {};
    if (brief) references[0] = r.bits(3), r.skip(3);
    for (unsigned& reference : references) {
      if (!brief) reference = r.bits(3);
      r.skip(s.delta_id_bits);
    }
    bool found = false;
    for (const unsigned reference : references) {
      if (!h.own_size || h.resilient || !(found = r.flag())) continue;
      h.width = static_cast<unsigned>(slots_[reference].width);
      h.height = static_cast<unsigned>(slots_[reference].height);
      scale_width(r, s, h);
      break;
    }
    if (!found) read_size(r, s, h);
    if (!h.integer_motion) r.flag();
    if (!r.flag()) r.skip(2);
    r.flag();
    if (!h.resilient && s.motion_field) r.flag();
  }

  bool header(BitReader& r, unsigned layers, bool layered, CodedFrame& frame, bool& visible) {
    Header h;
    visible = true;
    if (read_kind(r, h, frame)) return !r.broken() && frame.width > 0;
    visible = h.show;
    read_beginning(r, layers, layered, h);
    if (h.intra()) {
      read_size(r, sequence_, h);
      if (h.screen_content && h.width == h.coded_width) r.flag();
    } else {
      read_inter(r, h);
    }
    if (h.last_update) r.flag();
    if (r.broken() || h.width == 0 || h.height == 0) return false;
    skip_tile_info(r, sequence_, h);
    const auto index = static_cast<int>(r.bits(8));
    if (r.broken()) return false;
    frame.type = h.intra() ? 'I' : 'P';
    frame.qp = index;
    frame.scale_qp = frame.reference_qp = scale_qp(vp9_step(index) / 8);
    frame.width = static_cast<int>(h.width);
    frame.height = static_cast<int>(h.height);
    for (std::size_t i = 0; i < slots_.size(); ++i)
      if (h.refresh >> i & 1) slots_[i] = frame;
    return true;
  }

  Sequence sequence_;
  std::array<CodedFrame, 8> slots_;
  bool any_ = false, shown_ = false;
};

}  // namespace

std::unique_ptr<BitstreamReader> make_av1_reader() { return std::make_unique<Av1Reader>(); }

}  // namespace reddiff
