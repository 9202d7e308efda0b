// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/store/blob_key.h"

namespace dist {
namespace {

constexpr std::string_view kDigits = "0123456789abcdef";

}  // namespace

std::string key_text(const BlobKey& key) {
  std::string text;
  text.reserve(2 * key.size());
  for (const std::uint8_t byte : key) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

std::optional<BlobKey> key_from_text(std::string_view text) {
  BlobKey key;
  if (text.size() != 2 * key.size())
    return std::nullopt;
  for (std::size_t i = 0; i < key.size(); ++i) {
    const std::size_t high = kDigits.find(text[2 * i]);
    const std::size_t low = kDigits.find(text[2 * i + 1]);
    if (high == std::string_view::npos || low == std::string_view::npos)
      return std::nullopt;
    key[i] = static_cast<std::uint8_t>(high << 4 | low);
  }
  return key;
}

}  // namespace dist
