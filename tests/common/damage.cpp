// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/common/damage.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <random>
#include <set>
#include <sstream>

#include "tests/common/farm.h"
#include "tests/common/files.h"

namespace film {
namespace {

constexpr std::int64_t kMillisecond = 1000000;
constexpr unsigned kLimit = 60;  // Seconds.

// Of the GOP that a time is in: that of the next keyframe. Frames that are shown before the
// keyframe that they follow in the stream need the one before it too, and are in that one's.
std::size_t gop_of(const GoodFilm& good, std::int64_t time) {
  return static_cast<std::size_t>(
      std::upper_bound(good.keyframes.begin(), good.keyframes.end(), time + kMillisecond) -
      good.keyframes.begin());
}

// By what is not as in the good film, and by where the bytes are.
std::set<std::size_t> damaged_gops(const GoodFilm& good, const Damage& damage,
                                   const Difference& difference) {
  std::set<std::size_t> gops;
  for (const auto* frames : {&difference.missing, &difference.other})
    for (std::size_t at : *frames)
      gops.insert(gop_of(good, good.list.frames[at].time.value_or(0)));
  for (std::size_t i = 0; i < good.places.size(); ++i) {
    const std::uint64_t begin = good.places[i].first;
    const std::uint64_t end = i + 1 < good.places.size() ? good.places[i + 1].first : UINT64_MAX;
    for (const auto& [from, to] : damage.ranges)
      if (from < end && to > begin)
        gops.insert(gop_of(good, good.places[i].second));
  }
  return gops;
}

Verdict judge_frames(const GoodFilm& good, const Damage& damage, const std::string& path,
                     const FrameList& plain, const FrameList& made) {
  const Difference difference = compare(plain, made);
  if (difference.none())
    return {"", "as undistributed"};
  const Difference harm = compare(good.list, list_frames(path, good.list.format, kLimit));
  const std::set<std::size_t> gops = damaged_gops(good, damage, harm);
  const auto excused = [&](const Frame& frame, std::int64_t later) {
    return !frame.time || gops.contains(gop_of(good, *frame.time - later * kMillisecond));
  };
  bool inside = true;
  for (const auto* frames : {&difference.missing, &difference.other})
    for (std::size_t at : *frames)
      inside = inside && excused(plain.frames[at], harm.shift);
  for (std::size_t at : difference.extra)
    inside = inside && excused(made.frames[at], harm.shift + difference.shift);
  if (inside)
    return {"", "others in damaged GOPs only"};
  return {describe(difference, plain, made), "others beyond the damaged GOPs"};
}

}  // namespace

GoodFilm look_at_good(const std::string& path) {
  GoodFilm good{.path = path, .list = list_frames(path), .keyframes = {}, .places = {}};
  farm::Process probe(
      "ffprobe -v error -select_streams v:0 -show_entries packet=pts_time,pos,flags -of csv=p=0 '" +
      path + "'");
  if (!good.list.decodes() || probe.exit_code() != 0)
    return {};
  struct Packet {
    double time;
    std::uint64_t place;
    bool keyframe;
  };
  std::vector<Packet> packets;
  std::istringstream lines(probe.output());
  for (std::string time, place, flags; std::getline(lines, time, ',') &&
                                       std::getline(lines, place, ',') &&
                                       std::getline(lines, flags);)
    packets.push_back({std::atof(time.c_str()), std::strtoull(place.c_str(), nullptr, 10),
                       flags.starts_with('K')});
  double first = HUGE_VAL;
  for (const Packet& packet : packets)
    first = std::min(first, packet.time);
  for (const Packet& packet : packets) {
    const std::int64_t time =
        good.list.frames.front().time.value_or(0) + std::llround((packet.time - first) * 1e9);
    good.places.emplace_back(packet.place, time);
    if (packet.keyframe)
      good.keyframes.push_back(time);
  }
  std::ranges::sort(good.places);
  std::ranges::sort(good.keyframes);
  return good;
}

Damage write_damaged(const GoodFilm& good, const std::string& path, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::string bytes = test::bytes_of(good.path);
  const auto below = [&random](std::size_t limit) {
    return random() % std::max<std::size_t>(1, limit);
  };
  std::ostringstream text;
  Damage damage;
  const std::size_t places = 1 + below(4);
  std::vector<std::size_t> starts;
  for (std::size_t i = 0; i < places; ++i)
    starts.push_back(below(bytes.size()));
  // From the end, so that what is cut out moves none of the others.
  std::ranges::sort(starts, std::greater<>());
  for (std::size_t at : starts) {
    std::size_t length = 1 + below(std::size_t{1} << below(13));
    length = std::min(length, bytes.size() - at);
    const char* what = "flipped";
    switch (below(4)) {
      case 0:
        for (std::size_t i = at; i < at + length; i += 1 + below(64))
          bytes[i] = static_cast<char>(bytes[i] ^ (1 << below(8)));
        break;
      case 1:
        what = "overwritten";
        for (std::size_t i = at; i < at + length; ++i)
          bytes[i] = static_cast<char>(random());
        break;
      case 2:
        what = "cut out";
        bytes.erase(at, length);
        break;
      default:
        // Most of the film stays.
        if (at < bytes.size() / 2) {
          what = "zeroed";
          std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), length, '\0');
        } else {
          what = "cut off";
          length = bytes.size() - at;
          bytes.resize(at);
        }
    }
    damage.ranges.emplace_back(at, at + length);
    text << (text.tellp() > 0 ? ", " : "") << at << "+" << length << " " << what;
  }
  damage.text = text.str();
  std::ofstream(path, std::ios::binary) << bytes;
  return damage;
}

Verdict judge_damaged(const GoodFilm& good, const Damage& damage, const std::string& path,
                      const std::string& scratch) {
  const Transcoded made = transcode_losslessly(path, scratch + ".mkv", kLimit);
  if (made.code < 0)
    return made.hung ? Verdict{"no end after 60 s", "hang"} : Verdict{"a signal ends it", "crash"};
  const FrameList plain = list_frames(path, made.list.format, kLimit);
  const bool finishes = plain.decodes();
  if (made.code != 0) {
    if (made.output.empty())
      return {"exit code " + std::to_string(made.code) + " without a word", "silent failure"};
    if (!finishes)
      return {"", "neither comes to the end"};
    return {"exit code " + std::to_string(made.code) + ", where decodebin shows " +
                std::to_string(plain.frames.size()) + " frames: " + made.reason(),
            "job lost"};
  }
  if (!made.list.error.empty())
    return {"the result does not decode: " + made.list.error, "broken result"};
  if (!finishes)
    return {"", "only transcode comes to the end"};
  return judge_frames(good, damage, path, plain, made.list);
}

}  // namespace film
