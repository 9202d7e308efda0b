// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Files that have their names only once they are complete.
//
// Names are those that they will have in the end: of files, or, with a '/' at the end, of folders
// of single pictures (00000.jpg, 00001.jpg, …), perhaps with sheets and a track of them.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gst/base/result.h"
#include "gst/job/job_error.h"

namespace dist {

// Whether that can be meant: no two are one, and none is the input. `input` is a path; empty: the
// input is no file.
Status check_names(const std::vector<std::string>& names, const std::string& input);

// A file descriptor; none if negative.
class Descriptor {
 public:
  explicit Descriptor(int number = -1) : number_(number) {}
  ~Descriptor();
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }

  explicit operator bool() const { return number_ >= 0; }
  int number() const { return number_; }

 private:
  int number_;
};

class OutputFiles {
 public:
  // Makes the folders in which they lie. Fails if one is there already, unless `replace`, or if it
  // is there and is nothing that may be replaced, if nothing can be written there, or if another
  // process is about to write the same.
  static Result<OutputFiles, JobError> prepare(const std::vector<std::string>& names, bool replace);
  // Removes what was not committed.
  ~OutputFiles();
  OutputFiles(OutputFiles&&) = default;
  OutputFiles& operator=(OutputFiles&&) = delete;

  // Where to write, in the order of the names; folders exist. As long as this object lives they
  // lead there whatever others do to the names.
  std::vector<std::string> paths() const;
  // Gives all of them their names, or none if there is an error. What is replaced is kept until all
  // have theirs.
  std::optional<JobError> commit();
  // Removes what was begun, and the folders that were made for it. From any thread, if the process
  // ends then.
  void discard() const;

 private:
  struct File {
    std::string name;
    std::string path;
    // Of the temporary file or folder, with a lock: who holds that owns what lies there.
    Descriptor lock = Descriptor();
    mode_t mode = 0;  // That it shall have in the end.
    // Whether what was under its name is now under the temporary one; and the lock of that.
    bool replaced = false;
    Descriptor old = Descriptor();
  };

  explicit OutputFiles(bool replace) : replace_(replace) {}
  std::optional<JobError> add(const std::string& name);
  std::optional<JobError> make_folders(const std::string& path);
  std::optional<JobError> give_name(File& file) const;
  static void take_name_back(File& file);

  std::vector<File> files_;           // Empty once committed.
  std::vector<std::string> folders_;  // Made for them, outer ones first.
  bool replace_ = false;
};

}  // namespace dist
