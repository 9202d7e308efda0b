// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Files that have their names only once they are complete.
#pragma once

#include <string>
#include <vector>

#include "gst/dist/core/result.h"

namespace dist::tool {

class OutputFiles {
 public:
  // Takes the names that these will have in the end: of files, or, with a '/' at the end, of
  // folders. Makes the folders in which they lie. Fails if one is there already, unless `replace`,
  // or if nothing can be written there.
  static Result<OutputFiles> prepare(const std::vector<std::string>& names, bool replace);
  // Removes what was not committed.
  ~OutputFiles();
  OutputFiles(OutputFiles&&) = default;
  OutputFiles& operator=(OutputFiles&&) = delete;

  // Where to write, in the order of the names; folders exist.
  const std::vector<std::string>& paths() const { return paths_; }
  // Gives all of them their names.
  Status commit();

 private:
  OutputFiles(std::vector<std::string> names, bool replace);

  std::vector<std::string> names_;
  std::vector<std::string> paths_;  // Empty once committed.
  bool replace_ = false;
};

}  // namespace dist::tool
