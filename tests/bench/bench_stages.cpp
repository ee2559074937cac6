// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Where time and memory go, stage by stage, in one run: README.md says how to read the tables. The exit status is that of
// the figures being figures, never of their being small.
#include <ATen/Parallel.h>
#include <ATen/Version.h>

#include <cstdio>
#include <cstring>
#include <exception>
#include <fstream>

#include "tests/bench/frame_stages.h"
#include "tests/bench/parts.h"
#include "tests/bench/prior_precision.h"
#include "tests/bench/prior_speed.h"
#include "tests/bench/processes.h"
#include "tests/bench/subjects.h"

namespace reddiff::bench {
namespace {

struct Section {
  const char* name;
  void (*measure)(const Options&, Checks&);
};

constexpr Section sections[] = {
    {"start", measure_start},          {"memory", measure_memory}, {"prior", measure_prior},
    {"precision", measure_precisions}, {"frames", measure_frames}, {"parts", measure_parts},
};

constexpr const char* usage =
    "usage: bench_stages [--quick] [--sizes=WxH,...] [--prior=NAME] [--preset=NAME] [--only=SECTION]\n"
    "  --quick    480x256 unless --sizes says otherwise, few repeats: shows that everything runs, says little of "
    "speed\n"
    "  --sizes    pictures for the prior; the first is also the restored frame's (default 480x256,480x384,1280x720)\n"
    "  --prior    default, large, tiny, dct or a path to .safetensors\n"
    "  --preset   of whole frames: live, quality (default), archive or paper\n"
    "  --only     start, memory, prior, precision, frames or parts\n"
    "REDDIFF_MODEL_PATH names the folder of the models; OMP_NUM_THREADS limits the threads.\n";

std::vector<Size> parse_sizes(const char* words) {
  std::vector<Size> sizes;
  for (int used = 0;; words += used + 1) {
    Size size;
    if (std::sscanf(words, "%dx%d%n", &size.width, &size.height, &used) != 2 || size.width < 64 || size.height < 64 ||
        size.width % 2 != 0 || size.height % 2 != 0)
      throw Error(ErrorCode::settings, "--sizes wants even sizes from 64x64 on, such as 480x256,1280x720");
    sizes.push_back(size);
    if (words[used] != ',') return sizes;
  }
}

Preset parse_preset(const std::string& word) {
  for (const auto& preset : names<Preset>())
    if (word == preset.nick && preset.value != Preset::automatic) return preset.value;
  throw Error(ErrorCode::settings, usage);
}

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--quick") {
      options.quick = true;
    } else if (word.starts_with("--sizes=")) {
      options.sizes = parse_sizes(argv[i] + std::strlen("--sizes="));
    } else if (word.starts_with("--prior=")) {
      options.prior = word.substr(std::strlen("--prior="));
    } else if (word.starts_with("--preset=")) {
      options.preset = parse_preset(word.substr(std::strlen("--preset=")));
    } else if (word.starts_with("--only=")) {
      options.only = word.substr(std::strlen("--only="));
    } else {
      throw Error(ErrorCode::settings, usage);
    }
  }
  if (options.sizes.empty()) {
    options.sizes = {{480, 256}};
    if (!options.quick) options.sizes.insert(options.sizes.end(), {{480, 384}, {1280, 720}});
  }
  return options;
}

std::string processor() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);)
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  return "unknown processor";
}

int run(const Options& options) {
  Checks checks;
  bool any = false;
  std::printf("%s, %d threads, %s; prior %s; figures are medians\n", processor().c_str(), at::get_num_threads(),
              at::get_cpu_capability().c_str(), load_prior(options.prior)->description().c_str());
  for (const Section& section : sections) {
    if (!options.only.empty() && options.only != section.name) continue;
    any = true;
    section.measure(options, checks);
  }
  if (!any) throw Error(ErrorCode::settings, usage);
  return checks.passed() ? 0 : 1;
}

}  // namespace
}  // namespace reddiff::bench

int main(int argc, char** argv) {
  using namespace reddiff::bench;
  return exit_status([&] {
    if (argc > 2 && std::strcmp(argv[1], "--child") == 0) {
      run_child({argv + 2, argv + argc});
      return 0;
    }
    return run(parse(argc, argv));
  });
}
