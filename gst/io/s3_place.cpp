// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/io/s3_place.h"

#include <vector>

#include "gst/io/gzip.h"

namespace dist {
namespace {

S3Config with_subject(S3Config config) {
  config.http.subject = "output";
  return config;
}

}  // namespace

S3Place::S3Place(S3Config config, const std::string& prefix, bool gzip)
    : prefix_(prefix.empty() || prefix.ends_with('/') ? prefix : prefix + "/"),
      gzip_(gzip),
      client_(with_subject(std::move(config))) {}

StoreStatus S3Place::put(const std::string& name, const BytesList& bytes,
                         const FileHeaders& headers, GCancellable* cancellable) {
  std::vector<std::string> stored;
  if (!headers.cache_control.empty())
    stored.push_back("Cache-Control: " + headers.cache_control);
  const bool compress = gzip_ && headers.compress;
  if (compress)
    stored.push_back("Content-Encoding: gzip");
  return client_.put(prefix_ + name, compress ? BytesList{gzip(bytes)} : bytes,
                     headers.content_type, cancellable, std::move(stored));
}

StoreStatus S3Place::remove(const std::string& name, GCancellable* cancellable) {
  return client_.remove(prefix_ + name, cancellable);
}

StoreResult<std::optional<std::uint64_t>> S3Place::size(const std::string& name,
                                                        GCancellable* cancellable) {
  return client_.head(prefix_ + name, cancellable);
}

// One that an earlier run has compressed is read too.
StoreResult<std::optional<BytesList>> S3Place::get(const std::string& name,
                                                   GCancellable* cancellable) {
  auto object = client_.get(prefix_ + name, cancellable);
  if (!object || !*object || !is_gzip(**object))
    return object;
  auto text = gunzip(**object, kMaxPlaylist);
  if (!text)
    return StoreError{"output: " + name + ": is damaged", StoreFault::kRefused};
  return std::optional(BytesList{std::move(*text)});
}

}  // namespace dist
