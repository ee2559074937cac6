// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Precompiled for the benchmarks.

#include <ATen/ATen.h>
