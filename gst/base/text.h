// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Text for terminals. Widths are counted in characters.
#pragma once

#include <glib.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "gst/base/bytes.h"

namespace dist {

// Takes over a string that g_free() frees; null gives "".
inline std::string take_string(gchar* text) {
  std::string copy = text ? text : "";
  g_free(text);
  return copy;
}

// As printf does it.
template <class... Args>
std::string format(const char* pattern, Args... args) {
  return take_string(g_strdup_printf(pattern, args...));
}

// Those that are not empty, with commas.
std::string join(const std::vector<std::string>& parts);

// "1 frame", "2 frames".
std::string count_text(std::uint64_t count, const std::string& noun);

// With a full stop, if it has none.
std::string sentence(std::string text);

// In characters.
std::size_t width_of(const std::string& text);
// What does not fit is cut off, which an ellipsis shows.
std::string cut(const std::string& text, std::size_t width);
// The same in its middle: names often differ at their end only.
std::string shortened(const std::string& text, std::size_t width);
// Blanks behind, or before it.
std::string padded(const std::string& text, std::size_t width);
std::string right(const std::string& text, std::size_t width);

// A label, and text that begins `indent` columns from the left, in lines of at most 80. Each ends
// with a line break. Both become printable().
std::string paragraph(const std::string& label, std::size_t indent, const std::string& text);

// "0:07", "12:34" or "1:02:03".
std::string clock_text(double seconds);

// Two digits in lower case for each byte.
std::string hex_text(std::span<const std::uint8_t> bytes);

}  // namespace dist
