// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <set>
#include <string>

#include "gst/base/mutex.h"
#include "gst/io/http_client.h"
#include "gst/io/place.h"

namespace dist {

// Files on a server that takes PUT, as nginx does with dav_methods. The server compresses them by
// itself, if at all.
class HttpPlace : public Place {
 public:
  // `url` has no user and no password; those are in `config`.
  HttpPlace(const std::string& url, HttpClient::Config config);

  StoreStatus put(const std::string& name, const BytesList& bytes, const FileHeaders& headers,
                  GCancellable* cancellable) override;
  StoreStatus remove(const std::string& name, GCancellable* cancellable) override;
  StoreResult<std::optional<std::uint64_t>> size(const std::string& name,
                                                 GCancellable* cancellable) override;
  StoreResult<std::optional<BytesList>> get(const std::string& name,
                                            GCancellable* cancellable) override;

 private:
  std::string url_of(const std::string& name) const { return url_ + percent_encoded(name, true); }
  StoreError failed(const std::string& name, long status) const;
  StoreStatus make_folder(const std::string& folder, GCancellable* cancellable);

  const std::string url_;  // Ends with a slash.
  HttpClient client_;
  Mutex lock_;
  std::set<std::string> made_ GUARDED_BY(lock_);  // Folders below it, and itself as "".
};

}  // namespace dist
