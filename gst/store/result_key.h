// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Under which key a store has a result: docs/design/store.md, "The key".
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "gst/base/bytes.h"
#include "gst/cut/segment.h"
#include "gst/rendition/rendition.h"
#include "gst/store/blob_key.h"

namespace dist {

// Who encodes a rendition, and from which picture.
struct Encoding {
  RenditionSpec spec;           // Resolved.
  std::string encoder;          // Factory name.
  std::string encoder_version;  // Any text that changes when the encoder's output may.
  std::string scaling;          // As scaling_path() gives it.
};

// The sizes that the pictures of a rendition pass before they have its own, of all that `specs`,
// which are made together, want: "1280x720 854x480". Empty: they are scaled from the source.
// `rendition` is an index.
std::string scaling_path(const std::vector<RenditionSpec>& specs, std::size_t rendition,
                         unsigned source_width, unsigned source_height);

// SHA-256 of a source segment's payload. `segment` is serialised, as `header` describes it.
BlobKey payload_digest(const SegmentHeader& header, const BytesList& segment);

// The key of the result that this encoding makes of this source. None if the result must not be
// stored: encoder or version are unknown, or it has no frames.
std::optional<BlobKey> result_key(const SegmentHeader& source, const BlobKey& payload,
                                  const Encoding& encoding);

// The caps of a source in the form that the key has: equal texts for equal caps.
std::string canonical_caps(const std::string& caps);

}  // namespace dist
