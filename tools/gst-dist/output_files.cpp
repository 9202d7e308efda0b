// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/gst-dist/output_files.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

namespace dist::tool {
namespace {

namespace fs = std::filesystem;

// Beside the file, so that renaming it is one step.
std::string temporary_of(const std::string& name) {
  const bool folder = name.ends_with('/');
  const fs::path path = folder ? name.substr(0, name.size() - 1) : name;
  const std::string hidden = "." + path.filename().string() + ".part";
  return (path.parent_path() / hidden).string() + (folder ? "/" : "");
}

std::string cause() {
  return std::strerror(errno);
}

Status make_writable(const std::string& name, const std::string& path) {
  std::error_code error;
  const fs::path parent = fs::path(temporary_of(name)).parent_path();
  const fs::path folder = path.ends_with('/') ? fs::path(path) : parent;
  if (!folder.empty() && !fs::is_directory(folder))
    fs::create_directories(folder, error);
  if (error)
    return Error{folder.string() + ": cannot be made: " + error.message()};
  if (path.ends_with('/'))
    return {};
  // Whatever an earlier run left there is nobody's any more.
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (file < 0)
    return Error{name + ": cannot be written: " + cause()};
  ::close(file);
  return {};
}

}  // namespace

OutputFiles::OutputFiles(std::vector<std::string> names, bool replace)
    : names_(std::move(names)), replace_(replace) {
  for (const std::string& name : names_)
    paths_.push_back(temporary_of(name));
}

Result<OutputFiles> OutputFiles::prepare(const std::vector<std::string>& names, bool replace) {
  for (const std::string& name : names)
    if (fs::exists(name) && !replace)
      return Error{name + ": is there already; --yes replaces it"};
  OutputFiles files(names, replace);
  for (std::size_t i = 0; i < names.size(); ++i)
    if (const Status status = make_writable(names[i], files.paths_[i]); !status)
      return Error{status.error()};
  return files;
}

OutputFiles::~OutputFiles() {
  std::error_code ignored;
  for (const std::string& path : paths_)
    fs::remove_all(path, ignored);
}

Status OutputFiles::commit() {
  // What was written has to be on the disk before it has its name, also if the machine goes down.
  for (std::size_t i = 0; i < paths_.size(); ++i) {
    if (paths_[i].ends_with('/'))
      continue;
    const int file = ::open(paths_[i].c_str(), O_RDONLY | O_CLOEXEC);
    const bool written = file >= 0 && ::fsync(file) == 0;
    const std::string reason = cause();
    if (file >= 0)
      ::close(file);
    if (!written)
      return Error{names_[i] + ": cannot be written: " + reason};
  }
  for (std::size_t i = 0; i < paths_.size(); ++i) {
    std::error_code error;
    const bool folder = paths_[i].ends_with('/');
    const std::string from = folder ? paths_[i].substr(0, paths_[i].size() - 1) : paths_[i];
    const std::string to = folder ? names_[i].substr(0, names_[i].size() - 1) : names_[i];
    // A folder that is there stands in the way of rename().
    if (folder && replace_)
      fs::remove_all(to, error);
    fs::rename(from, to, error);
    if (error)
      return Error{to + ": cannot be renamed from " + from + ": " + error.message()};
  }
  paths_.clear();
  return {};
}

}  // namespace dist::tool
