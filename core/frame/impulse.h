// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Pixels that say nothing: salt and pepper, struck afresh in every frame, and hot or dead pixels of a sensor (hot_pixels.h). Found only
// where chance leaves no other reading, because a clean picture holds isolated pixels too: dots of letters, pixel art, dither, stars.
//
// Salt and pepper is a picture in which isolated values lie at black and at white, are about as frequent at either end wherever a
// neighbourhood leaves room for them, and touch one another as seldom as chance has it. What people draw is at one end more than at the
// other, or comes in strokes and clusters; texture has isolated values of any shade.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "core/frame/hot_pixels.h"

namespace reddiff {

inline constexpr float isolated_by = 0.25F;   // at least, of an isolated value to its neighbours
inline constexpr float end_of_range = 0.98F;  // beyond it a value is black or white

// Planes of a picture in memory: values of [-1,1], rows without padding.
struct Planes {
  const float* values;
  std::int64_t count, height, width;

  std::int64_t size() const { return count * height * width; }
};

// What isolated values there are: ones that differ from all their eight neighbours by an eighth of the range, to the same side. Border
// pixels are left out.
struct Census {
  struct End {
    std::int64_t single = 0;   // isolated values at this end of the range
    std::int64_t pairs = 0;    // the same with one such neighbour; counted only where they decide
    std::int64_t chances = 0;  // values whose neighbourhood would show one
    double rate() const { return chances > 0 ? static_cast<double>(single) / static_cast<double>(chances) : 0; }
  };
  End black, white;
  std::int64_t values = 0, extreme = 0;  // all of them; those at either end
  std::vector<std::int64_t>
      isolated;  // where, indices of values; beyond a hundredth of all values the rest is not listed
  std::int64_t isolated_count = 0;

  double isolated_share() const {
    return values > 0 ? static_cast<double>(isolated_count) / static_cast<double>(values) : 0;
  }

  bool is_salt_and_pepper() const;
  // What of that needs no pairs.
  bool may_be_salt_and_pepper() const;
};

// Of inner rows: first, first + step and so on, from 1.
Census count_isolated(const Planes& planes, std::int64_t first = 1, std::int64_t step = 1);

// Of a picture that is salt and pepper, 1 where any plane of a pixel was struck: values at an end of the range that most neighbours are
// far from, in clusters no larger than chance makes them. [height * width].
std::vector<float> struck_pixels(const Planes& planes, const Census& census);

class SparsePicture;

// Looks at every fourth row first, other rows in every frame, and at all of them where there may be something; where there was nothing for a
// while, in every fourth frame if that will do. Remembers what it has to of the frames before.
class Impulses {
 public:
  // picture: [1,C,H,W], [-1,1]. may_wait: one in four frames will do, if there was nothing for a while. Returns [1,1,H,W], 1 = an impulse;
  // undefined where there is none. Waits for a GPU.
  at::Tensor find(const at::Tensor& picture, bool may_wait = false);

  // There were none for a while: where nothing else asks for it, not every frame has to be looked at.
  bool is_idle() const;

  // The last frame was the first of another scene.
  void start_scene() { idle_ = 0; }

 private:
  // What was found in a frame.
  struct Found {
    std::vector<float> struck;      // [height * width], or nothing
    std::vector<std::int64_t> hot;  // indices of values
  };

  template <typename Count> Census census_by(const Count& count);
  Found find_on_host(const Planes& planes);
  std::optional<Found> find_by_steps(const at::Tensor& picture);

  std::int64_t frame_ = 0;
  int idle_ = 0;             // frames without impulses one after the other
  int rested_ = 0;           // idle frames
  bool was_struck_ = false;  // the last frame, by salt and pepper
  HotPixels hot_;
  std::shared_ptr<SparsePicture> sparse_;  // of frames in a GPU's memory
};

}  // namespace reddiff
