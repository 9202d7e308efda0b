// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Where a result comes from, told on the buffer with which it leaves remoteenc: a custom meta,
// "DistResultOrigin".
#pragma once

#include <gst/gst.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "gst/picture/frame_look.h"
#include "gst/rendition/rendition.h"

namespace dist {

struct ResultOrigin {
  std::string worker;    // Its name.
  unsigned attempt = 0;  // From 1; 0: a store had the result.
  // Microseconds since 1970-01-01 UTC: when the lease was granted and its answer was there.
  std::uint64_t leased = 0;
  std::uint64_t answered = 0;
  // As to_string() writes it, with the fields that the primary sets; empty: the worker decided.
  std::string rendition;
  Encoder encoder;
  std::vector<FrameHash> hashes;  // Of its frames that were looked at.
};

// The buffer is writable.
void set_origin(GstBuffer* result, const ResultOrigin& origin);
// None if it is no such buffer.
std::optional<ResultOrigin> origin_of(GstBuffer* result);

}  // namespace dist
