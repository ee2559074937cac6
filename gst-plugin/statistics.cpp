// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst-plugin/statistics.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace reddiff {

void Statistics::frame_out(const FrameReport& report, const FrameNotes& notes) {
  times_[frames_out_ % times_.size()] = report.ms.total;
  ++frames_out_;
  frames_degraded_ += notes.degraded;
  cuts_ += report.cut;
  not_finite_ += report.not_finite;
  if (report.concealed_share > 0) {
    ++concealed_;
    concealed_share_ += (report.concealed_share - concealed_share_) / static_cast<double>(concealed_);
  }
  tiles_halved_ += report.tiles_halved;
  prior_calls_ += report.prior_calls;
  last_ = report;
  notes_ = notes;
}

GstStructure* Statistics::to_structure() const {
  auto times = times_;
  const auto count = static_cast<std::size_t>(std::min<guint64>(frames_out_, times.size()));
  std::sort(times.begin(), times.begin() + count);
  const double mean = count ? std::accumulate(times.begin(), times.begin() + count, 0.0) / count : 0.0;
  const double p95 = count ? times[static_cast<std::size_t>(std::ceil(0.95 * count)) - 1] : 0.0;
  GstStructure* s = gst_structure_new(
      "reddiff-stats", "frames-in", G_TYPE_UINT64, frames_in_, "frames-out", G_TYPE_UINT64, frames_out_,
      "frames-degraded", G_TYPE_UINT64, frames_degraded_, "frames-dropped", G_TYPE_UINT64, frames_dropped_, "cuts",
      G_TYPE_UINT64, cuts_, "not-finite", G_TYPE_UINT64, not_finite_, "prior-calls", G_TYPE_UINT64, prior_calls_,
      "tiles-halved", G_TYPE_UINT64, tiles_halved_, "steps", G_TYPE_INT, last_.prior_calls, "cold", G_TYPE_BOOLEAN,
      last_.cold, "tiles", G_TYPE_INT, last_.tiles, "mean-ms", G_TYPE_DOUBLE, mean, "p95-ms", G_TYPE_DOUBLE, p95,
      "noise", G_TYPE_DOUBLE, last_.noise, "start-level", G_TYPE_DOUBLE, last_.start_level, "end-level", G_TYPE_DOUBLE,
      last_.end_level, "device", G_TYPE_STRING, device_.c_str(), nullptr);
  gst_structure_set(s, "noise-plane-0", G_TYPE_DOUBLE, last_.noise_of_plane[0], "noise-plane-1", G_TYPE_DOUBLE,
                    last_.noise_of_plane[1], "noise-plane-2", G_TYPE_DOUBLE, last_.noise_of_plane[2], "noise-slope",
                    G_TYPE_DOUBLE, last_.noise_slope, "noise-share", G_TYPE_DOUBLE, last_.noise_share, "coded-share",
                    G_TYPE_DOUBLE, last_.coded_share, "noise-source", G_TYPE_STRING, notes_.noise_source,
                    "compression-noise", G_TYPE_DOUBLE, notes_.compression_noise, "frames-concealed", G_TYPE_UINT64,
                    concealed_, "concealed-share", G_TYPE_DOUBLE, concealed_share_, nullptr);
  for (int cause = 1; cause < reset_causes; ++cause) {
    const std::string field = std::string("resets-") + reset_cause_name(static_cast<ResetCause>(cause));
    gst_structure_set(s, field.c_str(), G_TYPE_UINT64, resets_[cause], nullptr);
  }
  return s;
}

}  // namespace reddiff
