// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst-plugin/latency.h"

#include <algorithm>
#include <cmath>

namespace reddiff {

void Latency::record(GstClockTime time) {
  if (first_) count_ = 0;
  first_ = count_ == 0 && !first_;
  times_[count_++ % times_.size()] = time;
}

GstClockTime Latency::value(GstClockTime deadline) const {
  const auto known = static_cast<std::size_t>(std::min<guint64>(count_, times_.size()));
  if (known == 0) return deadline;
  auto sorted = times_;
  const auto rank = sorted.begin() + static_cast<std::ptrdiff_t>(std::ceil(0.95 * static_cast<double>(known))) - 1;
  std::nth_element(sorted.begin(), rank, sorted.begin() + static_cast<std::ptrdiff_t>(known));
  return std::max(*rank, deadline);
}

bool Latency::report(GstClockTime deadline) {
  const GstClockTime now = value(deadline);
  const bool more = now > reported_ + reported_ / 10;
  const bool less = now + now / 10 < reported_ && count_ >= reported_at_ + times_.size();
  if (!more && !less) return false;
  reported_ = now;
  reported_at_ = count_;
  return true;
}

}  // namespace reddiff
