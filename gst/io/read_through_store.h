// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A fast store before a slow one that others share.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "gst/io/blob_store.h"

namespace dist {

// Puts go into both. What only the slow one has is put into the fast one when it is read. The fast
// one may fail, except in list(); where it answers get() or find_missing() alone, so may the slow
// one. A fast one that was full once is put into no more.
class ReadThroughStore : public BlobStore {
 public:
  // Is told once that the fast one could not be read, in a sentence. Any thread.
  using Warn = std::function<void(const std::string& text)>;

  ReadThroughStore(std::unique_ptr<BlobStore> fast, std::unique_ptr<BlobStore> slow, Warn warn)
      : fast_(std::move(fast)), slow_(std::move(slow)), warn_(std::move(warn)) {}

  StoreResult<std::optional<BytesList>> get(const BlobKey& key, GCancellable* cancellable) override;
  StoreStatus put(const BlobKey& key, const BytesList& blob, GCancellable* cancellable) override;
  StoreResult<std::vector<BlobKey>> find_missing(std::span<const BlobKey> keys,
                                                 GCancellable* cancellable) override;
  // Those of the fast one, then those of the slow one.
  StoreStatus list(const Visit& visit, GCancellable* cancellable) override;
  StoreStatus remove(const BlobKey& key, GCancellable* cancellable) override;
  StoreStatus hold(std::span<const BlobKey> keys) override;
  StoreStatus publish(const Bytes& journal) override;

 private:
  void put_fast(const BlobKey& key, const BytesList& blob, GCancellable* cancellable);

  const std::unique_ptr<BlobStore> fast_;
  const std::unique_ptr<BlobStore> slow_;
  const Warn warn_;
  std::atomic<bool> fast_is_full_ = false;
  std::atomic<bool> has_warned_ = false;
};

}  // namespace dist
