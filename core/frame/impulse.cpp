// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/frame/impulse.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "core/frame/device_queue.h"
#include "core/frame/impulse_by_steps.h"
#include "core/frame/step_runner.h"

namespace reddiff {
namespace {

constexpr float apart = isolated_by, end = end_of_range;
constexpr std::int64_t smallest_side = 16;
constexpr std::int64_t sampled = 4;                 // one row in so many
constexpr int idle_before_rest = 8, looked_at = 4;  // frames; of idle ones one in so many is looked at

// A picture of salt and pepper. Rates that are measured on clean material of all kinds differ by more than 2.5 between the ends, or
// clusters are at least three times as many as chance makes; white noise has isolated values of all shades.
constexpr std::int64_t fewest = 24, fewest_at_an_end = 6;
constexpr double most_uneven = 1.7;
constexpr double least_share_at_ends = 0.4;
constexpr double most_at_ends = 0.9;  // of all values: a drawing of two tones
constexpr double highest_rate = 0.2;  // at an end
constexpr double clusters_over_chance = 1.6, clusters_besides = 0.06;

// Largest and smallest of the eight neighbours of each inner value of a row.
void ring_of_row(const float* __restrict row, std::int64_t width, float* __restrict largest,
                 float* __restrict smallest) {
  const float *above = row - width, *below = row + width;
  for (std::int64_t x = 1; x < width - 1; ++x) {
    const float high = std::max(std::max(std::max(above[x - 1], above[x]), std::max(above[x + 1], row[x - 1])),
                                std::max(std::max(row[x + 1], below[x - 1]), std::max(below[x], below[x + 1])));
    const float low = std::min(std::min(std::min(above[x - 1], above[x]), std::min(above[x + 1], row[x - 1])),
                               std::min(std::min(row[x + 1], below[x - 1]), std::min(below[x], below[x + 1])));
    largest[x] = high;
    smallest[x] = low;
  }
}

struct RowCount {
  int isolated = 0, white = 0, black = 0, white_chances = 0, black_chances = 0, extreme = 0;
};

RowCount count_row(const float* row, std::int64_t width, const float* largest, const float* smallest) {
  int isolated = 0, white = 0, black = 0, white_chances = 0, black_chances = 0, extreme = 0;
  for (std::int64_t x = 1; x < width - 1; ++x) {
    const float value = row[x];
    const int above = value - largest[x] > apart, below = smallest[x] - value > apart;
    const int at_white = value >= end, at_black = value <= -end;
    isolated += above | below;
    white += above & at_white;
    black += below & at_black;
    extreme += at_white | at_black;
    white_chances += largest[x] < 1 - apart;
    black_chances += smallest[x] > apart - 1;
  }
  return {isolated, white, black, white_chances, black_chances, extreme};
}

// Rows that are counted, as one list over all planes.
struct CountedRows {
  std::int64_t first, step, in_plane;

  CountedRows(const Planes& planes, std::int64_t first_row, std::int64_t each)
      : first(first_row), step(each), in_plane(std::max<std::int64_t>(0, (planes.height - 2 - first + step) / step)) {}

