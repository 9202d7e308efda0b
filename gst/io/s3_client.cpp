// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/io/s3_client.h"

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "gst/base/text.h"
#include "gst/io/xml_texts.h"

namespace dist {
namespace {

// Of an upload in parts, as AWS has it.
constexpr std::uint64_t kMaxParts = 10'000;
// Names in one answer to a list, which then stays below kMaxHttpText.
constexpr unsigned kPage = 500;
// Milliseconds for the abort of an upload, which nobody can cancel.
constexpr unsigned kAbortTimeout = 3'000;

std::string environment(const char* name) {
  const char* const value = std::getenv(name);
  return value ? value : "";
}

// Of a bucket that is not there 404 speaks too.
bool is_missing(const HttpResponse& response) {
  return response.status == 404 && xml_text(response.body.span(), "Code") != "NoSuchBucket";
}

HttpClient::Config http_config(const S3Config& config) {
  HttpClient::Config http = config.http;
  http.user = config.credentials.access_key;
  http.password = config.credentials.secret_key;
  http.signature = "aws:amz:" + config.region + ":s3";
  return http;
}

std::string hex_digest(const BytesList& body) {
  return key_text(sha256(body));
}

struct FreeKeyFile {
  void operator()(GKeyFile* file) const { g_key_file_free(file); }
};

}  // namespace

Result<S3Credentials> find_s3_credentials() {
  S3Credentials found{.access_key = environment("AWS_ACCESS_KEY_ID"),
                      .secret_key = environment("AWS_SECRET_ACCESS_KEY"),
                      .session_token = environment("AWS_SESSION_TOKEN")};
  if (!found.access_key.empty() && !found.secret_key.empty())
    return found;
  std::string path = environment("AWS_SHARED_CREDENTIALS_FILE");
  if (path.empty())
    path = std::string(g_get_home_dir()) + "/.aws/credentials";
  std::string profile = environment("AWS_PROFILE");
  if (profile.empty())
    profile = "default";
  const std::unique_ptr<GKeyFile, FreeKeyFile> file(g_key_file_new());
  // Why it cannot be read is not said: the text of such an error quotes the line.
  if (g_key_file_load_from_file(file.get(), path.c_str(), G_KEY_FILE_NONE, nullptr)) {
    const auto value = [&](const char* name) {
      return take_string(g_key_file_get_string(file.get(), profile.c_str(), name, nullptr));
    };
    found = {.access_key = value("aws_access_key_id"),
             .secret_key = value("aws_secret_access_key"),
             .session_token = value("aws_session_token")};
    if (!found.access_key.empty() && !found.secret_key.empty())
      return found;
  }
  return Error{
      "S3: no credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or write the "
      "profile '" +
      profile + "' into " + path};
}

S3Client::S3Client(S3Config config) : config_(std::move(config)), client_(http_config(config_)) {}

std::string S3Client::url_of(const std::string& name) const {
  std::string url = config_.endpoint;
  if (config_.path_style)
    url += "/" + config_.bucket;
  else if (const std::size_t scheme = url.find("://"); scheme != std::string::npos)
    url.insert(scheme + 3, config_.bucket + ".");
  return url + "/" + percent_encoded(name, true);
}

HttpRequest S3Client::request(const std::string& method, const std::string& name,
                              const std::string& query, const BytesList& body,
                              const std::vector<std::string>& headers) const {
  HttpRequest request{.method = method,
                      .url = url_of(name) + (query.empty() ? "" : "?" + query),
                      .headers = headers,
                      .body = body};
  request.headers.push_back("x-amz-content-sha256: " + hex_digest(body));
  if (!config_.credentials.session_token.empty())
    request.headers.push_back("x-amz-security-token: " + config_.credentials.session_token);
  return request;
}

StoreResult<HttpResponse> S3Client::send(const std::string& method, const std::string& name,
                                         const std::string& query, const BytesList& body,
                                         const std::vector<std::string>& headers,
                                         GCancellable* cancellable) {
  return client_.send(request(method, name, query, body, headers), cancellable);
}

// Only the code: other elements of an answer may quote what was signed.
StoreError S3Client::failed(const std::string& name, const HttpResponse& response) const {
  const std::string code = xml_text(response.body.span(), "Code");
  std::string text = code;
  if (code == "NoSuchBucket")
    text += ": make the bucket '" + config_.bucket + "' first";
  return http_error("S3 " + shown_url(url_of(name)), response.status, text);
}

StoreStatus S3Client::put(const std::string& name, const BytesList& bytes,
                          const std::string& content_type, GCancellable* cancellable,
                          std::vector<std::string> headers) {
  headers.push_back("Content-Type: " + content_type);
  if (total_size(bytes) > config_.part_size)
    return put_parts(name, bytes, headers, cancellable);
  const auto response = send("PUT", name, "", bytes, headers, cancellable);
  if (!response)
    return response.failure();
  if (!is_success(response->status))
    return failed(name, *response);
  return kStoreOk;
}

StoreStatus S3Client::put_parts(const std::string& name, const BytesList& bytes,
                                const std::vector<std::string>& headers,
                                GCancellable* cancellable) {
  const auto begun = send("POST", name, "uploads=", {}, headers, cancellable);
  if (!begun)
    return begun.failure();
  const std::string upload = xml_text(begun->body.span(), "UploadId");
  if (!is_success(begun->status) || upload.empty())
    return failed(name, *begun);
  const auto parts = send_parts(name, upload, bytes, cancellable);
  const StoreStatus done = parts ? complete(name, upload, *parts, total_size(bytes), cancellable)
                                 : StoreStatus(parts.failure());
  // Parts that belong to no object cost money and are seen by nobody. A cancelled upload is
  // aborted too.
  if (!done) {
    HttpRequest abort =
        request("DELETE", name, "uploadId=" + percent_encoded(upload, false), {}, {});
    abort.attempts = 1;
    abort.timeout = kAbortTimeout;
    (void)client_.send(abort, nullptr);
  }
  return done;
}

// Returns what complete() has to send.
StoreResult<std::string> S3Client::send_parts(const std::string& name, const std::string& upload,
                                              const BytesList& bytes, GCancellable* cancellable) {
  const std::uint64_t size = total_size(bytes);
  const std::uint64_t step = std::max(config_.part_size, size / kMaxParts + 1);
  std::string parts;
  unsigned number = 1;
  for (std::uint64_t offset = 0; offset < size; offset += step, ++number) {
    const std::string query =
        "partNumber=" + std::to_string(number) + "&uploadId=" + percent_encoded(upload, false);
    const auto response = send("PUT", name, query, slice(bytes, offset, step), {}, cancellable);
    if (!response)
      return response.failure();
    const auto etag = response->headers.find("etag");
    if (!is_success(response->status) || etag == response->headers.end())
      return failed(name, *response);
    parts += "<Part><PartNumber>" + std::to_string(number) + "</PartNumber><ETag>" +
             xml_escaped(etag->second) + "</ETag></Part>";
  }
  return "<CompleteMultipartUpload>" + parts + "</CompleteMultipartUpload>";
}

StoreStatus S3Client::complete(const std::string& name, const std::string& upload,
                               const std::string& parts, std::uint64_t size,
                               GCancellable* cancellable) {
  const Bytes body = Bytes::take({parts.begin(), parts.end()});
  const auto response = send("POST", name, "uploadId=" + percent_encoded(upload, false), {body},
                             {"Content-Type: application/xml"}, cancellable);
  if (!response)
    return response.failure();
  // An answer that began before it was known may be 200 and hold an error.
  if (is_success(response->status) && xml_text(response->body.span(), "Code").empty())
    return kStoreOk;
  // The answer to the first attempt may be what was lost.
  if (response->status == 404)
    if (const auto there = head(name, cancellable); there && *there == size)
      return kStoreOk;
  return failed(name, *response);
}

StoreResult<std::optional<BytesList>> S3Client::get(const std::string& name,
                                                    GCancellable* cancellable) {
  HttpRequest whole = request("GET", name, "", {}, {});
  whole.max_body = kMaxBlob;
  auto response = client_.send(whole, cancellable);
  if (!response)
    return response.failure();
  if (is_missing(*response))
    return std::optional<BytesList>();
  if (response->status != 200)
    return failed(name, *response);
  return std::optional(BytesList{std::move(response->body)});
}

StoreResult<std::optional<std::uint64_t>> S3Client::head(const std::string& name,
                                                         GCancellable* cancellable) {
  const auto response = send("HEAD", name, "", {}, {}, cancellable);
  if (!response)
    return response.failure();
  // Has no body, so a bucket that is not there looks the same.
  if (response->status == 404)
    return std::optional<std::uint64_t>();
  if (!is_success(response->status))
    return failed(name, *response);
  const auto length = response->headers.find("content-length");
  if (length == response->headers.end())
    return std::optional<std::uint64_t>(0);
  return std::optional<std::uint64_t>(std::strtoull(length->second.c_str(), nullptr, 10));
}

StoreStatus S3Client::remove(const std::string& name, GCancellable* cancellable) {
  const auto response = send("DELETE", name, "", {}, {}, cancellable);
  if (!response)
    return response.failure();
  if (!is_success(response->status) && !is_missing(*response))
    return failed(name, *response);
  return kStoreOk;
}

StoreStatus S3Client::list(const std::string& prefix, const Visit& visit,
                           GCancellable* cancellable) {
  std::string token;
  for (;;) {
    // In the order in which they are signed.
    const std::string query =
        (token.empty() ? "" : "continuation-token=" + percent_encoded(token, false) + "&") +
        "list-type=2&max-keys=" + std::to_string(kPage) +
        "&prefix=" + percent_encoded(prefix, false);
    const auto response = send("GET", "", query, {}, {}, cancellable);
    if (!response)
      return response.failure();
    if (!is_success(response->status))
      return failed("", *response);
    token.clear();
    std::string name;
    for (const auto& [element, text] : xml_texts(response->body.span())) {
      if (element == "Key")
        name = text;
      else if (element == "NextContinuationToken")
        token = text;
      else if (element == "Size" && !visit(name, std::strtoull(text.c_str(), nullptr, 10)))
        return kStoreOk;
    }
    if (token.empty())
      return kStoreOk;
  }
}

}  // namespace dist
