// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A folder of a test's own, gone with what is in it when the test ends.
#pragma once

#include <glib/gstdio.h>

#include <string>

#include "tests/check/check_util.h"

namespace check {

inline std::string read_file(const std::string& path) {
  gchar* data = nullptr;
  gsize size = 0;
  fail_unless(g_file_get_contents(path.c_str(), &data, &size, nullptr), "%s", path.c_str());
  const std::string all(data, size);
  g_free(data);
  return all;
}

class Folder {
 public:
  Folder() {
    gchar* made = g_dir_make_tmp(nullptr, nullptr);
    fail_unless(made != nullptr);
    path_ = made;
    g_free(made);
  }
  ~Folder() {
    GDir* dir = g_dir_open(path_.c_str(), 0, nullptr);
    while (const gchar* name = g_dir_read_name(dir)) g_remove(at(name).c_str());
    g_dir_close(dir);
    g_rmdir(path_.c_str());
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  const std::string& path() const { return path_; }
  std::string at(const std::string& name) const { return path_ + "/" + name; }

  // Returns the file's path.
  std::string write(const std::string& name, const std::string& content) const {
    fail_unless(g_file_set_contents(at(name).c_str(), content.data(), static_cast<gssize>(content.size()), nullptr));
    return at(name);
  }

 private:
  std::string path_;
};

}  // namespace check
