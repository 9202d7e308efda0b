// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Whether a record is whole, and whether it is the record of a film.
#pragma once

#include <optional>
#include <string>

#include "gst/base/result.h"
#include "gst/film/film.h"
#include "gst/io/car_file.h"
#include "gst/record/dag_walk.h"
#include "gst/record/manifest.h"

namespace dist::tool {

struct CheckedCar {
  std::optional<record::Manifest>
      manifest;  // None: the root is no manifest, but a file or a folder.
  bool has_blobs = false;
  record::DagSize size;
};

// Asks for each block that belongs to the root. With blobs, each has the size that the manifest
// tells. The error begins with what is missing or wrong.
Result<CheckedCar> check_car(const CarFile& car);

// Cuts the film, whose name errors begin with, as the job did, and compares each segment; then the
// digest of the file, if the manifest has one. Blocks.
Status check_film(const record::Manifest& manifest, const Film& film, const std::string& name);

}  // namespace dist::tool
