// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// How what a rendition asks for is said to GStreamer's encoders, each of which has other names and
// units for it. Text only: nothing here needs an encoder to be installed.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gst/rendition/rendition.h"

namespace dist {

struct EncoderInfo {
  const char* element;  // Factory name: "x264enc".
  const char* codec;    // As in RenditionSpec.
  bool hardware;
};

// All that are known, those of one codec in no particular order: rank decides.
const std::vector<EncoderInfo>& encoders();

// The range of samples that an encoder gets.
enum class Range {
  kSource,   // As the film has it; the encoder says which.
  kFull,     // Whatever the film is.
  kLimited,  // The same, because the codec or the encoder cannot say that it is full.
};

// What stands between raw video of the rendition's size and remoteencsink.
struct EncoderSetup {
  // Caps of raw video that the encoder gets, apart from its size: "video/x-raw,format=I420".
  std::string input_caps;
  Range range = Range::kSource;
  // Name and value for gst_util_set_object_arg(), in this order. Those whose name begins with '?'
  // are set only where the element has such a property, because not every version does.
  std::vector<std::pair<std::string, std::string>> properties;
  // Caps right behind the encoder, empty: any. They hold the profile where that has to be asked.
  std::string output_caps;
  // Parser element, empty: none.
  std::string parser;
  std::vector<std::pair<std::string, std::string>> parser_properties;
  // What reaches remoteencsink.
  std::string final_caps;
};

// `spec` is a resolved one of that encoder's codec. `threads` is for specs that do not say.
// `framerate` is the source's. `depth` is the source's bits for each sample; more than 8 are kept
// where the codec's ordinary players take them.
EncoderSetup setup_encoder(std::string_view element, const RenditionSpec& spec, unsigned threads,
                           const std::optional<Fraction>& framerate, unsigned depth);

}  // namespace dist
