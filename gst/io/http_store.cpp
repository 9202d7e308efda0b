// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/io/http_store.h"

#include "gst/store/stored_result.h"
#include "gst/wire/session.h"

namespace dist {
namespace {

static_assert(kMaxBlob >= kMaxSegmentHeader + kMaxPayload);

}  // namespace

HttpStore::HttpStore(const std::string& url, HttpClient::Config config)
    : url_(url.substr(0, url.find_last_not_of('/') + 1)), client_(std::move(config)) {}

std::string HttpStore::folder_of(const BlobKey& key) const {
  return url_ + "/" + key_text(key).substr(0, 2) + "/";
}

std::string HttpStore::url_of(const BlobKey& key) const {
  return folder_of(key) + key_text(key);
}

StoreResult<std::optional<BytesList>> HttpStore::get(const BlobKey& key,
                                                     GCancellable* cancellable) {
  auto response = client_.send({.url = url_of(key), .max_body = kMaxBlob}, cancellable);
  if (!response)
    return response.failure();
  if (is_absent(response->status))
    return std::optional<BytesList>();
  if (response->status != 200)
    return http_error("store " + shown_url(url_), response->status);
  return std::optional(BytesList{std::move(response->body)});
}

StoreStatus HttpStore::put(const BlobKey& key, const BytesList& blob, GCancellable* cancellable) {
  if (auto status = make_folder(key, cancellable); !status)
    return status;
  const auto response = client_.send({.method = "PUT",
                                      .url = url_of(key),
                                      .headers = {"Content-Type: application/octet-stream"},
                                      .body = blob},
                                     cancellable);
  if (!response)
    return response.failure();
  if (!is_success(response->status))
    return http_error("store " + shown_url(url_), response->status);
  return kStoreOk;
}

// Servers answer a PUT into a folder that is not there with 409, and nginx with 500, which looks as
// if it would pass. Those that know no MKCOL make folders by themselves: the PUT will tell.
StoreStatus HttpStore::make_folder(const BlobKey& key, GCancellable* cancellable) {
  {
    const MutexLock lock(lock_);
    if (made_.test(key[0]))
      return kStoreOk;
  }
  const auto response = client_.send({.method = "MKCOL", .url = folder_of(key)}, cancellable);
  if (!response)
    return response.failure();
  const MutexLock lock(lock_);
  made_.set(key[0], response->status < 500);
  return kStoreOk;
}

StoreResult<std::vector<BlobKey>> HttpStore::find_missing(std::span<const BlobKey> keys,
                                                          GCancellable* cancellable) {
  std::vector<BlobKey> missing;
  for (const BlobKey& key : keys) {
    const auto response = client_.send({.method = "HEAD", .url = url_of(key)}, cancellable);
    if (!response)
      return response.failure();
    if (is_absent(response->status))
      missing.push_back(key);
    else if (!is_success(response->status))
      return http_error("store " + shown_url(url_), response->status);
  }
  return missing;
}

StoreStatus HttpStore::list(const Visit&, GCancellable*) {
  return StoreError{
      "store " + shown_url(url_) +
          ": a store on an HTTP server cannot be listed; list its folder on the server",
      StoreFault::kRefused};
}

StoreStatus HttpStore::remove(const BlobKey& key, GCancellable* cancellable) {
  const auto response = client_.send({.method = "DELETE", .url = url_of(key)}, cancellable);
  if (!response)
    return response.failure();
  if (!is_success(response->status) && !is_absent(response->status))
    return http_error("store " + shown_url(url_), response->status);
  return kStoreOk;
}

}  // namespace dist
