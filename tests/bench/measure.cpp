// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/bench/measure.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <limits>

namespace reddiff::bench {
namespace {

double seconds(const timeval& t) { return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec); }

double used_by(int who) {
  rusage usage{};
  getrusage(who, &usage);
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

}  // namespace

std::string text(const Size& size) { return std::to_string(size.width) + "x" + std::to_string(size.height); }

double median(std::vector<double> values) {
  if (values.empty()) return std::numeric_limits<double>::quiet_NaN();
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

double milliseconds_now() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return 1e3 * static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_nsec);
}

double milliseconds_of(const std::function<void()>& work) {
  const double start = milliseconds_now();
  work();
  return milliseconds_now() - start;
}

double peak_memory() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    double kib = 0;
    if (word == "VmHWM:" && status >> kib) return kib * 1024e-6;
  }
  return std::numeric_limits<double>::quiet_NaN();
}

OtherLoad::OtherLoad() : start_(now()) {}

OtherLoad::Seconds OtherLoad::now() {
  std::ifstream stat("/proc/stat");
  std::string cpu;
  double user = 0, nice = 0, system = 0, idle = 0, wait = 0, interrupts = 0, soft = 0, steal = 0;
  stat >> cpu >> user >> nice >> system >> idle >> wait >> interrupts >> soft >> steal;
  const double tick = 1.0 / static_cast<double>(sysconf(_SC_CLK_TCK));
  return {milliseconds_now() / 1e3, tick * (user + nice + system + interrupts + soft), tick * nice, tick * steal,
          used_by(RUSAGE_SELF) + used_by(RUSAGE_CHILDREN)};
}

std::string OtherLoad::text() const {
  const Seconds end = now();
  const double share = 100 / ((end.wall - start_.wall) * static_cast<double>(sysconf(_SC_NPROCESSORS_ONLN)));
  const double others = std::max(0.0, (end.busy - start_.busy) - (end.own - start_.own));
  char line[160];
  std::snprintf(line, sizeof line,
                "other processes took %.0f %% of the processors (niced ones %.0f %%), the host %.0f %%", share * others,
                share * (end.nice - start_.nice), share * (end.steal - start_.steal));
  return line;
}

void Checks::expect(bool holds, const std::string& sentence) {
  if (holds) return;
  ++breaches_;
  std::printf("FAILED: %s\n", sentence.c_str());
}

void Checks::finite(double value, const std::string& what) {
  expect(std::isfinite(value) && value >= 0, what + " is " + std::to_string(value));
}

int exit_status(const std::function<int()>& program) {
  try {
    return program();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 2;
  }
}

void print_title(const std::string& title) {
  std::printf("\n%s\n%s\n", title.c_str(), std::string(title.size(), '-').c_str());
  std::fflush(stdout);
}

}  // namespace reddiff::bench
