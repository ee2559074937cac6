// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A CUDA driver of one GPU for machines without: device memory is the host's, and each context reaches only what was allocated in it.
// What libgstcuda of GStreamer 1.22 and the plugin call works; the rest says that it is not supported. Loaded as libcuda.so.1.
#include "driver.h"

#pragma GCC visibility push(default)  // what cuda.h declares is what this library exports
#include <cuda.h>
#pragma GCC visibility pop

#include <cstdlib>
#include <cstring>
#include <iterator>
#include <map>
#include <mutex>
#include <vector>

#define FAKE_CUDA extern "C" __attribute__((visibility("default")))

struct CUctx_st {
  bool primary;
};

namespace {

struct Allocation {
  std::size_t size;
  CUcontext context;
};

std::mutex lock;
std::map<std::uintptr_t, Allocation> allocations;  // by their first address
fake_cuda::Counts counts;
CUctx_st primary{true};
thread_local std::vector<CUcontext> stack;

CUcontext current() { return stack.empty() ? nullptr : stack.back(); }

CUcontext owner(std::uintptr_t address) {
  const std::lock_guard hold(lock);
  auto next = allocations.upper_bound(address);
  if (next == allocations.begin()) return nullptr;
  const auto& [first, allocation] = *std::prev(next);
  return address < first + allocation.size ? allocation.context : nullptr;
}

CUresult allocate(CUdeviceptr* pointer, std::size_t size) {
  if (!current()) return CUDA_ERROR_INVALID_CONTEXT;
  void* memory = std::calloc(size, 1);
  const std::lock_guard hold(lock);
  allocations[reinterpret_cast<std::uintptr_t>(memory)] = {size, current()};
  *pointer = reinterpret_cast<CUdeviceptr>(memory);
  return CUDA_SUCCESS;
}

// One side of a copy: where it begins, or null where its context does not reach it.
const char* reached(CUmemorytype type, const void* host, CUdeviceptr device, CUcontext context) {
  if (type == CU_MEMORYTYPE_HOST) return static_cast<const char*>(host);
  return owner(device) == context ? reinterpret_cast<const char*>(device) : nullptr;
}

CUresult copy_rows(const char* from, std::size_t from_pitch, const char* to, std::size_t to_pitch, std::size_t bytes,
                   std::size_t rows) {
  if (!from || !to) return CUDA_ERROR_INVALID_VALUE;
  for (std::size_t y = 0; y < rows; ++y)
    std::memcpy(const_cast<char*>(to) + y * to_pitch, from + y * from_pitch, bytes);
  return CUDA_SUCCESS;
}

}  // namespace

// What tests look at

FAKE_CUDA int fake_cuda_is_primary(const void* pointer) {
  return owner(reinterpret_cast<std::uintptr_t>(pointer)) == &primary;
}
FAKE_CUDA int fake_cuda_is_device(const void* pointer) {
  return owner(reinterpret_cast<std::uintptr_t>(pointer)) != nullptr;
}
FAKE_CUDA int fake_cuda_in_primary() { return current() == &primary; }
FAKE_CUDA fake_cuda::Counts fake_cuda_counts() {
  const std::lock_guard hold(lock);
  return counts;
}

// Devices and contexts

CUresult cuInit(unsigned) { return CUDA_SUCCESS; }
CUresult cuDriverGetVersion(int* version) {
  *version = 12000;
  return CUDA_SUCCESS;
}
CUresult cuGetErrorName(CUresult, const char** text) {
  *text = "an error of the fake driver";
  return CUDA_SUCCESS;
}
CUresult cuGetErrorString(CUresult error, const char** text) { return cuGetErrorName(error, text); }
CUresult cuDeviceGetCount(int* count) {
  *count = 1;
  return CUDA_SUCCESS;
}
CUresult cuDeviceGet(CUdevice* device, int ordinal) {
  *device = ordinal;
  return ordinal == 0 ? CUDA_SUCCESS : CUDA_ERROR_INVALID_DEVICE;
}
CUresult cuDeviceGetName(char* name, int size, CUdevice) {
  std::strncpy(name, "fake", static_cast<std::size_t>(size));
  return CUDA_SUCCESS;
}
CUresult cuDeviceGetAttribute(int* value, CUdevice_attribute, CUdevice) {
  *value = 8;
  return CUDA_SUCCESS;
}
CUresult cuDeviceCanAccessPeer(int* can, CUdevice, CUdevice) {
  *can = 0;
  return CUDA_SUCCESS;
}
FAKE_CUDA CUresult cuCtxCreate_v2(CUcontext* context, unsigned, CUdevice) {
  *context = new CUctx_st{false};
  stack.push_back(*context);
  return CUDA_SUCCESS;
}
CUresult cuCtxDestroy_v2(CUcontext context) {
  delete context;
  return CUDA_SUCCESS;
}
CUresult cuCtxPushCurrent_v2(CUcontext context) {
  stack.push_back(context);
  return CUDA_SUCCESS;
}
CUresult cuCtxPopCurrent_v2(CUcontext* context) {
  if (stack.empty()) return CUDA_ERROR_INVALID_CONTEXT;
  if (context) *context = stack.back();
  stack.pop_back();
  return CUDA_SUCCESS;
}
CUresult cuDevicePrimaryCtxRetain(CUcontext* context, CUdevice) {
  *context = &primary;
  const std::lock_guard hold(lock);
  ++counts.primary_held;
  return CUDA_SUCCESS;
}
CUresult cuDevicePrimaryCtxRelease_v2(CUdevice) {
  const std::lock_guard hold(lock);
  --counts.primary_held;
  return CUDA_SUCCESS;
}
CUresult cuCtxSynchronize() { return current() ? CUDA_SUCCESS : CUDA_ERROR_INVALID_CONTEXT; }
CUresult cuStreamCreate(CUstream* stream, unsigned) {
  *stream = nullptr;
  return CUDA_SUCCESS;
}
CUresult cuStreamDestroy_v2(CUstream) { return CUDA_SUCCESS; }
FAKE_CUDA CUresult fake_stream_destroy(CUstream) __asm__("cuStreamDestroy");
FAKE_CUDA CUresult fake_stream_destroy(CUstream) { return CUDA_SUCCESS; }
CUresult cuStreamSynchronize(CUstream) { return CUDA_SUCCESS; }

