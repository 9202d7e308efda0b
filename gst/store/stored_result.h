// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A result as a store keeps it: without what belongs to the job that made it. The layout is in
// docs/design/store.md, "The stored result".
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gst/base/bytes.h"
#include "gst/base/result.h"
#include "gst/cut/segment.h"
#include "gst/rendition/rendition.h"
#include "gst/store/blob_key.h"

namespace dist {

struct StoredFrame {
  std::uint32_t rank = 0;   // Among the frames that the source shows, from 0, by time.
  std::uint32_t flags = 0;  // As in AccessUnit.
  std::uint64_t size = 0;
};

struct StoredResult {
  std::string about;  // For people: what was encoded, and by what.
  std::string caps;
  std::uint32_t reorder_depth = 0;
  std::vector<StoredFrame> frames;  // In decode order.
  BytesList payload;
};

// For StoredResult::about.
std::string about_result(const RenditionSpec& spec, const Encoder& encoder);

// `result`, an accepted result of `source`, as a blob; the payload is shared with `segment`, which
// is `result` serialised. `frames` are the times of those that the rendition has to have. Refused,
// since it would not come back as it was or might be other bytes next time, is a result that lacks
// frames, has damaged ones, or whose header says what does not follow from its source. The first
// piece is what lies before the payload.
Result<BytesList> store_result(const BlobKey& key, const std::string& about,
                               const SegmentHeader& source, const std::vector<Time>& frames,
                               const SegmentHeader& result, const BytesList& segment);

// The first bytes of a blob that hold what it says it is, for about_stored_result().
inline constexpr std::size_t kAboutSize = 20u << 10;
// What the blob that begins with these bytes says it is, unchecked; empty if it is no stored
// result.
std::string about_stored_result(const Bytes& begin);

// Reads a blob, and checks every byte of it: that it is whole, and that it is the one of this key.
// The payload is shared with `blob`.
Result<StoredResult> read_stored_result(const BlobKey& key, const BytesList& blob);

// For stores that are to check what they read.
Status check_stored_result(const BlobKey& key, const BytesList& blob);

// A stored result from what lay before its payload, and its payload; checked as when it is read.
struct JoinedResult {
  BlobKey key = {};
  BytesList blob;
};
Result<JoinedResult> join_stored_result(const Bytes& head, const BytesList& payload);

// A result with the name and times of the job that asks for it.
struct RestoredResult {
  SegmentHeader header;
  BytesList segment;  // Serialised; the payload is shared.
};
// `source` is a segment that the key stands for. An error if it is not.
Result<RestoredResult> restore_result(const StoredResult& stored, const SegmentHeader& source,
                                      const std::string& rendition);

}  // namespace dist
