// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/job/markup.h"

#include <glib.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <optional>

namespace dist {
namespace {

constexpr std::array<std::string_view, 15> kTags = {"b",     "big",  "br",   "c",   "font",
                                                    "i",     "lang", "ruby", "rt",  "s",
                                                    "small", "span", "sub",  "sup", "tt"};

struct Reference {
  std::string_view name;
  const char* text;
};
constexpr Reference kReferences[] = {{"amp", "&"},      {"lt", "<"},      {"gt", ">"},
                                     {"quot", "\""},    {"apos", "'"},    {"nbsp", "\u00a0"},
                                     {"lrm", "\u200e"}, {"rlm", "\u200f"}};

// How long the tag is that begins there; 0: none that is known does.
std::size_t tag_at(std::string_view text, std::size_t at) {
  const std::size_t name = at + 1 + (text.substr(at + 1).starts_with('/') ? 1 : 0);
  const std::size_t end = text.find_first_of(" \t\n.=/>", name);
  const std::size_t close = text.find_first_of("<>", name);
  if (end == std::string_view::npos || close == std::string_view::npos || text[close] != '>')
    return 0;
  std::string found(text.substr(name, end - name));
  std::ranges::transform(found, found.begin(), g_ascii_tolower);
  const bool known = found == "u" || std::ranges::find(kTags, found) != kTags.end();
  return known ? close + 1 - at : 0;
}

// What the reference that begins there stands for, and how long it is.
std::optional<std::pair<std::string, std::size_t>> reference_at(std::string_view text,
                                                                std::size_t at) {
  constexpr std::size_t kLongest = 10;
  const std::size_t end = text.substr(0, at + kLongest).find(';', at);
  if (end == std::string_view::npos)
    return {};
  const std::string name(text.substr(at + 1, end - at - 1));
  const std::size_t size = end + 1 - at;
  for (const Reference& known : kReferences)
    if (name == known.name)
      return std::pair(std::string(known.text), size);
  if (!name.starts_with('#') || name.size() < 2)
    return {};
  const bool hexadecimal = name[1] == 'x' || name[1] == 'X';
  const char* const digits = name.c_str() + (hexadecimal ? 2 : 1);
  char* rest = nullptr;
  const unsigned long number = std::strtoul(digits, &rest, hexadecimal ? 16 : 10);
  char bytes[6];
  if (rest == digits || *rest != '\0' || number == 0 || number > 0x10ffff ||
      !g_unichar_validate(static_cast<gunichar>(number)))
    return {};
  const int count = g_unichar_to_utf8(static_cast<gunichar>(number), bytes);
  return std::pair(std::string(bytes, static_cast<std::size_t>(count)), size);
}

}  // namespace

// Markup of subtitles is seldom without mistakes: an "&" that stands for itself, a tag that nobody
// closes.
std::string plain_text(std::string_view markup) {
  std::string words;
  for (std::size_t at = 0; at < markup.size();) {
    if (markup[at] == '<')
      if (const std::size_t size = tag_at(markup, at); size > 0) {
        at += size;
        continue;
      }
    if (markup[at] == '&')
      if (const auto reference = reference_at(markup, at)) {
        words += reference->first;
        at += reference->second;
        continue;
      }
    words += markup[at++];
  }
  return words;
}

}  // namespace dist
