// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A primary that looks at a hostile result (SegmentLooker, and SegmentDecoder under it) and
// compares it with the film. An input is one byte, whether the segment counts as the film's, and
// then as segment_input.h has it.
#include "gst/gstx/segment_look.h"

#include <algorithm>

#include "gst/gstx/segment_decoder.h"
#include "gst/picture/picture_check.h"
#include "tests/fuzz/plugins.h"
#include "tests/fuzz/segment_input.h"

namespace {

using namespace dist;
using namespace dist::fuzz;

constexpr std::size_t kLongestError = 80'000;  // The caps are in it.
// A decoder that hangs is for libFuzzer's own limit to find.
constexpr Time kNoLimit = 3600 * kSecond;

// Frames of the film at the times of all inputs, each another picture.
std::vector<FrameLook> film() {
  std::vector<FrameLook> frames(5);
  for (std::size_t i = 0; i < frames.size(); ++i) {
    FrameLook& frame = frames[i];
    frame.time = kSecond + i * kFrame;
    frame.width = frame.height = 32;
    frame.quality = 100;
    for (std::size_t cell = 0; cell < frame.luma.size(); ++cell)
      frame.luma[cell] = static_cast<std::uint8_t>(cell * (i + 3) >> 4);
    frame.has_chroma = true;
    frame.u.fill(100);
    frame.v.fill(static_cast<std::uint8_t>(120 + i));
  }
  return frames;
}

void check(const SegmentHeader& header, const SegmentLook& look) {
  const auto times = header.presentation_times();
  REQUIRE(look.frames.size() <= times.size());
  if (!header.is_source())
    REQUIRE(look.frames.size() == times.size());
  for (const FrameLook& frame : look.frames)
    REQUIRE(std::ranges::binary_search(times, frame.time));
  REQUIRE(std::ranges::is_sorted(look.frames, {}, &FrameLook::time));
}

void check(const std::string& error) {
  REQUIRE(error.starts_with("segment ") && error.size() <= kLongestError);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  load_plugins();
  static const std::vector<FrameLook> kFilm = film();
  Input in(data, size);
  const bool of_film = (in.byte() & 1) != 0;
  const auto input = segment_of(in, !of_film);
  if (!input || lacks_decoder(input->header))
    return 0;
  SegmentLooker looker;
  const LookOptions options{.time_limit = kNoLimit, .aspect = 4.0 / 3};
  const auto look = looker.look(input->segment.get(), options);
  if (!look) {
    check(look.error());
    return 0;
  }
  check(input->header, *look);
  const auto mismatch = compare(kFilm, look->frames);
  if (!mismatch)
    return 0;
  REQUIRE(!mismatch->reason.empty());
  // The evidence.
  if (const auto picture = looker.picture(input->segment.get(), options); !picture)
    check(picture.error());
  return 0;
}
