// SPDX-License-Identifier: LGPL-2.1-or-later
//
// How the constants of the temporal filter are chosen, and how much hangs on each: what temporal=filter gains over temporal=none
// at the same number of calls of the prior, with one constant at a time multiplied. Clips come from pipelines/search_filter.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <sstream>

#include "tests/bench/search_clips.h"

namespace reddiff::bench {
namespace {

constexpr const char* usage =
    "usage: search_filter [OPTION...] NAME:WIDTHxHEIGHT:FILE...\n"
    "FILE holds raw 24-bit RGB; sizes are multiples of 4.\n"
    "  --only=TASKS      of denoise, denoise50, deblur, x2, x4, mask, x2mask; with commas\n"
    "  --constants=NAMES of FilterConstants, with commas\n"
    "  --factors=LIST    what each is multiplied by (default 0.5,1,2)\n"
    "  --frames=N        of each clip, at least 5 (default 12)\n"
    "  --quick           a small made-up clip, half of each: shows that every constant reaches its task, no more\n"
    "REDDIFF_MODEL_PATH names the folder of the models.\n";

constexpr int settled = 4;  // frames that are not counted: the filter is still gathering

struct Constant {
  const char* name;
  double FilterConstants::*value;
  std::vector<std::string> tasks;  // where it enters
};

const std::vector<Constant>& constants() {
  static const std::vector<Constant> all = {
      {"caution", &FilterConstants::caution, {"denoise", "denoise50"}},
      {"caution_of_blur", &FilterConstants::caution_of_blur, {"deblur"}},
      {"own_of_flat", &FilterConstants::own_of_flat, {"denoise", "denoise50"}},
      {"own_of_detail", &FilterConstants::own_of_detail, {"denoise", "denoise50"}},
      {"detail_of_noise", &FilterConstants::detail_of_noise, {"denoise", "denoise50"}},
      {"doubt_of_drift", &FilterConstants::doubt_of_drift, {"denoise", "denoise50", "deblur", "mask"}},
      {"frames_remembered", &FilterConstants::frames_remembered, {"denoise", "denoise50", "deblur"}},
      {"share_of_miss", &FilterConstants::share_of_miss, {"x2", "x4"}},
      {"lost_detail", &FilterConstants::lost_detail, {"x2", "x4"}},
      {"share_of_lost", &FilterConstants::share_of_lost, {"x2", "x4"}},
      {"share_of_residual", &FilterConstants::share_of_residual, {"mask"}},
      {"share_of_near", &FilterConstants::share_of_near, {"mask"}},
      {"unseen_in_rows", &FilterConstants::unseen_in_rows, {"x2mask"}},
      {"hole_slope", &FilterConstants::hole_slope, {"mask"}},
      {"hole_offset", &FilterConstants::hole_offset, {"mask"}},
      {"detail_of_hole", &FilterConstants::detail_of_hole, {"mask"}},
  };
  return all;
}

std::vector<std::string> words(const std::string& text) {
  std::vector<std::string> list;
  std::istringstream stream(text);
  for (std::string word; std::getline(stream, word, ',');) list.push_back(word);
  return list;
}

bool contains(const std::vector<std::string>& list, const std::string& word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

struct SearchOptions {
  std::vector<std::string> tasks, constants, clips;  // tasks, constants: empty for all
  std::vector<double> factors = {0.5, 1, 2};
  int frames = 12;
  bool quick = false;

  bool asks(const Constant& constant, const SearchTask& task) const {
    return contains(constant.tasks, task.name) && (tasks.empty() || contains(tasks, task.name)) &&
           (constants.empty() || contains(constants, constant.name));
  }
};

struct Row {
  std::string constant, task;
  std::vector<double> gains;  // dB, by factor
};

void print(const std::string& title, const std::vector<Row>& rows, const SearchOptions& options) {
  print_title(title);
  std::printf("%-18s %-8s", "gain, dB", "task");
  for (const double factor : options.factors) std::printf("   x %-5g", factor);
  for (const Row& row : rows) {
    std::printf("\n%-18s %-8s", row.constant.c_str(), row.task.c_str());
    for (const double gain : row.gains) std::printf(" %+9.3f", gain);
  }
  std::printf("\n");
  std::fflush(stdout);
}

// One clip, one task: what every constant of it gains.
std::vector<Row> rows_of(const SearchTask& task, const Clip& clip, const SearchOptions& options, Checks& checks) {
  const auto degraded = degrade(task, clip);
  const auto psnr = [&](Temporal temporal, const FilterConstants& values) {
    return restored_psnr(task, clip, degraded, settled, temporal, values);
  };
  const double none = psnr(Temporal::none, {}), usual = psnr(Temporal::filter, {}) - none;
  std::printf("%s, %s: %.2f dB without a past\n", clip.name.c_str(), task.name, none);
  std::fflush(stdout);
  checks.finite(none, std::string(task.name) + ": PSNR");
  std::vector<Row> rows;
  for (const Constant& constant : constants()) {
    if (!options.asks(constant, task)) continue;
    Row row{constant.name, task.name, {}};
    for (const double factor : options.factors) {
      FilterConstants values;
      values.*constant.value *= factor;
      row.gains.push_back(factor == 1 ? usual : psnr(Temporal::filter, values) - none);
      checks.finite(none + row.gains.back(), row.constant + ": PSNR");
      if (options.quick && factor != 1) checks.expect(row.gains.back() != usual, row.constant + " changes nothing");
    }
    rows.push_back(row);
  }
  return rows;
}

std::vector<Row> rows_of(const Clip& clip, const SearchOptions& options, Checks& checks) {
  if (clip.count() <= settled || clip.size.width % 4 != 0 || clip.size.height % 4 != 0)
    throw Error(ErrorCode::settings, clip.name + ": at least 5 frames are needed, and multiples of 4 pixels");
  std::vector<Row> rows;
  for (const SearchTask& task : search_tasks()) {
    const auto asked = [&](const Constant& constant) { return options.asks(constant, task); };
    if (std::none_of(constants().begin(), constants().end(), asked)) continue;
    const auto more = rows_of(task, clip, options, checks);
    rows.insert(rows.end(), more.begin(), more.end());
  }
  return rows;
}

SearchOptions parse(int argc, char** argv) {
  SearchOptions options;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const auto equals = std::min(word.find('='), word.size());
    const std::string name = word.substr(0, equals);
    if (!word.starts_with("--")) {
      options.clips.push_back(word);
      continue;
    }
    if (word == "--quick") {
      options.quick = true;
      continue;
    }
    const bool apart = equals == word.size();  // --only TASK
    if (apart && i + 1 == argc) throw Error(ErrorCode::settings, usage);
    const std::string value = apart ? argv[++i] : word.substr(equals + 1);
    if (name == "--only") {
      options.tasks = words(value);
    } else if (name == "--constants") {
      options.constants = words(value);
    } else if (name == "--frames") {
      options.frames = std::atoi(value.c_str());
    } else if (name == "--factors") {
      options.factors.clear();
      for (const auto& factor : words(value)) options.factors.push_back(std::atof(factor.c_str()));
    } else {
      throw Error(ErrorCode::settings, usage);
    }
  }
  if (options.clips.empty() != options.quick) throw Error(ErrorCode::settings, usage);
  if (options.quick) options.factors = {0.5, 1};
  return options;
}

int run(const SearchOptions& options) {
  std::vector<Clip> clips;
  for (const auto& text : options.clips) clips.push_back(read_clip(text, options.frames));
  if (options.quick) clips.push_back(made_up_clip({64, 48}, settled + 1));
  Checks checks;
  std::vector<Row> mean;
  for (const Clip& clip : clips) {
    const auto rows = rows_of(clip, options, checks);
    if (rows.empty()) throw Error(ErrorCode::settings, std::string("no such constant or task\n") + usage);
    print(clip.name + ", " + text(clip.size) + ", " + std::to_string(clip.count()) + " frames", rows, options);
    if (mean.empty()) mean = rows;
    if (&clip == clips.data()) continue;
    for (std::size_t i = 0; i < rows.size(); ++i)
      for (std::size_t k = 0; k < rows[i].gains.size(); ++k) mean[i].gains[k] += rows[i].gains[k];
  }
  for (Row& row : mean)
    for (double& gain : row.gains) gain /= static_cast<double>(clips.size());
  if (clips.size() > 1) print("mean of " + std::to_string(clips.size()) + " clips", mean, options);
  return checks.passed() ? 0 : 1;
}

}  // namespace
}  // namespace reddiff::bench

int main(int argc, char** argv) {
  using namespace reddiff::bench;
  return exit_status([&] { return run(parse(argc, argv)); });
}
