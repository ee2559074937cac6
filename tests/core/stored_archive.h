// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Makes zip archives of entries that are stored, as torch.save does, right or wrong.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace reddiff {

struct StoredFile {
  std::string name, bytes;
  std::uint16_t method = 0, flags = 0;  // as its table of contents says; 0: stored as it is
};

inline std::string little_endian(std::uint64_t value, int size) {
  std::string text;
  for (int i = 0; i < size; ++i) text += static_cast<char>(value >> (8 * i) & 255);
  return text;
}

inline std::string stored_archive(const std::vector<StoredFile>& files) {
  std::string text, directory;
  for (const StoredFile& file : files) {
    const std::string sizes = little_endian(0, 4) + little_endian(file.bytes.size(), 4) +
                              little_endian(file.bytes.size(), 4) + little_endian(file.name.size(), 2) +
                              little_endian(0, 2);
    const std::string head = little_endian(file.flags, 2) + little_endian(file.method, 2) + little_endian(0, 4) + sizes;
    directory += "PK\x01\x02" + little_endian(20, 2) + little_endian(20, 2) + head + little_endian(0, 2) +
                 little_endian(0, 2) + little_endian(0, 2) + little_endian(0, 4) + little_endian(text.size(), 4) +
                 file.name;
    text += "PK\x03\x04" + little_endian(20, 2) + head + file.name + file.bytes;
  }
  const std::uint64_t begin = text.size();
  return text + directory + "PK\x05\x06" + little_endian(0, 4) + little_endian(files.size(), 2) +
         little_endian(files.size(), 2) + little_endian(directory.size(), 4) + little_endian(begin, 4) +
         little_endian(0, 2);
}

}  // namespace reddiff
