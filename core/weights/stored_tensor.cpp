// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/weights/stored_tensor.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cstring>

namespace reddiff {
namespace {

constexpr std::size_t max_shown_name = 64;

// at::from_blob wants memory that may be written; nobody writes to a weight.
at::Tensor view_of(const StoredTensor& stored, const std::shared_ptr<const void>& owner) {
  void* place = const_cast<std::byte*>(stored.bytes.data());
  const auto options = at::TensorOptions().dtype(stored.dtype);
  const auto keep = [owner](void*) {};
  if (stored.stride.empty()) return at::from_blob(place, stored.shape, keep, options);
  return at::from_blob(place, stored.shape, stored.stride, keep, options);
}

// The bytes need not be aligned for their type.
at::Tensor copy_of(const StoredTensor& stored) {
  const auto size = c10::elementSize(stored.dtype);
  const auto values = static_cast<std::int64_t>(stored.bytes.size() / size);
  const at::Tensor flat = at::empty({values}, at::TensorOptions().dtype(stored.dtype));
  std::memcpy(flat.data_ptr(), stored.bytes.data(), static_cast<std::size_t>(values) * size);
  return stored.stride.empty() ? flat.view(stored.shape) : flat.as_strided(stored.shape, stored.stride);
}

}  // namespace

std::string shown(const std::string& name) {
  std::string text = "'";
  text.append(name, 0, max_shown_name).append(name.size() > max_shown_name ? "...'" : "'");
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c > 0x7e; }, '?');
  return text;
}

at::Tensor make_tensor(const StoredTensor& stored, const std::shared_ptr<const void>& owner,
                       const std::function<void(const std::string&)>& refuse) {
  const bool aligned = reinterpret_cast<std::uintptr_t>(stored.bytes.data()) % c10::elementSize(stored.dtype) == 0;
  const at::Tensor raw = owner && aligned ? view_of(stored, owner) : copy_of(stored);
  at::Tensor values = raw.to(at::kFloat).contiguous();
  if (!at::isfinite(values).all().item<bool>())
    refuse("tensor " + shown(stored.name) +
           " holds values that are not finite, so the training or the export went wrong");
  return values;
}

}  // namespace reddiff
