// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/film/mp4_boxes.h"

#include <algorithm>
#include <cstring>

namespace dist {
namespace {

constexpr std::uint64_t kHandlerTypeAt = 8;

}  // namespace

std::optional<Box> box_at(std::istream& file, std::uint64_t at, std::uint64_t end) {
  if (at > end || end - at < 8)
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
                        std::uint64_t from) {
  for (auto box = box_at(file, std::max(parent.begin, from), parent.end); box;
       box = box_at(file, box->end, parent.end))
    if (box->is(type))
      return box;
  return {};
}

Box whole_file(std::istream& file) {
  file.clear();
  file.seekg(0, std::ios::end);
  return {.type = {}, .begin = 0, .end = static_cast<std::uint64_t>(file.tellg())};
}

bool is_track_of(std::istream& file, const Box& track, std::string_view kind) {
  const auto media = find(file, track, "mdia");
  const auto handler = media ? find(file, *media, "hdlr") : std::nullopt;
  if (!handler || handler->size() < kHandlerTypeAt + 4)
    return false;
  const auto type = read<4>(file, handler->begin + kHandlerTypeAt);
  return type && std::memcmp(type->data(), kind.data(), 4) == 0;
}

bool is_video(std::istream& file, const Box& track) {
  return is_track_of(file, track, "vide");
}

}  // namespace dist
