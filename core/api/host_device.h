// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Marks a function that runs on the CPU and inside a CUDA kernel: a kernel is then a loop over functions that the host tests.
// Such functions include no LibTorch, allocate nothing and throw nothing. Here, because every room may include api.
#pragma once

#ifdef __CUDACC__
#define REDDIFF_HOST_DEVICE __host__ __device__
#else
#define REDDIFF_HOST_DEVICE
#endif
