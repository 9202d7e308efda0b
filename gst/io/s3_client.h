// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Objects of one bucket of an S3-compatible object storage. Requests are signed by libcurl
// (AWS Signature Version 4).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "gst/io/blob_store.h"
#include "gst/io/http_client.h"

namespace dist {

struct S3Credentials {
  std::string access_key;
  std::string secret_key;
  std::string session_token = {};  // Of temporary ones.
};

// From AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, else from the profile
// AWS_PROFILE (default) of AWS_SHARED_CREDENTIALS_FILE (~/.aws/credentials).
Result<S3Credentials> find_s3_credentials();

struct S3Config {
  std::string endpoint;  // "https://s3.eu-west-1.amazonaws.com"
  std::string region;
  std::string bucket;
  bool path_style = false;  // The bucket is the first part of the path, not of the host name.
  S3Credentials credentials;
  HttpClient::Config http = {};  // Attempts and time-outs; the rest is set here.
  // Larger objects are put in parts of this size, of which a service may want at least 5 MiB.
  std::uint64_t part_size = 8u << 20;
};

// Thread-safe; calls block and can be cancelled as those of a BlobStore. Names are UTF-8.
class S3Client {
 public:
  explicit S3Client(S3Config config);

  // The object is there whole or not at all. `headers` are stored with it, such as "Cache-Control:
  // …".
  StoreStatus put(const std::string& name, const BytesList& bytes, const std::string& content_type,
                  GCancellable* cancellable, std::vector<std::string> headers = {});
  // None if there is no such object; an error if there is no such bucket, or if the object is
  // larger than kMaxBlob.
  StoreResult<std::optional<BytesList>> get(const std::string& name, GCancellable* cancellable);
  // Its size.
  StoreResult<std::optional<std::uint64_t>> head(const std::string& name,
                                                 GCancellable* cancellable);
  // Success if there is none.
  StoreStatus remove(const std::string& name, GCancellable* cancellable);
  // Calls `visit` for each object whose name begins with `prefix`, until it returns false.
  using Visit = std::function<bool(const std::string& name, std::uint64_t size)>;
  StoreStatus list(const std::string& prefix, const Visit& visit, GCancellable* cancellable);

 private:
  std::string url_of(const std::string& name) const;
  // Signed when it is sent.
  HttpRequest request(const std::string& method, const std::string& name, const std::string& query,
                      const BytesList& body, const std::vector<std::string>& headers) const;
  StoreResult<HttpResponse> send(const std::string& method, const std::string& name,
                                 const std::string& query, const BytesList& body,
                                 const std::vector<std::string>& headers,
                                 GCancellable* cancellable);
  StoreError failed(const std::string& name, const HttpResponse& response) const;
  StoreStatus put_parts(const std::string& name, const BytesList& bytes,
                        const std::vector<std::string>& headers, GCancellable* cancellable);
  StoreResult<std::string> send_parts(const std::string& name, const std::string& upload,
                                      const BytesList& bytes, GCancellable* cancellable);
  StoreStatus complete(const std::string& name, const std::string& upload, const std::string& parts,
                       std::uint64_t size, GCancellable* cancellable);

  const S3Config config_;
  HttpClient client_;
};

}  // namespace dist
