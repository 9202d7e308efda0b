// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/film/mp4_rotation.h"

#include <algorithm>
#include <istream>
#include <string_view>
#include <utility>
#include <vector>

#include "gst/film/mp4_boxes.h"

namespace dist {
namespace {

constexpr std::int32_t kOne = 0x10000;
constexpr std::int32_t kOneOfThirdColumn = 0x40000000;
// In a tkhd, from the end, which is where its two versions agree.
constexpr std::uint64_t kMatrixBeforeEnd = 44;
constexpr std::uint64_t kSizeBeforeEnd = 8;
constexpr std::uint64_t kShortestTrackHeader = 84;

}  // namespace

std::optional<DisplayMatrix> display_matrix(const std::string& orientation, std::uint32_t width,
                                            std::uint32_t height) {
  // Where the units of x and y of the coded picture point to.
  const struct {
    std::string_view orientation;
    int xx, xy, yx, yy;
  } turns[] = {
      {"rotate-0", 1, 0, 0, 1},         {"rotate-90", 0, 1, -1, 0},
      {"rotate-180", -1, 0, 0, -1},     {"rotate-270", 0, -1, 1, 0},
      {"flip-rotate-0", -1, 0, 0, 1},   {"flip-rotate-90", 0, -1, -1, 0},
      {"flip-rotate-180", 1, 0, 0, -1}, {"flip-rotate-270", 0, 1, 1, 0},
  };
  const auto* turn = std::ranges::find_if(
      turns, [&](const auto& candidate) { return candidate.orientation == orientation; });
  if (turn == std::end(turns))
    return {};
  // Moved back to where the picture is seen: what points to the left or up begins at the far end.
  const auto back = [&](int by_width, int by_height) {
    return static_cast<std::int32_t>((by_width < 0 ? width : 0) + (by_height < 0 ? height : 0));
  };
  return DisplayMatrix{turn->xx * kOne,          turn->xy * kOne,          0,
                       turn->yx * kOne,          turn->yy * kOne,          0,
                       back(turn->xx, turn->yx), back(turn->xy, turn->yy), kOneOfThirdColumn};
}

Status set_rotation(std::iostream& file, const std::string& orientation) {
  const auto movie = find(file, whole_file(file), "moov");
  if (!movie)
    return Error{"there is no 'moov' in it"};
  std::vector<std::pair<std::uint64_t, DisplayMatrix>> changes;
  for (auto track = find(file, *movie, "trak"); track;
       track = find(file, *movie, "trak", track->end)) {
    const auto header = find(file, *track, "tkhd");
    if (!header || header->size() < kShortestTrackHeader || !is_video(file, *track))
      continue;
    const auto size = read<8>(file, header->end - kSizeBeforeEnd);
    const auto matrix =
        size ? display_matrix(orientation, static_cast<std::uint32_t>(number(*size, 0, 4)),
                              static_cast<std::uint32_t>(number(*size, 4, 4)))
             : std::nullopt;
    if (!matrix)
      return Error{"its video cannot be turned by '" + orientation + "'"};
    changes.emplace_back(header->end - kMatrixBeforeEnd, *matrix);
  }
  if (changes.empty())
    return Error{"there is no video in it"};
  for (const auto& [at, matrix] : changes) {
    file.clear();
    file.seekp(static_cast<std::streamoff>(at));
    for (const std::int32_t value : matrix)
      for (int shift = 24; shift >= 0; shift -= 8)
        file.put(static_cast<char>(static_cast<std::uint32_t>(value) >> shift & 0xff));
  }
  file.flush();
  return file ? Status() : Status(Error{"it cannot be written"});
}

}  // namespace dist
