// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

#include "gst/io/place.h"
#include "gst/io/s3_client.h"

namespace dist {

// Objects of a bucket, whose names begin with a prefix.
class S3Place : public Place {
 public:
  // `gzip`: files that may be are stored compressed, which players see as Content-Encoding.
  S3Place(S3Config config, const std::string& prefix, bool gzip);

  StoreStatus put(const std::string& name, const BytesList& bytes, const FileHeaders& headers,
                  GCancellable* cancellable) override;
  StoreStatus remove(const std::string& name, GCancellable* cancellable) override;
  StoreResult<std::optional<std::uint64_t>> size(const std::string& name,
                                                 GCancellable* cancellable) override;
  StoreResult<std::optional<BytesList>> get(const std::string& name,
                                            GCancellable* cancellable) override;

 private:
  const std::string prefix_;  // Empty, or ends with a slash.
  const bool gzip_;
  S3Client client_;
};

}  // namespace dist
