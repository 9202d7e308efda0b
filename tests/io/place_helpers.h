// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

#include "gst/io/place.h"
#include "tests/io/store_helpers.h"

namespace dist::test {

inline const FileHeaders kSegmentHeaders{.content_type = "video/mp4",
                                         .cache_control = "public, max-age=31536000, immutable"};
inline const FileHeaders kPlaylistHeaders{
    .content_type = "application/vnd.apple.mpegurl", .cache_control = "no-cache", .compress = true};

inline bool holds(Place& place, const std::string& name, const BytesList& bytes) {
  const auto got = place.get(name, nullptr);
  return got && *got && to_data(**got) == to_data(bytes);
}

// What every place has to do. `compressed`: sizes of playlists are not those that were put.
inline void check_place(Place& place, bool compressed) {
  fail_unless_ok(place.size("720p/00000000.mp4", nullptr));
  fail_if(place.size("720p/00000000.mp4", nullptr)->has_value());
  fail_if(place.get("master.m3u8", nullptr)->has_value());
  fail_unless_ok(place.put("720p/00000000.mp4", blob_of(1, 3'000'000), kSegmentHeaders, nullptr));
  fail_unless(place.size("720p/00000000.mp4", nullptr)->value() == 3'000'000);
  fail_unless_ok(place.put("master.m3u8", blob_of(2, 50'000), kPlaylistHeaders, nullptr));
  fail_unless(compressed || place.size("master.m3u8", nullptr)->value() == 50'000);
  fail_unless(holds(place, "master.m3u8", blob_of(2, 50'000)));
  // A playlist that is replaced, by a shorter one too.
  for (const std::size_t size : {100'000, 10, 0}) {
    fail_unless_ok(place.put("720p/index.m3u8", blob_of(3, size), kPlaylistHeaders, nullptr));
    fail_unless(holds(place, "720p/index.m3u8", blob_of(3, size)));
  }
  GCancellable* const cancellable = g_cancellable_new();
  g_cancellable_cancel(cancellable);
  const auto cancelled =
      place.put("720p/00000001.mp4", blob_of(1, 100), kSegmentHeaders, cancellable);
  fail_if(static_cast<bool>(cancelled));
  fail_unless(cancelled.failure().fault == StoreFault::kCancelled);
  g_object_unref(cancellable);
  fail_if(place.size("720p/00000001.mp4", nullptr)->has_value());
  for (const char* name :
       {"720p/00000000.mp4", "720p/index.m3u8", "master.m3u8", "master.m3u8", "none/at-all.mp4"})
    fail_unless_ok(place.remove(name, nullptr));
  fail_if(place.size("720p/00000000.mp4", nullptr)->has_value());
}

// A viewer reads a playlist while it is replaced, and always finds a whole one.
inline void check_replacement(Place& place) {
  const std::string name = "360p/index.m3u8";
  const std::size_t sizes[] = {200'000, 70'000};
  fail_unless_ok(place.put(name, blob_of(sizes[0], sizes[0]), kPlaylistHeaders, nullptr));
  std::atomic<bool> ending = false;
  std::atomic<unsigned> faults = 0;
  std::thread viewer([&] {
    while (!ending) {
      const auto got = place.get(name, nullptr);
      const bool whole = got && *got && std::ranges::any_of(sizes, [&](std::size_t size) {
                           return to_data(**got) == to_data(blob_of(size, size));
                         });
      faults += whole ? 0 : 1;
    }
  });
  for (unsigned i = 0; i < 60; ++i)
    fail_unless_ok(place.put(name, blob_of(sizes[i % 2], sizes[i % 2]), kPlaylistHeaders, nullptr));
  ending = true;
  viewer.join();
  fail_unless_equals_int(static_cast<int>(faults), 0);
  fail_unless_ok(place.remove(name, nullptr));
}

}  // namespace dist::test
