// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/solvers/rng.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>

namespace reddiff {
namespace {

at::Generator make_generator(std::uint64_t seed, at::Device device) {
  if (device.is_cpu()) return at::make_generator<at::CPUGeneratorImpl>(seed);
  auto generator = at::globalContext().getAcceleratorHooksInterface(device.type()).getNewGenerator(device.index());
  generator.set_current_seed(seed);
  return generator;
}

}  // namespace

std::uint64_t mix_seed(std::uint64_t seed, std::uint64_t step) {
  std::uint64_t x = seed + 0x9e3779b97f4a7c15ULL * (step + 1);
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

at::Tensor normal_field(std::uint64_t seed, std::uint64_t step, at::IntArrayRef size, at::Device device) {
  TORCH_CHECK(size.size() == 4);
  const std::int64_t one_image[] = {1, size[1], size[2], size[3]};
  return at::randn(one_image, make_generator(mix_seed(seed, step), device),
                   at::TensorOptions(device).dtype(at::kFloat));
}

}  // namespace reddiff
