// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Frames in a GPU's memory, of one element: the context shared with the neighbours, pools, and where core can reach a frame. Built without
// libgstcuda, or on a machine without a driver, it offers nothing, finds nothing, and every frame is one of the host's.
#pragma once

#include <gst/video/video.h>

#include <functional>
#include <memory>

namespace reddiff {

// Where core reaches the frame of a buffer.
struct Reach {
  GstBuffer* buffer =
      nullptr;            // to be mapped: the one asked about, or one that it was copied to or will be copied from
  GstVideoInfo info{};    // how its frame lies, where no GstVideoMeta says so
  int device_index = -1;  // -1: mapped into host memory
};

class DeviceMemory {
 public:
  // `device` is asked from any thread, without the object lock: the number of the device that frames are restored on, -1 for none.
  DeviceMemory(GstElement* element, std::function<int()> device);
  ~DeviceMemory();

  static bool is_built();

  // Any thread. Whether neighbours may be offered the memory of a GPU.
  bool is_offered() const;
  void set_context(GstContext* context);
  bool answer(GstQuery* query);  // GST_QUERY_CONTEXT

  // Allocation queries whose caps are of a GPU's memory; others stay as they are. Throw Error.
  void propose_allocation(GstQuery* query);
  void decide_allocation(GstQuery* query);

  // Streaming thread. The buffer's frame for a Restorer that works on `device` (-1: the CPU). Throw Error.
  Reach reach_to_read(const GstVideoInfo& info, GstBuffer* buffer, int device);
  Reach reach_to_write(const GstVideoInfo& info, GstBuffer* buffer, int device);
  // After writing, with nothing mapped any more.
  void deliver(const Reach& written, GstBuffer* buffer);
  // The stream that a buffer's frame was last worked on, as FrameView::stream wants it; while it is mapped.
  void* stream_of(const Reach& reach) const;

  // While it lives the calling thread is in the context that the Restorer's frames lie in; does nothing for frames of the host.
  class Entered {
   public:
    Entered(DeviceMemory& memory, const Reach& in, const Reach& out);
    ~Entered();
    Entered(const Entered&) = delete;
    Entered& operator=(const Entered&) = delete;

   private:
    bool pushed_ = false;
  };

  // Forgets what it holds for frames to come; start() and stop().
  void clear();

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace reddiff
