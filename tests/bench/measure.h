// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What every section of the benchmark measures with. Milliseconds are wall time, figures are medians.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/api/names.h"

namespace reddiff::bench {

struct Size {
  int width = 0, height = 0;
};

std::string text(const Size& size);  // "480x256"

struct Options {
  bool quick = false;
  std::vector<Size> sizes;  // of the prior's table; the first is also the size of restored frames in the others
  std::string prior = "default";
  Preset preset = Preset::quality;
  std::string only;  // one section's name; empty: all
  int rounds() const { return quick ? 2 : 9; }
  int frames() const { return quick ? 3 : 13; }
};

// NaN for no values.
double median(std::vector<double> values);

double milliseconds_now();  // monotonic, the same clock in every process

double milliseconds_of(const std::function<void()>& work);

// Highest resident set of this process so far, MB (10^6 bytes).
double peak_memory();

// What else the machine did since construction: the figures are only as good as it was idle. Counts this process and its
// finished children as its own.
class OtherLoad {
 public:
  OtherLoad();
  std::string text() const;

 private:
  struct Seconds {
    double wall, busy, nice, steal, own;
  };
  static Seconds now();
  Seconds start_;
};

// Collects what must hold whatever the machine is like; a breach is printed at once and fails the run.
class Checks {
 public:
  void expect(bool holds, const std::string& sentence);
  void finite(double value, const std::string& what);  // finite and not negative
  bool passed() const { return breaches_ == 0; }

 private:
  int breaches_ = 0;
};

// What a program's main returns: that of `program`, or 2 after printing why it threw.
int exit_status(const std::function<int()>& program);

// A blank line, the title and a line under it.
void print_title(const std::string& title);

}  // namespace reddiff::bench
