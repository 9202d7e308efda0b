// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/base/bytes.h"

#include <algorithm>
#include <bit>
#include <initializer_list>
#include <memory>

namespace dist {

Bytes Bytes::adopt(GBytes* bytes) {
  Bytes result;
  result.bytes_ = bytes;
  return result;
}

Bytes Bytes::take(std::vector<std::uint8_t> data) {
  auto owner = std::make_unique<std::vector<std::uint8_t>>(std::move(data));
  const std::uint8_t* begin = owner->data();
  const std::size_t size = owner->size();
  return adopt(g_bytes_new_with_free_func(
      begin, size, [](gpointer p) { delete static_cast<std::vector<std::uint8_t>*>(p); },
      owner.release()));
}

std::span<const std::uint8_t> Bytes::span() const {
  if (!bytes_)
    return {};
  gsize size = 0;
  const auto* data = static_cast<const std::uint8_t*>(g_bytes_get_data(bytes_, &size));
  return {data, size};
}

Bytes Bytes::slice(std::size_t offset, std::size_t length) const {
  if (length == 0)
    return {};
  return adopt(g_bytes_new_from_bytes(bytes_, offset, length));
}

std::uint64_t total_size(const BytesList& list) {
  std::uint64_t size = 0;
  for (const Bytes& piece : list)
    size += piece.size();
  return size;
}

void ByteWriter::put(std::uint64_t value, std::size_t width) {
  data_.resize(data_.size() + width);
  patch(data_.size() - width, value, width);
}

void ByteWriter::f64(double value) {
  u64(std::bit_cast<std::uint64_t>(value));
}

void ByteWriter::string(std::string_view value) {
  u32(static_cast<std::uint32_t>(value.size()));
  data_.insert(data_.end(), value.begin(), value.end());
}

void ByteWriter::patch(std::size_t offset, std::uint64_t value, std::size_t width) {
  std::uint8_t* const at = data_.data() + offset;
  for (std::size_t i = 0; i < width; ++i)
    at[i] = static_cast<std::uint8_t>(value >> (8 * i));
}

std::uint64_t ByteReader::get(int width) {
  const auto raw = bytes(static_cast<std::size_t>(width));
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < raw.size(); ++i)
    value |= std::uint64_t{raw[i]} << (8 * i);
  return value;
}

double ByteReader::f64() {
  return std::bit_cast<double>(u64());
}

std::string ByteReader::string(std::size_t max_length) {
  const std::size_t length = u32();
  if (length > max_length)
    ok_ = false;
  const auto raw = bytes(length);
  const auto* text = reinterpret_cast<const char*>(raw.data());
  if (!raw.empty() && !g_utf8_validate_len(text, raw.size(), nullptr))
    ok_ = false;
  return ok_ ? std::string(text, raw.size()) : std::string();
}

std::span<const std::uint8_t> ByteReader::bytes(std::size_t length) {
  if (!ok_ || length > data_.size()) {
    ok_ = false;
    return {};
  }
  const auto result = data_.first(length);
  data_ = data_.subspan(length);
  return result;
}

std::string printable(std::string_view text) {
  const auto is_at = [&](std::size_t at, std::initializer_list<unsigned char> bytes) {
    return text.size() - at >= bytes.size() &&
           std::equal(bytes.begin(), bytes.end(), text.begin() + static_cast<std::ptrdiff_t>(at),
                      [](unsigned char a, char b) { return a == static_cast<unsigned char>(b); });
  };
  std::string clean;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const auto last = static_cast<unsigned char>(i + 2 < text.size() ? text[i + 2] : 0);
    if (byte == '\n' || byte == '\r' || byte == '\t') {
      clean += ' ';
    } else if (byte < 0x20 || byte == 0x7f) {
      clean += '?';
    } else if (byte == 0xc2 && i + 1 < text.size() &&
               static_cast<unsigned char>(text[i + 1]) < 0xa0) {
      clean += '?';  // U+0080 to U+009F.
      ++i;
    } else if ((is_at(i, {0xe2, 0x80}) &&
                ((last >= 0xa8 && last <= 0xae) || last == 0x8e || last == 0x8f)) ||
               (is_at(i, {0xe2, 0x81}) && last >= 0xa6 && last <= 0xa9)) {
      clean += '?';  // U+200E, U+200F, U+2028 to U+202E, U+2066 to U+2069.
      i += 2;
    } else {
      clean += text[i];
    }
  }
  return clean;
}

std::string_view clip(std::string_view text, std::size_t max) {
  if (text.size() <= max)
    return text;
  std::size_t end = max;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80)
    --end;
  return text.substr(0, end);
}

std::array<std::uint8_t, 32> sha256(const BytesList& list) {
  const std::unique_ptr<GChecksum, decltype(&g_checksum_free)> sum(
      g_checksum_new(G_CHECKSUM_SHA256), &g_checksum_free);
  for (const Bytes& piece : list) {
    const auto data = piece.span();
    g_checksum_update(sum.get(), data.data(), static_cast<gssize>(data.size()));
  }
  std::array<std::uint8_t, 32> digest;
  gsize size = digest.size();
  g_checksum_get_digest(sum.get(), digest.data(), &size);
  return digest;
}

std::array<std::uint8_t, 32> hmac_sha256(std::string_view key, const BytesList& list) {
  const std::unique_ptr<GHmac, decltype(&g_hmac_unref)> hmac(
      g_hmac_new(G_CHECKSUM_SHA256, reinterpret_cast<const guchar*>(key.data()), key.size()),
      &g_hmac_unref);
  for (const Bytes& piece : list) {
    const auto data = piece.span();
    g_hmac_update(hmac.get(), data.data(), static_cast<gssize>(data.size()));
  }
  std::array<std::uint8_t, 32> digest;
  gsize size = digest.size();
  g_hmac_get_digest(hmac.get(), digest.data(), &size);
  return digest;
}

}  // namespace dist
