// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/gst-dist/mp4_rotation.h"

#include <algorithm>
#include <cstring>
#include <istream>
#include <string_view>
#include <utility>
#include <vector>

namespace dist::tool {
namespace {

constexpr std::int32_t kOne = 0x10000;
constexpr std::int32_t kOneOfThirdColumn = 0x40000000;
// In a tkhd, from the end, which is where its two versions agree.
constexpr std::uint64_t kMatrixBeforeEnd = 44;
constexpr std::uint64_t kSizeBeforeEnd = 8;
constexpr std::uint64_t kShortestTrackHeader = 84;
constexpr std::uint64_t kHandlerTypeAt = 8;

struct Box {
  char type[4] = {};
  std::uint64_t begin = 0;  // Of what is in it.
  std::uint64_t end = 0;

  bool is(std::string_view name) const { return std::string_view(type, 4) == name; }
  std::uint64_t size() const { return end - begin; }
};

// None if the file is too short.
template <std::size_t N>
std::optional<std::array<std::uint8_t, N>> read(std::istream& file, std::uint64_t at) {
  std::array<std::uint8_t, N> bytes;
  file.clear();
  file.seekg(static_cast<std::streamoff>(at));
  file.read(reinterpret_cast<char*>(bytes.data()), N);
  if (!file)
    return {};
  return bytes;
}

template <std::size_t N>
std::uint64_t number(const std::array<std::uint8_t, N>& bytes, std::size_t first,
                     std::size_t count) {
  std::uint64_t value = 0;
  for (std::size_t i = first; i < first + count; ++i)
    value = value << 8 | bytes[i];
  return value;
}

// The box that begins there. None at the end, and where there is no box that fits.
std::optional<Box> box_at(std::istream& file, std::uint64_t at, std::uint64_t end) {
  if (end - at < 8)
    return {};
  const auto head = read<8>(file, at);
  if (!head)
    return {};
  Box box{.type = {}, .begin = at + 8, .end = end};
  std::memcpy(box.type, head->data() + 4, 4);
  std::uint64_t size = number(*head, 0, 4);
  if (size == 1) {
    const auto large = end - at < 16 ? std::nullopt : read<8>(file, box.begin);
    if (!large)
      return {};
    size = number(*large, 0, 8);
    box.begin += 8;
  }
  // 0: to the end.
  if (size != 0) {
    if (size < box.begin - at || size > end - at)
      return {};
    box.end = at + size;
  }
  return box;
}

std::optional<Box> find(std::istream& file, const Box& parent, std::string_view type,
                        std::uint64_t from = 0) {
  for (auto box = box_at(file, std::max(parent.begin, from), parent.end); box;
       box = box_at(file, box->end, parent.end))
    if (box->is(type))
      return box;
  return {};
}

bool is_video(std::istream& file, const Box& track) {
  const auto media = find(file, track, "mdia");
  const auto handler = media ? find(file, *media, "hdlr") : std::nullopt;
  if (!handler || handler->size() < kHandlerTypeAt + 4)
    return false;
  const auto type = read<4>(file, handler->begin + kHandlerTypeAt);
  return type && std::memcmp(type->data(), "vide", 4) == 0;
}

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
  file.clear();
  file.seekg(0, std::ios::end);
  const Box whole{.type = {}, .begin = 0, .end = static_cast<std::uint64_t>(file.tellg())};
  const auto movie = find(file, whole, "moov");
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

}  // namespace dist::tool
