// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/io/open_place.h"

#include "gst/io/folder_place.h"
#include "gst/io/http_place.h"
#include "gst/io/open_store.h"
#include "gst/io/s3_place.h"
#include "gst/io/store_url.h"

namespace dist {
namespace {

using Opened = StoreResult<std::unique_ptr<Place>>;

StoreError wrong(const std::string& text, const std::string& what) {
  return {"output '" + shown_store(text) + "': " + what, StoreFault::kRefused};
}

}  // namespace

Opened open_place(const std::string& text, bool gzip) {
  if (text.starts_with("http://") || text.starts_with("https://")) {
    auto address = parse_http_url(text);
    if (!address)
      return wrong(text, address.error());
    return std::unique_ptr<Place>(
        std::make_unique<HttpPlace>(address->url, std::move(address->config)));
  }
  if (text.starts_with("s3://")) {
    auto address = parse_s3_url(text);
    if (!address)
      return wrong(text, address.error());
    return std::unique_ptr<Place>(
        std::make_unique<S3Place>(std::move(address->config), address->prefix, gzip));
  }
  const auto path = folder_of_store(text);
  if (!path || path->empty())
    return wrong(text, "no such kind of place; write a folder, http://, https:// or s3://");
  auto folder = FolderPlace::open(*path);
  if (!folder)
    return folder.failure();
  return std::unique_ptr<Place>(std::move(*folder));
}

}  // namespace dist
