// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/device.h"

#include <ATen/Context.h>

#include <charconv>

#include "core/api/error.h"

namespace reddiff {
namespace {

int cuda_devices() { return at::globalContext().hasCUDA() ? at::detail::getCUDAHooks().deviceCount() : 0; }

}  // namespace

at::Device parse_device(const std::string& text) {
  if (text == "cpu") return at::kCPU;
  if (text == "auto") return cuda_devices() > 0 ? at::Device(at::kCUDA, 0) : at::Device(at::kCPU);
  int index = 0;
  bool understood = text == "cuda";
  if (text.starts_with("cuda:")) {
    const char* end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data() + 5, end, index);
    understood = parsed.ec == std::errc() && parsed.ptr == end && index >= 0;
  }
  if (!understood) throw Error(ErrorCode::settings, "device \"" + text + "\" is none of auto, cpu, cuda and cuda:N");
  const int count = cuda_devices();
  if (index >= count) {
    const std::string found =
        count == 0 ? "this LibTorch sees no CUDA device" : "there are " + std::to_string(count) + " CUDA devices";
    throw Error(ErrorCode::device,
                "device " + text + " was asked for, but " + found + "; set device=auto or device=cpu");
  }
  return at::Device(at::kCUDA, static_cast<at::DeviceIndex>(index));
}

}  // namespace reddiff
