// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What is the same for every file that a user names.
#pragma once

#include <string>
#include <system_error>

#include "core/api/error.h"

namespace reddiff {

// `~` and `~/...` stand for the user's home folder (HOME). A shell replaces them only at the start of a word, not in kernel:file=~/psf.txt.
std::string expand_home(const std::string& path);

// The error of a call that looked at or opened `path`: a file that is not there, Error{not_found}, or one that this user may not
// read, Error{open_read}. `what` begins the sentence, for example "the kernel file psf.txt".
Error file_error(const std::string& what, const std::error_code& error);

// Whether nothing is there, as opposed to something that cannot be looked at.
bool is_missing(const std::error_code& error);

}  // namespace reddiff
