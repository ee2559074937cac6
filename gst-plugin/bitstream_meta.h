// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What `reddiffbitstream` knows of a frame, on its way through the decoder to `reddiff`: a GstCustomMeta without tags, which decoders and
// filters copy to what they make of a buffer. Its fields are in reddiffbitstream.md.
#pragma once

#include <gst/gst.h>

#include "core/api/jpeg_tables.h"
#include "gst-plugin/bitstream.h"

namespace reddiff {

inline constexpr const char* bitstream_meta_name = "GstReddiffBitstreamMeta";
// Without fields: what a codec left in this frame has been taken away. Whatever its stream says, the next `reddiff` leaves it at that.
inline constexpr const char* restored_meta_name = "GstReddiffRestoredMeta";

// Once per process, by whoever comes first.
void register_bitstream_meta();

const char* codec_name(Codec codec);

// In place of one that is there.
void add_bitstream_meta(GstBuffer* buffer, Codec codec, const CodedFrame& frame, gsize bytes);

// What the level of a frame's errors follows from.
struct CodedFacts {
  Codec codec = Codec::h264;
  double reference_qp = 0;
  int width = 0, height = 0;
};

// False: there is none, or it is none of ours.
bool read_bitstream_meta(GstBuffer* buffer, CodedFacts& facts);

// What was lost in front of the decoder, by this meta; nothing is known without it.
struct CodedLoss {
  bool known = false, lost = false, damaged = false;
};
CodedLoss read_loss(GstBuffer* buffer);

void say_restored(GstBuffer* buffer);
bool was_restored(GstBuffer* buffer);

// The tables of a JPEG picture, each as its component has it. False: there are none, or none that are valid.
bool read_jpeg_tables(GstBuffer* buffer, JpegTables& tables);

bool is_bitstream_meta(const GstMeta* meta);

}  // namespace reddiff
