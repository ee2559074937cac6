// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the headers of a compressed frame say of its quantiser. One reader per codec; it keeps what later frames refer to (parameter
// sets, sizes). Whatever the bytes are, a reader ends, reads nothing outside them, and says that it did not understand. Pure.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "gst-plugin/bit_reader.h"

namespace reddiff {

enum class Codec { h264, hevc, mpeg12, mpeg4, jpeg, vp8, vp9, av1 };

// A component of a JPEG picture.
struct JpegComponent {
  int horizontal = 1, vertical = 1;  // sampling factors
  int table = 0;                     // which quantisation table
};

struct CodedFrame {
  char type = 'I';            // I, P or B
  double qp = 0;              // in the codec's own numbers, mean over slices
  double scale_qp = 0;        // that step of the quantiser on H.264's scale, 4 + 6 log2(step)
  double reference_qp = 0;    // scale_qp of the last frame that was coded in order of display, this one where it is
  int width = 0, height = 0;  // of the decoded picture
  bool lost = false;          // something of it, or between it and the frame before (damage.h)
  bool damaged = false;       // or of what it is predicted from
  std::vector<std::array<int, 64>> tables;  // JPEG, zigzag order; one that is not there is zeros
  std::vector<JpegComponent> components;
};

class BitstreamReader {
 public:
  virtual ~BitstreamReader() = default;
  // The codec_data of the caps, as containers carry it.
  virtual void on_codec_data(Bytes) {}
  // One frame as a parser cuts it. False: not understood, `frame` is worthless.
  virtual bool read(Bytes bytes, CodedFrame& frame) = 0;
};

// length_prefixed: NAL units behind their length (avc, hvc1, ...), not behind start codes.
std::unique_ptr<BitstreamReader> make_bitstream_reader(Codec codec, bool length_prefixed = false);

std::unique_ptr<BitstreamReader> make_h264_reader(bool length_prefixed);
std::unique_ptr<BitstreamReader> make_hevc_reader(bool length_prefixed);
std::unique_ptr<BitstreamReader> make_mpeg12_reader();
std::unique_ptr<BitstreamReader> make_mpeg4_reader();
std::unique_ptr<BitstreamReader> make_jpeg_reader();
std::unique_ptr<BitstreamReader> make_vp8_reader();
std::unique_ptr<BitstreamReader> make_vp9_reader();
std::unique_ptr<BitstreamReader> make_av1_reader();

// Steps of the quantiser on H.264's scale.
double scale_qp(double step);
double vp8_step(int index);  // 0 to 127, AC
double vp9_step(int index);  // 0 to 255, AC at 8 bits; AV1 has the same

// Slices of one frame as they come.
class SliceTally {
 public:
  void add(char type, double qp) {
    sum_ += qp;
    ++count_;
    if (type == 'B' || (type == 'P' && type_ == 'I')) type_ = type;
  }
  int count() const { return count_; }
  char type() const { return type_; }
  double mean() const { return count_ > 0 ? sum_ / count_ : 0; }

 private:
  double sum_ = 0;
  int count_ = 0;
  char type_ = 'I';
};

}  // namespace reddiff
