// SPDX-License-Identifier: LGPL-2.1-or-later
//
// H.264: parameter sets, and slice headers as far as slice_qp_delta.
#include "gst-plugin/bitstream.h"

namespace reddiff {
namespace {

constexpr unsigned most_references = 32;

struct Sps {
  bool known = false, separate_planes = false, frame_mbs_only = true, delta_always_zero = false;
  unsigned chroma = 1, log2_frame_num = 4, poc_type = 0, log2_poc = 4;
  int least_qp = 0, width = 0, height = 0;
};

struct Pps {
  bool known = false, cabac = false, bottom_poc = false, weighted = false, redundant = false;
  unsigned sps = 0, references[2] = {1, 1}, bipred = 0;
  int init_qp = 26;
};

void skip_scaling_list(BitReader& r, int size) {
  int last = 8, next = 8;
  for (int i = 0; i < size && !r.broken(); ++i) {
    if (next != 0) next = (last + r.se()) & 255;
    if (next != 0) last = next;
  }
}

void read_high_profile(BitReader& r, Sps& sps) {
  sps.chroma = r.count(3);
  if (sps.chroma == 3) sps.separate_planes = r.flag();
  sps.least_qp = -6 * static_cast<int>(r.count(6));
  r.count(6);
  r.flag();
  if (!r.flag()) return;
  for (int i = 0; i < (sps.chroma == 3 ? 12 : 8); ++i)
    if (r.flag()) skip_scaling_list(r, i < 6 ? 16 : 64);
}

void read_size(BitReader& r, Sps& sps) {
  const unsigned columns = r.count(4095) + 1, rows = r.count(4095) + 1;
  sps.frame_mbs_only = r.flag();
  if (!sps.frame_mbs_only) r.flag();
  r.flag();
  const unsigned lines = sps.frame_mbs_only ? 1 : 2;
  int crop[4] = {};
  if (r.flag())
    for (int& edge : crop) edge = static_cast<int>(r.count(65535));
  const bool planes = sps.chroma == 0 || sps.separate_planes;
  const int across = !planes && sps.chroma < 3 ? 2 : 1, down = !planes && sps.chroma == 1 ? 2 : 1;
  sps.width = static_cast<int>(16 * columns) - across * (crop[0] + crop[1]);
  sps.height = static_cast<int>(16 * rows * lines) - down * static_cast<int>(lines) * (crop[2] + crop[3]);
}

Sps read_sps(BitReader& r, unsigned& id) {
  Sps sps;
  const unsigned profile = r.bits(8);
  r.bits(16);
  id = r.count(31);
  for (const unsigned high : {100u, 110u, 122u, 244u, 44u, 83u, 86u, 118u, 128u, 138u, 139u, 134u, 135u})
    if (profile == high) read_high_profile(r, sps);
  sps.log2_frame_num = 4 + r.count(12);
  sps.poc_type = r.count(2);
  if (sps.poc_type == 0) sps.log2_poc = 4 + r.count(12);
  if (sps.poc_type == 1) {
    sps.delta_always_zero = r.flag();
    r.se();
    r.se();
    for (unsigned left = r.count(255); left > 0; --left) r.se();
  }
  r.count(most_references);
  r.flag();
  read_size(r, sps);
  sps.known = !r.broken() && sps.width > 0 && sps.height > 0;
  return sps;
}

void skip_slice_groups(BitReader& r) {
  const unsigned groups = r.count(7);
  if (groups == 0) return;
  const unsigned type = r.count(6);
  if (type == 0)
    for (unsigned i = 0; i <= groups; ++i) r.ue();
  if (type == 2)
    for (unsigned i = 0; i < groups; ++i) r.ue(), r.ue();
  if (type >= 3 && type <= 5) r.flag(), r.ue();
  if (type == 6) {
    const unsigned size = r.ue() + 1;
    for (unsigned i = 0; i < size && !r.broken(); ++i) r.skip(bits_for(groups + 1));
  }
}

Pps read_pps(BitReader& r, unsigned& id) {
  Pps pps;
  id = r.count(255);
  pps.sps = r.count(31);
  pps.cabac = r.flag();
  pps.bottom_poc = r.flag();
  skip_slice_groups(r);
  for (unsigned& count : pps.references) count = 1 + r.count(most_references - 1);
  pps.weighted = r.flag();
  pps.bipred = r.bits(2);
  pps.init_qp = 26 + r.se();
  r.se();
  r.se();
  r.bits(2);
  pps.redundant = r.flag();
  pps.known = !r.broken();
  return pps;
}

// What is in front of slice_qp_delta.
struct Slice {
  char type = 'I';
  bool idr = false, reference = false, field = false, switching = false;
  unsigned references[2] = {0, 0};
  int lists() const { return type == 'I' ? 0 : type == 'P' ? 1 : 2; }
};

void skip_order(BitReader& r, const Sps& sps, const Pps& pps, Slice& slice) {
  if (sps.separate_planes) r.bits(2);
  r.bits(sps.log2_frame_num);
  if (!sps.frame_mbs_only && (slice.field = r.flag())) r.flag();
  if (slice.idr) r.ue();
  const bool bottom = pps.bottom_poc && !slice.field;
  if (sps.poc_type == 0) {
    r.bits(sps.log2_poc);
    if (bottom) r.se();
  }
  if (sps.poc_type == 1 && !sps.delta_always_zero) {
    r.se();
    if (bottom) r.se();
  }
  if (pps.redundant) r.ue();
}

void skip_reference_lists(BitReader& r, const Pps& pps, Slice& slice) {
  std::copy(std::begin(pps.references), std::end(pps.references), slice.references);
  if (slice.type == 'B') r.flag();
  if (slice.lists() > 0 && r.flag())
    for (int list = 0; list < slice.lists(); ++list) slice.references[list] = 1 + r.count(most_references - 1);
  for (int list = 0; list < slice.lists(); ++list) {
    if (!r.flag()) continue;
    while (r.count(5) != 3 && !r.broken()) r.ue();
  }
}

void skip_weights(BitReader& r, const Sps& sps, const Slice& slice) {
  const bool chroma = sps.chroma != 0 && !sps.separate_planes;
  r.ue();
  if (chroma) r.ue();
  for (int list = 0; list < slice.lists(); ++list)
    for (unsigned i = 0; i < slice.references[list]; ++i) {
      if (r.flag()) r.se(), r.se();
      if (chroma && r.flag()) r.se(), r.se(), r.se(), r.se();
    }
}

void skip_marking(BitReader& r, const Slice& slice) {
  if (slice.idr) return r.skip(2);
  if (!r.flag()) return;
  for (unsigned what = r.count(6); what != 0 && !r.broken(); what = r.count(6)) {
    if (what != 5) r.ue();
    if (what == 3) r.ue();
  }
}

class H264Reader : public BitstreamReader {
 public:
  explicit H264Reader(bool length_prefixed) : length_size_(length_prefixed ? 4 : 0) {}

