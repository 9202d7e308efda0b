// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/gst-dist/record/record_import.h"

#include <string>
#include <utility>

#include "gst/store/stored_result.h"

namespace dist::tool {
namespace {

Result<JoinedResult> stored_result(const record::Encoded& encoded, CarBlobs& blobs) {
  const auto head = blobs.read(*encoded.head, kMaxSegmentHeader);
  if (!head)
    return Error{head.error()};
  const auto payload = blobs.read(encoded.data.cid, encoded.data.bytes);
  if (!payload)
    return Error{payload.error()};
  return join_stored_result(joined_slice(*head, 0, total_size(*head)), *payload);
}

}  // namespace

Result<Imported, ImportError> import_results(const record::Manifest& manifest, const CarFile& car,
                                             BlobStore& store) {
  CarBlobs blobs(car);
  Imported imported;
  for (const record::Segment& segment : manifest.segments) {
    for (std::size_t i = 0; i < segment.encoded.size(); ++i) {
      const record::Encoded& encoded = segment.encoded[i];
      if (!encoded.head) {
        imported.left_out += encoded.frames > 0 ? 1 : 0;
        continue;
      }
      const auto result = stored_result(encoded, blobs);
      if (!result)
        return ImportError{"segment " + std::to_string(segment.index) + ", rendition '" +
                           manifest.renditions[i].name + "': " + result.error()};
      if (const auto put = store.put(result->key, result->blob, nullptr); !put)
        return ImportError{put.error(), put.failure().fault};
      ++imported.results;
    }
  }
  return imported;
}

}  // namespace dist::tool
