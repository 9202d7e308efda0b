// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Blobs on a server that takes PUT, as nginx does with dav_methods.
#pragma once

#include <bitset>
#include <string>

#include "gst/base/mutex.h"
#include "gst/io/blob_store.h"
#include "gst/io/http_client.h"

namespace dist {

// The blob of a key is at URL/ab/KEY, where ab are the key's first digits. Cannot be listed.
class HttpStore : public BlobStore {
 public:
  // `url` has no user and no password; those are in `config`.
  explicit HttpStore(const std::string& url, HttpClient::Config config = {});

  StoreResult<std::optional<BytesList>> get(const BlobKey& key, GCancellable* cancellable) override;
  StoreStatus put(const BlobKey& key, const BytesList& blob, GCancellable* cancellable) override;
  StoreResult<std::vector<BlobKey>> find_missing(std::span<const BlobKey> keys,
                                                 GCancellable* cancellable) override;
  StoreStatus list(const Visit& visit, GCancellable* cancellable) override;
  StoreStatus remove(const BlobKey& key, GCancellable* cancellable) override;

 private:
  StoreStatus make_folder(const BlobKey& key, GCancellable* cancellable);
  std::string folder_of(const BlobKey& key) const;
  std::string url_of(const BlobKey& key) const;

  const std::string url_;  // Ends without a slash.
  HttpClient client_;
  Mutex lock_;
  std::bitset<256> made_ GUARDED_BY(lock_);  // Folders, by the first byte of their keys.
};

}  // namespace dist
