// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What changes on the way in an MPEG transport stream (ISO/IEC 13818-1). Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gst/film/ts_head.h"
#include "gst/film/ts_packets.h"

namespace dist {

// Of video, by the type of a stream in the map of its program; null: it is no video.
const char* video_of_type(unsigned type);

// Looks for AAC whose layout changes on the way.
class LayoutScan {
 public:
  explicit LayoutScan(const TsMends& stream) : stream_(stream) {}
  // The packets in the order of the file, whole ones.
  void take(std::string_view packets);
  // PIDs.
  std::vector<unsigned> changing() const;

 private:
  struct Layout {
    unsigned first = 0;  // What the head of a frame says of it.
    bool changes = false;
  };

  const TsMends& stream_;
  std::map<unsigned, Layout> layouts_;
};

// A stream that has another codec from some place on.
struct CodecChange {
  unsigned pid = 0;
  std::string from;
  std::string to;
  double at = 0;  // Seconds of the stream before it.
};

// A stream of sound in which something was found.
struct Sound {
  unsigned pid = 0;
  std::string codec;
  double at = 0;  // Where it begins, in seconds of the film.
};

// Part of a sentence: "changes from H.264 to H.265 at 0:04".
std::string change_text(const CodecChange& change);

// Looks for streams whose codec changes, or that begin, on the way, as where recordings were put
// together. Demuxers pass by a new map of a program whose PIDs are those of before, or go on with
// the codec of before.
class CodecScan {
 public:
  // `packet` bytes from one packet to the next.
  explicit CodecScan(std::size_t packet) : packet_(packet) {}
  // Bytes in the order of the file, in whatever pieces.
  void take(std::string_view bytes);
  // The first one of each stream.
  const std::vector<CodecChange>& changes() const { return changes_; }
  // In the order in which they begin.
  const std::vector<Sound>& sounds() const { return sounds_; }

 private:
  struct Stream {
    unsigned announced = 0;  // Type by the last map.
    std::optional<unsigned> first;
    bool changed = false;
    std::optional<std::int64_t> latest;  // At 90 kHz.
    std::int64_t length = 0;
    std::int64_t step = 0;
  };

  void take_packet(const TsPacket& packet);
  void take_section(std::string_view section);
  void read_programs(std::string_view entries);
  void read_map(std::string_view section);
  void take_frame(unsigned pid, Stream& stream, const Pes& pes);

  const std::size_t packet_;
  std::string rest_;                          // Of the file, not long enough yet.
  std::map<unsigned, std::string> sections_;  // Begun ones of tables, by PID.
  std::map<unsigned, Stream> streams_;        // By PID.
  std::int64_t length_ = 0;                   // Of the longest stream.
  std::vector<CodecChange> changes_;
  std::vector<Sound> sounds_;
};

}  // namespace dist
