// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/gst-dist/record/record_check.h"

#include <algorithm>
#include <utility>

#include "gst/base/text.h"
#include "gst/film/cut_film.h"
#include "gst/film/film_reach.h"
#include "gst/gstx/segment_buffer.h"
#include "gst/job/source_digest.h"
#include "gst/record/unixfs.h"
#include "tools/gst-dist/advice.h"

namespace dist::tool {
namespace {

using record::Manifest;
using record::Segment;

// Whether the blob has as many bytes as the manifest tells.
Status check_size(record::FileSizes& sizes, const record::Blob& blob, const std::string& what) {
  const auto bytes = sizes.size_of(blob.cid);
  if (!bytes)
    return Error{what + ": " + bytes.error()};
  if (*bytes == blob.bytes)
    return {};
  return Error{what + ": has " + count_text(*bytes, "byte") + ", and " +
               std::to_string(blob.bytes) + " by the manifest"};
}

Status check_sizes(const record::GetBlock& get, const Manifest& manifest) {
  record::FileSizes sizes(get);
  for (const Segment& segment : manifest.segments)
    for (std::size_t i = 0; i < segment.encoded.size(); ++i)
      if (Status status = check_size(sizes, segment.encoded[i].data,
                                     "segment " + std::to_string(segment.index) + ", rendition '" +
                                         manifest.renditions[i].name + "'");
          !status)
        return status;
  for (const record::Rendition& rendition : manifest.renditions)
    if (rendition.output)
      if (Status status = check_size(sizes, *rendition.output,
                                     "the file of rendition '" + rendition.name + "'");
          !status)
        return status;
  for (std::size_t i = 0; i < manifest.thumbnails.size(); ++i)
    if (Status status =
            check_size(sizes, manifest.thumbnails[i].image, "thumbnail " + std::to_string(i));
        !status)
      return status;
  for (const record::File& file : manifest.files)
    if (Status status = check_size(sizes, file.data, "the file " + file.name); !status)
      return status;
  return {};
}

// Segments of the film against those of the manifest, in their order.
class Comparison {
 public:
  explicit Comparison(const Manifest& manifest) : manifest_(manifest) {}

  // False if it does not fit.
  bool take(GstBuffer* buffer) {
    const auto header = read_header(buffer);
    if (!header)
      return refuse(header.error());
    const std::string subject = "segment " + std::to_string(header->index);
    if (next_ == manifest_.segments.size())
      return refuse(subject + " is not in the record");
    const Segment& segment = manifest_.segments[next_++];
    if (header->index != segment.index)
      return refuse("segment " + std::to_string(std::min(segment.index, header->index)) +
                    (header->index < segment.index ? " is not in the record"
                                                   : " of the record is not in the film"));
    const auto payload = payload_cid(buffer, *header);
    if (!payload)
      return refuse(payload.error());
    if (*payload != segment.payload)
      return refuse(subject + " has other bytes than in the record");
    if (header->start != segment.start || header->stop - header->start != segment.duration)
      return refuse(subject + " is shown at another time than in the record");
    return true;
  }

  // What did not fit; empty if all did.
  std::string flaw() const {
    if (flaw_.empty() && next_ < manifest_.segments.size())
      return "segment " + std::to_string(manifest_.segments[next_].index) +
             " of the record is not in the film";
    return flaw_;
  }
  bool refused() const { return !flaw_.empty(); }

 private:
  bool refuse(std::string flaw) {
    flaw_ = std::move(flaw);
    return false;
  }

  static Result<record::Cid> payload_cid(GstBuffer* buffer, const SegmentHeader& header) {
    record::FileBuilder builder([](const record::Block&) { return Status(); });
    for (const Bytes& piece : payload_of(buffer, header))
      if (const Status status = builder.write(piece); !status)
        return Error{status.error()};
    return builder.finish();
  }

  const Manifest& manifest_;
  std::size_t next_ = 0;
  std::string flaw_;
};

}  // namespace

Result<CheckedCar> check_car(const CarFile& car) {
  CheckedCar checked;
  checked.has_blobs = car.has_blobs();
  const record::GetBlock get = car.get();
  const bool is_manifest = car.root().codec == record::Codec::kDagCbor;
  const auto size = record::walk_dag(
      car.root(),
      checked.has_blobs || !is_manifest ? record::Scope::kAll : record::Scope::kManifest, get,
      [](const record::Block&) { return Status(); });
  if (!size)
    return Error{size.error()};
  checked.size = *size;
  if (!is_manifest)
    return checked;
  auto manifest = record::read_manifest(car.root(), get);
  if (!manifest)
    return Error{manifest.error()};
  if (checked.has_blobs)
    if (const Status status = check_sizes(get, *manifest); !status)
      return Error{status.error()};
  checked.manifest = std::move(*manifest);
  return checked;
}

Status check_film(const Manifest& manifest, const Film& film, const std::string& name) {
  const auto refuse = [&name](const std::string& why) { return Error{name + ": " + why}; };
  // The file is read for both at the same time.
  const std::string path = take_string(g_filename_from_uri(film.uri.c_str(), nullptr, nullptr));
  std::optional<SourceDigest> digest;
  if (manifest.source.sha256 && !path.empty())
    digest.emplace(path);
  Comparison comparison(manifest);
  const CutEnd end =
      cut_film(film, manifest.cutting,
               {.segment = [&comparison](GstBuffer* segment) { return comparison.take(segment); }});
  if (const auto link = film.reach->refused())
    return refuse(advised(*link));
  if (!comparison.refused() && !end.flaw.empty())
    return refuse(end.flaw);
  if (const std::string flaw = comparison.flaw(); !flaw.empty())
    return refuse("is not the film of the record: " + flaw);
  if (!digest)
    return {};
  const auto& found = digest->await();
  if (!found)
    return Error{found.error()};
  if (found->sha256 != *manifest.source.sha256 || found->bytes != manifest.source.bytes)
    return refuse("has the video of the record, but is another file: the SHA-256 differs");
  return {};
}

}  // namespace dist::tool
