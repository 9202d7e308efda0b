// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Reads the result of a lease: what the worker made of what was leased. Pure functions;
// docs/design/leases.md, "Renditions", explains the rules.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "gst/base/bytes.h"
#include "gst/base/result.h"
#include "gst/cut/film_damage.h"
#include "gst/cut/segment.h"
#include "gst/lease/dispatcher.h"
#include "gst/lease/farm_events.h"
#include "gst/wire/wire.h"

namespace dist {

// Judges caps, sizes and first access unit of a rendition, as check_rendition() in gstx does, and
// returns the caps that it should have. `wanted` is null if the job does not say what it wants.
using CheckRendition = Result<std::string> (*)(const SegmentHeader& rendition,
                                               std::span<const std::uint8_t> first_unit,
                                               bool mixed_encoders, const RenditionSpec* wanted);

// What was leased, and to whom. Borrows what it names.
struct LeaseTerms {
  // What the job wants; empty: the job has not said what it wants, and any renditions will do.
  std::span<const RenditionSpec> wanted = {};
  RenditionSet leased = 0;  // Of these.
  std::span<const Ability> offer =
      {};                          // Of the worker, for each wanted one; empty: it has made none.
  CheckRendition check = nullptr;  // Null: any are good.
  bool mixed_encoders = false;
};

// The leased renditions among the parts of a result, each a serialised segment; other renditions
// are dropped. Payloads are shared with `parts`. Where `terms.check` mends the caps of a rendition,
// header and segment have the mended ones. None: the pipeline was written by hand, and makes other
// renditions that the job wants. The error says what is wrong with the result.
Result<std::vector<ResultRendition>> read_result(const std::vector<BytesList>& parts,
                                                 const LeaseTerms& terms);

// Which of the wanted renditions these are; all if the job has not said what it wants.
RenditionSet made_in(std::span<const RenditionSpec> wanted,
                     const std::vector<ResultRendition>& renditions);

// Whether a decoder could only guess at some of the frames.
bool is_damaged(const std::vector<ResultRendition>& renditions);
// The damage in the rendition that should have the most frames of `source`.
SegmentDamage damage_in(const SegmentHeader& source, std::span<const RenditionSpec> wanted,
                        const std::vector<ResultRendition>& renditions);

std::vector<SegmentHeader> headers_of(const std::vector<ResultRendition>& renditions);

}  // namespace dist
