// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst-plugin/module_loader.h"

#include <dlfcn.h>
#include <glib.h>
#include <gmodule.h>
#include <pthread.h>

#include <atomic>
#include <mutex>
#include <vector>

namespace reddiff {
namespace {

namespace fs = std::filesystem;

constexpr const char* module_file = "libreddiff-torch.so";
constexpr const char* module_variable = "REDDIFF_MODULE_PATH";

// In a child that was forked after the module had been opened: the threads that LibTorch waits for stayed in the parent.
std::atomic<bool> forked{false};

std::vector<fs::path> candidates() {
  if (const char* given = g_getenv(module_variable); given && *given) {
    std::error_code error;
    return {fs::is_directory(given, error) ? fs::path(given) / module_file : fs::path(given)};
  }
  const fs::path folder = folder_of_plugin();
  return {(folder / "../core" / module_file).lexically_normal(),
          (folder / "../reddiff" / module_file).lexically_normal()};
}

fs::path find_module() {
  std::string looked_at;
  for (const fs::path& candidate : candidates()) {
    std::error_code error;
    if (fs::is_regular_file(candidate, error)) return fs::absolute(candidate, error);
    looked_at += (looked_at.empty() ? "" : " and ") + candidate.string();
  }
  throw Error(ErrorCode::library, "The torch module was not found at " + looked_at + "; set " + module_variable +
                                      " to the path of " + module_file + ".");
}

LoadedModule open_module() {
  const fs::path file = find_module();
  GModule* module = g_module_open(file.c_str(), G_MODULE_BIND_LOCAL);
  if (!module)
    throw Error(
        ErrorCode::library,
        "The torch module " + file.string() + " cannot be opened: " + g_module_error() +
            ". LibTorch has to stay in the folder that the build was configured with (RUNPATH in `readelf -d`), "
            "or LD_LIBRARY_PATH has to name it.");
  gpointer symbol = nullptr;
  if (!g_module_symbol(module, module_symbol, &symbol) || !symbol) {
    g_module_close(module);
    throw Error(ErrorCode::library, file.string() + " is not a torch module of gst-reddiff; set " + module_variable +
                                        " to the path of " + module_file + ".");
  }
  const ModuleTable* table = reinterpret_cast<const ModuleTable* (*)()>(symbol)();
  // From here on it stays: its libraries have registered things that outlive a dlclose.
  g_module_make_resident(module);
  if (!table || table->guard != module_guard(VERSION))
    throw Error(ErrorCode::library, "The torch module " + file.string() +
                                        " does not belong to this plugin, which is of version " VERSION
                                        "; install both from one build.");
  return {table, file.parent_path().string()};
}

}  // namespace

fs::path folder_of_plugin() {
  Dl_info info;
  if (!dladdr(reinterpret_cast<void*>(&load_module), &info) || !info.dli_fname) return {};
  std::error_code error;
  const fs::path file = fs::canonical(info.dli_fname, error);
  return error ? fs::path() : file.parent_path();
}

void prepare_environment() {
  for (const auto& [name, value] : {std::pair{"OMP_WAIT_POLICY", "PASSIVE"}, std::pair{"LRU_CACHE_CAPACITY", "16"},
                                    std::pair{"ONEDNN_PRIMITIVE_CACHE_CAPACITY", "16"}})
    g_setenv(name, value, FALSE);
}

void check_not_forked() {
  if (forked)
    throw Error(ErrorCode::library,
                "This process was forked from one that had started to restore, and the threads for that stayed there; "
                "start workers as processes of their own (in Python multiprocessing.set_start_method('spawn')).");
}

const LoadedModule& load_module() {
  static std::mutex mutex;
  static LoadedModule loaded;
  check_not_forked();  // before the lock, which a fork may have left closed
  const std::lock_guard lock(mutex);
  if (!loaded.table) {
    loaded = open_module();
    pthread_atfork(nullptr, nullptr, [] { forked = true; });
  }
  return loaded;
}

}  // namespace reddiff
