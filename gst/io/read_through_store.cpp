// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/io/read_through_store.h"

namespace dist {

StoreResult<std::optional<BytesList>> ReadThroughStore::get(const BlobKey& key,
                                                            GCancellable* cancellable) {
  auto near = fast_->get(key, cancellable);
  if (near && *near)
    return near;
  auto far = slow_->get(key, cancellable);
  // A fast store that fails, and a slow one that has nothing: nobody knows.
  if (far && !*far && !near)
    return near;
  // A fast store that is full or broken only costs time.
  if (far && *far)
    (void)fast_->put(key, **far, cancellable);
  return far;
}

StoreStatus ReadThroughStore::put(const BlobKey& key, const BytesList& blob,
                                  GCancellable* cancellable) {
  auto near = fast_->put(key, blob, cancellable);
  auto far = slow_->put(key, blob, cancellable);
  return near ? far : near;
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
  auto near = fast_->remove(key, cancellable);
  auto far = slow_->remove(key, cancellable);
  return near ? far : near;
}

StoreStatus ReadThroughStore::hold(std::span<const BlobKey> keys) {
  auto near = fast_->hold(keys);
  auto far = slow_->hold(keys);
  return near ? far : near;
}

}  // namespace dist
