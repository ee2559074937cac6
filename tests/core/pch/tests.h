// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Precompiled for the core tests.
#pragma once

#include <ATen/ATen.h>
#include <gtest/gtest.h>
