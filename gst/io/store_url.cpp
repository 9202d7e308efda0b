// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/io/store_url.h"

#include <cstdlib>
#include <initializer_list>
#include <memory>

#include "gst/base/text.h"

namespace dist {
namespace {

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

}  // namespace

Result<HttpAddress> parse_http_url(const std::string& text) {
  const Uri uri = parse_uri(text);
  if (!uri || text_or(g_uri_get_host(uri.get()), "").empty())
    return Error{
        "no such URL; write http://HOST/FOLDER or https://HOST/FOLDER, and \"/?#@,\" of a "
        "password as %2F, %3F, %23, %40, %2C"};
  if (g_uri_get_query(uri.get()) || g_uri_get_fragment(uri.get()))
    return Error{"has a query; write only http://HOST/FOLDER"};
  return HttpAddress{.url = take_string(g_uri_to_string_partial(uri.get(), G_URI_HIDE_USERINFO)),
                     .config = {.user = text_or(g_uri_get_user(uri.get()), ""),
                                .password = text_or(g_uri_get_password(uri.get()), "")}};
}

Result<S3Address> parse_s3_url(const std::string& text) {
  // Not only that of user and password: a secret key may have a slash.
  if (text.find('@') < text.find('?'))
    return Error{
        "keys do not belong into a URL; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and write "
        "'@' of a prefix as %40"};
  const Uri uri = parse_uri(text);
  const std::string bucket = uri ? text_or(g_uri_get_host(uri.get()), "") : "";
  if (bucket.empty())
    return Error{"names no bucket; write s3://BUCKET/PREFIX"};
  auto config = s3_options(g_uri_get_query(uri.get()));
  if (!config)
    return Error{config.error()};
  auto credentials = find_s3_credentials();
  if (!credentials)
    return Error{credentials.error()};
  config->bucket = bucket;
  config->credentials = std::move(*credentials);
  const std::string path = take_string(g_uri_unescape_string(g_uri_get_path(uri.get()), nullptr));
  const std::size_t begin = path.find_first_not_of('/');
  return S3Address{.config = std::move(*config),
                   .prefix = begin == std::string::npos ? "" : path.substr(begin)};
}

}  // namespace dist
