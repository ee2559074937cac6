// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Precompiled for the files of core that use LibTorch: this header is most of the time each of them takes. They still include
// what they use (configure with -Db_pch=false to check).

#include <ATen/ATen.h>
