// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What tests ask the fake driver, by names that a real one does not have.
#pragma once

#include <dlfcn.h>

#include <cstdint>

namespace fake_cuda {

struct Counts {
  int uploads = 0, downloads = 0;  // between host and device
  int between_contexts = 0;        // planes
  int primary_held = 0;
};

// The function of that name in libcuda.so.1, if that is open and the fake one.
template <typename Function> Function* find(const char* name) {
  void* driver = dlopen("libcuda.so.1", RTLD_LAZY | RTLD_NOLOAD);
  void* found = driver ? dlsym(driver, name) : nullptr;
  if (driver) dlclose(driver);
  return reinterpret_cast<Function*>(found);
}

using IsPointer = int(const void*);
using InPrimary = int();
using GetCounts = Counts();

}  // namespace fake_cuda
