// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A store that gives nothing but what passes a check.
#pragma once

#include <functional>
#include <memory>

#include "gst/io/blob_store.h"

namespace dist {

class CheckedStore : public BlobStore {
 public:
  // Success if this is the blob of this key. Any thread.
  using Check = std::function<Status(const BlobKey& key, const BytesList& blob)>;
  // Is told of each blob that is not, in a sentence. Any thread.
  using Warn = std::function<void(const std::string& text)>;

  // A blob that does not pass is absent, and is removed from `store`. `where` names the store in
  // warnings.
  CheckedStore(std::unique_ptr<BlobStore> store, std::string where, Check check, Warn warn)
      : store_(std::move(store)),
        where_(std::move(where)),
        check_(std::move(check)),
        warn_(std::move(warn)) {}

  StoreResult<std::optional<BytesList>> get(const BlobKey& key, GCancellable* cancellable) override;
  StoreStatus put(const BlobKey& key, const BytesList& blob, GCancellable* cancellable) override {
    return store_->put(key, blob, cancellable);
  }
  // Says what is there, not what passes.
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
  const std::unique_ptr<BlobStore> store_;
  const std::string where_;
  const Check check_;
  const Warn warn_;
};

}  // namespace dist
