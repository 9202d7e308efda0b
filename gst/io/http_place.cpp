// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/io/http_place.h"

#include <cstdlib>

namespace dist {
namespace {

constexpr char kSubject[] = "output";

HttpClient::Config with_subject(HttpClient::Config config) {
  config.subject = kSubject;
  return config;
}

}  // namespace

HttpPlace::HttpPlace(const std::string& url, HttpClient::Config config)
    : url_(url.substr(0, url.find_last_not_of('/') + 1) + "/"),
      client_(with_subject(std::move(config))) {}

StoreError HttpPlace::failed(const std::string& name, long status) const {
  return http_error(std::string(kSubject) + " " + shown_url(url_of(name)), status);
}

// Servers without MKCOL make folders by themselves: the PUT will tell.
StoreStatus HttpPlace::make_folder(const std::string& folder, GCancellable* cancellable) {
  {
    const MutexLock lock(lock_);
    if (made_.contains(folder))
      return kStoreOk;
  }
  const auto response = client_.send({.method = "MKCOL", .url = url_of(folder)}, cancellable);
  if (!response)
    return response.failure();
  const MutexLock lock(lock_);
  if (response->status < 500)
    made_.insert(folder);
  return kStoreOk;
}

StoreStatus HttpPlace::put(const std::string& name, const BytesList& bytes,
                           const FileHeaders& headers, GCancellable* cancellable) {
  if (auto status = make_folder("", cancellable); !status)
    return status;
  for (std::size_t slash = name.find('/'); slash != std::string::npos;
       slash = name.find('/', slash + 1))
    if (auto status = make_folder(name.substr(0, slash + 1), cancellable); !status)
      return status;
  HttpRequest request{.method = "PUT",
                      .url = url_of(name),
                      .headers = {"Content-Type: " + headers.content_type},
                      .body = bytes};
  if (!headers.cache_control.empty())
    request.headers.push_back("Cache-Control: " + headers.cache_control);
  const auto response = client_.send(request, cancellable);
  if (!response)
    return response.failure();
  if (!is_success(response->status))
    return failed(name, response->status);
  return kStoreOk;
}

StoreStatus HttpPlace::remove(const std::string& name, GCancellable* cancellable) {
  const auto response = client_.send({.method = "DELETE", .url = url_of(name)}, cancellable);
  if (!response)
    return response.failure();
  if (!is_success(response->status) && !is_absent(response->status))
    return failed(name, response->status);
  return kStoreOk;
}

StoreResult<std::optional<std::uint64_t>> HttpPlace::size(const std::string& name,
                                                          GCancellable* cancellable) {
  const auto response = client_.send({.method = "HEAD", .url = url_of(name)}, cancellable);
  if (!response)
    return response.failure();
  if (is_absent(response->status))
    return std::optional<std::uint64_t>();
  if (!is_success(response->status))
    return failed(name, response->status);
  const auto length = response->headers.find("content-length");
  if (length == response->headers.end())
    return std::optional<std::uint64_t>();
  return std::optional<std::uint64_t>(std::strtoull(length->second.c_str(), nullptr, 10));
}

StoreResult<std::optional<BytesList>> HttpPlace::get(const std::string& name,
                                                     GCancellable* cancellable) {
  auto response = client_.send({.url = url_of(name), .max_body = kMaxPlaylist}, cancellable);
  if (!response)
    return response.failure();
  if (is_absent(response->status))
    return std::optional<BytesList>();
  if (response->status != 200)
    return failed(name, response->status);
  return std::optional(BytesList{std::move(response->body)});
}

}  // namespace dist
