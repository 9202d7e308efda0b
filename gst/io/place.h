// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Where files are published: a folder, a web server, a bucket (docs/design/publish.md, "Files").
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "gst/io/blob_store.h"

namespace dist {

// As a server shows a file, where it is not the server who decides.
struct FileHeaders {
  std::string content_type;
  std::string cache_control = {};
  bool compress = false;  // May be sent compressed; playlists are to be.
};

// Names are paths from the root of the place, such as "720p/00000000.mp4"; every part begins with a
// letter or digit, so none leads out. Errors are those of stores. Thread-safe. All calls block, and
// end with kCancelled soon after the GCancellable, which may be null, is cancelled.
class Place {
 public:
  virtual ~Place() = default;

  // The file is there, whole and for good, once this has succeeded, instead of one that was there
  // before; viewers see the one or the other, never a part.
  virtual StoreStatus put(const std::string& name, const BytesList& bytes,
                          const FileHeaders& headers, GCancellable* cancellable) = 0;
  // Success if there is none.
  virtual StoreStatus remove(const std::string& name, GCancellable* cancellable) = 0;
  // In bytes as they were put, unless compressed; none if there is no such file.
  virtual StoreResult<std::optional<std::uint64_t>> size(const std::string& name,
                                                         GCancellable* cancellable) = 0;
  // A playlist, of 64 MiB at most and not compressed; none if there is none.
  virtual StoreResult<std::optional<BytesList>> get(const std::string& name,
                                                    GCancellable* cancellable) = 0;
};

inline constexpr std::uint64_t kMaxPlaylist = 64u << 20;

}  // namespace dist
