// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst-plugin/error_map.h"

#include "gst-plugin/debug.h"

namespace reddiff {

MessageCode message_code(ErrorCode code) {
  switch (code) {
    case ErrorCode::not_found:
      return {GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND};
    case ErrorCode::open_read:
      return {GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_OPEN_READ};
    case ErrorCode::wrong_model:
      return {GST_STREAM_ERROR, GST_STREAM_ERROR_WRONG_TYPE};
    case ErrorCode::library:
      return {GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_INIT};
    case ErrorCode::device:
      return {GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_INIT};
    case ErrorCode::settings:
      return {GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS};
    case ErrorCode::out_of_memory:
      return {GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NO_SPACE_LEFT};
    case ErrorCode::format:
      return {GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT};
    case ErrorCode::failed:
    case ErrorCode::aborted:
      break;
  }
  return {GST_STREAM_ERROR, GST_STREAM_ERROR_FAILED};
}

void post_error(GstElement* element, const Error& error) {
  if (error.code() == ErrorCode::aborted) return;
  const MessageCode message = message_code(error.code());
  GST_ERROR_OBJECT(element, "%s (%s)", error.what(), error.detail().c_str());
  gst_element_message_full(element, GST_MESSAGE_ERROR, message.domain, message.code, g_strdup(error.what()),
                           error.detail().empty() ? nullptr : g_strdup(error.detail().c_str()), __FILE__, GST_FUNCTION,
                           __LINE__);
}

}  // namespace reddiff
