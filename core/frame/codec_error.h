// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What a codec left, pixel by pixel. A quantiser says how large its errors are where a camera has been, and there a prior of natural
// pictures takes them away. What is drawn (text, windows, sprites) is coded in a few blocks and otherwise exactly, and looks like an error
// to such a prior: it is to stay. A place is drawn where hard edges stand beside pixels that repeat to the code value.
#pragma once

#include <ATen/core/Tensor.h>

#include "core/api/frame_view.h"

namespace reddiff {

struct CodecError {
  at::Tensor map;  // [1,1,h,w], standard deviation to tell a solver, core units; 0 where nothing is to be taken away
  double rms = 0;  // of the map
};

// error: what the stream says, root mean square, core units, > 0. picture: [1,3,h,w], as read from the frame.
CodecError codec_error(const FrameView& frame, const at::Tensor& picture, double error);

// [1,1,h,w], [0,1]: 0 drawn, 1 seen by a camera. luma: [1,1,h,w], core units. The larger the error, the more repeats what a camera saw:
// then more of it is asked for.
at::Tensor camera_places(const at::Tensor& luma, double error);

}  // namespace reddiff
