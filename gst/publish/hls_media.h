// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// HLS media playlists (RFC 8216), with the lowest version that their tags allow.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "gst/publish/presentation.h"

namespace dist::publish {

// Of one track of the presentation; of thumbnails the image playlist, whose tags are Roku's.
std::string media_playlist(const Presentation& presentation, const TrackListing& listing);

// The keyframes of a video track.
std::string keyframe_playlist(const Presentation& presentation, const TrackListing& listing);
// False for tracks without one: those that are no video, and those with a key that encrypts whole
// segments.
bool has_keyframe_playlist(const Presentation& presentation, const TrackListing& listing);

// The number behind the last segment that a media playlist lists, which is one of these; nothing if
// it is none of them.
std::optional<std::uint64_t> listed_until(std::string_view media_playlist);

}  // namespace dist::publish
