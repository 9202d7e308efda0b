// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <glib/gstdio.h>

#include <string>

namespace dist::test {

// Ends with its folder and all that is in it.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    gchar* const made = g_dir_make_tmp("dist-test-XXXXXX", nullptr);
    path_ = made ? made : "";
    g_free(made);
  }
  ~TemporaryFolder() { erase(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  static void erase(const std::string& path) {
    if (!g_file_test(path.c_str(), G_FILE_TEST_IS_SYMLINK))
      if (GDir* const dir = g_dir_open(path.c_str(), 0, nullptr)) {
        while (const char* name = g_dir_read_name(dir))
          erase(path + "/" + name);
        g_dir_close(dir);
      }
    g_remove(path.c_str());
  }
  std::string path_;
};

}  // namespace dist::test
