// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A strict reader of CMAF tracks (ISO/IEC 14496-12, ISO/IEC 23000-19), which shares nothing with
// what writes them: what it does not expect it refuses.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "gst/base/result.h"
#include "tests/common/support.h"

namespace dist::test {

struct InitSegment {
  std::vector<std::string> brands;  // The first is the major one.
  std::string handler;              // "vide" or "soun".
  std::string entry;                // "avc1".
  std::vector<std::string> inside;  // Types of the boxes in the sample entry.
  Data configuration;               // The contents of the first of these.
  std::uint32_t timescale = 0;
  std::uint64_t media_time = 0;  // Of the edit list; 0: there is none.
};

Result<InitSegment> read_init(std::span<const std::uint8_t> bytes);

struct Mp4Sample {
  Data bytes;
  std::uint64_t decode_time = 0;
  std::int64_t pts = 0;
  std::uint32_t duration = 0;
  bool keyframe = false;
};

// The fragments of one track, in their order.
class TrackReader {
 public:
  explicit TrackReader(const InitSegment& init) : init_(init) {}

  // A media segment: one `styp`, then fragments. Refused: what is refused in read_init(), and
  // a run whose data are not the `mdat` exactly; fragments that do not follow on the one before in
  // number and time; sizes and flags that disagree; `sidx`; a first sample that is no keyframe.
  Status read_segment(std::span<const std::uint8_t> bytes);

  const std::vector<Mp4Sample>& samples() const { return samples_; }
  bool ended() const { return ended_; }  // `lmsg` was there.
  std::size_t fragments() const { return fragments_; }

 private:
  Status read_fragment(std::span<const std::uint8_t> moof, std::span<const std::uint8_t> mdat);

  const InitSegment init_;
  std::vector<Mp4Sample> samples_;
  std::size_t fragments_ = 0;
  std::uint32_t number_ = 0;
  std::uint64_t time_ = 0;
  bool ended_ = false;
};

}  // namespace dist::test
