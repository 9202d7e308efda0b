// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/rendition/captions.h"

#include <algorithm>
#include <array>

namespace dist {
namespace {

using Buffer = std::vector<std::uint8_t>;
using Span = std::span<const std::uint8_t>;

constexpr std::size_t kMostTriplets = 31;
// United States, ATSC, and the kind of user data.
constexpr std::array<std::uint8_t, 8> kAtscCaptions = {0xb5, 0x00, 0x31, 'G', 'A', '9', '4', 0x03};
constexpr std::array<std::uint8_t, 3> kStartCode = {0, 0, 1};
constexpr std::uint8_t kRegisteredUserData = 4;  // Both as SEI and as metadata of AV1.

// Headers of SEI units of H.264 and, before the picture, of H.265.
constexpr std::string_view kSei = "\x06";
constexpr std::string_view kPrefixSei = "\x4e\x01";

// user_data_registered_itu_t_t35()
Buffer user_data(Span cc_data) {
  Buffer data(kAtscCaptions.begin(), kAtscCaptions.end());
  data.push_back(static_cast<std::uint8_t>(0x40 | cc_data.size() / 3));  // process_cc_data_flag
  data.push_back(0xff);
  data.insert(data.end(), cc_data.begin(), cc_data.end());
  data.push_back(0xff);
  return data;
}

Buffer sei_unit(std::string_view header, const Buffer& data) {
  Buffer payload = {kRegisteredUserData, static_cast<std::uint8_t>(data.size())};
  payload.insert(payload.end(), data.begin(), data.end());
  payload.push_back(0x80);  // Trailing bits.
  Buffer unit = {0};
  unit.insert(unit.end(), kStartCode.begin(), kStartCode.end());
  unit.insert(unit.end(), header.begin(), header.end());
  int zeros = 0;
  for (const std::uint8_t byte : payload) {
    if (zeros >= 2 && byte <= 3) {
      unit.push_back(3);  // emulation_prevention_three_byte
      zeros = 0;
    }
    unit.push_back(byte);
    zeros = byte == 0 ? zeros + 1 : 0;
  }
  return unit;
}

// Where the start code of the first slice begins, with a zero byte before it that belongs to it.
std::optional<std::size_t> first_slice(Span unit, bool h265) {
  for (auto at = unit.begin();;) {
    at = std::search(at, unit.end(), kStartCode.begin(), kStartCode.end());
    if (unit.end() - at <= 3)
      return std::nullopt;
    const std::uint8_t header = at[3];
    const bool slice =
        h265 ? (header >> 1 & 0x3f) < 32 : (header & 0x1f) >= 1 && (header & 0x1f) <= 5;
    if (slice) {
      const auto start = static_cast<std::size_t>(at - unit.begin());
      return start > 0 && unit[start - 1] == 0 ? start - 1 : start;
    }
    at += 3;
  }
}

// Behind the temporal delimiter and a sequence header.
std::optional<std::size_t> first_frame(Span unit) {
  constexpr unsigned kSequenceHeader = 1, kTemporalDelimiter = 2;
  for (std::size_t at = 0; at < unit.size();) {
    const unsigned type = unit[at] >> 3 & 15u;
    if (type != kSequenceHeader && type != kTemporalDelimiter)
      return at;
    const std::size_t header = (unit[at] & 4) != 0 ? 2 : 1;
    // One of more than 127 bytes, or without its size, is not what encoders begin with.
    if ((unit[at] & 2) == 0 || at + header >= unit.size() || unit[at + header] > 127)
      return std::nullopt;
    at += header + 1 + unit[at + header];
  }
  return std::nullopt;
}

Buffer metadata_obu(const Buffer& data) {
  Buffer obu = {5 << 3 | 2};
  const std::size_t size = data.size() + 2;
  if (size > 127)
    obu.push_back(static_cast<std::uint8_t>((size & 0x7f) | 0x80));
  obu.push_back(static_cast<std::uint8_t>(size > 127 ? size >> 7 : size));
  obu.push_back(kRegisteredUserData);
  obu.insert(obu.end(), data.begin(), data.end());
  obu.push_back(0x80);
  return obu;
}

}  // namespace

bool carries_captions(std::string_view codec) {
  return codec == "h264" || codec == "h265" || codec == "av1";
}

std::optional<std::vector<std::uint8_t>> with_captions(Span unit, std::string_view codec,
                                                       Span cc_data) {
  if (cc_data.empty() || cc_data.size() % 3 != 0 || cc_data.size() / 3 > kMostTriplets)
    return std::nullopt;
  const bool av1 = codec == "av1";
  const bool h265 = codec == "h265";
  const auto at = av1 ? first_frame(unit) : first_slice(unit, h265);
  if (!at || !carries_captions(codec))
    return std::nullopt;
  const Span before = unit.first(*at);
  if (std::search(before.begin(), before.end(), kAtscCaptions.begin(), kAtscCaptions.end()) !=
      before.end())
    return std::nullopt;
  const Buffer data = user_data(cc_data);
  const Buffer added = av1 ? metadata_obu(data) : sei_unit(h265 ? kPrefixSei : kSei, data);
  Buffer result(before.begin(), before.end());
  result.insert(result.end(), added.begin(), added.end());
  result.insert(result.end(), unit.begin() + static_cast<std::ptrdiff_t>(*at), unit.end());
  return result;
}

}  // namespace dist
