// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// One track as CMAF fragments, by libavformat's muxer. The same units make the same bytes, in every
// run and wherever a run begins.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "gst/base/bytes.h"
#include "gst/base/result.h"
#include "gst/gstx/ref.h"

namespace dist {

// An access unit, or a packet of sound. Times are running times in nanoseconds.
struct FragmentUnit {
  Ref<GstBuffer> buffer;
  std::int64_t pts = 0;  // Before 0: not presented, as what only starts a decoder of sound.
  std::int64_t duration = 0;
  bool is_keyframe = false;
};

// As it came in `segment`; `rate` is that of the samples of sound, 0 of pictures. None if it has no
// time, or no bytes.
std::optional<FragmentUnit> fragment_unit(const GstSegment* segment, GstBuffer* buffer, int rate);

struct CmafFragment {
  Bytes bytes;  // `moof` and `mdat`.
  // In the track's timescale. `decode_time` is what `tfdt` says: the earliest presentation time
  // before the edit list. `start` and `duration` are those of what is presented.
  std::uint64_t decode_time = 0;
  std::uint64_t start = 0;
  std::uint64_t duration = 0;
  std::size_t key_size = 0;  // From the beginning to the end of the first unit.
};

class Fragmenter {
 public:
  // Where a track goes on of which there are fragments already.
  struct Beginning {
    std::uint32_t sequence_number = 1;
    std::optional<std::uint64_t> decode_time;  // None: that of the first unit.
    std::uint64_t priming = 0;                 // As before.
  };

  // `caps` are those of a parser: complete access units, parameter sets beside the stream.
  static Result<std::unique_ptr<Fragmenter>> create(const GstCaps* caps,
                                                    const Beginning& beginning);
  static Result<std::unique_ptr<Fragmenter>> create(const GstCaps* caps) {
    return create(caps, Beginning());
  }
  ~Fragmenter();

  // The units of one fragment, in decode order. A fragment of video begins with a keyframe. `stop`
  // is the earliest presentation time in the next one, or where the track ends. After an error
  // nothing more can be made.
  Result<CmafFragment> make(std::span<const FragmentUnit> units, std::int64_t stop);

  // `ftyp` and `moov`; empty before the first fragment. They do not depend on what the units hold.
  Bytes init() const;
  // The `styp` with which a media segment begins, before its fragments; `last`: of the track.
  Bytes segment_type(bool last) const;
  std::uint32_t timescale() const;
  // How much, in the timescale, is before the time 0.
  std::uint64_t priming() const;

 private:
  struct State;
  explicit Fragmenter(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace dist
