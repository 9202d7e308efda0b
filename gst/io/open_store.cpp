// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/io/open_store.h"

#include <cstdlib>
#include <optional>
#include <string_view>

#include "gst/base/text.h"
#include "gst/io/folder_store.h"
#include "gst/io/http_store.h"
#include "gst/io/limited_store.h"
#include "gst/io/read_through_store.h"
#include "gst/io/s3_store.h"

namespace dist {
namespace {

using Opened = StoreResult<std::unique_ptr<BlobStore>>;

StoreError wrong(const std::string& text, const std::string& what) {
  return {"store '" + shown_store(text) + "': " + what, StoreFault::kRefused};
}

struct FreeUri {
  void operator()(GUri* uri) const { g_uri_unref(uri); }
};
using Uri = std::unique_ptr<GUri, FreeUri>;

// Null if it is none.
Uri parse_uri(const std::string& text) {
  return Uri(
      g_uri_parse(text.c_str(),
                  static_cast<GUriFlags>(G_URI_FLAGS_HAS_PASSWORD | G_URI_FLAGS_ENCODED_PATH |
                                         G_URI_FLAGS_ENCODED_QUERY),
                  nullptr));
}

std::string text_or(const char* text, const std::string& otherwise) {
  return text && *text != 0 ? text : otherwise;
}

// The first of these variables that is set.
std::string environment(std::initializer_list<const char*> names, const std::string& otherwise) {
  for (const char* name : names)
    if (const char* const value = std::getenv(name); value && *value != 0)
      return value;
  return otherwise;
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
  const Uri uri = parse_uri(text);
  if (!uri || text_or(g_uri_get_host(uri.get()), "").empty())
    return wrong(text,
                 "no such URL; write http://HOST/FOLDER or https://HOST/FOLDER, and \"/?#@,\" of a "
                 "password as %2F, %3F, %23, %40, %2C");
  if (g_uri_get_query(uri.get()) || g_uri_get_fragment(uri.get()))
    return wrong(text, "has a query; write only http://HOST/FOLDER");
  const std::string bare = take_string(g_uri_to_string_partial(uri.get(), G_URI_HIDE_USERINFO));
  return std::unique_ptr<BlobStore>(std::make_unique<HttpStore>(
      bare, HttpClient::Config{.user = text_or(g_uri_get_user(uri.get()), ""),
                               .password = text_or(g_uri_get_password(uri.get()), "")}));
}

// What is behind the "?" of an s3 URL; an error says what is wrong with it.
Result<S3Config> s3_options(const char* query) {
  S3Config config;
  std::string style;
  GUriParamsIter iter;
  g_uri_params_iter_init(&iter, query ? query : "", -1, "&", G_URI_PARAMS_NONE);
  gchar* name = nullptr;
  gchar* value = nullptr;
  while (g_uri_params_iter_next(&iter, &name, &value, nullptr)) {
    const std::string field = take_string(name);
    const std::string given = take_string(value);
    if (field == "endpoint")
      config.endpoint = given;
    else if (field == "region")
      config.region = given;
    else if (field == "style" && (given == "path" || given == "host"))
      style = given;
    else
      return Error{"'" + printable(field) +
                   "': write endpoint=URL, region=NAME, style=path or style=host"};
  }
  if (config.region.empty())
    config.region = environment({"AWS_REGION", "AWS_DEFAULT_REGION"}, "us-east-1");
  if (config.endpoint.empty())
    config.endpoint = environment({"AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"}, "");
  // Only AWS is known to have a host name for each bucket.
  config.path_style = style.empty() ? !config.endpoint.empty() : style == "path";
  if (config.endpoint.empty())
    config.endpoint = "https://s3." + config.region + ".amazonaws.com";
  while (config.endpoint.ends_with('/'))
    config.endpoint.pop_back();
  const Uri endpoint = parse_uri(config.endpoint);
  const std::string scheme = endpoint ? g_uri_get_scheme(endpoint.get()) : "";
  if ((scheme != "http" && scheme != "https") || g_uri_get_userinfo(endpoint.get()) ||
      config.region.find(':') != std::string::npos)
    return Error{
        "endpoint or region: write endpoint=https://HOST, without user and password, and "
        "region=NAME"};
  return config;
}

Opened open_s3(const std::string& text) {
  // Not only that of user and password: a secret key may have a slash.
  if (text.find('@') < text.find('?'))
    return wrong(text,
                 "keys do not belong into a URL; set AWS_ACCESS_KEY_ID and "
                 "AWS_SECRET_ACCESS_KEY, and write '@' of a prefix as %40");
  const Uri uri = parse_uri(text);
  const std::string bucket = uri ? text_or(g_uri_get_host(uri.get()), "") : "";
  if (bucket.empty())
    return wrong(text, "names no bucket; write s3://BUCKET/PREFIX");
  auto config = s3_options(g_uri_get_query(uri.get()));
  if (!config)
    return wrong(text, config.error());
  auto credentials = find_s3_credentials();
  if (!credentials)
    return wrong(text, credentials.error());
  config->bucket = bucket;
  config->credentials = std::move(*credentials);
  const std::string path = take_string(g_uri_unescape_string(g_uri_get_path(uri.get()), nullptr));
  const std::size_t begin = path.find_first_not_of('/');
  return std::unique_ptr<BlobStore>(std::make_unique<S3Store>(
      std::move(*config), begin == std::string::npos ? "" : path.substr(begin)));
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
