// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/lease/window.h"

namespace dist {

bool Window::has_room(std::uint64_t index) const {
  if (entries_.empty())
    return true;
  return index - entries_.begin()->first < limits_.segments && bytes_ < limits_.bytes;
}

bool Window::accept(std::uint64_t index, std::uint64_t bytes) {
  if (last_ && index <= *last_)
    return false;
  last_ = index;
  entries_[index].bytes = bytes;
  bytes_ += bytes;
  return true;
}

bool Window::answer(std::uint64_t index, std::uint64_t bytes) {
  const auto found = entries_.find(index);
  if (found == entries_.end())
    return false;
  bytes_ = bytes_ - found->second.bytes + bytes;
  found->second.bytes = bytes;
  return true;
}

void Window::deliver(std::uint64_t index) {
  const auto found = entries_.find(index);
  if (found == entries_.end())
    return;
  found->second.delivered = true;
  while (!entries_.empty() && entries_.begin()->second.delivered) {
    bytes_ -= entries_.begin()->second.bytes;
    entries_.erase(entries_.begin());
  }
}

}  // namespace dist
