// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What a user writes of a server. Errors say what to write instead; they begin without the URL, and
// never show user, password, key or query.
#pragma once

#include <string>

#include "gst/base/result.h"
#include "gst/io/http_client.h"
#include "gst/io/s3_client.h"

namespace dist {

struct HttpAddress {
  std::string url;  // Without user and password.
  HttpClient::Config config;
};
// http://… or https://…
Result<HttpAddress> parse_http_url(const std::string& text);

struct S3Address {
  S3Config config;     // With the credentials of find_s3_credentials().
  std::string prefix;  // Of the names of objects.
};
// s3://BUCKET/PREFIX. What is behind a "?": endpoint=URL (AWS_ENDPOINT_URL, else that of AWS),
// region=NAME (AWS_REGION, else us-east-1), style=path or style=host.
Result<S3Address> parse_s3_url(const std::string& text);

}  // namespace dist
