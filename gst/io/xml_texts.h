// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

namespace dist {

// The elements of an XML document that hold text and no elements, with that text, in their order:
// all that answers of object storages need. Empty if it is no XML.
std::vector<std::pair<std::string, std::string>> xml_texts(std::span<const std::uint8_t> document);

// The text of the first element of that name, or "".
std::string xml_text(std::span<const std::uint8_t> document, const std::string& name);

// Text with the characters that XML reserves as entities.
std::string xml_escaped(const std::string& text);

}  // namespace dist
