// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst-plugin/cuda_context.h"

#include <map>

#include "gst-plugin/debug.h"

namespace reddiff {
namespace {

// Whoever looks for a context holds it: two elements that look at the same time would each make one. It may be taken again, because a
// neighbour that is asked looks for one itself.
std::recursive_mutex& looking() {
  static std::recursive_mutex mutex;
  return mutex;
}

struct Retained {
  const CudaApi* api;
  CUdevice device;
};

GstCudaContext* wrap_primary(const CudaApi& api, int index) {
  CUdevice device = 0;
  CUcontext handle = nullptr;
  if (api.device(&device, index) != CUDA_SUCCESS || api.retain_primary(&handle, device) != CUDA_SUCCESS) return nullptr;
  GstCudaContext* context = api.wrap_context(handle, device);
  if (!context) {
    api.release_primary(device);
    return nullptr;
  }
  // When the last memory in it is gone, and with that the object.
  const auto release = [](gpointer data) {
    const auto* retained = static_cast<Retained*>(data);
    retained->api->release_primary(retained->device);
    delete retained;
  };
  g_object_set_data_full(G_OBJECT(context), "reddiff-primary-context", new Retained{&api, device}, release);
  return context;
}

}  // namespace

GstCudaContext* primary_context(const CudaApi& api, int device) {
  static std::mutex mutex;
  static std::map<int, GWeakRef> made;  // nodes stay where they are, which a GWeakRef asks for
  const std::lock_guard lock(mutex);
  const auto [entry, is_new] = made.try_emplace(device);
  if (is_new) g_weak_ref_init(&entry->second, nullptr);
  if (gpointer context = g_weak_ref_get(&entry->second)) return static_cast<GstCudaContext*>(context);
  GstCudaContext* context = wrap_primary(api, device);
  if (context) g_weak_ref_set(&entry->second, context);
  return context;
}

int device_of(GstCudaContext* context) {
  guint device = 0;
  g_object_get(context, "cuda-device-id", &device, nullptr);
  return static_cast<int>(device);
}

GstCudaContext* CudaContext::known(int device) {
  const std::lock_guard lock(lock_);
  if (!context_ || device_of(context_) != device) return nullptr;
  return static_cast<GstCudaContext*>(gst_object_ref(context_));
}

void CudaContext::take(const CudaApi& api, GstContext* given, int device) {
  GstCudaContext* found = nullptr;
  if (!api.take_context(element_, given, device, &found)) return;
  const std::lock_guard lock(lock_);
  if (context_ && device_of(context_) == device) {
    gst_object_unref(found);
    return;
  }
  gst_clear_object(&context_);
  context_ = found;
}

// The answer, if there is one, comes back through take().
void CudaContext::ask(GstPadDirection side) {
  GstQuery* query = gst_query_new_context(cuda_context_type);
  GList* pads = side == GST_PAD_SRC ? element_->srcpads : element_->sinkpads;
  GstContext* found = nullptr;
  if (pads && gst_pad_peer_query(GST_PAD(pads->data), query)) gst_query_parse_context(query, &found);
  if (found) gst_element_set_context(element_, found);
  gst_query_unref(query);
}

void CudaContext::ask_all(int device) {
  for (const GstPadDirection side : {GST_PAD_SRC, GST_PAD_SINK}) {
    ask(side);
    if (GstCudaContext* context = known(device)) {
      gst_object_unref(context);
      return;
    }
  }
  gst_element_post_message(element_, gst_message_new_need_context(GST_OBJECT(element_), cuda_context_type));
}

void CudaContext::offer_primary(const CudaApi& api, int device) {
  GstCudaContext* primary = primary_context(api, device);
  if (!primary) return;
  GstContext* offer = api.make_gst_context(primary);
  gst_element_set_context(element_, offer);
  gst_element_post_message(element_, gst_message_new_have_context(GST_OBJECT(element_), offer));
  gst_object_unref(primary);
}

GstCudaContext* CudaContext::get(const CudaApi& api, int device) {
  if (GstCudaContext* context = known(device)) return context;
  const std::lock_guard lock(looking());
  if (GstCudaContext* context = known(device)) return context;
  if (asking_) return nullptr;
  asking_ = true;
  ask_all(device);
  asking_ = false;
  if (GstCudaContext* context = known(device)) {
    GST_INFO_OBJECT(element_, "shares %" GST_PTR_FORMAT, context);
    return context;
  }
  offer_primary(api, device);
  return known(device);
}

}  // namespace reddiff
