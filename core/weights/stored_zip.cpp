// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/weights/stored_zip.h"

#include <cstdint>
#include <optional>

#include "core/api/error.h"
#include "core/weights/stored_tensor.h"

namespace reddiff {
namespace {

constexpr std::uint32_t local_mark = 0x04034b50, entry_mark = 0x02014b50, end_mark = 0x06054b50,
                        end64_mark = 0x06064b50, locator_mark = 0x07064b50;
constexpr std::uint64_t end_bytes = 22, locator_bytes = 20, end64_bytes = 56, entry_bytes = 46, local_bytes = 30;
constexpr std::uint64_t most_entries = 1u << 20, longest_comment = 0xffff;
constexpr std::uint64_t in_extra_field = 0xffffffff;  // instead of a number that does not fit
constexpr std::uint16_t zip64_extra = 1;

// Little-endian numbers of a span, every place checked.
class Reader {
 public:
  Reader(std::span<const std::byte> bytes, std::string_view file) : bytes_(bytes), file_(file) {}

  [[noreturn]] void refuse(const std::string& why) const {
    throw Error(ErrorCode::wrong_model, std::string(file_) + " is not a usable file of torch.save: " + why + ".");
  }

  std::span<const std::byte> part(std::uint64_t begin, std::uint64_t length) const {
    if (begin > bytes_.size() || length > bytes_.size() - begin)
      refuse("its table of contents points outside the file; it was cut off or damaged");
    return bytes_.subspan(begin, length);
  }

  std::uint64_t number(std::uint64_t begin, int size) const {
    std::uint64_t value = 0;
    int shift = 0;
    for (const std::byte byte : part(begin, static_cast<std::uint64_t>(size))) {
      value |= std::to_integer<std::uint64_t>(byte) << shift;
      shift += 8;
    }
    return value;
  }

  std::string text(std::uint64_t begin, std::uint64_t length) const {
    const auto span = part(begin, length);
    return {reinterpret_cast<const char*>(span.data()), span.size()};
  }

  std::uint64_t size() const { return bytes_.size(); }

 private:
  std::span<const std::byte> bytes_;
  std::string_view file_;
};

struct Directory {
  std::uint64_t begin, entries;
};

// It lies at the end, before a comment that may be as long as 64 KiB.
std::uint64_t find_end(const Reader& zip) {
  if (zip.size() >= end_bytes)
    for (std::uint64_t back = end_bytes; back <= std::min(zip.size(), end_bytes + longest_comment); ++back)
      if (zip.number(zip.size() - back, 4) == end_mark) return zip.size() - back;
  zip.refuse("it has no table of contents at its end, so it was cut off; fetch it again");
}

Directory find_directory(const Reader& zip) {
  const std::uint64_t end = find_end(zip);
  if (end >= locator_bytes && zip.number(end - locator_bytes, 4) == locator_mark) {
    const std::uint64_t end64 = zip.number(end - locator_bytes + 8, 8);
    zip.part(end64, end64_bytes);
    if (zip.number(end64, 4) != end64_mark) zip.refuse("its table of contents is damaged");
    return {zip.number(end64 + 48, 8), zip.number(end64 + 32, 8)};
  }
  return {zip.number(end + 16, 4), zip.number(end + 10, 2)};
}

struct Entry {
  std::uint64_t size, stored, begin;
};

// Numbers that do not fit into 32 bits stand in an extra field, in this order and only those.
void read_zip64(const Reader& zip, std::uint64_t at, std::uint64_t length, Entry& entry) {
  const std::uint64_t last = at + length;
  while (at + 4 <= last) {
    const std::uint64_t id = zip.number(at, 2), size = zip.number(at + 2, 2);
    at += 4;
    if (id == zip64_extra) {
      std::uint64_t next = at;
      for (std::uint64_t* field : {&entry.size, &entry.stored, &entry.begin})
        if (*field == in_extra_field) {
          if (next + 8 > at + size || next + 8 > last) zip.refuse("its table of contents is damaged");
          *field = zip.number(next, 8);
          next += 8;
        }
      return;
    }
    at += size;
  }
}

std::span<const std::byte> bytes_of(const Reader& zip, const Entry& entry, const std::string& name) {
  zip.part(entry.begin, local_bytes);
  if (zip.number(entry.begin, 4) != local_mark) zip.refuse("entry " + shown(name) + " is not where it should be");
  const std::uint64_t begin =
      entry.begin + local_bytes + zip.number(entry.begin + 26, 2) + zip.number(entry.begin + 28, 2);
  return zip.part(begin, entry.stored);
}

}  // namespace

bool begins_as_zip(std::span<const std::byte> bytes) {
  constexpr std::byte mark[] = {std::byte{'P'}, std::byte{'K'}, std::byte{3}, std::byte{4}};
  return bytes.size() >= std::size(mark) && std::equal(std::begin(mark), std::end(mark), bytes.begin());
}

ZipEntries read_stored_zip(std::span<const std::byte> bytes, std::string_view file) {
  const Reader zip(bytes, file);
  const Directory directory = find_directory(zip);
  if (directory.entries > most_entries) zip.refuse("it has more than a million entries");
  ZipEntries entries;
  std::uint64_t at = directory.begin;
  for (std::uint64_t i = 0; i < directory.entries; ++i) {
    zip.part(at, entry_bytes);
    if (zip.number(at, 4) != entry_mark) zip.refuse("its table of contents is damaged");
    const std::uint64_t flags = zip.number(at + 8, 2), method = zip.number(at + 10, 2);
    const std::uint64_t name_length = zip.number(at + 28, 2), extra_length = zip.number(at + 30, 2);
    Entry entry{zip.number(at + 24, 4), zip.number(at + 20, 4), zip.number(at + 42, 4)};
    const std::string name = zip.text(at + entry_bytes, name_length);
    zip.part(at + entry_bytes + name_length, extra_length);
    read_zip64(zip, at + entry_bytes + name_length, extra_length, entry);
    const bool stored = (flags & 1) == 0 && method == 0 && entry.size == entry.stored;
    if (!entries.emplace(name, ZipEntry{bytes_of(zip, entry, name), stored}).second)
      zip.refuse("it has " + shown(name) + " twice");
    at += entry_bytes + name_length + extra_length + zip.number(at + 32, 2);
  }
  return entries;
}

}  // namespace reddiff
