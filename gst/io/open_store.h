// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A store, or a chain of stores, from what a user writes.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gst/io/blob_store.h"
#include "gst/io/checked_store.h"

namespace dist {

struct StoreOptions {
  CheckedStore::Check check;  // Of what is read.
  CheckedStore::Warn warn;    // Is told of what does not pass. Any thread.
  // Bytes that each folder may hold; 0: no limit.
  std::uint64_t folder_limit = 0;
};

// Each text has stores with commas between them, the fastest first: a folder's path, file:PATH,
// http://… or https://…, s3://BUCKET/PREFIX. What is behind a "?" of an s3 URL: endpoint=URL
// (AWS_ENDPOINT_URL, else that of AWS), region=NAME (AWS_REGION, else us-east-1), style=path or
// style=host. Talks to no server. The error names the store, without user and password, and says
// what to do.
StoreResult<std::unique_ptr<BlobStore>> open_store(const std::vector<std::string>& texts,
                                                   const StoreOptions& options);

// The one store of a text without a comma, as it is: without check, limit and warnings.
StoreResult<std::unique_ptr<BlobStore>> open_bare_store(const std::string& text);
// The path of the folder that such a text names; none if it is no folder.
std::optional<std::string> folder_of_store(const std::string& text);
// What names this folder in a text with commas, whatever its path has.
std::string store_of_folder(const std::string& path);

// The same text as errors and logs may show it.
std::string shown_store(const std::string& text);

}  // namespace dist
