// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the fuzz targets share.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <vector>

#include "gst/base/bytes.h"
#include "gst/wire/wire.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

// What must hold whatever the input; libFuzzer and the sanitizers report an abort.
#define REQUIRE(condition)                                                       \
  do {                                                                           \
    if (!(condition)) {                                                          \
      std::fprintf(stderr, "%s:%d: not (%s)\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                              \
    }                                                                            \
  } while (false)

namespace dist::fuzz {

// Makes decisions from the input; zeros when it is used up.
class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : data_(data, size) {}

  bool empty() const { return data_.empty(); }
  std::uint8_t byte() {
    const auto bytes = take(1);
    return bytes.empty() ? 0 : bytes[0];
  }
  std::uint16_t u16() {
    const unsigned low = byte();
    return static_cast<std::uint16_t>(low | unsigned{byte()} << 8);
  }
  // At most so many bytes of it.
  std::span<const std::uint8_t> take(std::size_t size) {
    const auto bytes = data_.first(std::min(size, data_.size()));
    data_ = data_.subspan(bytes.size());
    return bytes;
  }
  std::span<const std::uint8_t> rest() { return take(data_.size()); }

 private:
  std::span<const std::uint8_t> data_;
};

// Any bytes as a frame of that type, so that an input need not spell out headers to get inside.
inline std::vector<std::uint8_t> frame(std::uint16_t type, std::span<const std::uint8_t> body) {
  ByteWriter out;
  out.u16(type);
  out.u16(0);
  out.u32(static_cast<std::uint32_t>(body.size()));
  out.bytes(body);
  return out.take();
}

inline std::vector<std::uint8_t> join(const BytesList& list) {
  std::vector<std::uint8_t> data;
  for (const Bytes& piece : list)
    data.insert(data.end(), piece.span().begin(), piece.span().end());
  return data;
}

inline Bytes copy(std::span<const std::uint8_t> bytes) {
  return Bytes::take({bytes.begin(), bytes.end()});
}

}  // namespace dist::fuzz
