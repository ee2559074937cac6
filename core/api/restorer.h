// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The edge between gst-plugin and the torch module. gst-plugin opens `libreddiff-torch.so` with dlopen, looks up the one
// symbol `reddiff_module` and talks to the two abstract classes below. Only reddiff::Error crosses this edge.
//
// Threads: an object is used by one streaming thread at a time; `abort` flags may be set from any thread.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/api/config.h"
#include "core/api/error.h"
#include "core/api/frame_view.h"
#include "core/api/jpeg_tables.h"

namespace reddiff {

// Which lines of a frame belong to one moment: all of them, those of the top field (the first, the third, ...), or the others.
enum class FrameLines { all, top_field, bottom_field };

// What is known of packets that were lost on a frame's way to its decoder.
enum class FrameDamage {
  unwatched,  // nobody would say: nothing is kept for such frames
  none,       // neither of it nor of what it was predicted from
  inherited,  // of what it was predicted from
  lost        // of it, or between it and the frame before
};

// What may change from frame to frame without a new Restorer.
struct FrameOptions {
  double strength = 1;
  double chroma_strength = 1;  // of what `strength` leaves: 0: the chroma of the plainly resampled input, luma as it is
  // Of the width, 0..1, from the left: shows the plainly resampled input, up to a white line. 0: none, and no line.
  double compared = 0;
  // 0..1: how much of the noise that was taken away is made anew and put back (core/frame/grain.h), where the output shows what was restored.
  double grain = 0;
  unsigned overlay = 0;  // of enum Overlay: figures drawn into the output's upper left corner
  double noise = -1;     // 8-bit units, as Config::noise
  // 8-bit units; what a codec left, by what the stream says, where a camera has been: no estimate is taken below that.
  double least_noise = 0;
  double most_noise = 255;  // 8-bit units; no estimate is taken above this
  // Of the JPEG picture that `in` was decoded from, null: none. Where the level is open, task=restore takes them for what they are if the
  // frame is as they say (core/frame/quantised_dct.h).
  const JpegTables* jpeg = nullptr;
  // For masks from files and regions: width x height of `in`, row by row, 0 = missing.
  const std::uint8_t* known = nullptr;
  // Of the prior, on pictures of the output's size; 0: plainly resampled, the past stays as it is; -1: no limit.
  int most_calls = -1;
  // Other than `all` only where makes_frames_of_fields(config): then only these lines of `in` are looked at, and the frame of that moment
  // is made first. Fields come in the order of time, each in a call of its own.
  FrameLines lines = FrameLines::all;
  // Other than `unwatched` a frame that its decoder made of nothing is concealed by what was shown before (core/temporal/concealment.h).
  FrameDamage damage = FrameDamage::unwatched;
  int steps = 1;      // from the last frame to this one, 1 to 4: more than one where frames between are missing
  bool shown = true;  // false, for fields: it is only remembered, `out` is not touched
  // Looked at wherever work may take long (abort.h). Then Error{aborted}: the output is worthless, and reset() comes before the
  // next frame.
  const std::atomic<bool>* abort = nullptr;
};

// Milliseconds of one frame by stage; for stats and tests/bench.
struct StageTimes {
  double convert = 0, flow = 0, op = 0, prior = 0, optimizer = 0, total = 0;
};

struct FrameReport {
  int prior_calls = 0;          // on pictures of the output's size
  bool cold = true;             // had no past (first frame, reset, cut, temporal=none)
  bool cut = false;             // a scene cut was found
  bool none_known = false;      // a mask, and all of it is missing: nothing of the input is seen
  bool not_finite = false;      // the solver produced NaN or infinity: the output is the plainly resampled input
  int tiles = 1;                // per call of the prior
  int tiles_halved = 0;         // how often in this frame, after running out of memory
  double noise = 0;             // 8-bit units, that was used
  bool noise_is_least = false;  // and it is FrameOptions::least_noise
  std::array<double, 3> noise_of_plane{};  // 8-bit units: of Y', Cb, Cr, or of R, G, B, as the frame has them
  // Level at half the size over that at full size, in units of what white noise shows; correlated noise: more.
  double noise_slope = 1;
  double noise_share = 0;  // of the blocks, 0..1: that had a say in the estimate
  double coded_share = 0;  // of the luma's blocks, 0..1: that are as FrameOptions::jpeg says; 0: that was not believed
  double concealed_share = 0;  // of the pixels, 0..1: taken from frames before, as this one was damaged
  double start_level = 0;      // 8-bit units, of the schedule that was run
  double end_level = 0;
  StageTimes ms;
};

// Restores frames of one size and format after each other.
class Restorer {
 public:
  virtual ~Restorer() = default;

  // Forgets every earlier frame: the next frame's output equals that of a new Restorer, bit for bit.
  virtual void reset() = 0;

  // `in` and `out` describe different memory, each on the host or on a device; when this returns, `out` is written and `in` no longer
  // needed. out is in x the scale of the configuration. With alpha in both, alpha is a mask
  // (output alpha opaque) if the configuration says so, else it is resampled. A frame size or format that differs from the
  // last one resets first.
  virtual FrameReport process(const FrameView& in, const FrameView& out, const FrameOptions& options) = 0;

  // Number of the CUDA device that the work is done on; frames are best in its memory. -1: on the CPU, frames are best in the host's.
  virtual int cuda_device() const = 0;

  // "cpu" or "cuda:N", and what the prior's card says of it: for stats and logs.
  virtual std::string description() const = 0;
};

// Applies an operator and noise to clean frames: y = H(x) + sigma n.
class Degrader {
 public:
  virtual ~Degrader() = default;
  // `frame_index` selects the noise field together with the seed. out is in / factor. `abort` as in FrameOptions.
  virtual void process(const FrameView& in, const FrameView& out, std::uint64_t frame_index,
                       const std::atomic<bool>* abort = nullptr) = 0;
};

struct DegraderConfig {
  std::string operator_text = "identity";
  double noise = 0;  // 8-bit units
  std::uint64_t seed = 0;
  std::string device = "auto";
};

struct ModuleTable {
  std::uint64_t guard = 0;  // must equal module_guard(version) of whoever opens the module
  // `module_dir`: where the torch module lies; weights are looked for relative to it. `live`: see resolve().
  std::unique_ptr<Restorer> (*make_restorer)(const Config&, bool live, const std::string& module_dir) = nullptr;
  std::unique_ptr<Degrader> (*make_degrader)(const DegraderConfig&) = nullptr;
};

// A number that differs between builds which must not be mixed: of the project's version and of the size of everything that crosses the
// edge (FNV-1a).
constexpr std::uint64_t module_guard(std::string_view version) {
  std::uint64_t hash = 0xcbf29ce484222325;
  const auto add = [&hash](std::uint64_t value) { hash = (hash ^ value) * 0x100000001b3; };
  for (const char letter : version) add(static_cast<unsigned char>(letter));
  for (const std::size_t size :
       {sizeof(Config), sizeof(FrameOptions), sizeof(FrameReport), sizeof(StageTimes), sizeof(FrameView),
        sizeof(Component), sizeof(JpegTables), sizeof(DegraderConfig), sizeof(ModuleTable), sizeof(Error)})
    add(size);
  return hash;
}

inline constexpr const char* module_symbol = "reddiff_module";

}  // namespace reddiff

// Exported by the torch module.
extern "C" const reddiff::ModuleTable* reddiff_module();
