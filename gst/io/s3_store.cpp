// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/io/s3_store.h"

namespace dist {
namespace {

constexpr char kContentType[] = "application/octet-stream";

}  // namespace

S3Store::S3Store(S3Config config, const std::string& prefix)
    : prefix_(prefix.empty() || prefix.ends_with('/') ? prefix : prefix + "/"),
      client_(std::move(config)) {}

std::string S3Store::name_of(const BlobKey& key) const {
  const std::string name = key_text(key);
  return prefix_ + name.substr(0, 2) + "/" + name;
}

StoreResult<std::optional<BytesList>> S3Store::get(const BlobKey& key, GCancellable* cancellable) {
  return client_.get(name_of(key), cancellable);
}

StoreStatus S3Store::put(const BlobKey& key, const BytesList& blob, GCancellable* cancellable) {
  return client_.put(name_of(key), blob, kContentType, cancellable);
}

StoreResult<std::vector<BlobKey>> S3Store::find_missing(std::span<const BlobKey> keys,
                                                        GCancellable* cancellable) {
  std::vector<BlobKey> missing;
  for (const BlobKey& key : keys) {
    const auto size = client_.head(name_of(key), cancellable);
    if (!size)
      return size.failure();
    if (!*size)
      missing.push_back(key);
  }
  return missing;
}

// Objects of other names are somebody else's.
StoreStatus S3Store::list(const Visit& visit, GCancellable* cancellable) {
  return client_.list(
      prefix_,
      [&](const std::string& name, std::uint64_t size) {
        const auto key = key_from_text(std::string_view(name).substr(name.rfind('/') + 1));
        return !key || name != name_of(*key) || visit({*key, size});
      },
      cancellable);
}

StoreStatus S3Store::remove(const BlobKey& key, GCancellable* cancellable) {
  return client_.remove(name_of(key), cancellable);
}

}  // namespace dist
