// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Unsigned LEB128, as CAR and protobuf have it: seven bits a byte, the lowest first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace dist::record {

inline constexpr std::size_t kMaxVarint = 10;

inline void append_varint(std::vector<std::uint8_t>& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7)
    out.push_back(static_cast<std::uint8_t>(value | 0x80));
  out.push_back(static_cast<std::uint8_t>(value));
}

// Takes a varint from the beginning of `data`. Nothing if it does not end there, could be shorter,
// or has more than 64 bits.
inline std::optional<std::uint64_t> take_varint(std::span<const std::uint8_t>& data) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < data.size() && i < kMaxVarint; ++i) {
    const std::uint64_t bits = data[i] & 0x7f;
    if (i == kMaxVarint - 1 && bits > 1)
      return std::nullopt;
    value |= bits << (7 * i);
    if (data[i] < 0x80) {
      if (data[i] == 0 && i > 0)
        return std::nullopt;
      data = data.subspan(i + 1);
      return value;
    }
  }
  return std::nullopt;
}

}  // namespace dist::record
