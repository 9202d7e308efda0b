// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A store that keeps within a size.
#pragma once

#include <memory>

#include "gst/io/blob_store.h"

namespace dist {

// What was not used for longest goes first, and what is held stays: then the limit is exceeded.
class LimitedStore : public BlobStore {
 public:
  LimitedStore(std::unique_ptr<EvictableStore> store, std::uint64_t limit)
      : store_(std::move(store)), limit_(limit) {}

  StoreResult<std::optional<BytesList>> get(const BlobKey& key,
                                            GCancellable* cancellable) override {
    return store_->get(key, cancellable);
  }
  // A blob that is larger than the limit is kTooLarge.
  StoreStatus put(const BlobKey& key, const BytesList& blob, GCancellable* cancellable) override;
  StoreResult<std::vector<BlobKey>> find_missing(std::span<const BlobKey> keys,
                                                 GCancellable* cancellable) override {
    return store_->find_missing(keys, cancellable);
  }
  StoreStatus list(const Visit& visit, GCancellable* cancellable) override {
    return store_->list(visit, cancellable);
  }
  StoreStatus remove(const BlobKey& key, GCancellable* cancellable) override {
    return store_->remove(key, cancellable);
  }
  StoreStatus hold(std::span<const BlobKey> keys) override { return store_->hold(keys); }
  StoreStatus publish(const Bytes& journal) override { return store_->publish(journal); }

 private:
  const std::unique_ptr<EvictableStore> store_;
  const std::uint64_t limit_;
};

}  // namespace dist
