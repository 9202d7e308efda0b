// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/io/read_through_store.h"

namespace dist {

StoreResult<std::optional<BytesList>> ReadThroughStore::get(const BlobKey& key,
                                                            GCancellable* cancellable) {
  auto near = fast_->get(key, cancellable);
  if (near && *near)
    return near;
  if (!near && near.failure().fault != StoreFault::kCancelled && !has_warned_.exchange(true))
    warn_(near.error());
  auto far = slow_->get(key, cancellable);
  if (far && *far)
    put_fast(key, **far, cancellable);
  return far;
}

// A fast store that is full or broken only costs time.
void ReadThroughStore::put_fast(const BlobKey& key, const BytesList& blob,
                                GCancellable* cancellable) {
  if (fast_is_full_)
    return;
  const auto status = fast_->put(key, blob, cancellable);
  if (!status && status.failure().fault == StoreFault::kFull)
    fast_is_full_ = true;
}

StoreStatus ReadThroughStore::put(const BlobKey& key, const BytesList& blob,
                                  GCancellable* cancellable) {
  put_fast(key, blob, cancellable);
  return slow_->put(key, blob, cancellable);
}

StoreResult<std::vector<BlobKey>> ReadThroughStore::find_missing(std::span<const BlobKey> keys,
                                                                 GCancellable* cancellable) {
  const auto near = fast_->find_missing(keys, cancellable);
  if (near && near->empty())
    return near;
  return slow_->find_missing(near ? std::span<const BlobKey>(*near) : keys, cancellable);
}

StoreStatus ReadThroughStore::list(const Visit& visit, GCancellable* cancellable) {
  bool more = true;
  auto near = fast_->list([&](const BlobInfo& info) { return more = visit(info); }, cancellable);
  if (!near || !more)
    return near;
  return slow_->list(visit, cancellable);
}

StoreStatus ReadThroughStore::remove(const BlobKey& key, GCancellable* cancellable) {
  (void)fast_->remove(key, cancellable);
  return slow_->remove(key, cancellable);
}

StoreStatus ReadThroughStore::hold(std::span<const BlobKey> keys) {
  (void)fast_->hold(keys);
  return slow_->hold(keys);
}

StoreStatus ReadThroughStore::publish(const Bytes& journal) {
  (void)fast_->publish(journal);
  return slow_->publish(journal);
}

}  // namespace dist
