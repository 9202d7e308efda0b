// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/publish/cmaf_brands.h"

#include <algorithm>
#include <initializer_list>

namespace dist::publish {
namespace {

constexpr int kUnsaid = 2;
constexpr double kMostFrames = 60;

// The code points that a profile allows.
struct Colours {
  std::initializer_list<int> primaries;
  std::initializer_list<int> transfers;
  std::initializer_list<int> matrices;
};
const Colours kStandard = {{1, 5, 6}, {1, 6}, {1, 5, 6}};
const Colours kHigh = {{1}, {1}, {1}};
const Colours kWide = {{1, 9}, {1, 14, 15}, {1, 9}};
const Colours kPq = {{9}, {16}, {9}};
const Colours kHlg = {{9}, {18}, {9}};

struct Profile {
  const char* brand;
  CmafCodec codec;
  std::initializer_list<unsigned> profiles;  // Of H.264 or H.265.
  unsigned width;
  unsigned height;
  unsigned level;
  const Colours* colours;
  bool said;  // Whether the stream has to say its colours.
};

// The first that fits counts.
const Profile kProfiles[] = {
    {"cfsd", CmafCodec::kH264, {66, 77, 100}, 864, 576, 31, &kStandard, false},
    {"cfhd", CmafCodec::kH264, {66, 77, 100}, 1920, 1080, 40, &kHigh, false},
    {"chdf", CmafCodec::kH264, {66, 77, 100}, 1920, 1080, 42, &kHigh, false},
    {"chhd", CmafCodec::kH265, {1}, 1920, 1080, 123, &kHigh, false},
    {"cud8", CmafCodec::kH265, {1}, 3840, 2160, 150, &kHigh, false},
    {"chd1", CmafCodec::kH265, {2}, 3840, 2160, 153, &kPq, true},
    {"clg1", CmafCodec::kH265, {2}, 3840, 2160, 153, &kHlg, true},
    {"chh1", CmafCodec::kH265, {1, 2}, 1920, 1080, 123, &kHigh, false},
    {"cud1", CmafCodec::kH265, {1, 2}, 3840, 2160, 153, &kWide, false},
};

bool has(std::initializer_list<int> allowed, int value, bool said) {
  return (value == kUnsaid && !said) || std::ranges::find(allowed, value) != allowed.end();
}

struct Level {
  unsigned profile = 0;
  unsigned level = 0;
  bool main_tier = true;
};

// Zeros if there is none.
Level level_of(const CmafTrack& track) {
  const std::span<const std::uint8_t> bytes = track.configuration;
  if (track.codec == CmafCodec::kH264 && bytes.size() >= 4)
    return {.profile = bytes[1], .level = bytes[3]};
  if (track.codec == CmafCodec::kH265 && bytes.size() >= 13)
    return {.profile = bytes[1] & 0x1fu, .level = bytes[12], .main_tier = (bytes[1] & 0x20) == 0};
  return {};
}

bool fits(const Profile& profile, const CmafTrack& track) {
  const Level level = level_of(track);
  return profile.codec == track.codec &&
         std::ranges::find(profile.profiles, level.profile) != profile.profiles.end() &&
         level.main_tier && level.level <= profile.level && track.width <= profile.width &&
         track.height <= profile.height && track.frame_rate <= kMostFrames &&
         has(profile.colours->primaries, track.primaries, profile.said) &&
         has(profile.colours->transfers, track.transfer, profile.said) &&
         has(profile.colours->matrices, track.matrix, profile.said);
}

}  // namespace

std::vector<std::string> cmaf_brands(const CmafTrack& track) {
  if (track.codec == CmafCodec::kAac)
    return {"caac"};
  if (track.codec == CmafCodec::kAv1)
    return {"av01"};
  const auto* const found =
      std::ranges::find_if(kProfiles, [&](const Profile& profile) { return fits(profile, track); });
  if (found == std::end(kProfiles))
    return {};
  return {found->brand};
}

}  // namespace dist::publish
