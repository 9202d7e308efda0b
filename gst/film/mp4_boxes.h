// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The boxes of an MP4 (ISO/IEC 14496-12).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <istream>
#include <optional>
#include <string_view>

namespace dist {

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
std::optional<Box> box_at(std::istream& file, std::uint64_t at, std::uint64_t end);
// All of it, as a box.
Box whole_file(std::istream& file);
// The first box of that type in another one, from there on.
std::optional<Box> find(std::istream& file, const Box& parent, std::string_view type,
                        std::uint64_t from = 0);
// Whether it is a track of that kind, such as "vide" or "clcp" (closed captions).
bool is_track_of(std::istream& file, const Box& track, std::string_view handler);
// Whether it is a track of pictures.
bool is_video(std::istream& file, const Box& track);

}  // namespace dist
