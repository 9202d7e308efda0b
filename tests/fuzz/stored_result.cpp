// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Whatever lies in a store, with the right key and checksum, is no result, or one that its reader
// can trust. An input is the size of a source's header in two bytes, that header, and the blob
// without its checksum.
#include "gst/store/stored_result.h"

#include <cstring>

#include "tests/fuzz/fuzz.h"

namespace {

using namespace dist;
using namespace dist::fuzz;

// Bytes of a segment's header that say how much payload follows, and of a blob that are its key.
constexpr std::size_t kPayloadAt = 16;
constexpr std::size_t kKeyAt = 24;
const BlobKey kKey = {1, 2, 3};

// As if its payload was there.
Result<SegmentHeader> read_source(std::span<const std::uint8_t> bytes) {
  std::uint64_t payload = 0;
  if (bytes.size() >= kPayloadAt + 8)
    std::memcpy(&payload, bytes.data() + kPayloadAt, 8);
  return parse_header(bytes, bytes.size() + payload);
}

BytesList complete(std::span<const std::uint8_t> bytes) {
  std::vector<std::uint8_t> body(bytes.begin(), bytes.end());
  if (body.size() >= kKeyAt + kKey.size())
    std::copy(kKey.begin(), kKey.end(), body.begin() + kKeyAt);
  BytesList blob{Bytes::take(std::move(body))};
  blob.push_back(copy(sha256(blob)));
  return blob;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  const std::size_t source_size = input.u16();
  const auto source = read_source(input.take(source_size));
  const BytesList blob = complete(input.rest());
  const auto stored = read_stored_result(kKey, blob);
  if (!stored)
    return 0;
  std::uint64_t left = total_size(stored->payload);
  for (const StoredFrame& frame : stored->frames) {
    REQUIRE(frame.size <= left);
    left -= frame.size;
  }
  REQUIRE(left == 0);
  if (!source)
    return 0;
  const auto restored = restore_result(*stored, *source, "hd");
  if (!restored)
    return 0;
  const auto segment = join(restored->segment);
  const auto header = parse_header(segment, segment.size());
  REQUIRE(header && *header == restored->header);
  // What may be stored comes back as it was.
  const auto again = store_result(kKey, stored->about, *source, header->presentation_times(),
                                  *header, restored->segment);
  if (!again)
    return 0;
  const auto read = read_stored_result(kKey, *again);
  REQUIRE(read);
  const auto twice = restore_result(*read, *source, "hd");
  REQUIRE(twice && join(twice->segment) == segment);
  return 0;
}
