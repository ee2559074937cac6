// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Bits of a header, most significant first. Past the end there are zeros, and `broken` says so: readers look at it once, at their end. Pure.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace reddiff {

using Bytes = std::span<const std::uint8_t>;

class BitReader {
 public:
  explicit BitReader(Bytes bytes) : bytes_(bytes) {}

  bool flag() {
    if (at_ >= bytes_.size() * 8) {
      broken_ = true;
      return false;
    }
    const bool bit = bytes_[at_ / 8] >> (7 - at_ % 8) & 1;
    ++at_;
    return bit;
  }

  std::uint32_t bits(unsigned count) {  // at most 32
    std::uint32_t value = 0;
    for (unsigned i = 0; i < count; ++i) value = value << 1 | static_cast<std::uint32_t>(flag());
    return value;
  }

  void skip(std::size_t count) {
    if (count > bytes_.size() * 8 - std::min(at_, bytes_.size() * 8)) broken_ = true;
    at_ = std::min(at_ + count, bytes_.size() * 8);
  }

  // Exponential Golomb codes: unsigned, signed.
  std::uint32_t ue() {
    unsigned zeros = 0;
    while (!flag() && !broken_ && zeros < 32) ++zeros;
    if (zeros == 32) broken_ = true;
    return broken_ ? 0 : (std::uint32_t{1} << zeros) - 1 + bits(zeros);
  }
  std::int32_t se() {
    const std::uint32_t code = ue();
    const auto half = static_cast<std::int32_t>(code / 2);
    return code % 2 == 1 ? half + 1 : -half;
  }

  // One of a list whose length the stream gives; anything longer than `most` is damage, and reads as 0.
  unsigned count(unsigned most) {
    const std::uint32_t value = ue();
    if (value > most) broken_ = true;
    return broken_ ? 0 : value;
  }

  bool broken() const { return broken_; }
  void give_up() { broken_ = true; }

 private:
  Bytes bytes_;
  std::size_t at_ = 0;
  bool broken_ = false;
};

// Smallest n with 2^n >= count.
constexpr unsigned bits_for(unsigned count) {
  unsigned n = 0;
  while (n < 31 && 1u << n < count) ++n;
  return n;
}

// The bytes of a NAL unit as its syntax sees them, without the threes that keep start codes out; the beginning is enough for headers.
inline std::vector<std::uint8_t> unescaped(Bytes nal) {
  constexpr std::size_t most = 8192;
  std::vector<std::uint8_t> plain;
  plain.reserve(std::min(nal.size(), most));
  int zeros = 0;
  for (const std::uint8_t byte : nal) {
    if (plain.size() == most) break;
    if (zeros >= 2 && byte == 3) {
      zeros = 0;
      continue;
    }
    zeros = byte == 0 ? zeros + 1 : 0;
    plain.push_back(byte);
  }
  return plain;
}

// Calls `take` with what follows each 00 00 01, up to the next one.
template <class Take> void each_start_code(Bytes bytes, Take take) {
  constexpr std::uint8_t code[] = {0, 0, 1};
  auto begin = std::search(bytes.begin(), bytes.end(), std::begin(code), std::end(code));
  while (begin != bytes.end()) {
    const auto end = std::search(begin + 3, bytes.end(), std::begin(code), std::end(code));
    take(Bytes(begin + 3, end));
    begin = end;
  }
}

// NAL units behind start codes (length_size 0) or behind their length in so many bytes.
template <class Take> void each_nal(Bytes bytes, unsigned length_size, Take take) {
  if (length_size == 0) return each_start_code(bytes, take);
  while (bytes.size() > length_size) {
    std::size_t length = 0;
    for (unsigned i = 0; i < length_size; ++i) length = length << 8 | bytes[i];
    bytes = bytes.subspan(length_size);
    length = std::min(length, bytes.size());
    take(bytes.first(length));
    bytes = bytes.subspan(length);
  }
}

// Takes `count` units from the front of `bytes`, each behind its length in two bytes, as codec data has parameter sets.
template <class Take> void take_units(Bytes& bytes, int count, Take take) {
  for (; count > 0 && bytes.size() >= 2; --count) {
    const std::size_t size = std::min<std::size_t>(bytes[0] << 8 | bytes[1], bytes.size() - 2);
    take(bytes.subspan(2, size));
    bytes = bytes.subspan(2 + size);
  }
}

}  // namespace reddiff
