// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Interlaced video is refused with a sentence. Were it not in the caps of the sink pads, negotiation would fail before an element
// sees it, and nobody could say why. So it is there, behind progressive video; whoever can choose chooses that. Only a stream that
// arrives is refused: to ask is no error. interlace-mode=mixed says that frames may be interlaced; each says itself whether it is, and
// many streams that say so have none that are: there the first such frame is refused.
#pragma once

#include <gst/video/video.h>

#include <string>

namespace reddiff {

// What a sink pad admits where its other side has `caps`: those, then the same without a word on interlacing (senders of whole
// frames may leave it out, and a comparison of caps does not know what that means), then fields. Takes `caps`, full transfer.
// halved: fields that lie line by line come at half the rate of the other side's frames.
GstCaps* admit_interlaced(GstCaps* caps, bool halved = false);

// What leaves for what a sink pad admits: always progressive. Takes `caps`, full transfer.
GstCaps* make_progressive(GstCaps* caps);

// Both pads of an element: all raw formats, in a GPU's memory too if the element takes such; the sink admits interlaced video.
void add_pad_templates(GstElementClass* element_class, bool on_devices);

class InterlacedGuard {
 public:
  void clear() { told_ = false; }

  // True for a CAPS event of interlaced video, and for an interlaced frame: it must not go on. Posts one error, however often upstream
  // tries. takes_fields: fields that lie line by line are made frames of.
  bool refuses(GstElement* element, GstEvent* event, bool takes_fields = false);
  bool refuses(GstElement* element, const GstBuffer* buffer, bool takes_fields = false);
  // Caps that were let in when fields were taken, and are no longer.
  bool refuses(GstElement* element, const GstVideoInfo& info, bool takes_fields);

 private:
  void tell(GstElement* element, const std::string& mode);

  bool told_ = false;
};

}  // namespace reddiff
