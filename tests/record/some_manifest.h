// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A manifest as a job would write it, of any length.
#pragma once

#include <string>

#include "gst/record/manifest.h"
#include "tests/record/memory_store.h"

namespace dist::test {

inline record::Cid cid_of_number(std::uint64_t number) {
  return record::Cid::of(number % 3 ? record::Codec::kRaw : record::Codec::kDagPb,
                         as_bytes(std::to_string(number)));
}

inline record::Encoded some_encoded(std::uint64_t segment, std::uint64_t rendition) {
  constexpr std::uint64_t kBegun = 1'790'000'000'000'000;
  record::Encoded encoded;
  encoded.data = {cid_of_number(segment * 100 + rendition), 400'000 + segment};
  encoded.frames = 25;
  encoded.configuration = segment % 2;
  encoded.worker = segment % 4;
  encoded.attempts = 1 + segment % 2;
  encoded.leased = kBegun + segment * 500'000;
  encoded.answered = encoded.leased + 2'000'000;
  encoded.hashes.push_back({.time = segment * 1'000'000'000, .hash = {1, 2, 3}, .quality = 100});
  if (segment % 4 != 1)
    encoded.head = cid_of_number(segment * 3 + 1);
  return encoded;
}

// Each segment lasts a second; a thumbnail is there for each ten.
inline record::Manifest some_manifest(std::size_t segments, std::size_t renditions) {
  record::Manifest manifest;
  manifest.software = {{"gst-dist", "0.2.0"}, {"gstreamer", "1.22.0"}};
  manifest.source = {.name = "Ein Film, 映画.mkv",
                     .bytes = 5'000'000'000,
                     .sha256 = std::array<std::uint8_t, 32>{7, 8, 9},
                     .streams = {{.kind = "video",
                                  .codec = "video/x-h264",
                                  .duration = segments * 1'000'000'000,
                                  .width = 1920,
                                  .height = 1080,
                                  .frame_rate = record::Rational{30000, 1001}},
                                 {.kind = "audio",
                                  .codec = "audio/mpeg",
                                  .language = "de",
                                  .sample_rate = 48'000,
                                  .channels = 2}}};
  manifest.cutting = {{"max-decoding", "2"}, {"max-segment-duration", "4000000000"}};
  for (std::size_t i = 0; i < renditions; ++i) {
    record::Rendition rendition{.name = std::to_string(i),
                                .text = "720p:h264:1280x720:crf=23",
                                .encoder = "x264enc 1.22.0",
                                .configurations = {{1, 2, 3}, {4}}};
    if (i == 0)
      rendition.output = record::Blob{cid_of_number(1), 3};
    manifest.renditions.push_back(std::move(rendition));
  }
  manifest.workers = {"ada", "bert", "cleo", "local"};
  manifest.begun = 1'790'000'000'000'000;
  manifest.ended = manifest.begun + segments * 1'000'000;
  for (std::size_t i = 0; i < segments; ++i) {
    record::Segment segment{.index = i,
                            .start = i * 1'000'000'000,
                            .duration = 1'000'000'000,
                            .payload = cid_of_number(i + 77),
                            .encoded = {}};
    for (std::size_t j = 0; j < renditions; ++j)
      segment.encoded.push_back(some_encoded(i, j));
    manifest.segments.push_back(std::move(segment));
    if (i % 10 == 0)
      manifest.thumbnails.push_back({.time = i * 1'000'000'000,
                                     .width = 320,
                                     .height = 180,
                                     .image = {cid_of_number(i), 9000}});
  }
  manifest.files = {{.name = "audio.mp4", .data = {cid_of_number(5), 70'000}}};
  return manifest;
}

}  // namespace dist::test
