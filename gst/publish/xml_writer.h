// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "gst/base/bytes.h"
#include "gst/base/text.h"

namespace dist::publish {

// Writes one XML document, element by element.
class XmlWriter {
 public:
  using Attributes = std::vector<std::pair<const char*, std::string>>;

  // Attributes without a value are left out.
  void open(const char* name, const Attributes& attributes) {
    begin(name, attributes);
    text_ += ">\n";
    open_.push_back(name);
  }
  void close() {
    const char* const name = open_.back();
    open_.pop_back();
    indent();
    text_ += std::string("</") + name + ">\n";
  }
  void empty(const char* name, const Attributes& attributes) {
    begin(name, attributes);
    text_ += "/>\n";
  }
  void text(const char* name, const Attributes& attributes, const std::string& value) {
    begin(name, attributes);
    text_ += ">" + escaped(value) + "</" + name + ">\n";
  }
  // Every element is closed.
  std::string take() { return std::move(text_); }

 private:
  // XML has no form for control characters.
  static std::string escaped(const std::string& value) {
    const std::string shown = printable(value);
    return take_string(g_markup_escape_text(shown.data(), static_cast<gssize>(shown.size())));
  }
  void indent() { text_.append(2 * open_.size(), ' '); }
  void begin(const char* name, const Attributes& attributes) {
    indent();
    text_ += std::string("<") + name;
    for (const auto& [attribute, value] : attributes)
      if (!value.empty())
        text_ += std::string(" ") + attribute + "=\"" + escaped(value) + "\"";
  }

  std::string text_ = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
  std::vector<const char*> open_;
};

}  // namespace dist::publish
