// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Which of the encoders on this machine makes a rendition.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "gst/base/result.h"
#include "gst/rendition/rendition.h"

namespace dist {

// Immutable, so any thread may use it. What an encoder was found to be capable of is remembered as
// long as the process runs.
class EncoderChoice {
 public:
  // Allows every encoder.
  EncoderChoice() = default;

  // A user's list: "x264enc,vp9enc" allows these and no others, "-x265enc,-av1enc" all but these,
  // "" all. The error names the entry that is wrong.
  static Result<EncoderChoice> parse(std::string_view list);

  // The encoder with the highest rank of those that are allowed, installed with their parser, and
  // work here; among equals hardware comes first, then the name decides. Starts encoders to see
  // whether they work, so the first call can take a second.
  Ability choose(const RenditionSpec& spec) const;

 private:
  bool allows(const std::string& element) const;

  std::set<std::string> named_;
  bool named_are_forbidden_ = true;
};

}  // namespace dist
