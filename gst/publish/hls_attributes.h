// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The attribute list of an HLS tag (RFC 8216, 4.2).
#pragma once

#include <cstdint>
#include <string>

#include "gst/base/bytes.h"

namespace dist::publish {

class HlsAttributes {
 public:
  HlsAttributes& number(const char* name, std::uint64_t value) {
    return plain(name, std::to_string(value));
  }
  HlsAttributes& plain(const char* name, const std::string& value) {
    text_ += (text_.empty() ? "" : ",") + std::string(name) + "=" + value;
    return *this;
  }
  // Any text. A quoted string has no form for a quotation mark, which becomes a typographic one.
  HlsAttributes& quoted(const char* name, const std::string& value) {
    std::string shown;
    for (const char c : printable(value))
      shown += c == '"' ? "\u201d" : std::string(1, c);
    return plain(name, "\"" + shown + "\"");
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

}  // namespace dist::publish
