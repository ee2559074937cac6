// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/bench/parts.h"

#include <ATen/ATen.h>

#include <cstdio>
#include <functional>

#include "core/frame/convert.h"
#include "core/frame/fill_holes.h"
#include "core/frame/noise_estimate.h"
#include "core/registry.h"
#include "core/solvers/rng.h"
#include "core/temporal/flow.h"
#include "core/temporal/scene_cut.h"
#include "core/temporal/warp.h"
#include "tests/bench/scene.h"

namespace reddiff::bench {
namespace {

struct Part {
  const char* stage;
  std::string what;
  std::function<void()> work;
  std::vector<double> ms;
};

void add_conversions(std::vector<Part>& parts, const Size& size, const at::Tensor& picture) {
  for (const Layout layout : {Layout::rgb, Layout::i420}) {
    const auto frame = std::make_shared<OwnedFrame>(layout, size);
    write_picture(picture, {}, frame->view);
    parts.push_back({"convert", std::string("read ") + name(layout), [=] { read_picture(frame->view, at::kCPU); }, {}});
    parts.push_back(
        {"convert", std::string("write ") + name(layout), [=] { write_picture(picture, {}, frame->view); }, {}});
  }
  const std::int64_t one_channel[] = {1, 1, size.height, size.width};
  const auto known = (normal_field(11, 0, one_channel, at::kCPU) > 0).to(at::kFloat);
  parts.push_back({"convert", "estimate the noise", [=] { estimate_noise(picture); }, {}});
  parts.push_back({"convert", "fill holes (half is missing)", [=] { fill_holes(picture, known); }, {}});
  parts.push_back({"convert", "look for NaN", [=] { picture.isfinite().all().item<bool>(); }, {}});
}

void add_motion(std::vector<Part>& parts, const at::Tensor& picture, const at::Tensor& next) {
  const std::shared_ptr<Flow> flow = make_dis_flow();
  const auto backward = flow->estimate(next, picture), forward = flow->estimate(picture, next);
  parts.push_back({"flow", "look for a cut", [=] { scene_distance(next, picture); }, {}});
  parts.push_back({"flow", "flow, one direction (of two)", [=] { flow->estimate(next, picture); }, {}});
  parts.push_back({"flow", "trusted motion", [=] { trusted_motion(backward, forward); }, {}});
  parts.push_back({"flow", "warp bilinear", [=] { warp(picture, backward, WarpFilter::bilinear); }, {}});
  parts.push_back({"flow", "warp bicubic", [=] { warp(picture, backward, WarpFilter::bicubic); }, {}});
}

void add_operators(std::vector<Part>& parts, const at::Tensor& picture) {
  for (const char* spec : {"identity", "bicubic:factor=2", "bicubic:factor=4", "gaussian-blur:sigma=1.6"}) {
    const auto op = make_operator(parse_operator(spec));
    const auto y = op->forward(picture);
    const auto first = [=] {
      const auto fresh = make_operator(parse_operator(spec));
      fresh->prox(picture, y, {}, 0.01);
      fresh->pseudo_inverse(y);
    };
    parts.push_back({"operator", std::string(spec) + " forward", [=] { op->forward(picture); }, {}});
    parts.push_back({"operator", std::string(spec) + " vjp", [=] { op->vjp(picture, y); }, {}});
    parts.push_back({"operator", std::string(spec) + " prox", [=] { op->prox(picture, y, {}, 0.01); }, {}});
    parts.push_back({"optim.+rest", std::string(spec) + " pseudo_inverse", [=] { op->pseudo_inverse(y); }, {}});
    parts.push_back({"first frame", std::string(spec) + " prox, pseudo_inverse", first, {}});
  }
}

}  // namespace

void measure_parts(const Options& options, Checks& checks) {
  const c10::InferenceMode no_gradients;
  const Size size = options.sizes.front();
  print_title("Parts of the other stages, each alone, " + text(size));
  const OtherLoad load;
  const MovingScene scene(size, 2);
  std::vector<Part> parts;
  add_conversions(parts, size, scene.frame(0));
  add_motion(parts, scene.frame(0), scene.frame(1));
  add_operators(parts, scene.frame(0));
  for (int round = -1; round < options.rounds(); ++round)
    for (Part& part : parts) {
      const double ms = milliseconds_of(part.work);
      if (round >= 0) part.ms.push_back(ms);
    }
  std::printf("%-12s %-40s %8s\n", "counted in", "part", "ms");
  for (const Part& part : parts) {
    std::printf("%-12s %-40s %8.2f\n", part.stage, part.what.c_str(), median(part.ms));
    checks.finite(median(part.ms), part.what);
  }
  std::printf("%d rounds; %s\n", options.rounds(), load.text().c_str());
}

}  // namespace reddiff::bench
