// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Where a film may lead: playlists of HLS, DASH and Smooth Streaming name files and addresses that
// demuxers open by themselves. A film may come from anybody, so these are followed only to where
// the film itself lies.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gst/base/mutex.h"

namespace dist {

// A link that is not opened.
struct RefusedLink {
  std::string text;             // A part of a sentence that begins with "it" or "the server".
  bool remote_follows = false;  // A film whose reach is remote follows it.
  bool operator==(const RefusedLink&) const = default;
};

// Of one film, for all who read it. Any thread.
class FilmReach {
 public:
  // `uris`: what the film itself is read from. `remote`: it may lead to other hosts, too.
  static std::shared_ptr<FilmReach> make(std::vector<std::string> uris, bool remote);
  // Of all films of this process that somebody still holds.
  static std::vector<std::shared_ptr<FilmReach>> living();

  bool remote() const { return remote_; }
  // Why `uri` may not be opened. It may if it is one of the film's, a regular file in the film's
  // folder or below, once links are followed, or what the film's host has. Looks into the file
  // system, and changes nothing.
  std::optional<RefusedLink> refusal_of(const std::string& uri) const;

  // A link was not opened for somebody who reads the film.
  void note(const RefusedLink& link);
  // The first such link.
  std::optional<RefusedLink> refused() const;

 private:
  FilmReach(std::vector<std::string> uris, bool remote);
  bool allows(const std::string& uri) const;

  const std::vector<std::string> uris_;
  const bool remote_;
  mutable Mutex lock_;
  std::optional<RefusedLink> refused_ GUARDED_BY(lock_);
};

}  // namespace dist
