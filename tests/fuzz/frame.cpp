// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// However a byte stream is cut, its frames are the same.
#include <string>

#include "tests/fuzz/fuzz.h"

namespace {

using namespace dist;
using namespace dist::fuzz;

constexpr std::size_t kMaxBody = 300;

struct Frames {
  std::vector<std::vector<std::uint8_t>> frames;
  std::string error;
  bool operator==(const Frames&) const = default;
};

// Takes all frames that are complete; false after an error.
bool drain(wire::FrameReader& reader, Frames& seen) {
  while (true) {
    const auto next = reader.next();
    if (!next) {
      seen.error = next.error();
      return false;
    }
    if (!*next)
      return true;
    REQUIRE((*next)->type != 0);
    REQUIRE((*next)->body.size() <= kMaxBody);
    seen.frames.push_back(frame((*next)->type, (*next)->body));
  }
}

}  // namespace

// The first byte and those after it say where to cut; the rest is the stream.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  const auto cuts = input.take(input.byte());
  const auto stream = input.rest();

  Frames whole;
  wire::FrameReader at_once(kMaxBody);
  at_once.feed(stream);
  drain(at_once, whole);

  Frames pieces;
  wire::FrameReader reader(kMaxBody);
  std::size_t at = 0;
  for (std::size_t i = 0; at < stream.size(); ++i) {
    const std::size_t step = cuts.empty() ? 1 : 1u + cuts[i % cuts.size()];
    const auto piece = stream.subspan(at, std::min(step, stream.size() - at));
    reader.feed(piece);
    at += piece.size();
    if (!drain(reader, pieces))
      break;
  }
  REQUIRE(pieces == whole);

  // And they are what was in the stream.
  std::size_t offset = 0;
  for (const auto& bytes : whole.frames) {
    REQUIRE(offset + bytes.size() <= stream.size());
    REQUIRE(std::equal(bytes.begin(), bytes.end(), stream.begin() + static_cast<long>(offset)));
    offset += bytes.size();
  }
  return 0;
}
