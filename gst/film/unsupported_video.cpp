// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/film/unsupported_video.h"

#include <fstream>
#include <map>
#include <set>
#include <string_view>
#include <vector>

#include "gst/base/text.h"
#include "gst/film/ts_scan.h"

namespace dist {
namespace {

constexpr char kNoVideo[] = "there is no video in it";
constexpr char kEncrypted[] =
    "its video is encrypted; give the film without encryption, since nobody here has the key";

std::string unknown_codec(const std::string& name) {
  return "its video is " + name + ", which nothing here decodes; convert the film first";
}

// What demuxers have no name for, by the code in the container.
std::string name_of_code(const std::string& code) {
  if (code == "vvc1" || code == "vvi1" || code == "V_MPEGI/ISO/VVC")
    return "VVC (H.266)";
  if (code == "dav1")
    return "AV1 with Dolby Vision (dav1)";
  if (code == "evc1")
    return "EVC";
  return "of an unknown kind ('" + printable(code) + "')";
}

// Empty if the demuxer has a name for it.
std::string unknown_code(const GstCaps* caps) {
  const GstStructure* const structure = gst_caps_get_structure(caps, 0);
  const std::string_view name = gst_structure_get_name(structure);
  constexpr std::string_view kFourcc = "video/x-gst-fourcc-";
  if (name.starts_with(kFourcc))
    return std::string(name.substr(kFourcc.size()));
  if (name != "video/x-unknown")
    return "";
  const gchar* const id = gst_structure_get_string(structure, "codec-id");
  return id ? id : "?";
}

// --- MPEG transport streams (ISO/IEC 13818-1)

constexpr std::size_t kPacket = 188;
constexpr std::uint8_t kSync = 0x47;
constexpr std::size_t kLooked = 8u << 20;  // Bytes of a file.
constexpr unsigned kProgramTable = 0;      // Its PID.

using ByteSpan = std::span<const std::uint8_t>;

unsigned pid_at(ByteSpan bytes) {
  return (bytes[0] & 0x1fu) << 8 | bytes[1];
}

// The payload; empty if there is none.
ByteSpan payload_of(ByteSpan packet) {
  std::size_t at = 4;
  if ((packet[3] & 0x20) != 0)
    at += 1u + packet[4];
  return (packet[3] & 0x10) != 0 && at < packet.size() ? packet.subspan(at) : ByteSpan();
}

// A section that fits into one packet, from its first entry to its checksum; longer ones are rare.
ByteSpan section_of(ByteSpan payload, std::uint8_t table, std::size_t head) {
  if (payload.empty() || payload.size() < 1u + payload[0] + head)
    return {};
  const ByteSpan section = payload.subspan(1u + payload[0]);
  const std::size_t end = 3 + ((section[1] & 0xfu) << 8 | section[2]);
  if (section[0] != table || end > section.size() || end < head + 4)
    return {};
  return section.subspan(0, end - 4);
}

struct Programs {
  std::set<unsigned> tables;          // PIDs of PMTs.
  std::map<unsigned, unsigned> type;  // Of each stream, by PID.
  std::set<unsigned> scrambled;       // PIDs.

  void read_programs(ByteSpan section) {
    for (std::size_t at = 8; at + 4 <= section.size(); at += 4)
      tables.insert(pid_at(section.subspan(at + 2)));
  }
  void read_streams(ByteSpan section) {
    if (section.size() < 12)
      return;
    std::size_t at = 12 + ((section[10] & 0xfu) << 8 | section[11]);
    while (at + 5 <= section.size()) {
      type[pid_at(section.subspan(at + 1))] = section[at];
      at += 5 + ((section[at + 3] & 0xfu) << 8 | section[at + 4]);
    }
  }
  void read(ByteSpan packet) {
    const unsigned pid = pid_at(packet.subspan(1));
    if ((packet[3] & 0xc0) != 0)
      scrambled.insert(pid);
    if ((packet[1] & 0x40) == 0)
      return;
    if (pid == kProgramTable)
      read_programs(section_of(payload_of(packet), 0, 8));
    else if (tables.contains(pid))
      read_streams(section_of(payload_of(packet), 2, 12));
  }
};

std::vector<std::uint8_t> beginning_of(const std::string& uri) {
  const std::string path = take_string(g_filename_from_uri(uri.c_str(), nullptr, nullptr));
  std::ifstream file(path, std::ios::binary);
  std::vector<std::uint8_t> bytes(kLooked);
  file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  bytes.resize(static_cast<std::size_t>(file.gcount()));
  return bytes;
}

}  // namespace

std::string flaw_of_transport_stream(ByteSpan bytes) {
  Programs programs;
  for (std::size_t at = 0; at + kPacket <= bytes.size();) {
    if (bytes[at] != kSync) {
      ++at;
      continue;
    }
    programs.read(bytes.subspan(at, kPacket));
    at += kPacket;
  }
  for (const auto& [pid, type] : programs.type)
    if (const char* const name = video_of_type(type))
      return programs.scrambled.contains(pid) ? kEncrypted : unknown_codec(name);
  return "";
}

std::string flaw_of_video(const Film& film) {
  if (const auto& vision = film.dolby_vision; vision && vision->compatibility == 0)
    return "its video is Dolby Vision of profile " + std::to_string(vision->profile) +
           ", whose colours nothing here restores; convert the film to HDR10 first";
  if (const FilmStream* const video = film.first(StreamKind::kVideo)) {
    if (video->codec_change)
      return "its video " + change_text(*video->codec_change) +
             ", as where two recordings were put together; encode the parts one by one";
    if (video->single_fields)
      return "its video is coded in single fields (H.265), which nothing here puts together; "
             "convert "
             "the film first";
    const bool named = !video->caps || gst_caps_get_size(video->caps.get()) == 0;
    const std::string code = named ? "" : unknown_code(video->caps.get());
    return code.empty() ? "" : unknown_codec(name_of_code(code));
  }
  if (film.encrypted)
    return kEncrypted;
  const std::string flaw =
      film.transport_stream ? flaw_of_transport_stream(beginning_of(film.uri)) : "";
  return flaw.empty() ? kNoVideo : flaw;
}

}  // namespace dist
