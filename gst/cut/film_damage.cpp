// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/cut/film_damage.h"

#include <algorithm>
#include <cstdio>
#include <vector>

namespace dist {
namespace {

// Stretches that are named; a film that is damaged all over would fill a page.
constexpr std::size_t kMaxNamed = 5;
// Stretches with less between them are one.
constexpr Time kNear = kSecond / 10;

std::string clock(Time time) {
  const Time tenths = time / (kSecond / 10);
  char text[48];
  std::snprintf(text, sizeof text, "%llu:%02llu:%02llu.%llu",
                static_cast<unsigned long long>(tenths / 36000),
                static_cast<unsigned long long>(tenths / 600 % 60),
                static_cast<unsigned long long>(tenths / 10 % 60),
                static_cast<unsigned long long>(tenths % 10));
  return text;
}

std::string frames(std::uint64_t count) {
  return std::to_string(count) + (count == 1 ? " frame" : " frames");
}

}  // namespace

SegmentDamage damage_of(const SegmentHeader& source, std::span<const Time> times,
                        const SegmentHeader& rendition) {
  SegmentDamage damage{.start = kNoTime};
  std::map<Time, std::uint32_t> made;
  for (const AccessUnit& unit : rendition.units)
    made.emplace(unit.show, unit.flags);
  for (std::size_t i = 0; i < times.size(); ++i) {
    const auto found = made.find(times[i]);
    const bool missing = found == made.end();
    if (!missing && (found->second & kFlagCorrupted) == 0)
      continue;
    ++(missing ? damage.missing : damage.guessed);
    damage.start = std::min(damage.start, times[i]);
    damage.stop = i + 1 < times.size() ? times[i + 1] : source.stop;
  }
  return damage.any() ? damage : SegmentDamage();
}

void FilmDamage::add(std::uint64_t segment, const SegmentDamage& damage) {
  // Parts of a segment may come one by one; that with the most frames knows best.
  SegmentDamage& known = segments_[segment];
  if (damage.guessed + damage.missing > known.guessed + known.missing)
    known = damage;
}

std::string FilmDamage::text() const {
  std::vector<SegmentDamage> stretches;
  SegmentDamage all;
  for (const auto& [segment, damage] : segments_) {
    if (!damage.any())
      continue;
    all.guessed += damage.guessed;
    all.missing += damage.missing;
    if (!stretches.empty() && damage.start >= stretches.back().start &&
        damage.start <= stretches.back().stop + kNear)
      stretches.back().stop = std::max(stretches.back().stop, damage.stop);
    else
      stretches.push_back(damage);
  }
  if (stretches.empty())
    return {};
  std::string where;
  for (std::size_t i = 0; i < std::min(stretches.size(), kMaxNamed); ++i)
    where += (i == 0 ? "" : ", ") + ("from " + clock(stretches[i].start)) + " to " +
             clock(stretches[i].stop);
  if (stretches.size() > kMaxNamed)
    where += " and in " + std::to_string(stretches.size() - kMaxNamed) + " more places";
  std::string what;
  if (all.guessed > 0)
    what = "decoders had to guess at " + frames(all.guessed);
  if (all.missing > 0)
    what += (what.empty() ? "" : ", and ") + frames(all.missing) + " could not be decoded";
  return "the film is damaged " + where + ": " + what;
}

}  // namespace dist
