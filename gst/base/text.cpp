// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/base/text.h"

#include <algorithm>
#include <cmath>

namespace dist {
namespace {

constexpr std::size_t kColumns = 80;

std::string blanks(const std::string& text, std::size_t width) {
  return std::string(width > width_of(text) ? width - width_of(text) : 0, ' ');
}

}  // namespace

std::size_t width_of(const std::string& text) {
  return static_cast<std::size_t>(g_utf8_strlen(text.c_str(), -1));
}

std::string join(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts)
    if (!part.empty())
      text += (text.empty() ? "" : ", ") + part;
  return text;
}

std::string count_text(std::uint64_t count, const std::string& noun) {
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

std::string sentence(std::string text) {
  if (!text.empty() && !text.ends_with('.') && !text.ends_with('?') && !text.ends_with('!'))
    text += '.';
  return text;
}

std::string cut(const std::string& text, std::size_t width) {
  if (width_of(text) <= width)
    return text;
  if (width == 0)
    return "";
  const gchar* end = g_utf8_offset_to_pointer(text.c_str(), static_cast<glong>(width) - 1);
  return text.substr(0, static_cast<std::size_t>(end - text.c_str())) + "…";
}

std::string shortened(const std::string& text, std::size_t width) {
  constexpr std::size_t kEnd = 6;
  if (width_of(text) <= width || width <= kEnd)
    return cut(text, width);
  const gchar* end =
      g_utf8_offset_to_pointer(text.c_str(), static_cast<glong>(width_of(text) - kEnd));
  return cut(text, width - kEnd) + end;
}

std::string padded(const std::string& text, std::size_t width) {
  return text + blanks(text, width);
}

std::string right(const std::string& text, std::size_t width) {
  return blanks(text, width) + text;
}

std::string paragraph(const std::string& label, std::size_t indent, const std::string& text) {
  const std::string words = printable(text);
  std::string result;
  std::string line = padded(printable(label), indent);
  bool empty = true;
  for (std::size_t at = 0; at < words.size();) {
    const std::size_t end = std::min(words.find(' ', at), words.size());
    std::string word = words.substr(at, end - at);
    at = end + 1;
    if (width_of(word) > kColumns - indent) {
      const gchar* fits =
          g_utf8_offset_to_pointer(word.c_str(), static_cast<glong>(kColumns - indent));
      at -= word.size() - static_cast<std::size_t>(fits - word.c_str()) + 1;
      word.resize(static_cast<std::size_t>(fits - word.c_str()));
    }
    if (!empty && width_of(line) + 1 + width_of(word) > kColumns) {
      result += line + "\n";
      line = std::string(indent, ' ');
      empty = true;
    }
    line += (empty ? "" : " ") + word;
    empty = false;
  }
  return result + line + "\n";
}

std::string clock_text(double seconds) {
  const auto whole = static_cast<long>(std::ceil(std::max(0.0, seconds)));
  if (whole >= 3600)
    return format("%ld:%02ld:%02ld", whole / 3600, whole / 60 % 60, whole % 60);
  return format("%ld:%02ld", whole / 60, whole % 60);
}

std::string hex_text(std::span<const std::uint8_t> bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

}  // namespace dist
