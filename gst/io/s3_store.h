// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

#include "gst/io/blob_store.h"
#include "gst/io/s3_client.h"

namespace dist {

// Blobs as objects PREFIX/ab/KEY of a bucket, where ab are the key's first digits.
class S3Store : public BlobStore {
 public:
  // `prefix` may be empty.
  S3Store(S3Config config, const std::string& prefix);

  StoreResult<std::optional<BytesList>> get(const BlobKey& key, GCancellable* cancellable) override;
  StoreStatus put(const BlobKey& key, const BytesList& blob, GCancellable* cancellable) override;
  StoreResult<std::vector<BlobKey>> find_missing(std::span<const BlobKey> keys,
                                                 GCancellable* cancellable) override;
  StoreStatus list(const Visit& visit, GCancellable* cancellable) override;
  StoreStatus remove(const BlobKey& key, GCancellable* cancellable) override;

 private:
  std::string name_of(const BlobKey& key) const;

  const std::string prefix_;  // Empty, or ends with a slash.
  S3Client client_;
};

}  // namespace dist
