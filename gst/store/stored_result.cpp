// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/store/stored_result.h"

#include <algorithm>
#include <utility>

namespace dist {
namespace {

constexpr std::uint32_t kMagic = 0x53455244;  // "DRES"
constexpr std::uint16_t kVersion = 1;
constexpr std::size_t kPrefix = 24;
constexpr std::size_t kDigestSize = 32;
constexpr std::size_t kFrameSize = 16;
constexpr std::size_t kMaxAbout = 16u << 10;
constexpr std::size_t kMaxCaps = 256u << 10;

Bytes write_head(const BlobKey& key, const StoredResult& stored) {
  ByteWriter out(kPrefix + kDigestSize + 12 + stored.about.size() + stored.caps.size() +
                 stored.frames.size() * kFrameSize);
  out.u32(kMagic);
  out.u16(kVersion);
  out.u16(0);
  const std::size_t size_at = out.size();
  out.u32(0);
  out.u32(static_cast<std::uint32_t>(stored.frames.size()));
  out.u64(total_size(stored.payload));
  out.bytes(key);
  out.u32(stored.reorder_depth);
  out.string(stored.about);
  out.string(stored.caps);
  for (const StoredFrame& frame : stored.frames) {
    out.u32(frame.rank);
    out.u32(frame.flags);
    out.u64(frame.size);
  }
  out.patch_u32(size_at, static_cast<std::uint32_t>(out.size()));
  return Bytes::take(out.take());
}

Status read_frames(ByteReader& in, std::uint32_t count, std::uint64_t payload,
                   StoredResult& stored) {
  if (!in.ok() || in.remaining() != std::uint64_t{count} * kFrameSize)
    return Error{"stored result: its parts do not add up to its size"};
  stored.frames.reserve(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    StoredFrame frame;
    frame.rank = in.u32();
    frame.flags = in.u32();
    frame.size = in.u64();
    // Each is checked against what is left, so the sum cannot wrap around.
    if (frame.size > payload)
      return Error{"stored result: frames are larger than the payload"};
    payload -= frame.size;
    stored.frames.push_back(frame);
  }
  if (payload != 0)
    return Error{"stored result: frames are smaller than the payload"};
  return {};
}

}  // namespace

std::string about_result(const RenditionSpec& spec, const Encoder& encoder) {
  return to_string({spec}) + " by " + encoder.name + " " + encoder.version;
}

Result<BytesList> store_result(const BlobKey& key, const std::string& about,
                               const SegmentHeader& source, const std::vector<Time>& frames,
                               const SegmentHeader& result, const BytesList& segment) {
  const std::string subject =
      "segment " + std::to_string(result.index) + ", rendition '" + result.rendition + "': ";
  if (frames.empty() || result.presentation_times() != frames)
    return Error{subject + "does not have all frames"};
  const std::vector<Time> shown = source.presentation_times();
  StoredResult stored{.about = std::string(clip(about, kMaxAbout)),
                      .caps = result.caps,
                      .reorder_depth = result.reorder_depth,
                      .frames = {},
                      .payload = slice(segment, total_size(segment) - result.payload_size(),
                                       result.payload_size())};
  for (const AccessUnit& unit : result.units) {
    if ((unit.flags & kFlagCorrupted) != 0)
      return Error{subject + "has damaged frames"};
    const auto rank = std::ranges::lower_bound(shown, unit.show) - shown.begin();
    stored.frames.push_back({static_cast<std::uint32_t>(rank), unit.flags, unit.size});
  }
  const auto restored = restore_result(stored, source, result.rendition);
  if (!restored || restored->header != result || result.caps.size() > kMaxCaps)
    return Error{subject + "its header does not follow from that of its source"};
  BytesList blob{write_head(key, stored)};
  blob.insert(blob.end(), stored.payload.begin(), stored.payload.end());
  const auto digest = sha256(blob);
  blob.push_back(Bytes::take({digest.begin(), digest.end()}));
  return blob;
}

std::string about_stored_result(const Bytes& begin) {
  ByteReader in(begin.span());
  if (in.u32() != kMagic || in.u16() != kVersion)
    return "";
  in.bytes(kPrefix - 6 + kDigestSize + 4);
  return in.string(kMaxAbout);
}

Result<StoredResult> read_stored_result(const BlobKey& key, const BytesList& blob) {
  const std::uint64_t size = total_size(blob);
  if (size < kPrefix + kDigestSize)
    return Error{"stored result: truncated"};
  const Bytes digest = joined_slice(blob, size - kDigestSize, kDigestSize);
  if (!std::ranges::equal(digest.span(), sha256(slice(blob, 0, size - kDigestSize))))
    return Error{"stored result: the checksum does not fit, the bytes are damaged"};
  const Bytes prefix = joined_slice(blob, 0, kPrefix);
  ByteReader start(prefix.span());
  if (start.u32() != kMagic || start.u16() != kVersion || start.u16() != 0)
    return Error{"stored result: of a form that this program does not read"};
  const std::uint32_t head_size = start.u32();
  const std::uint32_t count = start.u32();
  const std::uint64_t payload = start.u64();
  if (head_size < kPrefix || head_size > kMaxSegmentHeader || head_size > size - kDigestSize ||
      payload != size - kDigestSize - head_size)
    return Error{"stored result: impossible size"};

  const Bytes head = joined_slice(blob, 0, head_size);
  ByteReader in(head.span().subspan(kPrefix));
  if (!std::ranges::equal(in.bytes(key.size()), key))
    return Error{"stored result: it lies under the key of another one"};
  StoredResult stored;
  stored.reorder_depth = in.u32();
  stored.about = in.string(kMaxAbout);
  stored.caps = in.string(kMaxCaps);
  if (Status status = read_frames(in, count, payload, stored); !status)
    return Error{status.error()};
  stored.payload = slice(blob, head_size, payload);
  return stored;
}

Status check_stored_result(const BlobKey& key, const BytesList& blob) {
  const auto stored = read_stored_result(key, blob);
  return stored ? Status() : Error{stored.error()};
}

Result<JoinedResult> join_stored_result(const Bytes& head, const BytesList& payload) {
  JoinedResult joined;
  if (head.size() < kPrefix + joined.key.size())
    return Error{"stored result: truncated"};
  std::ranges::copy(head.span().subspan(kPrefix, joined.key.size()), joined.key.begin());
  joined.blob.push_back(head);
  joined.blob.insert(joined.blob.end(), payload.begin(), payload.end());
  const auto digest = sha256(joined.blob);
  joined.blob.push_back(Bytes::take({digest.begin(), digest.end()}));
  if (const Status status = check_stored_result(joined.key, joined.blob); !status)
    return Error{status.error()};
  return joined;
}

Result<RestoredResult> restore_result(const StoredResult& stored, const SegmentHeader& source,
                                      const std::string& rendition) {
  const std::vector<Time> shown = source.presentation_times();
  const std::vector<Time> durations = source.frame_durations();
  RestoredResult restored;
  SegmentHeader& header = restored.header;
  header = {.stream_id = source.stream_id,
            .index = source.index,
            .start = source.start,
            .stop = source.stop,
            .last = source.last,
            .rendition = rendition,
            .caps = stored.caps,
            .time_segment = source.time_segment,
            .first_unit = 0,
            .reorder_depth = stored.reorder_depth,
            .units = {}};
  for (const StoredFrame& frame : stored.frames) {
    if (frame.rank >= shown.size())
      return Error{"segment " + std::to_string(source.index) + ": stored result: has frame " +
                   std::to_string(frame.rank) + ", the segment only " +
                   std::to_string(shown.size())};
    header.units.push_back({.pts = shown[frame.rank],
                            .dts = kNoTime,
                            .duration = durations[frame.rank],
                            .show = shown[frame.rank],
                            .flags = frame.flags,
                            .size = frame.size});
  }
  restored.segment.push_back(serialize(header));
  // A checksum fits whatever somebody else has written.
  const Bytes& written = restored.segment.front();
  if (const auto parsed = parse_header(written.span(), written.size() + total_size(stored.payload));
      !parsed)
    return Error{"segment " + std::to_string(source.index) + ": stored result: " + parsed.error()};
  restored.segment.insert(restored.segment.end(), stored.payload.begin(), stored.payload.end());
  return restored;
}

}  // namespace dist
