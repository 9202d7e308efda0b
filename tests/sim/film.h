// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Small segments that hold what a real one holds, and what an encoder would make of them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "gst/base/bytes.h"
#include "gst/cut/segment.h"
#include "gst/rendition/rendition.h"
#include "tests/sim/random.h"

namespace dist::sim {

struct Source {
  std::shared_ptr<const SegmentHeader> header;
  BytesList bytes;  // Serialised, header included.
};

// `size` bytes of payload in a few access units, the first of which may only help decoding.
Source make_source(const std::string& stream, std::uint64_t index, bool last, std::size_t size,
                   Random& random);

// What may be wrong with an answer.
enum class Flaw {
  kNone,
  kOtherIndex,
  kMissingFrame,
  kNoKeyframe,
  kAddedFrame,
  kGarbage,
  // Only where it was said what is wanted.
  kOtherName,
  kMissingRendition,
  // Only whoever looks sees it.
  kOtherPictures
};
inline constexpr unsigned kFlaws = 5;
inline constexpr unsigned kFlawsOfRenditions = 7;

// A rendition that a worker makes.
struct Product {
  RenditionSpec spec;  // Its name and frames count.
  std::string caps;    // Empty: those of the source.
};

// The answer to a serialised segment: for each product a segment of about `size` bytes, whose
// payload depends on that of the source and on the name. Nothing if the segment cannot be read.
std::vector<BytesList> encode(const Bytes& source, const std::vector<Product>& products,
                              std::size_t size, Flaw flaw, Random& random);

// What is wrong with a rendition as an answer to the source, of which it should have the frames
// with these times; or nothing.
std::string find_flaw(const Source& source, const std::vector<Time>& times,
                      const SegmentHeader& header, const BytesList& rendition);

}  // namespace dist::sim
