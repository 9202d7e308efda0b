// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Results from a record into a store.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "gst/base/result.h"
#include "gst/io/blob_store.h"
#include "gst/io/car_file.h"
#include "gst/record/manifest.h"

namespace dist::tool {

struct Imported {
  std::uint64_t results = 0;
  std::uint64_t left_out = 0;  // The record does not have all that a store needs of them.
};

struct ImportError {
  std::string message;
  // Of the store; none: something is wrong with the record.
  std::optional<StoreFault> fault = {};
};

// Stops at the first result that is not what it should be, or that the store does not take.
Result<Imported, ImportError> import_results(const record::Manifest& manifest, const CarFile& car,
                                             BlobStore& store);

}  // namespace dist::tool
