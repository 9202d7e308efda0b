// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Content identifiers: version 1, SHA-256, and one of three codecs. docs/design/record.md says why
// no others are read.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "gst/base/result.h"

namespace dist::record {

// What the bytes of a block are, as the multicodec table numbers it.
enum class Codec : std::uint8_t { kRaw = 0x55, kDagPb = 0x70, kDagCbor = 0x71 };

struct Cid {
  static constexpr std::size_t kSize = 36;

  Codec codec = Codec::kRaw;
  std::array<std::uint8_t, 32> digest = {};

  // Of the block with these bytes.
  static Cid of(Codec codec, std::span<const std::uint8_t> block);
  // Takes exactly kSize bytes.
  static Result<Cid> parse(std::span<const std::uint8_t> bytes);
  // Takes what text() gives and nothing else.
  static Result<Cid> parse_text(std::string_view text);

  std::array<std::uint8_t, kSize> bytes() const;
  // "b" and base32 in lower case: 59 characters.
  std::string text() const;

  auto operator<=>(const Cid&) const = default;
};

}  // namespace dist::record
