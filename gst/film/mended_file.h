// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A file of which some bytes are read as others than they are: what the demuxers of GStreamer
// stumble over, while the file stays as it is.
#pragma once

#include <gst/gst.h>

#include <cstdint>
#include <fstream>
#include <string>
#include <vector>

namespace dist {

// Of a file: `bytes` come at `at`, where `replaced` bytes are left out.
struct Mend {
  std::uint64_t at = 0;
  std::uint64_t replaced = 0;
  std::string bytes;
};

class MendedFile {
 public:
  // The mends in the order of their places, none over another.
  MendedFile(const std::string& path, std::vector<Mend> mends);
  std::uint64_t size() const { return size_; }
  // What is there, at most `count` bytes; empty at the end, and where nothing can be read.
  std::string read(std::uint64_t at, std::size_t count);

 private:
  std::ifstream file_;
  std::vector<Mend> mends_;
  std::uint64_t size_ = 0;
};

// Makes an appsrc read such a file.
void set_mended_source(GstElement* appsrc, const std::string& path, const std::vector<Mend>& mends);

}  // namespace dist
