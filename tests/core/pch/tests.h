// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Precompiled for the core tests.

#include <ATen/ATen.h>
#include <gtest/gtest.h>
