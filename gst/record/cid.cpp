// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/record/cid.h"

#include <algorithm>

#include "gst/base/bytes.h"

namespace dist::record {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::uint8_t kSha256 = 0x12;
constexpr std::string_view kDigits = "abcdefghijklmnopqrstuvwxyz234567";
constexpr std::size_t kTextSize = 1 + (Cid::kSize * 8 + 4) / 5;

bool is_codec(std::uint8_t byte) {
  return byte == static_cast<std::uint8_t>(Codec::kRaw) ||
         byte == static_cast<std::uint8_t>(Codec::kDagPb) ||
         byte == static_cast<std::uint8_t>(Codec::kDagCbor);
}

}  // namespace

Cid Cid::of(Codec codec, std::span<const std::uint8_t> block) {
  return {codec, sha256({Bytes::adopt(g_bytes_new_static(block.data(), block.size()))})};
}

Result<Cid> Cid::parse(std::span<const std::uint8_t> bytes) {
  if (bytes.size() >= 2 && bytes[0] == kSha256 && bytes[1] == 32)
    return Error{"CID: of version 0, only version 1 is read"};
  if (bytes.size() != kSize)
    return Error{"CID: " + std::to_string(bytes.size()) + " bytes instead of 36"};
  if (bytes[0] != kVersion)
    return Error{"CID: of version " + std::to_string(bytes[0]) + ", only version 1 is read"};
  if (!is_codec(bytes[1]))
    return Error{"CID: its codec is not raw, dag-pb or dag-cbor"};
  if (bytes[2] != kSha256 || bytes[3] != 32)
    return Error{"CID: its hash is not SHA-256"};
  Cid cid{.codec = static_cast<Codec>(bytes[1])};
  std::copy_n(bytes.begin() + 4, cid.digest.size(), cid.digest.begin());
  return cid;
}

Result<Cid> Cid::parse_text(std::string_view text) {
  if (text.size() != kTextSize || text[0] != 'b')
    return Error{"CID: the text is not \"b\" and 58 digits of base32"};
  std::array<std::uint8_t, kSize> bytes;
  std::size_t size = 0;
  unsigned bits = 0;
  unsigned count = 0;
  for (char digit : text.substr(1)) {
    const std::size_t value = kDigits.find(digit);
    if (value == std::string_view::npos)
      return Error{"CID: the text is not in base32 with lower-case letters"};
    bits = bits << 5 | static_cast<unsigned>(value);
    count += 5;
    if (count >= 8) {
      count -= 8;
      bytes[size++] = static_cast<std::uint8_t>(bits >> count);
      bits &= (1u << count) - 1;
    }
  }
  if (bits != 0)
    return Error{"CID: the last digit of the text is not canonical"};
  return parse(bytes);
}

std::array<std::uint8_t, Cid::kSize> Cid::bytes() const {
  std::array<std::uint8_t, kSize> bytes{kVersion, static_cast<std::uint8_t>(codec), kSha256, 32};
  std::copy(digest.begin(), digest.end(), bytes.begin() + 4);
  return bytes;
}

std::string Cid::text() const {
  std::string text = "b";
  unsigned bits = 0;
  unsigned count = 0;
  for (std::uint8_t byte : bytes()) {
    bits = bits << 8 | byte;
    count += 8;
    while (count >= 5) {
      count -= 5;
      text += kDigits[bits >> count & 31];
      bits &= (1u << count) - 1;
    }
  }
  if (count > 0)
    text += kDigits[bits << (5 - count) & 31];
  return text;
}

}  // namespace dist::record
