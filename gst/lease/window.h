// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <map>
#include <optional>

namespace dist {

// The segments between the one that is to leave next in order and the one that was accepted last:
// what bounds the memory of a job. Segments that were delivered out of order count too, because the
// element that restores the order holds them until the oldest comes.
class Window {
 public:
  struct Limits {
    std::uint64_t segments = 0;
    std::uint64_t bytes = 0;
  };

  explicit Window(const Limits& limits) : limits_(limits) {}

  // Whether a segment of this index may be accepted now. An empty window takes any.
  bool has_room(std::uint64_t index) const;
  // Indices have to grow: false if this one does not follow those before.
  bool accept(std::uint64_t index, std::uint64_t bytes);
  // Its result is there and takes so many bytes instead. False if the segment is not in the window.
  bool answer(std::uint64_t index, std::uint64_t bytes);
  // The result was delivered.
  void deliver(std::uint64_t index);
  // Forgets everything, the indices too.
  void clear() { *this = Window(limits_); }

  // Everything accepted was delivered.
  bool empty() const { return entries_.empty(); }
  std::uint64_t bytes() const { return bytes_; }
  // The one that is to leave next.
  std::optional<std::uint64_t> oldest() const {
    return entries_.empty() ? std::nullopt : std::optional(entries_.begin()->first);
  }

 private:
  struct Entry {
    std::uint64_t bytes = 0;
    bool delivered = false;
  };

  Limits limits_;
  std::map<std::uint64_t, Entry> entries_;
  std::uint64_t bytes_ = 0;
  std::optional<std::uint64_t> last_;
};

}  // namespace dist
