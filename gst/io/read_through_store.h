// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A fast store before a slow one that others share.
#pragma once

#include <memory>

#include "gst/io/blob_store.h"

namespace dist {

// Puts go into both. What only the slow one has is put into the fast one when it is read. An error
// of one is an error only if the other cannot help.
class ReadThroughStore : public BlobStore {
 public:
  ReadThroughStore(std::unique_ptr<BlobStore> fast, std::unique_ptr<BlobStore> slow)
      : fast_(std::move(fast)), slow_(std::move(slow)) {}

  StoreResult<std::optional<BytesList>> get(const BlobKey& key, GCancellable* cancellable) override;
  // The first error, after both were tried.
  StoreStatus put(const BlobKey& key, const BytesList& blob, GCancellable* cancellable) override;
  StoreResult<std::vector<BlobKey>> find_missing(std::span<const BlobKey> keys,
                                                 GCancellable* cancellable) override;
  // Those of the fast one, then those of the slow one.
  StoreStatus list(const Visit& visit, GCancellable* cancellable) override;
  StoreStatus remove(const BlobKey& key, GCancellable* cancellable) override;
  StoreStatus hold(std::span<const BlobKey> keys) override;

 private:
  const std::unique_ptr<BlobStore> fast_;
  const std::unique_ptr<BlobStore> slow_;
};

}  // namespace dist
