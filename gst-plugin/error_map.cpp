// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst-plugin/error_map.h"

#include <algorithm>
#include <exception>
#include <string>

#include "gst-plugin/debug.h"

namespace reddiff {
namespace {

constexpr const char* no_memory = "There is not enough memory for this element to go on; close other programs.";

std::string utf8(const std::string& text) {
  const g_autofree gchar* valid = g_utf8_make_valid(text.data(), static_cast<gssize>(text.size()));
  return valid;
}

// Sentences quote what the user gave, which may be anything: made one line of bounded length. The end is kept, because there it
// says what to do.
std::string readable(std::string text) {
  constexpr std::size_t longest = 900, kept_end = 500;
  if (text.size() > longest)
    text = text.substr(0, longest - kept_end) + std::string(" ... ") + text.substr(text.size() - kept_end);
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, '?');
  return utf8(text);
}

void post(GstElement* element, GstMessageType type, const Error& error) {
  const MessageCode message = message_code(error.code());
  const std::string text = readable(error.what()), detail = utf8(error.detail());
  GST_CAT_LEVEL_LOG(GST_CAT_DEFAULT, type == GST_MESSAGE_ERROR ? GST_LEVEL_ERROR : GST_LEVEL_WARNING, element,
                    "%s (%s)", text.c_str(), detail.c_str());
  gst_element_message_full(element, type, message.domain, message.code, g_strdup(text.c_str()),
                           detail.empty() ? nullptr : g_strdup(detail.c_str()), __FILE__, GST_FUNCTION, __LINE__);
}

}  // namespace

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
  if (error.code() != ErrorCode::aborted) post(element, GST_MESSAGE_ERROR, error);
}

void post_warning(GstElement* element, const Error& error) { post(element, GST_MESSAGE_WARNING, error); }

bool post_caught(GstElement* element) noexcept {
  try {
    try {
      throw;
    } catch (const Error& error) {
      post_error(element, error);
      return error.code() == ErrorCode::aborted;
    } catch (const std::bad_alloc& error) {
      post_error(element, Error(ErrorCode::out_of_memory, no_memory, error.what()));
    } catch (const std::exception& error) {
      post_error(element,
                 Error(ErrorCode::failed,
                       "An internal error stopped this element; please report it with the debug text.", error.what()));
    } catch (...) {
      post_error(element,
                 Error(ErrorCode::failed, "An internal error of unknown kind stopped this element; please report it."));
    }
  } catch (...) {
    gst_element_message_full(element, GST_MESSAGE_ERROR, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NO_SPACE_LEFT,
                             g_strdup(no_memory), nullptr, __FILE__, GST_FUNCTION, __LINE__);
  }
  return false;
}

}  // namespace reddiff
