// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst-plugin/refusal.h"

#include "gst-plugin/error_map.h"

namespace reddiff {

void answer_refusal(GstBaseTransform* trans, Session& session, Snapshot& wanted, Snapshot& snapshot) {
  const std::optional<Error> refusal = session.take_refusal();
  if (!refusal) return;
  GST_OBJECT_LOCK(trans);
  if (wanted.version == snapshot.version) session.revert(wanted);
  snapshot = wanted;
  GST_OBJECT_UNLOCK(trans);
  gst_base_transform_reconfigure_src(trans);
  gst_base_transform_reconfigure_sink(trans);
  post_warning(GST_ELEMENT(trans), *refusal);
}

}  // namespace reddiff
