// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A file in memory, once: copies of this share it, and so do tensors that are views of it. Read, not mapped: see DECISIONS.md.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

namespace reddiff {

class FileBytes {
 public:
  FileBytes() = default;
  // Uninitialised, to be written through data(). Aligned as memory of `new` is.
  explicit FileBytes(std::size_t size) : bytes_(std::make_unique_for_overwrite<std::byte[]>(size)), size_(size) {}

  std::byte* data() { return bytes_.get(); }
  const std::byte* data() const { return bytes_.get(); }
  std::size_t size() const { return size_; }
  std::span<const std::byte> span() const { return {bytes_.get(), size_}; }
  std::shared_ptr<const void> owner() const { return bytes_; }

 private:
  std::shared_ptr<std::byte[]> bytes_;
  std::size_t size_ = 0;
};

}  // namespace reddiff
