// SPDX-License-Identifier: LGPL-2.1-or-later
//
// From exceptions to messages on the bus. One failure gives one message: what() is the text, detail() the debug string.
#pragma once

#include <gst/gst.h>

#include <exception>
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

// Runs `work` and returns what it returns. An exception is posted and becomes `on_error`, Error{aborted} becomes `on_abort`.
template <typename Result, typename Work>
Result guarded(GstElement* element, Result on_error, Result on_abort, Work&& work) noexcept {
  try {
    return std::forward<Work>(work)();
  } catch (const Error& error) {
    if (error.code() == ErrorCode::aborted) return on_abort;
    post_error(element, error);
  } catch (const std::exception& error) {
    post_error(element,
               Error(ErrorCode::failed, "An internal error stopped this element; please report it with the debug text.",
                     error.what()));
  } catch (...) {
    post_error(element,
               Error(ErrorCode::failed, "An internal error of unknown kind stopped this element; please report it."));
  }
  return on_error;
}

}  // namespace reddiff
