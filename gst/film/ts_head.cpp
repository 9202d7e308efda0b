// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/film/ts_head.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>

#include "gst/film/ts_packets.h"

namespace dist {
namespace {

// 90 kHz. The demuxer takes a step of more than half a second between clock references for a break.
constexpr std::int64_t kStep = 9000;
constexpr std::int64_t kMostSteps = 10 * 600;

// Types of streams in the map of a program.
constexpr std::uint8_t kDtsOfFfmpeg = 0x82;
constexpr std::uint8_t kDts = 0x8a;
constexpr std::uint8_t kTrueHd = 0x83;
constexpr std::uint8_t kAdts = 0x0f;
constexpr std::uint8_t kPrivate = 0xf0;

bool is_dts(std::string_view content) {
  return content.starts_with("\x7f\xfe\x80\x01") || content.starts_with("\xfe\x7f\x01\x80") ||
         content.starts_with("\x1f\xff\xe8\x00") || content.starts_with("\xff\x1f\x00\xe8") ||
         content.starts_with("\x64\x58\x20\x25");
}

bool is_true_hd(std::string_view content) {
  return content.size() > 8 && content.substr(4).starts_with("\xf8\x72\x6f\xba");
}

// The map of a program, in one packet.
struct Map {
  std::uint64_t at = 0;   // Of its packet in the file.
  std::string packet;     // As it is to be read.
  std::size_t start = 0;  // Of the section in it.
  std::size_t size = 0;
  unsigned clock_pid = 0;
  std::map<unsigned, std::size_t> streams;  // By PID, where in the packet its type is.
  bool changed = false;
};

std::optional<Map> parse_map(const TsPacket& packet, std::string_view whole) {
  if (packet.payload.empty())
    return {};
  Map map;
  map.at = packet.at;
  map.packet = whole;
  map.start = whole.size() - packet.payload.size() + 1 + byte(packet.payload, 0);
  if (map.start + 12 > whole.size() || byte(whole, map.start) != 2)
    return {};
  const auto length = [&](std::size_t at) {
    return static_cast<std::size_t>((byte(whole, at) & 0x0f) << 8 | byte(whole, at + 1));
  };
  const auto pid = [&](std::size_t at) {
    return static_cast<unsigned>((byte(whole, at) & 0x1f) << 8 | byte(whole, at + 1));
  };
  map.size = 3 + length(map.start + 1);
  const std::size_t end = map.start + map.size;
  if (map.size < 16 || end > whole.size())
    return {};
  map.clock_pid = pid(map.start + 8);
  for (std::size_t at = map.start + 12 + length(map.start + 10); at + 5 <= end - 4;
       at += 5 + length(at + 3))
    map.streams[pid(at + 1)] = at;
  return map;
}

void set_type(Map& map, std::size_t at, std::uint8_t type) {
  map.packet[at] = static_cast<char>(type);
  const std::size_t end = map.start + map.size - 4;
  const std::uint32_t crc = crc32(std::string_view(map.packet).substr(map.start, map.size - 4));
  for (std::size_t i = 0; i < 4; ++i)
    map.packet[end + i] = static_cast<char>(crc >> (24 - 8 * i) & 0xff);
  map.changed = true;
}

// Packets with nothing in them but a clock that runs from one time up to another; at least one.
std::string clocks(unsigned pid, std::int64_t from, std::int64_t to, std::size_t prefix) {
  std::string packets;
  for (std::int64_t time = from; time == from || time < to; time += kStep) {
    std::string packet(kTsPacket, '\xff');
    const auto put = [&](std::size_t at, std::int64_t value) {
      packet[at] = static_cast<char>(value & 0xff);
    };
    put(0, kTsSync);
    put(1, pid >> 8);
    put(2, pid);
    put(3, 0x20);
    put(4, kTsPacket - 5);
    put(5, 0x10);
    for (int i = 0; i < 4; ++i)
      put(static_cast<std::size_t>(6 + i), time >> (25 - 8 * i));
    put(10, (time & 1) << 7 | 0x7e);
    put(11, 0);
    packets += std::string(prefix, '\0') + packet;
  }
  return packets;
}

// Reads on until the clock is known, and a bit of each stream.
class Head {
 public:
  Head(std::string_view bytes, std::size_t prefix) : bytes_(bytes), prefix_(prefix) {
    for (std::size_t at = prefix; at + kTsPacket <= bytes.size(); at += kTsPacket + prefix)
      if (const auto packet = parse_packet(bytes.substr(at, kTsPacket), at))
        take(*packet);
  }
  TsMends mends();

