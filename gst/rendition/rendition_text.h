// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Single fields of a rendition as text, and how messages speak of them.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "gst/rendition/rendition.h"

namespace dist::text {

inline constexpr std::array kSpeeds = {"fast", "medium", "slow"};
// Of set_field(). The first two have their place in the text and no name there.
inline constexpr std::array kFields = {"codec",  "size",    "width",   "height",  "fps",
                                       "crf",    "quality", "bitrate", "maxrate", "buffer",
                                       "keyint", "bframes", "threads", "speed"};

// Fields that only the primary sets.
inline constexpr std::string_view kInBand = "in-band";
inline constexpr std::string_view kPixels = "pixels";
inline constexpr std::string_view kVia = "via";
Status set_wire_field(RenditionSpec& spec, std::string_view field, std::string_view value);

// Without blanks at both ends.
std::string_view trim(std::string_view text);
// Up to the separator, which is taken off too; all of it if there is none.
std::string_view take_until(std::string_view& text, char separator);
// Fit for a message, whatever bytes somebody sent.
std::string shown(std::string_view text);
// The shortest text that is read back as the same value, in any locale.
std::string number(double value);

// "crf=60: write a number from 0 to 51".
Error field_error(std::string_view field, std::string_view value, const std::string& right);
Error unknown_codec(std::string_view codec);
std::string unknown_field(std::string_view field);

bool is_lossless(const CodecInfo& codec);
// "crf" or "quality".
const char* quality_field(const CodecInfo& codec);
// "from 0 to 51".
std::string quality_range(const CodecInfo& codec);
bool quality_fits(const CodecInfo& codec, double quality);

}  // namespace dist::text
