// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Settings of which no Restorer can be made, while playing: the one from before goes on, a warning says why.
#pragma once

#include <gst/base/gstbasetransform.h>

#include "gst-plugin/session.h"

namespace reddiff {

// After Session::prepare(), on the streaming thread. `wanted` (under the object lock) keeps what was set, but is negotiated as before,
// unless something else was set since; `snapshot`, its copy, is renewed.
void answer_refusal(GstBaseTransform* trans, Session& session, Snapshot& wanted, Snapshot& snapshot);

}  // namespace reddiff
