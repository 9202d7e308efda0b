// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Lists in the root block of a manifest whose length others decide: workers, configurations.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "gst/record/manifest.h"

namespace dist::record {

// The place of a text or of bytes in the list, where a new item is added. Where the list would have
// more than kMaxItems or `max_bytes`, it is the place of `rest`, for which there is always room.
template <class Item>
std::uint64_t place_of(std::vector<Item>& items, const Item& item, const Item& rest,
                       std::size_t max_bytes) {
  constexpr std::size_t kHead = 5;  // Of an item in DAG-CBOR.
  const auto found = std::ranges::find(items, item);
  const auto place = static_cast<std::uint64_t>(found - items.begin());
  if (found != items.end())
    return place;
  std::size_t bytes = 2 * kHead + item.size() + rest.size();
  for (const Item& other : items)
    bytes += kHead + other.size();
  if (item != rest && (bytes > max_bytes || items.size() + 1 >= kMaxItems))
    return place_of(items, rest, rest, max_bytes);
  items.push_back(item);
  return place;
}

}  // namespace dist::record
