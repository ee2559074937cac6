// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What search_filter works on: clean clips, and how near a restored one comes to them.
#pragma once

#include <string>
#include <vector>

#include "tests/bench/subjects.h"

namespace reddiff::bench {

struct Clip {
  std::string name;
  Size size;
  std::vector<at::Tensor> frames;  // [1,3,H,W] in [-1,1]

  int count() const { return static_cast<int>(frames.size()); }
};

// NAME:WIDTHxHEIGHT:FILE, packed 24-bit RGB; the first `most` frames of it. Throws reddiff::Error.
Clip read_clip(const std::string& text, int most);

Clip made_up_clip(const Size& size, int frames);

// How a clip is degraded and restored in the search.
struct SearchTask {
  const char* name;
  TaskCase task;
  int steps;  // calls of the prior per frame, with and without a past
};

const std::vector<SearchTask>& search_tasks();

std::vector<OwnedFrame> degrade(const SearchTask& task, const Clip& clip);

// Mean PSNR in dB over the frames from index `first` on, after all of them are restored in order; of the missing pixels where
// pixels are missing.
double restored_psnr(const SearchTask& task, const Clip& clip, const std::vector<OwnedFrame>& degraded, int first,
                     Temporal temporal, const FilterConstants& constants);

}  // namespace reddiff::bench
