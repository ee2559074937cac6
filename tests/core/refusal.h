// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The sentence that work is refused with.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "core/api/error.h"
#include "core/api/plan.h"

namespace reddiff {

template <typename F> std::string refusal_of(F work, ErrorCode code = ErrorCode::wrong_model) {
  try {
    work();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "nothing was thrown";
  return {};
}

// Of settings; empty where they are taken.
inline std::string refusal(const Config& config) {
  try {
    PlanBook(config, false);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::settings);
    return error.what();
  }
  return "";
}

}  // namespace reddiff
