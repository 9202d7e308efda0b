// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Packets of libavformat.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

extern "C" {
#include <libavcodec/avcodec.h>
}

namespace dist {

inline constexpr AVRational kNanoseconds = {1, 1'000'000'000};

struct FreePacket {
  void operator()(AVPacket* packet) const { av_packet_free(&packet); }
};
using Packet = std::unique_ptr<AVPacket, FreePacket>;

// A copy of the bytes; `head` comes before them. Null if there is no memory.
Packet packet_of(std::span<const std::uint8_t> head, std::span<const std::uint8_t> bytes);

// AV1 whose caps do not tell has what containers want at their head in its first packet.
void take_extradata(AVCodecParameters* parameters, const AVPacket* first);

// What a code of libav's functions means.
std::string text_of_error(int code);

}  // namespace dist
