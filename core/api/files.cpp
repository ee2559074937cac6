// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/api/files.h"

#include <cstdlib>

namespace reddiff {

std::string expand_home(const std::string& path) {
  const char* home = std::getenv("HOME");
  if (!home || !*home || (path != "~" && !path.starts_with("~/"))) return path;
  return home + path.substr(1);
}

bool is_missing(const std::error_code& error) {
  return error == std::errc::no_such_file_or_directory || error == std::errc::not_a_directory ||
         error == std::errc::filename_too_long || error == std::errc::too_many_symbolic_link_levels;
}

Error file_error(const std::string& what, const std::error_code& error) {
  if (is_missing(error)) return {ErrorCode::not_found, what + " does not exist", error.message()};
  if (error == std::errc::permission_denied)
    return {ErrorCode::open_read,
            what + " cannot be read by this user; check the permissions of the file and of the folders above it",
            error.message()};
  return {ErrorCode::open_read, what + " cannot be read: " + error.message(), error.message()};
}

}  // namespace reddiff
