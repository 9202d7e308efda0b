// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <glib.h>

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dist {

// An immutable run of bytes, shared by reference count (GLib's GBytes). Copies are cheap and may
// live in different threads.
class Bytes {
 public:
  Bytes() = default;
  Bytes(const Bytes& other) : bytes_(other.bytes_ ? g_bytes_ref(other.bytes_) : nullptr) {}
  Bytes(Bytes&& other) noexcept : bytes_(std::exchange(other.bytes_, nullptr)) {}
  Bytes& operator=(Bytes other) noexcept {
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~Bytes() { g_clear_pointer(&bytes_, g_bytes_unref); }

  // Takes over the caller's reference.
  static Bytes adopt(GBytes* bytes);
  // Takes over the vector's storage; nothing is copied.
  static Bytes take(std::vector<std::uint8_t> data);

  std::span<const std::uint8_t> span() const;
  std::size_t size() const { return bytes_ ? g_bytes_get_size(bytes_) : 0; }
  // The bytes [offset, offset + length), sharing this storage. The range must lie inside.
  Bytes slice(std::size_t offset, std::size_t length) const;
  // Borrowed, null when empty.
  GBytes* get() const { return bytes_; }

 private:
  GBytes* bytes_ = nullptr;
};

// Bytes in pieces, in order: what a segment is on its way to a socket, so that nothing is copied
// together.
using BytesList = std::vector<Bytes>;

std::uint64_t total_size(const BytesList& list);
// The bytes [offset, offset + length), sharing their storage; as many of them as there are.
BytesList slice(const BytesList& list, std::uint64_t offset, std::uint64_t length);
// The same in one piece, copied only if they lie in several.
Bytes joined_slice(const BytesList& list, std::uint64_t offset, std::uint64_t length);

// Appends little-endian integers, and strings as a 32-bit length and UTF-8 bytes.
class ByteWriter {
 public:
  // About so many bytes will be written.
  explicit ByteWriter(std::size_t expected = 0) { data_.reserve(expected); }

  void u8(std::uint8_t value) { data_.push_back(value); }
  void u16(std::uint16_t value) { put(value, 2); }
  void u32(std::uint32_t value) { put(value, 4); }
  void u64(std::uint64_t value) { put(value, 8); }
  void f64(double value);
  void string(std::string_view value);
  void bytes(std::span<const std::uint8_t> value) {
    data_.insert(data_.end(), value.begin(), value.end());
  }
  // Overwrites the integer at `offset`, which was written before.
  void patch_u16(std::size_t offset, std::uint16_t value) { patch(offset, value, 2); }
  void patch_u32(std::size_t offset, std::uint32_t value) { patch(offset, value, 4); }

  std::size_t size() const { return data_.size(); }
  std::vector<std::uint8_t> take() { return std::move(data_); }

 private:
  void put(std::uint64_t value, std::size_t width);
  void patch(std::size_t offset, std::uint64_t value, std::size_t width);

  std::vector<std::uint8_t> data_;
};

// Reads what ByteWriter wrote, from bytes that nobody vouches for. Reading past the end, or a
// string that is too long or not UTF-8, gives zero or empty and turns ok() false for good, so a
// parser reads a whole record and asks once.
class ByteReader {
 public:
  explicit ByteReader(std::span<const std::uint8_t> data) : data_(data) {}

  std::uint8_t u8() { return static_cast<std::uint8_t>(get(1)); }
  std::uint16_t u16() { return static_cast<std::uint16_t>(get(2)); }
  std::uint32_t u32() { return static_cast<std::uint32_t>(get(4)); }
  std::uint64_t u64() { return get(8); }
  double f64();
  std::string string(std::size_t max_length);
  std::span<const std::uint8_t> bytes(std::size_t length);

  bool ok() const { return ok_; }
  std::size_t remaining() const { return data_.size(); }
  // True when every read succeeded and nothing is left over.
  bool complete() const { return ok_ && data_.empty(); }

 private:
  std::uint64_t get(int width);

  std::span<const std::uint8_t> data_;
  bool ok_ = true;
};

// The longest beginning of a UTF-8 text that has at most `max` bytes and ends with a whole
// character.
std::string_view clip(std::string_view text, std::size_t max);

// A text from a peer, a file or a user as it may be shown on a terminal. Line breaks and tabs
// become blanks. Other control characters, and those that turn the direction of what follows,
// become "?"; bytes that are not UTF-8 become U+FFFD.
std::string printable(std::string_view text);

// SHA-256 over all pieces in order.
std::array<std::uint8_t, 32> sha256(const BytesList& list);

// HMAC-SHA256 (RFC 2104) over all pieces in order.
std::array<std::uint8_t, 32> hmac_sha256(std::string_view key, const BytesList& list);

}  // namespace dist
