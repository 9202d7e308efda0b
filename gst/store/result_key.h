// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Under which key a store has a result: docs/design/store.md, "The key".
#pragma once

#include <optional>
#include <string>

#include "gst/base/bytes.h"
#include "gst/cut/segment.h"
#include "gst/rendition/rendition.h"
#include "gst/store/blob_key.h"

namespace dist {

// Who encodes a rendition.
struct Encoding {
  RenditionSpec
      spec;  // Resolved: with `via`, since the way of a picture to its size changes its bytes.
  std::string encoder;          // Factory name.
  std::string encoder_version;  // Any text that changes when the encoder's output may.
};

// SHA-256 of a source segment's payload. `segment` is serialised, as `header` describes it.
BlobKey payload_digest(const SegmentHeader& header, const BytesList& segment);

// The key of the result that this encoding makes of this source. None if the result must not be
// stored: encoder or version are unknown, or it has no frames.
std::optional<BlobKey> result_key(const SegmentHeader& source, const BlobKey& payload,
                                  const Encoding& encoding);

// The caps of a source in the form that the key has: equal texts for equal caps.
std::string canonical_caps(const std::string& caps);

}  // namespace dist
