// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What tests ask of every failure: one message, from the element itself, that a person can read.
#pragma once

#include <vector>

#include "tests/check/check_util.h"

namespace check {

inline void expect_clear(const Errors& errors, const std::string& what) {
  fail_unless(errors.count == 1, "%s: %d errors, the last '%s'", what.c_str(), errors.count, errors.text.c_str());
  const std::string& text = errors.text;
  fail_unless(g_utf8_validate(text.c_str(), -1, nullptr), "%s: an error that is no UTF-8", what.c_str());
  fail_unless(text.find('\n') == std::string::npos && text.size() > 20 && text.size() < 1000, "%s: '%s'", what.c_str(),
              text.c_str());
  // The words of our own catch-alls: something escaped that has no error of its own.
  for (const char* inner : {"internal error", "LibTorch reported", "the solver failed"})
    fail_unless(text.find(inner) == std::string::npos, "%s: '%s' (%s)", what.c_str(), text.c_str(),
                errors.debug.c_str());
}

inline void expect_error(const Errors& errors, const std::string& what, GQuark domain, int code,
                         const std::string& hint = "") {
  expect_clear(errors, what);
  fail_unless(errors.domain == domain && errors.code == code, "%s: %s %d: %s", what.c_str(),
              g_quark_to_string(errors.domain), errors.code, errors.text.c_str());
  fail_unless(errors.text.find(hint) != std::string::npos, "%s: '%s' lacks '%s'", what.c_str(), errors.text.c_str(),
              hint.c_str());
}

// Brings one element to PAUSED and back to NULL; the errors it posted. A failure must have said why, success nothing.
inline Errors start_and_stop(GstElement* element, const std::string& what) {
  GstBus* bus = gst_bus_new();
  gst_element_set_bus(element, bus);
  const GstStateChangeReturn result = gst_element_set_state(element, GST_STATE_PAUSED);
  const Errors errors = take_errors(bus, element);
  fail_unless((result == GST_STATE_CHANGE_FAILURE) == (errors.count > 0), "%s: state change %d, %d errors",
              what.c_str(), result, errors.count);
  gst_element_set_state(element, GST_STATE_NULL);
  gst_element_set_bus(element, nullptr);
  gst_object_unref(bus);
  return errors;
}

// The same with the element of a launch line.
inline Errors start_and_stop(const std::string& line) {
  GError* error = nullptr;
  GstElement* element = gst_parse_launch(line.c_str(), &error);
  fail_unless(element != nullptr && error == nullptr, "%s: %s", line.c_str(), error ? error->message : "?");
  const Errors errors = start_and_stop(element, line);
  gst_object_unref(element);
  return errors;
}

}  // namespace check
