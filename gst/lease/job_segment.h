// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A segment of a job as it is leased, and what is there of its results.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "gst/base/bytes.h"
#include "gst/cut/segment.h"
#include "gst/cut/segment_context.h"
#include "gst/lease/dispatcher.h"
#include "gst/wire/wire.h"

namespace dist {

struct JobSegment {
  std::shared_ptr<const SegmentHeader> header;
  BytesList bytes;
  wire::Digest sha256 = {};
  RenditionSet wanted = 1;                         // The others have no frames in it.
  std::uint64_t results = 0;                       // Bytes of those renditions that are there.
  std::map<std::string, std::uint64_t> made = {};  // Those of them that are provisional.
  bool filled = false;                             // Those without frames were added.
  // What lies before it; null once it is among its bytes, or if there is nothing.
  std::shared_ptr<const SegmentBytes> before = {};
  // The first lease that has it; 0: none.
  LeaseId in_context_from = 0;

  bool was_leased_without(LeaseId lease) const { return lease < in_context_from; }
};

}  // namespace dist
