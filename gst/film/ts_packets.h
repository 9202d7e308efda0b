// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Packets of MPEG transport streams, and what is in them (ISO/IEC 13818-1). Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace dist {

constexpr std::size_t kTsPacket = 188;
constexpr std::uint8_t kTsSync = 0x47;

inline std::uint8_t byte(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint8_t>(bytes[at]);
}

// Of a section; 0 if its own checksum is among the bytes, and right.
std::uint32_t crc32(std::string_view bytes);

struct TsPacket {
  std::uint64_t at = 0;  // In the file.
  unsigned pid = 0;
  bool begins = false;  // A section or a PES packet.
  std::optional<std::int64_t> clock;
  std::string_view payload;
};

// Of kTsPacket bytes, which lie at `at` in the file. None if they do not begin as a packet does.
std::optional<TsPacket> parse_packet(std::string_view bytes, std::uint64_t at);

struct Pes {
  std::optional<std::int64_t> time;  // When it is decoded, at 90 kHz.
  std::string_view content;
};

// Of the payload with which one begins.
std::optional<Pes> parse_pes(std::string_view payload);

}  // namespace dist
