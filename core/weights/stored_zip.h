// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Reader of zip archives whose entries are stored, not compressed, as torch.save writes them. The central directory is believed, once
// each of its numbers has been checked against the size of the file; nothing is unpacked, so nothing can grow.
#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <string_view>

namespace reddiff {

struct ZipEntry {
  std::span<const std::byte> bytes;  // a part of the archive's
  bool stored;                       // as they are; else compressed or encrypted
};
using ZipEntries = std::map<std::string, ZipEntry, std::less<>>;

bool begins_as_zip(std::span<const std::byte> bytes);

// Entries by name. Throws Error{wrong_model}: cut off or damaged, or a name twice.
ZipEntries read_stored_zip(std::span<const std::byte> bytes, std::string_view file);

}  // namespace reddiff
