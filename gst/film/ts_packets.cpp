// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/film/ts_packets.h"

#include <algorithm>

namespace dist {
namespace {

std::int64_t stamp_at(std::string_view pes, std::size_t at) {
  return std::int64_t{byte(pes, at) >> 1 & 7} << 30 | byte(pes, at + 1) << 22 |
         (byte(pes, at + 2) >> 1) << 15 | byte(pes, at + 3) << 7 | byte(pes, at + 4) >> 1;
}

}  // namespace

std::uint32_t crc32(std::string_view bytes) {
  std::uint32_t crc = 0xffffffff;
  for (const char letter : bytes) {
    crc ^= static_cast<std::uint32_t>(static_cast<std::uint8_t>(letter)) << 24;
    for (int bit = 0; bit < 8; ++bit)
      crc = (crc << 1) ^ ((crc & 0x80000000) != 0 ? 0x04c11db7u : 0);
  }
  return crc;
}

std::optional<TsPacket> parse_packet(std::string_view bytes, std::uint64_t at) {
  if (byte(bytes, 0) != kTsSync)
    return {};
  TsPacket packet{.at = at,
                  .pid = static_cast<unsigned>((byte(bytes, 1) & 0x1f) << 8 | byte(bytes, 2)),
                  .begins = (byte(bytes, 1) & 0x40) != 0,
                  .clock = {},
                  .payload = {}};
  std::size_t start = 4;
  if ((byte(bytes, 3) & 0x20) != 0) {
    const std::size_t length = byte(bytes, 4);
    start += 1 + length;
    if (length >= 7 && (byte(bytes, 5) & 0x10) != 0)
      packet.clock = std::int64_t{byte(bytes, 6)} << 25 | byte(bytes, 7) << 17 |
                     byte(bytes, 8) << 9 | byte(bytes, 9) << 1 | byte(bytes, 10) >> 7;
  }
  if ((byte(bytes, 3) & 0x10) != 0 && start < kTsPacket)
    packet.payload = bytes.substr(start, kTsPacket - start);
  return packet;
}

std::optional<Pes> parse_pes(std::string_view payload) {
  if (payload.size() < 19 || !payload.starts_with(std::string_view("\0\0\1", 3)))
    return {};
  Pes pes;
  const unsigned flags = byte(payload, 7) >> 6;
  if (flags >= 2)
    pes.time = stamp_at(payload, flags == 3 ? 14 : 9);
  pes.content = payload.substr(std::min<std::size_t>(payload.size(), 9 + byte(payload, 8)));
  return pes;
}

}  // namespace dist
