// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <string>

#include "gst/io/place.h"

namespace dist {

// A place from what a user writes: a folder's path, file:PATH, http://… or https://…,
// s3://BUCKET/PREFIX (store_url.h). `gzip`: buckets keep playlists compressed. Makes a folder, and
// talks to no server. The error names the place, without user and password, and says what to do.
StoreResult<std::unique_ptr<Place>> open_place(const std::string& text, bool gzip = false);

}  // namespace dist
