// SPDX-License-Identifier: LGPL-2.1-or-later
//
// HEVC: what slice headers refer to. Pure.
#pragma once

#include "gst-plugin/bit_reader.h"

namespace reddiff {

constexpr unsigned most_hevc_references = 16;

// A short-term reference picture set: distances in the order of display, the earlier pictures first.
struct HevcReferences {
  struct Picture {
    int distance;
    bool used;
  };
  std::vector<Picture> pictures;
  unsigned used() const {
    return static_cast<unsigned>(
        std::count_if(pictures.begin(), pictures.end(), [](const Picture& p) { return p.used; }));
  }
};

struct HevcSps {
  bool known = false, separate_planes = false, sao = false, long_term = false, temporal_motion = false;
  unsigned chroma = 1, log2_poc = 4, blocks = 1;  // coding tree blocks of a picture
  int least_qp = 0, width = 0, height = 0;
  std::vector<HevcReferences> sets;
  std::vector<bool> long_term_used;
};

struct HevcPps {
  bool known = false, dependent = false, output_flag = false, cabac_init = false, weighted = false, bipred = false,
       list_changes = false;
  unsigned sps = 0, extra_bits = 0, references[2] = {1, 1};
  int init_qp = 26;
};

// `slice`: in a slice header, behind all sets of the parameters.
HevcReferences read_hevc_references(BitReader& r, const std::vector<HevcReferences>& sets, bool slice);
HevcSps read_hevc_sps(BitReader& r, unsigned& id);
HevcPps read_hevc_pps(BitReader& r, unsigned& id);

}  // namespace reddiff
