// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Caps of frames in a GPU's memory, beside those of frames in the host's. Pure functions on GstCaps: they know the name of the feature
// and nothing of the library behind it.
#pragma once

#include <gst/video/video.h>

#include <string>

namespace reddiff {

inline constexpr const char* cuda_feature = "memory:CUDAMemory";

// Of the formats of both pads those that GstCudaAllocator of GStreamer 1.22 lays out. Not those with bytes that belong to no
// component (RGBx and its like, YUY2 at odd widths): such bytes have fixed values, and nothing writes them there.
inline constexpr const char* cuda_formats =
    "{ NV12, P010_10LE, Y444, RGBA, BGRA, I420, YV12, NV21, I420_10LE, P016_LE, Y42B, I422_10LE, I422_12LE, Y444_16LE, "
    "RGB, BGR, ARGB, ABGR, RGBP, GBR }";

// Whether the first structure is of frames in a GPU's memory.
bool in_cuda_memory(const GstCaps* caps);

// `caps`, and behind them what of them can lie in a GPU's memory as well. Takes `caps`, full transfer.
GstCaps* with_cuda_memory(GstCaps* caps);

// What may be on the other side of an element that reads and writes both kinds of memory: of each structure first the memory it is
// in, then the other. Where `offered` is false, nothing in a GPU's memory at all. Takes `caps`, full transfer.
GstCaps* in_either_memory(GstCaps* caps, bool offered);

// `caps` for what comes out when `in` comes in, before they are fixed: frames of a GPU's memory stay there where they can. Takes `caps`,
// full transfer.
GstCaps* stay_in_memory(GstCaps* caps, const GstCaps* in);

// Which CUDA device the property `device` means: its number; -1 for none, and for a text that means nothing.
int cuda_index(const std::string& device);

}  // namespace reddiff
