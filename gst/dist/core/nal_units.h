// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The NAL units of H.264 and H.265 (ITU-T H.264 7.3.1 and B.1, ITU-T H.265 7.3.1 and B.2).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace dist {

// Position of the next start code 00 00 01 at or after `from`, or the size.
inline std::size_t find_start_code(std::span<const std::uint8_t> data, std::size_t from) {
  for (std::size_t i = from; i + 3 <= data.size(); ++i)
    if (data[i] == 0 && data[i + 1] == 0 && data[i + 2] == 1)
      return i;
  return data.size();
}

// Calls `visit` with each NAL unit until it returns false. Damaged lengths end the walk. A
// `length_size` of 0 stands for start codes.
template <class Visit>
void for_each_nal(std::span<const std::uint8_t> data, unsigned length_size, Visit visit) {
  if (length_size == 0) {
    std::size_t at = find_start_code(data, 0);
    while (at < data.size()) {
      const std::size_t begin = at + 3;
      at = find_start_code(data, begin);
      if (at > begin && !visit(data.subspan(begin, at - begin)))
        return;
    }
    return;
  }
  while (data.size() > length_size) {
    std::size_t size = 0;
    for (unsigned i = 0; i < length_size; ++i)
      size = size << 8 | data[i];
    data = data.subspan(length_size);
    size = std::min(size, data.size());
    if (size > 0 && !visit(data.first(size)))
      return;
    data = data.subspan(size);
  }
}

// The payload of a NAL unit without its emulation prevention bytes.
inline std::vector<std::uint8_t> unescape(std::span<const std::uint8_t> nal) {
  std::vector<std::uint8_t> out;
  out.reserve(nal.size());
  unsigned zeros = 0;
  for (std::uint8_t byte : nal) {
    if (zeros >= 2 && byte == 3) {
      zeros = 0;
      continue;
    }
    zeros = byte == 0 ? zeros + 1 : 0;
    out.push_back(byte);
  }
  return out;
}

}  // namespace dist
