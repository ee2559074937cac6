// SPDX-License-Identifier: LGPL-2.1-or-later
//
// HEVC: slice headers as far as slice_qp_delta.
#include "gst-plugin/bitstream.h"
#include "gst-plugin/bitstream_hevc_sets.h"

namespace reddiff {
namespace {

struct Slice {
  char type = 'I';
  bool chroma = false, temporal_motion = false;
  unsigned poc = 0, pictures = 0, references[2] = {0, 0};
  int lists() const { return type == 'I' ? 0 : type == 'P' ? 1 : 2; }
};

unsigned long_term_pictures(BitReader& r, const HevcSps& sps) {
  const auto known = static_cast<unsigned>(sps.long_term_used.size());
  const unsigned listed = known > 0 ? r.count(most_hevc_references) : 0;
  const unsigned all = listed + r.count(most_hevc_references);
  unsigned used = 0;
  for (unsigned i = 0; i < all; ++i) {
    if (i < listed) {
      const unsigned which = known > 1 ? r.bits(bits_for(known)) : 0;
      used += which < known && sps.long_term_used[which];
    } else {
      r.bits(sps.log2_poc);
      used += r.flag();
    }
    if (r.flag()) r.ue();
  }
  return used;
}

void read_pictures(BitReader& r, const HevcSps& sps, Slice& slice) {
  slice.poc = r.bits(sps.log2_poc);
  if (!r.flag()) {
    slice.pictures = read_hevc_references(r, sps.sets, true).used();
  } else {
    const auto count = static_cast<unsigned>(sps.sets.size());
    const unsigned which = count > 1 ? r.bits(bits_for(count)) : 0;
    if (which >= count) return r.give_up();
    slice.pictures = sps.sets[which].used();
  }
  if (sps.long_term) slice.pictures += long_term_pictures(r, sps);
  slice.temporal_motion = sps.temporal_motion && r.flag();
}

void skip_weights(BitReader& r, const Slice& slice) {
  r.ue();
  if (slice.chroma) r.se();
  for (int list = 0; list < slice.lists(); ++list) {
    bool luma[most_hevc_references] = {}, chroma[most_hevc_references] = {};
    for (unsigned i = 0; i < slice.references[list]; ++i) luma[i] = r.flag();
    for (unsigned i = 0; slice.chroma && i < slice.references[list]; ++i) chroma[i] = r.flag();
    for (unsigned i = 0; i < slice.references[list]; ++i)
      for (int left = 2 * luma[i] + 4 * chroma[i]; left > 0; --left) r.se();
  }
}

void skip_prediction(BitReader& r, const HevcPps& pps, Slice& slice) {
  std::copy(std::begin(pps.references), std::end(pps.references), slice.references);
  if (r.flag())
    for (int list = 0; list < slice.lists(); ++list) slice.references[list] = 1 + r.count(most_hevc_references - 1);
  if (pps.list_changes && slice.pictures > 1)
    for (int list = 0; list < slice.lists(); ++list)
      if (r.flag()) r.skip(slice.references[list] * bits_for(slice.pictures));
  if (slice.type == 'B') r.flag();
  if (pps.cabac_init) r.flag();
  if (slice.temporal_motion) {
    const bool first = slice.type != 'B' || r.flag();
    if (slice.references[first ? 0 : 1] > 1) r.ue();
  }
  if (slice.type == 'P' ? pps.weighted : pps.bipred) skip_weights(r, slice);
  r.ue();
}

class HevcReader : public BitstreamReader {
 public:
  explicit HevcReader(bool length_prefixed) : length_size_(length_prefixed ? 4 : 0) {}

  void on_codec_data(Bytes data) override {
    if (length_size_ == 0 || data.size() < 23) return;
    length_size_ = 1 + (data[21] & 3);
    Bytes rest = data.subspan(23);
    for (int arrays = data[22]; arrays > 0 && rest.size() >= 3; --arrays) {
      const int units = rest[1] << 8 | rest[2];
      rest = rest.subspan(3);
      take_units(rest, units, [this](Bytes nal) { parameters(nal); });
    }
  }

  bool read(Bytes bytes, CodedFrame& frame) override {
    SliceTally tally;
    bool good = true;
    each_nal(bytes, length_size_, [&](Bytes nal) {
      if (nal.size() < 2 || (nal[0] & 1) != 0 || nal[1] >> 3 != 0) return;  // of another layer
      const int type = nal[0] >> 1;
      if (type == 33 || type == 34) parameters(nal);
      if (type <= 9 || (type >= 16 && type <= 21)) good = slice(nal, tally, frame) && good;
    });
    if (!good || tally.count() == 0) return false;
    frame.type = tally.type();
    frame.qp = frame.scale_qp = tally.mean();
    // A frame that later ones overtake in the order of display has errors like those of the frames it is made from.
    if (in_order_) anchor_qp_ = frame.qp;
    frame.reference_qp = anchor_qp_;
    return true;
  }

 private:
  void parameters(Bytes nal) {
    if (nal.size() < 3) return;
    const auto plain = unescaped(nal.subspan(2));
    BitReader r(plain);
    unsigned id = 0;
    if (nal[0] >> 1 == 33) {
      HevcSps sps = read_hevc_sps(r, id);
      if (sps.known) sps_[id] = std::move(sps);
    } else if (nal[0] >> 1 == 34) {
      const HevcPps pps = read_hevc_pps(r, id);
      if (pps.known) pps_[id] = pps;
    }
  }

  bool slice(Bytes nal, SliceTally& tally, CodedFrame& frame) {
    const auto plain = unescaped(nal.subspan(2));
    BitReader r(plain);
    const int type = nal[0] >> 1;
    const bool first = r.flag(), idr = type == 19 || type == 20;
    if (type >= 16) r.flag();
    const HevcPps& pps = pps_[r.count(63)];
    const HevcSps& sps = sps_[pps.sps];
    if (!pps.known || !sps.known) return false;
    if (!first) {
      if (pps.dependent && r.flag()) return true;  // goes on with the header before
      r.bits(bits_for(sps.blocks));
    }
    Slice slice;
    slice.chroma = sps.chroma != 0 && !sps.separate_planes;
    r.skip(pps.extra_bits);
    slice.type = "BPI"[r.count(2)];
    if (pps.output_flag) r.flag();
    if (sps.separate_planes) r.bits(2);
    if (!idr) read_pictures(r, sps, slice);
    if (sps.sao) r.skip(slice.chroma ? 2 : 1);
    if (slice.type != 'I') skip_prediction(r, pps, slice);
    const int qp = pps.init_qp + r.se();
    if (r.broken() || qp < sps.least_qp || qp > 51) return false;
    if (first) place(slice, sps.log2_poc, type >= 16);
    tally.add(slice.type, qp);
    frame.width = sps.width;
    frame.height = sps.height;
    return true;
  }

  // Whether the frame is displayed after all before it.
  void place(const Slice& slice, unsigned log2_poc, bool random_access) {
    const unsigned ahead = (slice.poc - latest_poc_) & ((1u << log2_poc) - 1);
    in_order_ = random_access || slice.type != 'B' || ahead < 1u << (log2_poc - 1);
    if (in_order_) latest_poc_ = slice.poc;
  }

  unsigned length_size_;
  std::array<HevcSps, 16> sps_;
  std::array<HevcPps, 64> pps_;
  unsigned latest_poc_ = 0;
  bool in_order_ = true;
  double anchor_qp_ = 0;
};

}  // namespace

std::unique_ptr<BitstreamReader> make_hevc_reader(bool length_prefixed) {
  return std::make_unique<HevcReader>(length_prefixed);
}

}  // namespace reddiff
