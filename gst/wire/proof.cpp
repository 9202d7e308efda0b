// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/wire/proof.h"

#include <string_view>
#include <utility>
#include <vector>

namespace dist {
namespace {

Bytes copy(std::span<const std::uint8_t> bytes) {
  return Bytes::take({bytes.begin(), bytes.end()});
}

}  // namespace

Bytes transcript_of(const Bytes& first, const wire::Challenge& challenge) {
  const Bytes second = wire::encode(challenge);
  std::vector<std::uint8_t> bytes(first.span().begin(), first.span().end());
  bytes.insert(bytes.end(), second.span().begin(), second.span().end());
  return Bytes::take(std::move(bytes));
}

wire::Digest proof_of(const std::string& secret, const char* role, const Bytes& transcript) {
  if (secret.empty())
    return {};
  const std::string_view text = role;
  return hmac_sha256(
      secret,
      {copy({reinterpret_cast<const std::uint8_t*>(text.data()), text.size() + 1}), transcript});
}

bool equal(const wire::Digest& a, const wire::Digest& b) {
  unsigned difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    difference |= static_cast<unsigned>(a[i] ^ b[i]);
  return difference == 0;
}

std::string versions(std::uint16_t min, std::uint16_t max) {
  return min == max ? "version " + std::to_string(min)
                    : "versions " + std::to_string(min) + " to " + std::to_string(max);
}

}  // namespace dist
