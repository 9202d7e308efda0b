// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/film/ts_scan.h"

#include <algorithm>

#include "gst/base/text.h"

namespace dist {
namespace {

constexpr unsigned kProgramTable = 0;  // Its PID, and its table id.
constexpr unsigned kMapTable = 2;
// Times at 90 kHz have 33 bits.
constexpr std::int64_t kTimes = std::int64_t{1} << 33;
constexpr std::int64_t kSecond = 90000;
// Between frames; what is longer, or runs back, is where the clock changes.
constexpr std::int64_t kMostStep = 10 * kSecond;
// Of a section, from its first entry on.
constexpr std::size_t kSectionHead = 8;
constexpr std::size_t kChecksum = 4;

// Null: not known, or several may be of that type.
const char* sound_of_type(unsigned type) {
  switch (type) {
    case 0x03:
    case 0x04:
      return "MPEG audio";
    case 0x0f:
      return "AAC";
    case 0x11:
      return "AAC (LATM)";
    case 0x81:
      return "AC-3";
    case 0x87:
      return "E-AC-3";
    default:
      return nullptr;
  }
}

const char* codec_of_type(unsigned type) {
  const char* const video = video_of_type(type);
  return video ? video : sound_of_type(type);
}

std::size_t length_at(std::string_view bytes, std::size_t at) {
  return (byte(bytes, at) & 0x0fu) << 8 | byte(bytes, at + 1);
}

unsigned pid_at(std::string_view bytes, std::size_t at) {
  return (byte(bytes, at) & 0x1fu) << 8 | byte(bytes, at + 1);
}

}  // namespace

const char* video_of_type(unsigned type) {
  switch (type) {
    case 0x01:
    case 0x02:
      return "MPEG-2";
    case 0x10:
      return "MPEG-4";
    case 0x1b:
    case 0x20:
      return "H.264";
    case 0x24:
      return "H.265";
    case 0x33:
      return "VVC (H.266)";
    case 0x35:
      return "EVC";
    case 0x42:
      return "AVS";
    case 0xd2:
    case 0xd4:
      return "AVS2 or AVS3";
    default:
      return nullptr;
  }
}

void LayoutScan::take(std::string_view packets) {
  for (std::size_t at = stream_.prefix; at + kTsPacket <= packets.size(); at += stream_.packet) {
    const auto packet = parse_packet(packets.substr(at, kTsPacket), at);
    if (!packet || !packet->begins ||
        std::ranges::find(stream_.aac, packet->pid) == stream_.aac.end())
      continue;
    const auto pes = parse_pes(packet->payload);
    if (!pes || pes->content.size() < 4 || byte(pes->content, 0) != 0xff ||
        (byte(pes->content, 1) & 0xf6) != 0xf0)
      continue;
    // Profile, rate and channels (ISO/IEC 13818-7, 6.2).
    const unsigned layout = (byte(pes->content, 2) & 0xfdu) << 8 | (byte(pes->content, 3) & 0xc0u);
    const auto [known, first] = layouts_.try_emplace(packet->pid, Layout{.first = layout});
    known->second.changes = known->second.changes || known->second.first != layout;
  }
}

std::vector<unsigned> LayoutScan::changing() const {
  std::vector<unsigned> pids;
  for (const auto& [pid, layout] : layouts_)
    if (layout.changes)
      pids.push_back(pid);
  return pids;
}

std::string change_text(const CodecChange& change) {
  return "changes from " + change.from + " to " + change.to + " at " + clock_text(change.at);
}

void CodecScan::take(std::string_view bytes) {
  rest_ += bytes;
  std::size_t at = 0;
  // A packet is one if another one follows.
  while (at + packet_ < rest_.size())
    if (const auto packet = byte(rest_, at + packet_) == kTsSync
                                ? parse_packet(std::string_view(rest_).substr(at, kTsPacket), at)
                                : std::nullopt) {
      take_packet(*packet);
      at += packet_;
    } else {
      ++at;
    }
  rest_.erase(0, at);
}

void CodecScan::take_packet(const TsPacket& packet) {
  if (packet.pid == kProgramTable)
    sections_.try_emplace(kProgramTable);
  if (const auto begun = sections_.find(packet.pid); begun != sections_.end()) {
    std::string_view payload = packet.payload;
    if (packet.begins && !payload.empty()) {
      begun->second.clear();
      payload.remove_prefix(std::min<std::size_t>(payload.size(), 1 + byte(payload, 0)));
    } else if (begun->second.empty()) {
      return;
    }
    begun->second += payload;
    // It may be among those that the section takes away.
    const std::string section = begun->second;
    if (section.size() >= 3 && section.size() >= 3 + length_at(section, 1)) {
      begun->second.clear();
      take_section(std::string_view(section).substr(0, 3 + length_at(section, 1)));
    }
    return;
  }
  const auto stream = streams_.find(packet.pid);
  if (!packet.begins || stream == streams_.end())
    return;
  if (const auto pes = parse_pes(packet.payload))
    take_frame(packet.pid, stream->second, *pes);
}

void CodecScan::take_section(std::string_view section) {
  if (section.size() < kSectionHead + kChecksum || crc32(section) != 0)
    return;
  // Some are for later.
  if ((byte(section, 5) & 1) == 0)
    return;
  const std::string_view content = section.substr(0, section.size() - kChecksum);
  if (byte(section, 0) == kProgramTable)
    read_programs(content.substr(kSectionHead));
  else if (byte(section, 0) == kMapTable)
    read_map(content);
}

void CodecScan::read_programs(std::string_view entries) {
  for (; entries.size() >= 4; entries.remove_prefix(4))
    // Program 0 is a table of the network.
    if (byte(entries, 0) != 0 || byte(entries, 1) != 0)
      sections_.try_emplace(pid_at(entries, 2));
}

void CodecScan::read_map(std::string_view section) {
  if (section.size() < kSectionHead + 4)
    return;
  for (std::size_t at = kSectionHead + 4 + length_at(section, kSectionHead + 2);
       at + 5 <= section.size(); at += 5 + length_at(section, at + 3))
    streams_[pid_at(section, at + 1)].announced = byte(section, at);
}

void CodecScan::take_frame(unsigned pid, Stream& stream, const Pes& pes) {
  const char* const sound = sound_of_type(stream.announced);
  if (!stream.first && sound)
    sounds_.push_back({.pid = pid, .codec = sound, .at = static_cast<double>(length_) / kSecond});
  const unsigned first = stream.first.value_or(stream.announced);
  stream.first = first;
  const char* const from = codec_of_type(first);
  const char* const to = codec_of_type(stream.announced);
  // A video that becomes of unknown type is none any more. Sound of a known type may become of a
  // type that says nothing.
  const bool other = from && (to ? std::string_view(from) != to : video_of_type(first) != nullptr);
  if (other && !stream.changed) {
    stream.changed = true;
    changes_.push_back({.pid = pid,
                        .from = from,
                        .to = to ? to : "something else",
                        .at = static_cast<double>(stream.length + stream.step) / kSecond});
  }
  if (!pes.time)
    return;
  const std::int64_t step = (*pes.time - stream.latest.value_or(*pes.time) + kTimes) % kTimes;
  stream.latest = pes.time;
  if (step == 0 || step > kMostStep)
    return;
  stream.step = step;
  stream.length += step;
  length_ = std::max(length_, stream.length);
}

}  // namespace dist
