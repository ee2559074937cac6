// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst-plugin/bitstream_hevc_sets.h"

#include <cstdlib>

namespace reddiff {
namespace {

constexpr unsigned most_distances = 16;

// A set told as another one, moved by `shift`: distances of both signs, nearest first.
HevcReferences moved(const HevcReferences& from, int shift, const std::vector<bool>& used,
                     const std::vector<bool>& kept) {
  std::vector<HevcReferences::Picture> all;
  for (std::size_t i = 0; i <= from.pictures.size(); ++i) {
    const int distance = shift + (i < from.pictures.size() ? from.pictures[i].distance : 0);
    if (kept[i] && distance != 0) all.push_back({distance, used[i]});
  }
  HevcReferences to;
  for (const bool later : {false, true}) {
    const auto begin = to.pictures.size();
    for (const auto& picture : all)
      if ((picture.distance > 0) == later) to.pictures.push_back(picture);
    std::stable_sort(to.pictures.begin() + static_cast<std::ptrdiff_t>(begin), to.pictures.end(),
                     [](const auto& a, const auto& b) { return std::abs(a.distance) < std::abs(b.distance); });
  }
  return to;
}

HevcReferences read_predicted(BitReader& r, const std::vector<HevcReferences>& sets, bool slice) {
  const auto back = slice ? r.count(static_cast<unsigned>(sets.size()) - 1) : 0;
  const HevcReferences& from = sets[sets.size() - 1 - back];
  const bool negative = r.flag();
  const int size = 1 + static_cast<int>(r.count(32767));
  std::vector<bool> used, kept;
  for (std::size_t i = 0; i <= from.pictures.size(); ++i) {
    used.push_back(r.flag());
    kept.push_back(used.back() || r.flag());
  }
  return moved(from, negative ? -size : size, used, kept);
}

void skip_profile(BitReader& r, unsigned layers) {
  r.skip(96);
  bool profile[8] = {}, level[8] = {};
  for (unsigned i = 0; i < layers; ++i) profile[i] = r.flag(), level[i] = r.flag();
  if (layers > 0) r.skip(2 * (8 - layers));
  for (unsigned i = 0; i < layers; ++i) r.skip(88 * profile[i] + 8 * level[i]);
}

void skip_scaling_lists(BitReader& r) {
  for (int size = 0; size < 4; ++size)
    for (int matrix = 0; matrix < 6; matrix += size == 3 ? 3 : 1) {
      if (!r.flag()) {
        r.ue();
        continue;
      }
      if (size > 1) r.se();
      for (int i = std::min(64, 1 << (4 + 2 * size)); i > 0; --i) r.se();
    }
}

// Blocks are counted in the whole picture, of which less may be shown.
void read_blocks(BitReader& r, unsigned width, unsigned height, HevcSps& sps) {
  const unsigned log2 = 3 + r.count(3);
  const unsigned block = log2 + r.count(3);
  r.count(4);
  r.count(4);
  r.count(8);
  r.count(8);
  const auto across = [block](unsigned pixels) { return (pixels + (1u << block) - 1) >> block; };
  sps.blocks = across(width) * across(height);
}

void read_size(BitReader& r, unsigned layers, HevcSps& sps) {
  sps.chroma = r.count(3);
  if (sps.chroma == 3) sps.separate_planes = r.flag();
  sps.width = static_cast<int>(r.count(65535));
  sps.height = static_cast<int>(r.count(65535));
  int crop[4] = {};
  if (r.flag())
    for (int& edge : crop) edge = static_cast<int>(r.count(65535));
  const int across = sps.chroma == 1 || sps.chroma == 2 ? 2 : 1, down = sps.chroma == 1 ? 2 : 1;
  sps.least_qp = -6 * static_cast<int>(r.count(8));
  r.count(8);
  sps.log2_poc = 4 + r.count(12);
  const unsigned whole[] = {static_cast<unsigned>(sps.width), static_cast<unsigned>(sps.height)};
  sps.width -= across * (crop[0] + crop[1]);
  sps.height -= down * (crop[2] + crop[3]);
  for (unsigned i = r.flag() ? 0 : layers; i <= layers; ++i) r.ue(), r.ue(), r.ue();
  read_blocks(r, whole[0], whole[1], sps);
}

void read_reference_sets(BitReader& r, HevcSps& sps) {
  for (unsigned left = r.count(64); left > 0 && !r.broken(); --left)
    sps.sets.push_back(read_hevc_references(r, sps.sets, false));
  sps.long_term = r.flag();
  if (!sps.long_term) return;
  for (unsigned left = r.count(32); left > 0; --left) {
    r.bits(sps.log2_poc);
    sps.long_term_used.push_back(r.flag());
  }
}

}  // namespace

HevcReferences read_hevc_references(BitReader& r, const std::vector<HevcReferences>& sets, bool slice) {
  if (!sets.empty() && r.flag()) return read_predicted(r, sets, slice);
  const unsigned counts[] = {r.count(most_distances), r.count(most_distances)};
  HevcReferences set;
  for (const int sign : {-1, 1}) {
    int distance = 0;
    for (unsigned i = 0; i < counts[sign > 0]; ++i) {
      distance += sign * (1 + static_cast<int>(r.count(32767)));
      set.pictures.push_back({distance, r.flag()});
    }
  }
  return set;
}

HevcSps read_hevc_sps(BitReader& r, unsigned& id) {
  HevcSps sps;
  r.bits(4);
  const unsigned layers = r.bits(3);
  r.flag();
  if (layers > 6) r.give_up();
  if (!r.broken()) skip_profile(r, layers);
  id = r.count(15);
  read_size(r, layers, sps);
  if (r.flag() && r.flag()) skip_scaling_lists(r);
  r.flag();
  sps.sao = r.flag();
  if (r.flag()) {
    r.bits(8);
    r.ue();
    r.ue();
    r.flag();
  }
  read_reference_sets(r, sps);
  sps.temporal_motion = r.flag();
  sps.known = !r.broken() && sps.width > 0 && sps.height > 0;
  return sps;
}

HevcPps read_hevc_pps(BitReader& r, unsigned& id) {
  HevcPps pps;
  id = r.count(63);
  pps.sps = r.count(15);
  pps.dependent = r.flag();
  pps.output_flag = r.flag();
  pps.extra_bits = r.bits(3);
  r.flag();
  pps.cabac_init = r.flag();
  for (unsigned& count : pps.references) count = 1 + r.count(most_hevc_references - 1);
  pps.init_qp = 26 + r.se();
  r.skip(2);
  if (r.flag()) r.ue();
  r.se();
  r.se();
  r.flag();
  pps.weighted = r.flag();
  pps.bipred = r.flag();
  r.flag();
  const bool tiles = r.flag();
  r.flag();
  if (tiles) {
    const unsigned columns = r.count(1023), rows = r.count(1023);
    if (!r.flag())
      for (unsigned i = 0; i < columns + rows; ++i) r.ue();
    r.flag();
  }
  r.flag();
  if (r.flag()) {
    r.flag();
    if (!r.flag()) r.se(), r.se();
  }
  if (r.flag()) skip_scaling_lists(r);
  pps.list_changes = r.flag();
  pps.known = !r.broken();
  return pps;
}

}  // namespace reddiff
