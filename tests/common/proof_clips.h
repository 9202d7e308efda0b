// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The films of tests/e2e/proof_clips.txt.
#pragma once

#include <string>
#include <vector>

#include "gst/base/result.h"

namespace film {

struct ProofClip {
  std::string name;
  std::string maker;  // "ffmpeg", "gst", "copy" or "cat".
  std::string line;   // What the table says to it.
};

std::vector<ProofClip> proof_clips();

// Path of the clip, which is made if it is not there yet. The error is what its maker said. Any
// thread may make any clip.
dist::Result<std::string> make_clip(const ProofClip& clip);

// Paths of the real films beside the source tree, those of their folder "hard" included; none where
// there is no such folder.
std::vector<std::string> real_films();

// The reason that tests/e2e/proof_known.txt gives for a film that is not whole yet; empty if it
// should be.
std::string known_fault(const std::string& name);

// What transcode has to say, by the same table, when it refuses a film; empty if it has to take it.
std::string known_refusal(const std::string& name);

}  // namespace film
