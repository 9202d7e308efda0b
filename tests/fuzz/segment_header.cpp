// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A segment header that is accepted can be trusted, and is written back as it came.
#include "gst/cut/segment.h"

#include <cstring>

#include "tests/fuzz/fuzz.h"

namespace {

using namespace dist;
using namespace dist::fuzz;

// Bytes of the header that say how much payload follows.
constexpr std::size_t kPayloadAt = 16;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span<const std::uint8_t> bytes(data, size);
  const auto header_size = parse_header_size(bytes);
  // As much payload as it says, which an input need not hold, and as much as there is.
  std::uint64_t payload = 0;
  if (size >= kPayloadAt + 8)
    std::memcpy(&payload, data + kPayloadAt, 8);
  for (const std::uint64_t total :
       {std::uint64_t{size}, header_size ? *header_size + payload : payload}) {
    const auto header = parse_header(bytes, total);
    if (!header)
      continue;
    REQUIRE(header_size);
    const Bytes again = serialize(*header);
    REQUIRE(again.size() == *header_size && again.size() <= size);
    REQUIRE(std::equal(again.span().begin(), again.span().end(), data));
    std::uint64_t left = total - *header_size;
    for (const AccessUnit& unit : header->units) {
      REQUIRE(unit.size <= left);
      left -= unit.size;
    }
    REQUIRE(left == 0);
    const auto times = header->presentation_times();
    REQUIRE(header->frame_durations().size() == times.size());
    REQUIRE(std::is_sorted(times.begin(), times.end()));
  }
  return 0;
}
