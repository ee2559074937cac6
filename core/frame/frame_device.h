// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Frames in a GPU's memory: where they lie, and whose turn it is. Other code queues work on them in streams of its own; nothing here
// reads or writes a frame.
#pragma once

#include <c10/core/Device.h>

#include "core/api/frame_view.h"

namespace reddiff {

// Where the words of a frame lie.
c10::Device device_of(const FrameView& frame);

// Before a frame is touched: what LibTorch is given to do from now on starts when the frame's stream is through. Host memory: nothing.
void wait_for_frame(const FrameView& frame);

// After a frame was written by work on `worker`: waits until it can be seen by everybody, if it lies on a device. Reading a host
// frame that a GPU has written has waited already.
void finish_frame(const FrameView& frame, c10::Device worker);

}  // namespace reddiff
