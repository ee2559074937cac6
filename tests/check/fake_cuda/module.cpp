// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A torch module without LibTorch: its Restorer repeats the pixels of a frame, and throws where a frame does not lie as it was told. With
// device=auto it plays a LibTorch that sees no GPU. The devices of a frame are told as start-level (in) and end-level (out).
#include <cstring>

#include "core/api/restorer.h"
#include "tests/check/fake_cuda/driver.h"

namespace {

using reddiff::Component;
using reddiff::Error;
using reddiff::ErrorCode;
using reddiff::FrameView;

void expect(bool holds, const char* what) {
  if (!holds) throw Error(ErrorCode::failed, what);
}

void check(const FrameView& frame, int device) {
  reddiff::validate(frame);
  const auto is_device = fake_cuda::find<fake_cuda::IsPointer>("fake_cuda_is_device");
  const auto is_primary = fake_cuda::find<fake_cuda::IsPointer>("fake_cuda_is_primary");
  expect(is_device && is_primary, "this is not the fake driver");
  const void* data = frame.component[0].data;
  if (frame.device_index < 0) {
    expect(!is_device(data), "a frame of the host lies in the memory of a device");
    return;
  }
  expect(frame.device_index == device, "a frame lies in the memory of another device");
  expect(is_primary(data), "a frame does not lie in the primary context");
  expect(fake_cuda::find<fake_cuda::InPrimary>("fake_cuda_in_primary")(), "another context is current");
}

void repeat(const Component& from, const Component& to, int scale) {
  for (int y = 0; y < to.height; ++y)
    for (int x = 0; x < to.width; ++x)
      std::memcpy(static_cast<char*>(to.data) + y * to.row_stride + x * to.pixel_stride,
                  static_cast<const char*>(from.data) + y / scale * from.row_stride + x / scale * from.pixel_stride,
                  static_cast<std::size_t>(to.word_bytes));
}

class Restorer final : public reddiff::Restorer {
 public:
  explicit Restorer(const reddiff::Config& config) : device_(config.device == "auto" ? -1 : 0) {}
  void reset() override {}
  reddiff::FrameReport process(const FrameView& in, const FrameView& out, const reddiff::FrameOptions&) override {
    check(in, device_);
    check(out, device_);
    for (int i = 0; i < 4; ++i)
      if (i < reddiff::color_components(in) || (i == 3 && in.has_alpha))
        repeat(in.component[i], out.component[i], out.width / in.width);
    reddiff::FrameReport report;
    report.start_level = in.device_index;
    report.end_level = out.device_index;
    return report;
  }
  int cuda_device() const override { return device_; }
  std::string description() const override { return "a fake"; }

 private:
  const int device_;
};

std::unique_ptr<reddiff::Restorer> make_restorer(const reddiff::Config& config, bool, const std::string&) {
  return std::make_unique<Restorer>(config);
}

const reddiff::ModuleTable table{reddiff::module_guard(VERSION), make_restorer, nullptr};

}  // namespace

__attribute__((visibility("default"))) const reddiff::ModuleTable* reddiff_module() { return &table; }
