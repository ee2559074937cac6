// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Precompiled for the benchmarks.
#pragma once

#include <ATen/ATen.h>