  void on_codec_data(Bytes data) override {
    if (length_size_ == 0 || data.size() < 7) return;
    length_size_ = 1 + (data[4] & 3);
    Bytes rest = data.subspan(5);
    for (const int mask : {31, 255}) {
      if (rest.empty()) return;
      const int sets = rest[0] & mask;
      rest = rest.subspan(1);
      take_units(rest, sets, [this](Bytes nal) { parameters(nal); });
    }
  }

  bool read(Bytes bytes, CodedFrame& frame) override {
    SliceTally tally;
    bool good = true;
    each_nal(bytes, length_size_, [&](Bytes nal) {
      if (nal.empty()) return;
      const int type = nal[0] & 31;
      if (type == 7 || type == 8) parameters(nal);
      if (type == 1 || type == 2 || type == 5) good = slice(nal, tally, frame) && good;
    });
    frame.type = tally.type();
    frame.qp = frame.scale_qp = frame.reference_qp = tally.mean();
    return good && tally.count() > 0;
  }

 private:
  void parameters(Bytes nal) {
    if (nal.empty()) return;
    const auto plain = unescaped(nal.subspan(1));
    BitReader r(plain);
    unsigned id = 0;
    if ((nal[0] & 31) == 7) {
      const Sps sps = read_sps(r, id);
      if (sps.known) sps_[id] = sps;
    } else if ((nal[0] & 31) == 8) {
      const Pps pps = read_pps(r, id);
      if (pps.known) pps_[id] = pps;
    }
  }

  bool slice(Bytes nal, SliceTally& tally, CodedFrame& frame) const {
    const auto plain = unescaped(nal.subspan(1));
    BitReader r(plain);
    r.ue();
    const unsigned type = r.count(9) % 5;
    const Pps& pps = pps_[r.count(255)];
    const Sps& sps = sps_[pps.sps];
    if (!pps.known || !sps.known) return false;
    Slice slice;
    slice.type = "PBIPI"[type];
    slice.idr = (nal[0] & 31) == 5;
    slice.reference = (nal[0] >> 5 & 3) != 0;
    skip_order(r, sps, pps, slice);
    skip_reference_lists(r, pps, slice);
    if (slice.type == 'P' ? pps.weighted : slice.type == 'B' && pps.bipred == 1) skip_weights(r, sps, slice);
    if (slice.reference) skip_marking(r, slice);
    if (pps.cabac && slice.type != 'I') r.ue();
    const int qp = pps.init_qp + r.se();
    if (r.broken() || qp < sps.least_qp || qp > 51) return false;
    tally.add(slice.type, qp);
    frame.width = sps.width;
    frame.height = sps.height;
    return true;
  }

  unsigned length_size_;
  std::array<Sps, 32> sps_;
  std::array<Pps, 256> pps_;
};

}  // namespace

std::unique_ptr<BitstreamReader> make_h264_reader(bool length_prefixed) {
  return std::make_unique<H264Reader>(length_prefixed);
}

}  // namespace reddiff
