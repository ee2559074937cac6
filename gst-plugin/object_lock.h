// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The object lock of a GstObject for the life of a scope: given back where an exception leaves the scope too.
#pragma once

#include <gst/gst.h>

namespace reddiff {

class ObjectLock {
 public:
  explicit ObjectLock(gpointer object) : object_(object) { GST_OBJECT_LOCK(object_); }
  ~ObjectLock() { GST_OBJECT_UNLOCK(object_); }
  ObjectLock(const ObjectLock&) = delete;
  ObjectLock& operator=(const ObjectLock&) = delete;

 private:
  gpointer object_;
};

}  // namespace reddiff
