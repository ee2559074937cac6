// SPDX-License-Identifier: LGPL-2.1-or-later
//
// From exceptions to messages on the bus. One failure gives one message: what() is the text, detail() the debug string.
#pragma once

#include <gst/gst.h>

#include <utility>

#include "core/api/error.h"

namespace reddiff {

// Domain and code of the message a user sees for an ErrorCode.
struct MessageCode {
  GQuark domain;
  int code;
};
MessageCode message_code(ErrorCode code);

// Posts an error message from `element`. Error{aborted} posts nothing.
void post_error(GstElement* element, const Error& error);

void post_warning(GstElement* element, const Error& error);

// Inside a catch block: posts what was caught, whatever it is. Returns whether that was Error{aborted}. Where memory for the text is
// lacking, a fixed sentence is posted instead: nothing may leave the callbacks of a C library.
bool post_caught(GstElement* element) noexcept;

// Runs `work` and returns what it returns. An exception is posted and becomes `on_error`, Error{aborted} becomes `on_abort`.
template <typename Result, typename Work>
Result guarded(GstElement* element, Result on_error, Result on_abort, Work&& work) noexcept {
  try {
    return std::forward<Work>(work)();
  } catch (...) {
    return post_caught(element) ? on_abort : on_error;
  }
}

// The same for work that returns nothing.
template <typename Work> void guarded(GstElement* element, Work&& work) noexcept {
  try {
    std::forward<Work>(work)();
  } catch (...) {
    post_caught(element);
  }
}

}  // namespace reddiff