// Memory

CUresult cuMemAlloc_v2(CUdeviceptr* pointer, std::size_t size) { return allocate(pointer, size); }
CUresult cuMemAllocPitch_v2(CUdeviceptr* pointer, std::size_t* pitch, std::size_t width, std::size_t height, unsigned) {
  *pitch = (width + 511) / 512 * 512;
  return allocate(pointer, *pitch * height);
}
CUresult cuMemFree_v2(CUdeviceptr pointer) {
  const std::lock_guard hold(lock);
  if (allocations.erase(pointer) == 0) return CUDA_ERROR_INVALID_VALUE;
  std::free(reinterpret_cast<void*>(pointer));
  return CUDA_SUCCESS;
}
CUresult cuMemAllocHost_v2(void** pointer, std::size_t size) {
  *pointer = std::calloc(size, 1);
  return CUDA_SUCCESS;
}
CUresult cuMemFreeHost(void* pointer) {
  std::free(pointer);
  return CUDA_SUCCESS;
}
CUresult cuMemcpy2D_v2(const CUDA_MEMCPY2D* c) {
  if (c->srcMemoryType == CU_MEMORYTYPE_HOST || c->dstMemoryType == CU_MEMORYTYPE_HOST) {
    const std::lock_guard hold(lock);
    ++(c->srcMemoryType == CU_MEMORYTYPE_HOST ? counts.uploads : counts.downloads);
  }
  return copy_rows(reached(c->srcMemoryType, c->srcHost, c->srcDevice, current()), c->srcPitch,
                   reached(c->dstMemoryType, c->dstHost, c->dstDevice, current()), c->dstPitch, c->WidthInBytes,
                   c->Height);
}
CUresult cuMemcpy2DAsync_v2(const CUDA_MEMCPY2D* copy, CUstream) { return cuMemcpy2D_v2(copy); }
CUresult cuMemcpy3DPeer(const CUDA_MEMCPY3D_PEER* c) {
  {
    const std::lock_guard hold(lock);
    ++counts.between_contexts;
  }
  return copy_rows(reached(c->srcMemoryType, c->srcHost, c->srcDevice, c->srcContext), c->srcPitch,
                   reached(c->dstMemoryType, c->dstHost, c->dstDevice, c->dstContext), c->dstPitch, c->WidthInBytes,
                   c->Height);
}

// What libgstcuda looks up and nothing here calls

#define NOT_SUPPORTED(name)                        \
  FAKE_CUDA CUresult fake_##name() __asm__(#name); \
  FAKE_CUDA CUresult fake_##name() { return CUDA_ERROR_NOT_SUPPORTED; }
NOT_SUPPORTED(cuCtxEnablePeerAccess)
NOT_SUPPORTED(cuCtxDisablePeerAccess)
NOT_SUPPORTED(cuGLGetDevices_v2)
NOT_SUPPORTED(cuGraphicsGLRegisterBuffer)
NOT_SUPPORTED(cuGraphicsGLRegisterImage)
NOT_SUPPORTED(cuGraphicsMapResources)
NOT_SUPPORTED(cuGraphicsResourceGetMappedPointer_v2)
NOT_SUPPORTED(cuGraphicsResourceSetMapFlags_v2)
NOT_SUPPORTED(cuGraphicsSubResourceGetMappedArray)
NOT_SUPPORTED(cuGraphicsUnmapResources)
NOT_SUPPORTED(cuGraphicsUnregisterResource)
NOT_SUPPORTED(cuLaunchKernel)
NOT_SUPPORTED(cuModuleGetFunction)
NOT_SUPPORTED(cuModuleLoadData)
NOT_SUPPORTED(cuModuleUnload)
NOT_SUPPORTED(cuTexObjectCreate)
NOT_SUPPORTED(cuTexObjectDestroy)
