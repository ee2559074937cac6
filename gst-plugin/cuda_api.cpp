// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst-plugin/cuda_api.h"

#include <gmodule.h>

#include <optional>

#include "gst-plugin/debug.h"

namespace reddiff {
namespace {

constexpr const char* library_name = "libgstcuda-1.0.so.0";
constexpr const char* driver_name = "libcuda.so.1";

// A library that stays open: types it registers outlive any dlclose.
class Library {
 public:
  explicit Library(const char* name) : module_(g_module_open(name, G_MODULE_BIND_LOCAL)) {
    if (module_)
      g_module_make_resident(module_);
    else
      GST_INFO("no frames in a GPU's memory: %s", g_module_error());
  }

  explicit operator bool() const { return module_ != nullptr; }

  template <typename Function> bool find(const char* name, Function& function) const {
    gpointer symbol = nullptr;
    if (!g_module_symbol(module_, name, &symbol)) symbol = nullptr;
    function = reinterpret_cast<Function>(symbol);
    return symbol != nullptr;
  }

 private:
  GModule* module_;
};

bool find_all(const Library& library, CudaApi& api) {
  library.find("gst_cuda_memory_get_stream", api.stream_of);
  library.find("gst_cuda_stream_get_handle", api.stream_handle);
  return library.find("gst_cuda_load_library", api.load_library) &&
         library.find("gst_cuda_memory_init_once", api.init_memory) &&
         library.find("gst_is_cuda_memory", api.is_memory) &&
         library.find("gst_cuda_context_get_type", api.context_type) &&
         library.find("gst_cuda_context_new_wrapped", api.wrap_context) &&
         library.find("gst_cuda_context_get_handle", api.context_handle) &&
         library.find("gst_cuda_context_push", api.push) && library.find("gst_cuda_context_pop", api.pop) &&
         library.find("gst_context_new_cuda_context", api.make_gst_context) &&
         library.find("gst_cuda_handle_set_context", api.take_context) &&
         library.find("gst_cuda_handle_context_query", api.answer_query) &&
         library.find("gst_cuda_buffer_pool_get_type", api.pool_type) &&
         library.find("gst_cuda_buffer_pool_new", api.make_pool);
}

bool find_driver(const Library& driver, CudaApi& api) {
  return driver.find("cuInit", api.init) && driver.find("cuDeviceGetCount", api.device_count) &&
         driver.find("cuDeviceGet", api.device) && driver.find("cuDevicePrimaryCtxRetain", api.retain_primary) &&
         driver.find("cuDevicePrimaryCtxRelease_v2", api.release_primary) &&
         driver.find("cuMemcpy3DPeer", api.copy_peer) && driver.find("cuCtxSynchronize", api.synchronize);
}

// The driver first: without one nothing else is worth loading.
std::optional<CudaApi> open_api() {
  CudaApi api{};
  const Library driver(driver_name);
  if (!driver || !find_driver(driver, api)) return {};
  if (api.init(0) != CUDA_SUCCESS || api.device_count(&api.devices) != CUDA_SUCCESS || api.devices < 1) {
    GST_INFO("no frames in a GPU's memory: the driver finds no GPU");
    return {};
  }
  const Library library(library_name);
  if (!library || !find_all(library, api) || !api.load_library()) return {};
  api.init_memory();
  return api;
}

}  // namespace

const CudaApi* cuda_api() {
  static const std::optional<CudaApi> api = open_api();
  return api ? &*api : nullptr;
}

GstCudaMemory* cuda_memory_of(const CudaApi& api, GstBuffer* buffer) {
  if (gst_buffer_n_memory(buffer) != 1) return nullptr;
  GstMemory* memory = gst_buffer_peek_memory(buffer, 0);
  return api.is_memory(memory) ? reinterpret_cast<GstCudaMemory*>(memory) : nullptr;
}

}  // namespace reddiff