  // Index of the row's first value.
  std::int64_t start(const Planes& planes, std::int64_t i) const {
    return (i / in_plane * planes.height + first + i % in_plane * step) * planes.width;
  }
};

// work(part, begin, end) for so many parts of 0..count as there are threads.
template <typename Work> void in_parts(std::int64_t parts, std::int64_t count, Work&& work) {
  at::parallel_for(0, parts, 1, [&](std::int64_t from, std::int64_t to) {
    for (std::int64_t part = from; part < to; ++part)
      work(static_cast<std::size_t>(part), count * part / parts, count * (part + 1) / parts);
  });
}

// What one thread has seen of them.
struct PartOfCensus {
  Census census;
  std::vector<int> in_row;  // isolated values
};

// most: so many isolated values are listed, whole rows of them.
void count_rows(const Planes& planes, const CountedRows& rows, std::int64_t begin, std::int64_t end_row,
                std::int64_t most, PartOfCensus& part) {
  std::vector<float> largest(planes.width), smallest(planes.width);
  Census& census = part.census;
  for (std::int64_t i = begin; i < end_row; ++i) {
    const std::int64_t first = rows.start(planes, i);
    const float* row = planes.values + first;
    ring_of_row(row, planes.width, largest.data(), smallest.data());
    const RowCount found = count_row(row, planes.width, largest.data(), smallest.data());
    census.values += planes.width;
    census.isolated_count += found.isolated;
    census.extreme += found.extreme;
    census.white.single += found.white;
    census.black.single += found.black;
    census.white.chances += found.white_chances;
    census.black.chances += found.black_chances;
    part.in_row.push_back(found.isolated);
    if (found.isolated == 0 || census.isolated_count > most) continue;
    for (std::int64_t x = 1; x < planes.width - 1; ++x)
      if (row[x] - largest[x] > apart || smallest[x] - row[x] > apart) census.isolated.push_back(first + x);
  }
}

// Adds the next part; of the isolated values as many rows as there is room for.
void add(Census& all, const PartOfCensus& part, std::int64_t most) {
  auto next = part.census.isolated.begin();
  for (const int in_row : part.in_row) {
    all.isolated_count += in_row;
    if (in_row == 0 || all.isolated_count > most) continue;
    all.isolated.insert(all.isolated.end(), next, next + in_row);
    next += in_row;
  }
  all.values += part.census.values;
  all.extreme += part.census.extreme;
  const auto add_end = [](Census::End& sum, const Census::End& more) {
    sum.single += more.single;
    sum.chances += more.chances;
  };
  add_end(all.white, part.census.white);
  add_end(all.black, part.census.black);
}

struct Pairs {
  std::int64_t white = 0, black = 0;
};

// Values at an end that have exactly one neighbour there and are isolated from the seven others.
Pairs pairs_of_row(const Planes& planes, const float* row) {
  Pairs pairs;
  for (std::int64_t x = 1; x < planes.width - 1; ++x) {
    if (std::abs(row[x]) < end) continue;
    const float side = row[x] > 0 ? 1 : -1;
    int there = 0, near = 0;
    for (std::int64_t dy = -1; dy <= 1; ++dy)
      for (std::int64_t dx = -1; dx <= 1; ++dx) {
        const float neighbour = row[dy * planes.width + x + dx];
        there += side * neighbour >= end;
        near += side * (row[x] - neighbour) <= apart;
      }
    if (there == 2 && near == 2) ++(side > 0 ? pairs.white : pairs.black);  // itself counts
  }
  return pairs;
}

void count_pairs(const Planes& planes, const CountedRows& rows, Census& census) {
  const std::int64_t parts = at::get_num_threads();
  std::vector<Pairs> found(static_cast<std::size_t>(parts));
  in_parts(parts, planes.count * rows.in_plane, [&](std::size_t part, std::int64_t begin, std::int64_t end_row) {
    for (std::int64_t i = begin; i < end_row; ++i) {
      const Pairs pairs = pairs_of_row(planes, planes.values + rows.start(planes, i));
      found[part].white += pairs.white;
      found[part].black += pairs.black;
    }
  });
  for (const Pairs& pairs : found) {
    census.white.pairs += pairs.white;
    census.black.pairs += pairs.black;
  }
}

// How many values may touch: a cluster of chance grows with the rate.
std::size_t largest_cluster(double rate) { return 5 + static_cast<std::size_t>(150 * std::max(0.0, rate - 0.03)); }

// Cluster of values at the same end that touch, grown from a start; `seen` marks what any cluster took.
void grow_cluster(const Planes& planes, const float* plane, std::int64_t start, std::vector<char>& seen,
                  std::vector<std::int64_t>& cluster) {
  const float side = plane[start] > 0 ? 1 : -1;
  cluster.assign(1, start);
  seen[start] = 1;
  for (std::size_t i = 0; i < cluster.size(); ++i) {
    const std::int64_t y = cluster[i] / planes.width, x = cluster[i] % planes.width;
    for (std::int64_t v = std::max<std::int64_t>(0, y - 1); v <= std::min(planes.height - 1, y + 1); ++v)
      for (std::int64_t u = std::max<std::int64_t>(0, x - 1); u <= std::min(planes.width - 1, x + 1); ++u) {
        const std::int64_t at = v * planes.width + u;
        if (seen[at] || side * plane[at] < end) continue;
        seen[at] = 1;
        cluster.push_back(at);
      }
  }
}

// Whether most neighbours that are not at the same end are far away.
bool stands_out(const Planes& planes, const float* plane, std::int64_t index) {
  const std::int64_t y = index / planes.width, x = index % planes.width;
  const float side = plane[index] > 0 ? 1 : -1;
  int others = 0, far = 0;
  for (std::int64_t v = std::max<std::int64_t>(0, y - 1); v <= std::min(planes.height - 1, y + 1); ++v)
    for (std::int64_t u = std::max<std::int64_t>(0, x - 1); u <= std::min(planes.width - 1, x + 1); ++u) {
      const float neighbour = plane[v * planes.width + u];
      if (side * neighbour >= end) continue;
      ++others;
      far += side * (plane[index] - neighbour) > apart;
    }
  return 2 * far > others;
}

}  // namespace

Census count_isolated(const Planes& planes, std::int64_t first_row, std::int64_t step) {
  const CountedRows rows(planes, first_row, step);
  const std::int64_t parts = at::get_num_threads(), most = planes.size() / step / 100;
  std::vector<PartOfCensus> found(static_cast<std::size_t>(parts));
  in_parts(parts, planes.count * rows.in_plane, [&](std::size_t part, std::int64_t begin, std::int64_t end_row) {
    count_rows(planes, rows, begin, end_row, most, found[part]);
  });
  Census census;
  for (const PartOfCensus& part : found) add(census, part, most);
  if (step == 1 && census.may_be_salt_and_pepper()) count_pairs(planes, rows, census);
  return census;
}

bool Census::may_be_salt_and_pepper() const {
  const auto singles = static_cast<double>(white.single + black.single);
  if (singles < fewest || std::min(white.single, black.single) < fewest_at_an_end) return false;
  if (singles < least_share_at_ends * static_cast<double>(isolated_count)) return false;
  if (static_cast<double>(extreme) > most_at_ends * static_cast<double>(values)) return false;
  const double low = std::min(white.rate(), black.rate()), high = std::max(white.rate(), black.rate());
  return high <= most_uneven * low && high <= highest_rate;
}

bool Census::is_salt_and_pepper() const {
  if (!may_be_salt_and_pepper()) return false;
  const auto singles = static_cast<double>(white.single + black.single);
  const double high = std::max(white.rate(), black.rate()), by_chance = 8 * high / (1 - high);
  return static_cast<double>(white.pairs + black.pairs) <
         (clusters_over_chance * by_chance + clusters_besides) * singles;
}

std::vector<float> struck_pixels(const Planes& planes, const Census& census) {
  const std::int64_t pixels = planes.height * planes.width;
  const std::size_t most = largest_cluster(std::max(census.white.rate(), census.black.rate()));
  std::vector<float> struck(pixels, 0.0F);
  std::vector<char> seen;
  std::vector<std::int64_t> cluster;
  for (std::int64_t p = 0; p < planes.count; ++p) {
    const float* plane = planes.values + p * pixels;
    seen.assign(pixels, 0);
    for (std::int64_t i = 0; i < pixels; ++i) {
      if (seen[i] || std::abs(plane[i]) < end) continue;
      grow_cluster(planes, plane, i, seen, cluster);
      if (cluster.size() > most) continue;
      for (const std::int64_t at : cluster)
        if (stands_out(planes, plane, at)) struck[at] = 1;
    }
  }
  return struck;
}

// count(first, step): of rows.
template <typename Count> Census Impulses::census_by(const Count& count) {
  if (!was_struck_) {
    auto some = count(1 + frame_++ % sampled, sampled);
    const auto &white = some.white.single, &black = some.black.single;
    if ((white + black) * sampled < fewest || std::min(white, black) == 0) return some;
  }
  return count(1, 1);
}

bool Impulses::is_idle() const { return idle_ > idle_before_rest; }

Impulses::Found Impulses::find_on_host(const Planes& planes) {
  const Census census =
      census_by([&](std::int64_t first, std::int64_t step) { return count_isolated(planes, first, step); });
  was_struck_ = census.is_salt_and_pepper();
  Found found;
  if (was_struck_) found.struck = struck_pixels(planes, census);
  found.hot = hot_.update(planes, was_struck_ ? std::vector<std::int64_t>() : census.isolated, census.isolated_share());
  return found;
}

// Nothing where it may be salt and pepper: then the whole picture has to be looked at.
std::optional<Impulses::Found> Impulses::find_by_steps(const at::Tensor& picture) {
  if (was_struck_) return std::nullopt;
  const std::int64_t frame = frame_;
  const Census census =
      census_by([&](std::int64_t first, std::int64_t step) { return count_isolated_by_step(picture, first, step); });
  if (census.may_be_salt_and_pepper()) {
    frame_ = frame;
    return std::nullopt;
  }
  if (!sparse_) sparse_ = std::make_shared<SparsePicture>();
  auto looked_at = hot_.candidates();
  looked_at.insert(looked_at.end(), census.isolated.begin(), census.isolated.end());
  return Found{{}, hot_.update(sparse_->around(picture, looked_at), census.isolated, census.isolated_share())};
}

at::Tensor Impulses::find(const at::Tensor& picture, bool may_wait) {
  const std::int64_t height = picture.size(2), width = picture.size(3);
  if (std::min(height, width) < smallest_side) {
    idle_ = idle_before_rest + 1;
    return {};
  }
  // After a long time without any, one frame in four is looked at.
  if (may_wait && is_idle() && ++rested_ % looked_at != 0) return {};
  std::optional<Found> found;
  if (StepRunner::has_kernels(picture.device())) found = find_by_steps(picture);
  if (!found) {
    Awaited awaited(picture);
    found = find_on_host({awaited.get().const_data_ptr<float>(), picture.size(1), height, width});
  }
  const bool none = found->struck.empty() && found->hot.empty();
  idle_ = none ? std::min(idle_ + 1, idle_before_rest + 1) : 0;
  if (none) return {};
  const auto mask = found->struck.empty()
                        ? at::zeros({1, 1, height, width}, picture.options())
                        : put(at::tensor(found->struck).view({1, 1, height, width}), picture.options());
  for (auto& index : found->hot) index %= height * width;
  mask.view(-1).index_fill_(0, put(at::tensor(found->hot, at::kLong), picture.options().dtype(at::kLong)), 1);
  return mask;
}

}  // namespace reddiff
