// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Requests to an HTTP server, on libcurl: the one place that knows of time-outs, retries and what
// an error may show.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "gst/base/mutex.h"
#include "gst/io/blob_store.h"

namespace dist {

// Of a body that is no blob: a list, an error.
inline constexpr std::uint64_t kMaxHttpText = 1u << 20;

struct HttpRequest {
  std::string method = "GET";
  std::string url;                        // Without user and password.
  std::vector<std::string> headers = {};  // "name: value".
  BytesList body = {};                    // Sent with PUT and POST.
  // Bytes of the response's body if its status is 200 or 206; kMaxHttpText with any other. A larger
  // one is an error.
  std::uint64_t max_body = kMaxHttpText;
  unsigned attempts = 0;  // 0: as many as the client has for the method.
  unsigned timeout = 0;   // Milliseconds of one attempt; 0: as long as bytes move.
};

struct HttpResponse {
  long status = 0;
  std::map<std::string, std::string> headers = {};  // Names in lower case.
  Bytes body = {};
};

// Thread-safe: as many requests as threads run at once, each on a connection of its own, which is
// kept for the next.
class HttpClient {
 public:
  struct Config {
    std::string subject = "store";  // What errors begin with, before the URL.
    std::string user = {};
    std::string password = {};
    // For CURLOPT_AWS_SIGV4, as in "aws:amz:eu-west-1:s3"; user and password are the keys then.
    // Empty: basic authentication, if there is a user.
    std::string signature = {};
    // A blob that cannot be read is encoded anew, so reading need not wait for long.
    unsigned read_attempts = 2;  // GET and HEAD.
    unsigned attempts = 3;       // All others.
    unsigned first_pause = 100;  // Milliseconds before the second attempt; doubles with each.
    unsigned connect_timeout = 10'000;  // Milliseconds.
    unsigned stall_timeout = 60;        // Seconds in which no byte moves.
  };

  explicit HttpClient(Config config);
  ~HttpClient();

  // The response, whatever its status. What may pass is tried again: 429, 500, 502, 503, 504, and
  // connections that cannot be made or break. So a request must be one that may be repeated.
  StoreResult<HttpResponse> send(const HttpRequest& request, GCancellable* cancellable);

 private:
  struct Connection;
  class Attempt;

  std::unique_ptr<Connection> take();

  const Config config_;
  Mutex lock_;
  std::vector<std::unique_ptr<Connection>> idle_ GUARDED_BY(lock_);
};

// As errors may show it: without user, password and query, of texts too that are no URLs. What
// stands before an '@' is not shown, also where the '@' belongs to a path.
std::string shown_url(const std::string& url);

inline bool is_success(long status) {
  return status >= 200 && status < 300;
}
inline bool is_absent(long status) {
  return status == 404 || status == 410;
}

// What a status says that is none of success.
StoreError http_error(const std::string& subject, long status, const std::string& text = {});

// All but letters, digits and "-._~" as %XX; slashes stay if `path`.
std::string percent_encoded(const std::string& text, bool path);

}  // namespace dist
