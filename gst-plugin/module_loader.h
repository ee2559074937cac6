// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Opens the torch module, libreddiff-torch.so, once per process and for the rest of its life: LibTorch cannot be unloaded.
// Nothing but this file knows that there is one. It is called from start(), never while a plugin is scanned or inspected.
#pragma once

#include <filesystem>
#include <string>

#include "core/api/restorer.h"

namespace reddiff {

struct LoadedModule {
  const ModuleTable* table = nullptr;
  std::string folder;  // where it lies: weights are looked for relative to it
};

// Looks at REDDIFF_MODULE_PATH (the file or its folder) if that is set, else beside the plugin's own file: ../core (build
// tree), then ../reddiff (installed). Throws Error{library} when there is none, when it cannot be opened or when it was built
// for another version of this plugin; a later call tries again. Any thread.
const LoadedModule& load_module();

// Variables that LibTorch and its libraries read when they are opened, where the user has not set them: threads that wait do not spin
// (beside other work that would cost more than the work itself), and caches by frame size do not grow for ever. To be called when the
// plugin is initialised: start() is too late, since an application may have threads by then that read the environment.
void prepare_environment();

// Throws Error{library} in a child that was forked from a process in which load_module() had succeeded: it would wait for ever.
void check_not_forked();

// Where the plugin's own file lies, links resolved: what is installed with it is found from there. Empty when unknown.
std::filesystem::path folder_of_plugin();

}  // namespace reddiff
