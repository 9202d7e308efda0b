// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/io/limited_store.h"

namespace dist {
namespace {

// Of the limit is left when it was exceeded, so that not each put evicts.
constexpr std::uint64_t kTenthsLeft = 9;

}  // namespace

StoreStatus LimitedStore::put(const BlobKey& key, const BytesList& blob,
                              GCancellable* cancellable) {
  if (total_size(blob) > limit_)
    return StoreError{"store: a blob of " + std::to_string(total_size(blob)) +
                          " bytes is larger than the limit of " + std::to_string(limit_),
                      StoreFault::kTooLarge};
  if (auto status = store_->put(key, blob, cancellable); !status)
    return status;
  const auto bytes = store_->bytes();
  if (!bytes)
    return bytes.failure();
  if (*bytes <= limit_)
    return kStoreOk;
  return store_->evict(limit_ / 10 * kTenthsLeft, cancellable);
}

}  // namespace dist
