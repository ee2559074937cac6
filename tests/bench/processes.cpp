// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/bench/processes.h"

#include <unistd.h>

#include <cstdio>
#include <sstream>

#include "tests/bench/subjects.h"

namespace reddiff::bench {
namespace {

constexpr Size tile_size{256, 256};

// `count` figures from this program started again with these arguments.
std::vector<double> figures_of(const std::string& arguments, std::size_t count) {
  const std::string command = "exec /proc/" + std::to_string(getpid()) + "/exe --child " + arguments;
  std::fflush(stdout);
  FILE* pipe = popen(command.c_str(), "r");
  if (!pipe) throw Error(ErrorCode::failed, "another process could not be started: " + command);
  std::string output;
  char buffer[256];
  while (std::fgets(buffer, sizeof buffer, pipe)) output += buffer;
  const int status = pclose(pipe);
  std::istringstream stream(output);
  std::vector<double> figures;
  for (double figure = 0; stream >> figure;) figures.push_back(figure);
  if (status != 0 || figures.size() != count)
    throw Error(ErrorCode::failed,
                "the process of \"" + arguments + "\" ended with " + std::to_string(status) + ": " + output);
  return figures;
}

TaskCase denoise_case() { return task_cases().front(); }

// Figures: milliseconds from the parent's call to here, to make an engine, a second one, for the first frame of each, for a
// later frame of the first.
void start_child(double called_at, const std::string& prior, const Size& size) {
  const double load = milliseconds_now() - called_at;
  const Config config = config_of(denoise_case(), Temporal::none, prior, Preset::quality);
  std::unique_ptr<Engine> first, second;
  const double make_first = milliseconds_of([&] { first = make_engine(config); });
  const double make_second = milliseconds_of([&] { second = make_engine(config); });
  OwnedFrame in(Layout::rgb, size), out(Layout::rgb, size);
  const auto frame = [&](Engine& engine) { return milliseconds_of([&] { engine.process(in.view, out.view, {}); }); };
  const double first_frame = frame(*first), other_first_frame = frame(*second);
  std::vector<double> later;
  for (int i = 0; i < 5; ++i) later.push_back(frame(*first));
  std::printf("%.3f %.3f %.3f %.3f %.3f %.3f\n", load, make_first, make_second, first_frame, other_first_frame,
              median(later));
}

// Figures: the peak before anything was done, with an engine, after one frame.
void memory_child(const std::string& prior, const Size& size) {
  const double before = peak_memory();
  const auto engine = make_engine(config_of(denoise_case(), Temporal::none, prior, Preset::quality));
  const double loaded = peak_memory();
  const auto tile = degraded_video(denoise_case(), Layout::rgb, tile_size, 1);
  OwnedFrame in(Layout::rgb, size), out(Layout::rgb, size);
  in.fill_with(tile.front());
  engine->process(in.view, out.view, {});
  std::printf("%.3f %.3f %.3f\n", before, loaded, peak_memory());
}

Size parse_size(const std::string& word) {
  Size size;
  if (std::sscanf(word.c_str(), "%dx%d", &size.width, &size.height) != 2)
    throw Error(ErrorCode::settings, "\"" + word + "\" is not a size such as 480x256");
  return size;
}

}  // namespace

void measure_start(const Options& options, Checks& checks) {
  const Size size = options.sizes.front();
  print_title("Start-up, " + text(size) + " denoise RGB (files in the page cache)");
  const OtherLoad load;
  constexpr const char* rows[] = {"start the process and load LibTorch", "make the first engine",
                                  "make a second one (shared weights)",  "first frame of the first engine",
                                  "first frame of the second engine",    "a later frame"};
  constexpr std::size_t count = std::size(rows);
  std::vector<double> values[count];
  const int runs = options.quick ? 1 : 5;
  for (int i = 0; i < runs; ++i) {
    const auto figures =
        figures_of("start " + std::to_string(milliseconds_now()) + " " + options.prior + " " + text(size), count);
    for (std::size_t k = 0; k < count; ++k) values[k].push_back(figures[k]);
  }
  for (std::size_t k = 0; k < count; ++k) {
    std::printf("%-40s %8.1f ms\n", rows[k], median(values[k]));
    checks.finite(median(values[k]), rows[k]);
  }
  std::printf("%d processes; %s\n", runs, load.text().c_str());
}

void measure_memory(const Options& options, Checks& checks) {
  print_title("Peak memory of a process that denoises one frame (VmHWM, MB)");
  const std::vector<Size> full = {{480, 256}, {1280, 720}, {3840, 2160}};
  const std::vector<Size> sizes = options.quick ? std::vector<Size>{options.sizes.front()} : full;
  std::printf("%-10s %14s %14s %14s %16s\n", "picture", "LibTorch", "with an engine", "after a frame",
              "the two frames");
  for (const Size& size : sizes) {
    const auto peaks = figures_of("memory " + options.prior + " " + text(size), 3);
    std::printf("%-10s %14.0f %14.0f %14.0f %16.0f\n", text(size).c_str(), peaks[0], peaks[1], peaks[2],
                2 * 3e-6 * size.width * size.height);
    for (const double peak : peaks) checks.finite(peak, "peak memory");
    checks.expect(peaks[0] <= peaks[1] && peaks[1] <= peaks[2], "a peak of memory fell");
  }
}

void run_child(const std::vector<std::string>& arguments) {
  if (arguments.size() == 4 && arguments[0] == "start")
    start_child(std::stod(arguments[1]), arguments[2], parse_size(arguments[3]));
  else if (arguments.size() == 3 && arguments[0] == "memory")
    memory_child(arguments[1], parse_size(arguments[2]));
  else
    throw Error(ErrorCode::settings, "--child is for this program's own use");
}

}  // namespace reddiff::bench
