// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/base/bytes.h"

#include <algorithm>
#include <bit>
#include <memory>
#include <utility>

namespace dist {
namespace {

// Marks, embeddings and isolates of direction, and separators of lines and paragraphs.
bool turns_direction(gunichar character) {
  return character == 0x200e || character == 0x200f ||
         (character >= 0x2028 && character <= 0x202e) ||
         (character >= 0x2066 && character <= 0x2069);
}

}  // namespace

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

BytesList slice(const BytesList& list, std::uint64_t offset, std::uint64_t length) {
  BytesList pieces;
  for (const Bytes& piece : list) {
    const std::uint64_t skipped = std::min<std::uint64_t>(offset, piece.size());
    const std::uint64_t taken = std::min<std::uint64_t>(length, piece.size() - skipped);
    if (taken > 0)
      pieces.push_back(piece.slice(skipped, taken));
    offset -= skipped;
    length -= taken;
  }
  return pieces;
}

Bytes joined_slice(const BytesList& list, std::uint64_t offset, std::uint64_t length) {
  BytesList pieces = slice(list, offset, length);
  if (pieces.size() == 1)
    return std::move(pieces.front());
  std::vector<std::uint8_t> data;
  for (const Bytes& piece : pieces)
    data.insert(data.end(), piece.span().begin(), piece.span().end());
  return Bytes::take(std::move(data));
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
  gchar* const valid = g_utf8_make_valid(text.data(), static_cast<gssize>(text.size()));
  std::string clean;
  for (const gchar* at = valid; *at != 0; at = g_utf8_next_char(at)) {
    const gunichar character = g_utf8_get_char(at);
    if (*at == '\n' || *at == '\r' || *at == '\t')
      clean += ' ';
    else if (g_unichar_iscntrl(character) || turns_direction(character))
      clean += '?';
    else
      clean.append(at, static_cast<std::size_t>(g_utf8_next_char(at) - at));
  }
  g_free(valid);
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
