// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst-plugin/takeover.h"

#include <string>

#include "gst-plugin/caps.h"
#include "gst-plugin/device_caps.h"
#include "gst-plugin/error_map.h"
#include "gst-plugin/object_lock.h"

namespace reddiff {
namespace {

constexpr const char* what_to_do =
    "the mask is the alpha channel, but this video has none; send RGBA, A420 or another format with alpha";

bool upstream_has_alpha(GstPad* sink_pad) {
  g_autoptr(GstCaps) alpha = with_cuda_memory(make_raw_caps(alpha_formats));
  g_autoptr(GstCaps) offered = gst_pad_peer_query_caps(sink_pad, alpha);
  return !gst_caps_is_empty(offered);
}

Error with_consequence(const Error& error) {
  std::string text = error.what();
  if (text.ends_with('.')) text.pop_back();
  return {error.code(), text + "; until then the settings before stay", error.detail()};
}

}  // namespace

void take_over(GstVideoFilter* video, SettingsLedger& ledger, Session& session, InForce& force) {
  if (!force.remake) return;
  try {
    session.make(force);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::aborted) throw;
    {
      const ObjectLock lock(video);
      force = ledger.refuse(force, video->in_info, video->out_info);
    }
    gst_base_transform_reconfigure_src(GST_BASE_TRANSFORM(video));
    gst_base_transform_reconfigure_sink(GST_BASE_TRANSFORM(video));
    post_warning(GST_ELEMENT(video), with_consequence(error));
    return;
  }
  const ObjectLock lock(video);
  ledger.made(force);
}

void check_alpha(GstVideoFilter* video, SettingsLedger& ledger, const InForce& force) {
  if (!force.lacks_alpha || upstream_has_alpha(GST_BASE_TRANSFORM_SINK_PAD(video))) return;
  if (!force.fits) throw Error(ErrorCode::settings, what_to_do);
  {
    const ObjectLock lock(video);
    ledger.told_of_alpha(force);
  }
  GST_ELEMENT_WARNING(video, LIBRARY, SETTINGS, ("The settings from before stay: %s.", what_to_do), (nullptr));
}

void tell_of_old_names(GstElement* element, const Config& config, bool& said) {
  if (said || config.optimizer != Optimizer::fixed_point) return;
  said = true;
  post_warning(
      element,
      Error(ErrorCode::settings,
            "optimizer=fixed-point is deprecated: it is solver=hqs now, which does the same; set that instead"));
}

}  // namespace reddiff
