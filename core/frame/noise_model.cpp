// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/frame/noise_model.h"

#include <algorithm>
#include <cmath>

#include "core/api/units.h"

namespace reddiff {
namespace {

// Of the pixels; with more that equal all their neighbours there are places without noise.
constexpr double most_constant = 0.05;
// The same of black and white, where there is more noise than this: it would have left none.
constexpr double most_at_ends = 0.2, most_still_at_ends = 0.1, strong = 2.0 * 32 / 255;
// Of the blocks have to have changed, so that the quietest of them say something.
constexpr double enough_changed = 0.15;
// Of what a single frame shows; with motion change is more, and says nothing.
constexpr double most_change = 1.4;
// Detail that stands still changes by the noise alone, .8 to 1.6 times what the quietest blocks do; a picture that moves 2.3 to 8 times.
constexpr double most_at_detail = 1.8;
// Noise that has changed since the last frame by so much is not that of both.
constexpr double alike = 1.2;
constexpr double kept = 0.75;  // of what was known of the share before
// The prior is asked again where a level has become so many times as large or as small.
constexpr double another = 1.5;
// Noise is at most so many times what is read of it: of soft noise next to nothing passes the filter at full size.
constexpr double most_unread = 1.5, most_unread_of_colour = 2.5;
// Noise is correlated whose spectrum rises by so much, and stays so down to the other; white noise comes to 1.1.
constexpr double rise_of_correlated = 2, rise_that_stays = 1.6;
constexpr double most_told = 2;                           // times what is read at full size
constexpr int followed_at_first = 4, followed_again = 4;  // frames whose motion is looked for: then one in so many
constexpr int enough_in_a_row = 2;  // frames that have stood still, before anything else has told of noise
constexpr int learnt_again = 4;     // frames: the spectrum of what has turned out to be white noise

constexpr int idle_before_rest = 8, looked_at = 4;  // frames; of resting ones one in so many is looked at

bool is_within(double factor, double a, double b) {
  return std::max(a, b) <= factor * std::max(std::min(a, b), least_noise);
}

// Detail that moves changes as noise does. Half size says which it is: at full size what JPEG or a camera's denoising left is stronger
// beside detail, at a quarter slow motion hardly shows. The others are asked where half size shows no detail. Where none does, either noise
// is stronger than all detail or a texture that is the same all over moves: then it is for the prior to say.
bool stands_still(const NoiseEstimate& change, bool prior_agrees) {
  for (const std::size_t size : {1U, 0U, 2U})
    if (const double at_detail = change.own[size].at_detail; at_detail > 0) return at_detail < most_at_detail;
  return prior_agrees;
}

}  // namespace

NoiseModel::NoiseModel() : sizes_{NoiseTrack(0), NoiseTrack(0), NoiseTrack(0)}, track_(level_to_core(1)) {}

bool NoiseModel::learn_from_change(const std::vector<NoisePlanes>& planes, const NoiseEstimate& alone) {
  // Frames of another size have another Observer.
  if (before_.empty() || !last_ || !is_within(alike, alone.white(), last_->white())) return false;
  auto change = estimate_change(planes, before_);
  if (change.share < enough_changed) return false;
  bool still = stands_still(change, verdict_.has_value());
  if (!still && alone.white() > 0)
    if (const auto along = change_along_motion(planes)) change = *along, still = true;
  if (!is_sure(still)) still = false;
  if (!still && !verdict_) return false;
  for (std::size_t size = 0; size < noise_sizes; ++size) curves_[size].learn(alone.own[size], change.own[size]);
  return still && learn_share(alone, change);
}

// A slow pan over fine texture comes near to standing still, and passes for it now and then.
bool NoiseModel::is_sure(bool still) {
  still_in_a_row_ = still ? still_in_a_row_ + 1 : 0;
  return verdict_ || noise_share_ || still_in_a_row_ >= enough_in_a_row;
}

// What changes where each block is compared with where it was, if that shows no detail.
std::optional<NoiseEstimate> NoiseModel::change_along_motion(const std::vector<NoisePlanes>& planes) {
  if (++moving_ > followed_at_first && moving_ % followed_again != 0) return {};
  const auto motion = motion_between(planes, before_);
  if (!motion) return {};
  const auto change = estimate_change(planes, moved(before_, *motion));
  if (change.share < enough_changed || !stands_still(change, false)) return {};
  if (last_picture_.defined()) last_picture_ = motion->moved(last_picture_);
  return change;
}

bool NoiseModel::learn_share(const NoiseEstimate& alone, const NoiseEstimate& change) {
  Levels share{};
  for (std::size_t size = 0; size < noise_sizes; ++size) {
    if (change.level[size] > most_change * alone.level[size]) return false;
    share[size] = alone.level[size] > 0 ? std::min(1.0, change.level[size] / alone.level[size]) : 0;
    if (noise_share_) share[size] = kept * (*noise_share_)[size] + (1 - kept) * share[size];
  }
  noise_share_ = share;
  return true;
}

// Noise of colours may rise where luma, which says most of the level, does not.
void NoiseModel::learn_spectrum(const at::Tensor& picture) {
  const bool is_white = spectrum_.known() && !is_correlated();
  if (is_white && ++not_learnt_ < learnt_again) return;
  not_learnt_ = 0;
  spectrum_.learn(picture, last_picture_);
  if (!spectrum_.known()) return;
  const double rise = rise_of(*spectrum_.known());
  rise_ = rise > (rise_ > 1 ? rise_that_stays : rise_of_correlated) ? rise : 1;
}

double NoiseModel::believed(const Levels& levels, const at::Tensor& picture, const Denoise& denoise) {
  if (noise_share_) {
    Levels noise = levels;
    for (std::size_t size = 0; size < noise_sizes; ++size) noise[size] *= (*noise_share_)[size];
    size_ = densest_size(noise, size_);
    return densest_level(noise, size_) * told_over_read();
  }
  const bool ask = !judged_ || !std::equal(levels.begin(), levels.end(), judged_->begin(),
                                           [](double now, double then) { return is_within(another, now, then); });
  if (ask) {
    verdict_ = confirmed_size(picture, levels, denoise);
    judged_ = levels;
  }
  size_ = verdict_.value_or(0);
  return verdict_ ? densest_level(levels, size_) : 0;
}

// Where full size alone is read, the spectrum knows what there is at others.
double NoiseModel::told_over_read() const { return size_ == 0 ? std::min(rise_, most_told) : 1; }

// What is said of it beside the level.
void NoiseModel::describe(const NoiseEstimate& alone, bool three_alike) {
  const auto part = noise_share_.value_or(Levels{1, 1, 1});
  Levels mean, level;
  for (std::size_t size = 0; size < noise_sizes; ++size) {
    mean[size] = (size_ == 0 && size == 0 ? alone.mean_if_white : alone.mean[size]) * part[size];
    level[size] = alone.level[size] * part[size];
  }
  const double densest = densest_level(level, size_) * told_over_read();
  const double ratio = densest > 0 ? std::min(1.0, rms_of(mean, size_) / densest) : 1;
  const int described = rise_ > 1 ? noise_sizes + size_ : size_;
  rms_over_level_ = described == described_ ? kept * rms_over_level_ + (1 - kept) * ratio : ratio;
  described_ = described;
  const double most = rise_ > 1 ? most_unread_of_colour : most_unread;
  rms_over_read_ = spectrum() ? std::clamp(1 / rms_of(levels_of(*spectrum()), size_), 1.0, most) : 1;
  slope_ = level_ > 0 && level[0] > 0 && level[1] > 0 ? level[1] / level[0] : 1;
  share_ = alone.share;
  first_plane_ = level_ > 0 ? alone.own[0].level * part[0] : 0;
  other_planes_ = level_ > 0 ? (three_alike ? first_plane_ : alone.second * part[0]) : 0;
}

bool NoiseModel::will_rest() const { return idle_ > idle_before_rest && (resting_ + 1) % looked_at != 0; }

double NoiseModel::update(const FrameView& frame, const at::Tensor& picture, const at::Tensor& known,
                          const Denoise& denoise) {
  const bool rests = will_rest();
  if (idle_ > idle_before_rest) rest();
  if (rests) return level_;
  const auto planes = noise_planes(frame, picture, known);
  NoiseEstimate alone;
  const auto constant = constant_share(planes[0]);
  if (constant.inside <= most_constant) alone = estimate_noise(planes);
  // Plane by plane, too: the chroma that a codec has halved is not the same beside a line.
  const bool drawn = constant.at_ends > most_at_ends || alone.at_ends > most_still_at_ends;
  if (drawn && alone.white() > strong) alone = {};
  const bool still = learn_from_change(planes, alone);
  if (still && last_picture_.defined() && !known.defined()) learn_spectrum(picture);
  before_ = planes;
  last_ = alone;
  Levels levels;
  for (std::size_t size = 0; size < noise_sizes; ++size) levels[size] = sizes_[size].update(alone.level[size]);
  const int before = size_;
  const double found = believed(levels, picture, denoise);
  // What was learnt where noise was believed to be white may have been motion.
  if (size_ > 0 && before == 0 && rise_ == 1) spectrum_.restart();
  level_ = track_.update(found > least_noise ? std::min(found, level_to_core(255)) : 0);
  last_picture_ = level_ > 0 && !known.defined() ? picture : at::Tensor();
  idle_ = level_ > 0 ? 0 : std::min(idle_ + 1, idle_before_rest + 1);
  describe(alone, frame.model != ColorModel::ycbcr);
  return level_;
}

std::array<double, 3> NoiseModel::of_planes() const { return {first_plane_, other_planes_, other_planes_}; }

at::Tensor NoiseModel::map(const at::Tensor& picture) const {
  const auto& curve = curves_[static_cast<std::size_t>(size_)];
  return level_ > 0 && curve.matters() ? curve.factor(picture).mul_(level_) : at::Tensor();
}

void NoiseModel::start_scene() {
  idle_ = 0;
  for (auto& size : sizes_) size.restart();
  track_.restart();
  spectrum_.restart();
  rise_ = 1;
  moving_ = still_in_a_row_ = 0;
  noise_share_.reset();
  judged_.reset();
}

}  // namespace reddiff
