// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The one exception type that leaves core. `what()` is one sentence a user can act on; `detail()` is for the log.
// gst-plugin maps `code()` to a GStreamer error domain in one table. Anything else that escapes is a bug of ours.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>

namespace reddiff {

enum class ErrorCode {
  not_found,      // a file or a module that was asked for does not exist
  open_read,      // it exists and cannot be read
  wrong_model,    // a model file or card that is corrupt, of another kind, or does not fit its card
  library,        // the torch module or a library it needs is missing or of another version
  device,         // a device that was asked for does not exist
  settings,       // a combination of settings that has no meaning
  out_of_memory,  // after the one retry with smaller tiles
  format,         // a frame whose description cannot be right
  failed,         // the solver could not do its work
  aborted,        // the caller set the abort flag: not an error for the user
};

class __attribute__((visibility("default"))) Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& sentence, std::string detail = {})
      : std::runtime_error(sentence), code_(code), detail_(std::move(detail)) {}

  ErrorCode code() const noexcept { return code_; }
  const std::string& detail() const noexcept { return detail_; }

 private:
  ErrorCode code_;
  std::string detail_;
};

}  // namespace reddiff
