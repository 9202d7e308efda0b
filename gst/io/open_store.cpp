// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/io/open_store.h"

#include <optional>
#include <string_view>

#include "gst/base/text.h"
#include "gst/io/folder_store.h"
#include "gst/io/http_store.h"
#include "gst/io/limited_store.h"
#include "gst/io/read_through_store.h"
#include "gst/io/s3_store.h"
#include "gst/io/store_url.h"

namespace dist {
namespace {

using Opened = StoreResult<std::unique_ptr<BlobStore>>;

StoreError wrong(const std::string& text, const std::string& what) {
  return {"store '" + shown_store(text) + "': " + what, StoreFault::kRefused};
}

Opened open_folder(const std::string& path, const StoreOptions& options) {
  if (path.empty())
    return StoreError{"store: no folder is named; write a path", StoreFault::kRefused};
  auto folder = FolderStore::open(path);
  if (!folder)
    return folder.failure();
  if (options.folder_limit == 0)
    return std::unique_ptr<BlobStore>(std::move(*folder));
  return std::unique_ptr<BlobStore>(
      std::make_unique<LimitedStore>(std::move(*folder), options.folder_limit));
}

Opened open_http(const std::string& text) {
  auto address = parse_http_url(text);
  if (!address)
    return wrong(text, address.error());
  return std::unique_ptr<BlobStore>(
      std::make_unique<HttpStore>(address->url, std::move(address->config)));
}

Opened open_s3(const std::string& text) {
  auto address = parse_s3_url(text);
  if (!address)
    return wrong(text, address.error());
  return std::unique_ptr<BlobStore>(
      std::make_unique<S3Store>(std::move(address->config), address->prefix));
}

Opened open_one(const std::string& text, const StoreOptions& options) {
  if (text.starts_with("http://") || text.starts_with("https://"))
    return open_http(text);
  if (text.starts_with("s3://"))
    return open_s3(text);
  if (const auto folder = folder_of_store(text))
    return open_folder(*folder, options);
  return wrong(text, "no such kind of store; write a folder, http://, https:// or s3://");
}

// A password with a comma would be shown as a part of two stores, and be the name of a folder.
bool is_rest_of_password(std::string_view before, std::string_view part) {
  return before.find("://") != std::string_view::npos &&
         before.find('@') == std::string_view::npos && part.find('@') != std::string_view::npos &&
         !part.starts_with("http://") && !part.starts_with("https://") &&
         !part.starts_with("s3://");
}

StoreResult<std::vector<std::string>> split(const std::vector<std::string>& texts) {
  std::vector<std::string> parts;
  for (std::string_view rest : texts) {
    std::string_view url;  // The last one; what has followed it may be its password.
    for (;;) {
      const std::size_t comma = rest.find(',');
      const std::string_view part = rest.substr(0, comma);
      if (is_rest_of_password(url, part))
        return StoreError{"store '" + shown_store(std::string(url.substr(0, url.find("://") + 3))) +
                              "...': a comma before an '@'; write ',' of a password as %2C, and a "
                              "folder with '@' as file:///FOLDER with %40",
                          StoreFault::kRefused};
      if (part.find("://") != std::string_view::npos && !part.starts_with("file:"))
        url = part;
      parts.emplace_back(part);
      if (comma == std::string_view::npos)
        break;
      rest.remove_prefix(comma + 1);
    }
  }
  return parts;
}

}  // namespace

StoreResult<std::unique_ptr<BlobStore>> open_store(const std::vector<std::string>& texts,
                                                   const StoreOptions& options) {
  const auto parts = split(texts);
  if (!parts)
    return parts.failure();
  std::unique_ptr<BlobStore> chain;
  // The slowest first: each faster one stands before those that are there.
  for (auto part = parts->rbegin(); part != parts->rend(); ++part) {
    auto store = open_one(*part, options);
    if (!store)
      return store.failure();
    auto checked = std::make_unique<CheckedStore>(std::move(*store), shown_store(*part),
                                                  options.check, options.warn);
    if (chain)
      chain =
          std::make_unique<ReadThroughStore>(std::move(checked), std::move(chain), options.warn);
    else
      chain = std::move(checked);
  }
  if (!chain)
    return StoreError{"store: none is named", StoreFault::kRefused};
  return chain;
}

StoreResult<std::unique_ptr<BlobStore>> open_bare_store(const std::string& text) {
  return open_one(text, {});
}

std::optional<std::string> folder_of_store(const std::string& text) {
  if (text.starts_with("file:")) {
    const std::string path = take_string(g_filename_from_uri(text.c_str(), nullptr, nullptr));
    return path.empty() ? text.substr(5) : path;
  }
  return text.find("://") == std::string::npos ? std::optional(text) : std::nullopt;
}

std::string store_of_folder(const std::string& path) {
  if (path.find(',') == std::string::npos && path.find("://") == std::string::npos)
    return path;
  std::string uri = take_string(g_filename_to_uri(path.c_str(), nullptr, nullptr));
  for (std::size_t at = 0; (at = uri.find(',', at)) != std::string::npos;)
    uri.replace(at, 1, "%2C");
  return uri;
}

std::string shown_store(const std::string& text) {
  return shown_url(text);
}

}  // namespace dist
