// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The manifest of a job: which film it took, what became of each segment, and who made it.
// docs/design/record.md has the schema.
//
// Times of the film are nanoseconds of running time; times of day are microseconds since 1970-01-01
// UTC. No integer is above kMaxNumber.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "gst/base/result.h"
#include "gst/record/block.h"
#include "gst/record/cid.h"
#include "gst/record/dag_cbor.h"

namespace dist::record {

inline constexpr char kManifestFormat[] = "gst-dist manifest";
inline constexpr std::uint64_t kManifestVersion = 1;
// The largest integer that JavaScript's numbers hold.
inline constexpr std::uint64_t kMaxNumber = (std::uint64_t{1} << 53) - 1;
// Bytes of a text, and of a codec configuration.
inline constexpr std::size_t kMaxText = 4096;
inline constexpr std::size_t kMaxConfiguration = 64u << 10;
// Items of the lists that the root block holds, and of a segment's list of hashes.
inline constexpr std::size_t kMaxItems = 4096;
// Segments, and thumbnails.
inline constexpr std::size_t kMaxSegments = 1u << 20;
// Blocks over which a list is spread.
inline constexpr std::size_t kMaxListBlocks = 1024;

struct Rational {
  std::uint64_t numerator = 0;
  std::uint64_t denominator = 1;

  bool operator==(const Rational&) const = default;
};

// Bytes stored elsewhere: a raw block, or UnixFS.
struct Blob {
  Cid cid;
  std::uint64_t bytes = 0;

  bool operator==(const Blob&) const = default;
};

struct Stream {
  std::string kind;   // "video", "audio", "subtitle" or another word.
  std::string codec;  // As its caps name it.
  std::optional<std::string> language = {};
  std::optional<std::uint64_t> duration = {};
  std::optional<std::uint64_t> width = {};
  std::optional<std::uint64_t> height = {};
  std::optional<Rational> frame_rate = {};
  std::optional<std::uint64_t> sample_rate = {};
  std::optional<std::uint64_t> channels = {};

  bool operator==(const Stream&) const = default;
};

struct Source {
  std::string name;
  // Of a film that is a file.
  std::optional<std::uint64_t> bytes = {};
  std::optional<std::array<std::uint8_t, 32>> sha256 = {};
  std::vector<Stream> streams;

  bool operator==(const Source&) const = default;
};

struct Rendition {
  std::string name;
  std::string text;     // As the ladder has it, with all settings.
  std::string encoder;  // With its version.
  // The different codec configurations of its segments.
  std::vector<Data> configurations;
  // What became of all its segments, joined.
  std::optional<Blob> output = {};

  bool operator==(const Rendition&) const = default;
};

// What a frame shows.
struct FrameHash {
  std::uint64_t time = 0;
  std::array<std::uint8_t, 32> hash = {};
  std::uint64_t quality = 0;

  bool operator==(const FrameHash&) const = default;
};

// One segment of one rendition.
struct Encoded {
  Blob data;
  std::uint64_t frames = 0;
  std::uint64_t configuration = 0;  // Its place among those of the rendition.
  std::uint64_t worker = 0;         // Its place among the manifest's workers.
  std::uint64_t attempts = 1;
  // Times of day: when the attempt that succeeded was leased and answered.
  std::uint64_t leased = 0;
  std::uint64_t answered = 0;
  std::vector<FrameHash> hashes;
  // What a stored result has before its payload (docs/design/store.md); none: it cannot be stored.
  std::optional<Cid> head = {};

  bool operator==(const Encoded&) const = default;
};

struct Segment {
  std::uint64_t index = 0;
  std::uint64_t start = 0;
  std::uint64_t duration = 0;
  Cid payload;                   // Of the source.
  std::vector<Encoded> encoded;  // As many as the manifest has renditions, in their order.

  bool operator==(const Segment&) const = default;
};

struct Thumbnail {
  std::uint64_t time = 0;
  std::uint64_t width = 0;
  std::uint64_t height = 0;
  Blob image;

  bool operator==(const Thumbnail&) const = default;
};

// What the job wrote beside the renditions: sound, sheets of thumbnails.
struct File {
  std::string name;
  Blob data;

  bool operator==(const File&) const = default;
};

struct Manifest {
  // Names with versions.
  std::map<std::string, std::string> software;
  Source source;
  // Properties of distsegmenter, with which the source gives the same segments again.
  std::map<std::string, std::string> cutting;
  std::vector<Rendition> renditions;
  std::vector<std::string> workers;
  // Times of day.
  std::uint64_t begun = 0;
  std::uint64_t ended = 0;
  std::vector<Segment> segments;  // By rising index.
  std::vector<Thumbnail> thumbnails;
  std::vector<File> files;

  bool operator==(const Manifest&) const = default;
};

// Hands out the manifest's blocks, the root last, and gives the root's CID. What read_manifest()
// would refuse is refused here, before any block is handed out.
Result<Cid> write_manifest(const Manifest& manifest, const PutBlock& put);

// Refuses whatever write_manifest() would not have written, in one sentence that says where it
// stands. Does not ask for the blobs.
Result<Manifest> read_manifest(const Cid& root, const GetBlock& get);

}  // namespace dist::record
