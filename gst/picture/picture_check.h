// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Whether the frames of a rendition show what those of its source show. The measures and how their
// limits were found: docs/design/verify.md.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "gst/picture/frame_look.h"

namespace dist {

// Bits of a visual hash that may differ in pictures that show the same.

enum class MismatchKind {
  kNoFrames,   // None of the rendition's frames is at a time of the source's.
  kFlat,       // Black, or of one colour.
  kFlipped,    // Mirrored or upside down.
  kFrozen,     // The same picture all the time.
  kRepeated,   // Pictures are shown again in place of others.
  kOtherTime,  // Frames of the source, but at other times.
  kPatch,      // A part of the picture is something else.
  kBlurred,    // Scaled up from a much smaller picture.
  kColours,    // Other colours, or none.
  kOther,      // Something else.
};
// One word: "flat".
const char* to_string(MismatchKind kind);

struct Mismatch {
  MismatchKind kind = MismatchKind::kOther;
  // In words, without a subject: "is upside down at 3.200 s (201 of 256 bits differ)".
  std::string reason;
  // Of the worst frame.
  Time time = kNoTime;
  unsigned distance = 0;  // Bits of 256.
  VisualHash source_hash{};
  VisualHash rendition_hash{};
};

// What two frames of the same time have in common.
struct FrameMeasures {
  Time time = kNoTime;
  unsigned distance = 0;  // Bits of 256.
  unsigned quality = 0;   // The lower one of both.
  float contrast = 0;     // Standard deviation of the source's, in 8 x 8 blocks, of 255.
  float likeness = 1;     // Correlation of the pictures, 1 for the same; 1 if both are flat.
  float luma = 0;         // Mean difference, of 255, brightness and contrast made alike.
  float patch = 0;        // The same of the worst sixteenth of the picture,
  float rest = 0;         // and of the best half of it.
  // How much of the source's fine structure is there, 1 for all; below 0: cannot be told.
  float detail = -1;
  float source_structure = 0;  // How much the source has, of 255.
  float colour = -1;           // Mean difference of U and V, of 255; below 0: there are none.
  float source_colour = 0;     // How far the source's are from gray.
  float swapped_colour = -1;   // As `colour`, with U and V of the rendition swapped.
  // How far the source's frame is from the mean of all, of 255, and which part of that the
  // rendition's frame has.
  float motion = 0;
  float follows = 1;
  // How far the source's frame is from the one before, of 255, and the rendition's by that.
  float step = 0;
  float steps = 1;
  // The rendition's difference to the source's frame before, by that to its own.
  float stale = 1;
  // The rendition's difference to the source's nearest frame of another time, by that to its own.
  float elsewhere = 1;
};

// Of all frames of the rendition whose times the source has. Both ascend.
std::vector<FrameMeasures> measure(const std::vector<FrameLook>& source,
                                   const std::vector<FrameLook>& rendition);

// None if the rendition shows the source, or if it is empty. Both ascend; the rendition may have
// fewer frames. Frames at times that the other one does not have do not count.
std::optional<Mismatch> compare(const std::vector<FrameLook>& source,
                                const std::vector<FrameLook>& rendition,
                                unsigned threshold = kSameHashDistance);

}  // namespace dist
