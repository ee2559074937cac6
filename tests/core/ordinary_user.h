// SPDX-License-Identifier: LGPL-2.1-or-later
//
// While it lives, permissions of files count for this process even if root runs it.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

namespace reddiff {

class OrdinaryUser {
 public:
  OrdinaryUser() {
    constexpr uid_t nobody = 65534;
    EXPECT_EQ(seteuid(was_root_ ? nobody : geteuid()), 0);
  }
  ~OrdinaryUser() { EXPECT_EQ(seteuid(was_root_ ? 0 : geteuid()), 0); }
  OrdinaryUser(const OrdinaryUser&) = delete;
  OrdinaryUser& operator=(const OrdinaryUser&) = delete;

 private:
  bool was_root_ = geteuid() == 0;
};

}  // namespace reddiff
