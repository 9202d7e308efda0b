// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Access units of H.264 and H.265 as NAL units (ITU-T H.264 and H.265, annex B and 7.3.1;
// ISO/IEC 14496-15 5.3.2).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace dist {

// Position of the next start code 00 00 01 at or after `from`, or the size.
std::size_t find_start_code(std::span<const std::uint8_t> data, std::size_t from);

// The payload of a NAL unit without its emulation prevention bytes.
std::vector<std::uint8_t> unescape(std::span<const std::uint8_t> nal);

// Calls `visit` with each NAL unit until it returns false. Damaged lengths end the walk.
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

// Calls `visit` with each NAL unit in the decoder configuration record of H.264 or H.265
// (ISO/IEC 14496-15 5.3.3.1 and 8.3.3.1). Damaged lengths end the walk.
template <class Visit>
void for_each_parameter_set(std::span<const std::uint8_t> data, bool h265, Visit visit) {
  std::size_t at = h265 ? 22 : 5;
  const auto number = [&](std::size_t length) {
    std::size_t value = 0;
    for (; length > 0; --length, ++at)
      value = value << 8 | (at < data.size() ? data[at] : 0u);
    return value;
  };
  // H.265 has an array of each type of NAL unit, H.264 one of sequence and one of picture parameter
  // sets.
  std::size_t arrays = h265 ? number(1) : 2;
  for (bool first = true; arrays > 0 && at < data.size(); --arrays, first = false) {
    at += h265 ? 1 : 0;
    std::size_t units = h265 ? number(2) : number(1) & (first ? 0x1fu : 0xffu);
    for (; units > 0 && at + 2 < data.size(); --units) {
      const std::size_t length = std::min(number(2), data.size() - at);
      if (length > 0)
        visit(data.subspan(at, length));
      at += length;
    }
  }
}

}  // namespace dist
