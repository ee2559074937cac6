// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/bench/prior_precision.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>

#include <cmath>
#include <cstdio>

#include "core/api/error.h"
#include "tests/bench/scene.h"
#include "tests/bench/subjects.h"

namespace reddiff::bench {
namespace {

struct Subject {
  const char* precision;
  DenoiserPtr prior;
  std::vector<double> ms;
  double psnr = 0;
};

struct Level {
  const char* what;
  at::Tensor sigma;
};

// The precisions that can be had here.
std::vector<Subject> subjects_of(const char* prior) {
  std::vector<Subject> subjects;
  for (const auto& precision : names<Precision>()) {
    if (precision.value == Precision::automatic) continue;
    try {
      subjects.push_back({precision.nick, load_prior(prior, at::kCPU, precision.value), {}, 0});
    } catch (const Error& error) {
      if (error.code() != ErrorCode::settings) throw;
      std::printf("%s: %s\n", prior, error.what());
    }
  }
  return subjects;
}

double psnr(const at::Tensor& found, const at::Tensor& clean) {
  return 10 * std::log10(4 / (found - clean).square().mean().item<double>());
}

}  // namespace

void measure_precisions(const Options& options, Checks& checks) {
  const c10::InferenceMode no_gradients;
  print_title("The priors at every precision: milliseconds a call, PSNR at noise 25 (half to one and a half of it)");
  const OtherLoad load;
  const Size size = options.sizes.front();
  const at::Tensor clean = MovingScene(size, 1).frame(0);
  const double sigma = level_to_core(25);
  const at::Tensor uniform = at::full({1, 1, 1, 1}, sigma);
  const at::Tensor per_pixel =
      (at::linspace(0.5, 1.5, size.width) * sigma).expand({1, 1, size.height, size.width}).contiguous();
  const at::Tensor noise =
      at::randn(clean.sizes(), at::make_generator<at::CPUGeneratorImpl>(std::uint64_t{1}), clean.options());
  std::printf("%-8s %-10s %-10s %8s %12s %8s %12s\n", "prior", "level", "precision", "ms", "to float32", "dB",
              "to float32");
  for (const char* name : {"tiny", "default", "large"}) {
    for (const Level& level : {Level{"uniform", uniform}, Level{"per pixel", per_pixel}}) {
      std::vector<Subject> subjects = subjects_of(name);
      const at::Tensor u = clean + level.sigma * noise;
      for (int round = -1; round < options.rounds(); ++round)  // round -1 makes the library's kernels
        for (Subject& subject : subjects) {
          at::Tensor found;
          const double ms = milliseconds_of([&] { found = subject.prior->denoise(u, level.sigma); });
          subject.psnr = psnr(found, clean);
          if (round >= 0) subject.ms.push_back(ms);
        }
      const Subject& exact = subjects.front();
      checks.expect(std::string(exact.precision) == "float32", "float32 is the first precision");
      for (const Subject& subject : subjects) {
        const double ms = median(subject.ms), ratio = ms / median(exact.ms);
        std::printf("%-8s %-10s %-10s %8.1f %12.2f %8.2f %12.3f\n", name, level.what, subject.precision, ms, ratio,
                    subject.psnr, subject.psnr - exact.psnr);
        for (const double figure : {ms, ratio, subject.psnr})
          checks.finite(figure, std::string(name) + " in " + subject.precision);
      }
    }
  }
  std::printf("%s, %d rounds; %s\n", text(size).c_str(), options.rounds(), load.text().c_str());
}

}  // namespace reddiff::bench