 private:
  void take(const TsPacket& packet);
  void take_pes(const TsPacket& packet, std::size_t type_at);

  const std::string_view bytes_;
  const std::size_t prefix_;  // Bytes before each packet.
  std::optional<unsigned> map_pid_;
  std::optional<Map> map_;
  std::optional<std::int64_t> clock_;     // The first one.
  std::optional<std::int64_t> at_clock_;  // The time of what comes with it.
  std::optional<std::int64_t> earliest_;  // Time of all.
  std::map<unsigned, unsigned> timed_;    // How many of each stream have a time.
  bool before_clock_ = false;             // Something has come.
  TsMends found_;
};

void Head::take(const TsPacket& packet) {
  if (packet.pid == 0 && packet.begins && !map_pid_ && packet.payload.size() > 13) {
    // The first entry that is a program.
    const std::size_t first = 1 + byte(packet.payload, 0) + 8;
    for (std::size_t at = first; at + 8 <= packet.payload.size() && !map_pid_; at += 4)
      if (byte(packet.payload, at) != 0 || byte(packet.payload, at + 1) != 0)
        map_pid_ = (byte(packet.payload, at + 2) & 0x1fu) << 8 | byte(packet.payload, at + 3);
  } else if (packet.pid == map_pid_ && packet.begins && !map_) {
    map_ = parse_map(packet, bytes_.substr(packet.at, kTsPacket));
  }
  if (!map_)
    return;
  if (packet.clock && packet.pid == map_->clock_pid && !clock_)
    clock_ = packet.clock;
  const auto stream = map_->streams.find(packet.pid);
  if (packet.begins && stream != map_->streams.end())
    take_pes(packet, stream->second);
}

void Head::take_pes(const TsPacket& packet, std::size_t type_at) {
  const auto pes = parse_pes(packet.payload);
  if (!pes)
    return;
  before_clock_ = before_clock_ || !clock_;
  if (pes->time && clock_ && !at_clock_)
    at_clock_ = pes->time;
  // Not those behind a splice.
  if (pes->time && ++timed_[packet.pid] <= 2)
    earliest_ = std::min(earliest_.value_or(*pes->time), *pes->time);
  const std::uint8_t type = byte(map_->packet, type_at);
  if (type == kDtsOfFfmpeg && is_dts(pes->content))
    set_type(*map_, type_at, kDts);
  // The demuxer takes it for PCM.
  if (type == kTrueHd && is_true_hd(pes->content)) {
    set_type(*map_, type_at, kPrivate);
    found_.unread.emplace_back("TrueHD");
  }
}

TsMends Head::mends() {
  found_.prefix = prefix_;
  found_.packet = kTsPacket + prefix_;
  if (!map_)
    return std::move(found_);
  for (const auto& [pid, type_at] : map_->streams)
    if (byte(map_->packet, type_at) == kAdts)
      found_.aac.push_back(pid);
  if (map_->changed)
    found_.mends.push_back({map_->at, kTsPacket, map_->packet});
  // What comes before the first clock gets no time, and what is earlier than that a wrong one. A
  // clock that is set before runs from there to the first one.
  if (clock_ && earliest_ && (before_clock_ || *earliest_ < *clock_)) {
    const std::int64_t ahead = std::max<std::int64_t>(0, at_clock_.value_or(*clock_) - *clock_);
    const std::int64_t from =
        std::max<std::int64_t>(0, std::min(*earliest_ - ahead, *clock_ - kStep));
    if ((*clock_ - from) / kStep < kMostSteps)
      found_.mends.push_back(
          {map_->at + kTsPacket, 0, clocks(map_->clock_pid, from, *clock_, prefix_)});
  }
  return std::move(found_);
}

}  // namespace

TsMends mend_ts_head(std::string_view head) {
  for (const std::size_t prefix : {std::size_t{0}, std::size_t{4}}) {
    bool in_step = head.size() >= 4 * (kTsPacket + prefix);
    for (std::size_t i = 0; i < 4 && in_step; ++i)
      in_step = byte(head, prefix + i * (kTsPacket + prefix)) == kTsSync;
    if (in_step)
      return Head(head, prefix).mends();
  }
  return {};
}

}  // namespace dist
