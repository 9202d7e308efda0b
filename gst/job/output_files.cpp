// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/job/output_files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <set>
#include <string_view>
#include <system_error>

#include "gst/job/thumbnails.h"

namespace dist {
namespace {

namespace fs = std::filesystem;
using Remedy = JobError::Remedy;

bool is_folder(const std::string& name) {
  return name.ends_with('/');
}

// A '/' at the end would make the system follow a link.
std::string without_slash(std::string name) {
  while (name.size() > 1 && name.ends_with('/'))
    name.pop_back();
  return name;
}

// Nobody else calls files so.
constexpr std::string_view kTemporary = ".gst-dist.part";
// Whoever makes a temporary file locks it within a moment.
constexpr auto kLeftAfter = std::chrono::seconds(10);

// Beside the file, so that renaming it is one step.
std::string temporary_of(const std::string& name) {
  const fs::path path = without_slash(name);
  return (path.parent_path() / ("." + path.filename().string().append(kTemporary))).string();
}

bool is_temporary(const fs::path& path) {
  const std::string name = path.filename().string();
  return name.starts_with('.') && name.ends_with(kTemporary);
}

std::string cause() {
  return std::strerror(errno);
}

JobError fails(const std::string& message, Remedy remedy = Remedy::kNone) {
  return {.kind = JobError::Kind::kOutput, .message = message, .remedy = remedy};
}

JobError cannot_write(const std::string& name, const std::string& why) {
  return fails(name + ": cannot be written: " + why);
}

JobError is_taken(const std::string& name) {
  return fails(name + ": another run writes it; wait for that, or choose another name");
}

// So many digits or more, and .jpg.
bool is_numbered(std::string_view name, std::size_t least) {
  const std::size_t digits = std::min(name.find_first_not_of("0123456789"), name.size());
  return digits >= least && name.substr(digits) == ".jpg";
}

// What a rendition of single pictures consists of, or thumbnails.
bool is_picture(const fs::directory_entry& entry) {
  const std::string name = entry.path().filename().string();
  std::error_code error;
  return (is_numbered(name, 5) || name == kThumbnailTrack ||
          (name.starts_with("sprite-") && is_numbered(std::string_view(name).substr(7), 3))) &&
         fs::is_regular_file(entry.symlink_status(error));
}

// False if there is something else in the folder, or it cannot be read.
bool holds_only_pictures(const std::string& folder) {
  std::error_code error;
  fs::directory_iterator entry(folder, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error))
    if (!is_picture(*entry))
      return false;
  return !error;
}

void remove_pictures(const std::string& folder) {
  std::vector<fs::path> pictures;
  std::error_code error;
  fs::directory_iterator entry(folder, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error))
    if (is_picture(*entry))
      pictures.push_back(entry->path());
  for (const fs::path& picture : pictures)
    fs::remove(picture, error);
}

void remove_output(const std::string& path, bool folder) {
  if (!folder) {
    ::unlink(path.c_str());
    return;
  }
  remove_pictures(path);
  ::rmdir(path.c_str());
}

enum class Found { kNothing, kReplaceable };

// What is under the final name.
Result<Found, JobError> look_for(const std::string& name, bool replace) {
  const std::string path = without_slash(name);
  std::error_code error;
  const fs::file_status status = fs::symlink_status(path, error);
  if (status.type() == fs::file_type::not_found)
    return Found::kNothing;
  if (error)
    return cannot_write(name, error.message());
  if (!replace)
    return fails(name + ": is there already", Remedy::kReplace);
  if (is_folder(name)) {
    if (!fs::is_directory(status))
      return fails(path + ": is there already, and is no folder");
    if (!holds_only_pictures(path))
      return fails(name + ": holds other things than pictures", Remedy::kClear);
    return Found::kReplaceable;
  }
  if (!fs::is_regular_file(status) && !fs::is_symlink(status))
    return fails(name + ": is there already, and is no file");
  return Found::kReplaceable;
}

// Whether the descriptor is of what the path leads to now.
bool is_at(const Descriptor& descriptor, const std::string& path) {
  struct stat open {};
  struct stat there {};
  return ::fstat(descriptor.number(), &open) == 0 && ::lstat(path.c_str(), &there) == 0 &&
         open.st_dev == there.st_dev && open.st_ino == there.st_ino;
}

struct stat status_of(const Descriptor& descriptor) {
  struct stat status {};
  if (::fstat(descriptor.number(), &status) != 0)
    status.st_uid = static_cast<uid_t>(-1);
  return status;
}

// False if another process has the lock. Where the file system has no locks nobody has.
bool lock(const Descriptor& descriptor) {
  return ::flock(descriptor.number(), LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK;
}

// Whatever an earlier run left there is nobody's any more. A link would lead to something else.
std::optional<JobError> remove_left(const std::string& name, const std::string& path) {
  std::error_code error;
  const fs::file_status status = fs::symlink_status(path, error);
  if (fs::is_directory(status))
    return cannot_write(name, path + " is a folder");
  Descriptor left;
  if (fs::is_regular_file(status)) {
    left = Descriptor(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
    if (!left && errno != ENOENT)
      return cannot_write(name, path + ": " + cause());
    // Who found the same one may have put its own in its place.
    if (left && (!lock(left) || !is_at(left, path)))
      return is_taken(name);
  }
  if (::unlink(path.c_str()) != 0 && errno != ENOENT)
    return cannot_write(name, path + ": " + cause());
  return {};
}

Result<Descriptor, JobError> make_file(const std::string& name, const std::string& path) {
  const auto make = [&path] {
    return Descriptor(
        ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666));
  };
  Descriptor file = make();
  if (!file && errno == EEXIST) {
    if (auto error = remove_left(name, path))
      return std::move(*error);
    file = make();
  }
  if (!file)
    return errno == EEXIST ? is_taken(name) : cannot_write(name, cause());
  if (!lock(file) || !is_at(file, path))
    return is_taken(name);
  return file;
}

Result<Descriptor, JobError> open_folder(const std::string& name, const std::string& path) {
  Descriptor folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!folder)
    return cannot_write(name, path + ": " + cause());
  if (status_of(folder).st_uid != ::geteuid())
    return cannot_write(name, path + " belongs to somebody else");
  if (!lock(folder) || !is_at(folder, path))
    return is_taken(name);
  if (!holds_only_pictures(path))
    return cannot_write(name, path + " holds other things than pictures");
  return folder;
}

Result<Descriptor, JobError> make_folder(const std::string& name, const std::string& path) {
  const auto make = [&path] { return ::mkdir(path.c_str(), 0777) == 0; };
  if (!make()) {
    if (errno != EEXIST)
      return cannot_write(name, cause());
    const auto left = open_folder(name, path);
    if (!left)
      return left.failure();
    remove_output(path, true);
    if (!make())
      return errno == EEXIST ? is_taken(name) : cannot_write(name, cause());
  }
  return open_folder(name, path);
}

// What runs that were killed left in the folder. What has a lock is another run's, and so may be
// what can have none.
void remove_leftovers(const fs::path& folder) {
  std::vector<fs::path> found;
  std::error_code error;
  fs::directory_iterator entry(folder.empty() ? "." : folder, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error))
    if (is_temporary(entry->path()))
      found.push_back(entry->path());
  for (const fs::path& path : found) {
    const Descriptor left(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    const auto written = fs::last_write_time(path, error);
    if (!left || error || fs::file_time_type::clock::now() - written < kLeftAfter ||
        ::flock(left.number(), LOCK_EX | LOCK_NB) != 0 || !is_at(left, path.string()))
      continue;
    if (fs::is_regular_file(path, error))
      remove_output(path.string(), false);
    else if (fs::is_directory(path, error) && holds_only_pictures(path.string()))
      remove_output(path.string(), true);
  }
}

// The way to what the descriptor is of, wherever its name leads meanwhile: in a folder in which
// others may write, they may put a link to something else there. Where the system has no such way
// it is the path.
std::string way_to(const Descriptor& descriptor, const std::string& path) {
  const std::string way = "/proc/self/fd/" + std::to_string(descriptor.number());
  return ::access(way.c_str(), F_OK) == 0 ? way : path;
}

bool is_unknown_flag(int number) {
  return number == EINVAL || number == ENOSYS || number == EOPNOTSUPP;
}

// False as rename() fails. Nothing is lost, whichever step does.
bool swap_names(const std::string& a, const std::string& b) {
  if (::renameat2(AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), RENAME_EXCHANGE) == 0)
    return true;
  if (!is_unknown_flag(errno))
    return false;
  const std::string aside = a + ".old";
  if (::rename(b.c_str(), aside.c_str()) != 0)
    return false;
  if (::rename(a.c_str(), b.c_str()) != 0) {
    const int reason = errno;
    ::rename(aside.c_str(), b.c_str());
    errno = reason;
    return false;
  }
  return ::rename(aside.c_str(), a.c_str()) == 0;
}

bool rename_to_free_name(const std::string& from, const std::string& to) {
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0)
    return true;
  return is_unknown_flag(errno) && ::rename(from.c_str(), to.c_str()) == 0;
}

bool is_same(const fs::path& a, const fs::path& b) {
  std::error_code error;
  return fs::equivalent(a, b, error) && !error;
}

}  // namespace

Status check_names(const std::vector<std::string>& names, const std::string& input) {
  std::set<fs::path> seen;
  for (const std::string& name : names) {
    const fs::path path = without_slash(name);
    if (!seen.insert(path.lexically_normal()).second)
      return Error{path.string() + ": would be two outputs; give one of them another name"};
    if (input.empty())
      continue;
    if (is_same(path, input) || is_same(temporary_of(name), input) ||
        (is_folder(name) && is_same(path, fs::path(input).parent_path())))
      return Error{path.string() + ": is the input, which would be lost"};
  }
  return {};
}

Descriptor::~Descriptor() {
  if (number_ >= 0)
    ::close(number_);
}

Result<OutputFiles, JobError> OutputFiles::prepare(const std::vector<std::string>& names,
                                                   bool replace) {
  for (const std::string& name : names)
    if (const auto found = look_for(name, replace); !found)
      return found.failure();
  OutputFiles files(replace);
  for (const std::string& name : names)
    if (auto error = files.add(name))
      return std::move(*error);
  return files;
}

std::optional<JobError> OutputFiles::add(const std::string& name) {
  const std::string path = temporary_of(name);
  if (auto error = make_folders(path))
    return error;
  remove_leftovers(fs::path(path).parent_path());
  auto made = is_folder(name) ? make_folder(name, path) : make_file(name, path);
  if (!made)
    return made.failure();
  files_.push_back({name, path, std::move(*made)});
  // Where others may write they could put links to other things.
  File& file = files_.back();
  file.mode = status_of(file.lock).st_mode & ALLPERMS;
  if (is_folder(name) && ::fchmod(file.lock.number(), S_IRWXU) != 0)
    return cannot_write(name, cause());
  return {};
}

std::optional<JobError> OutputFiles::make_folders(const std::string& path) {
  std::vector<fs::path> missing;
  std::error_code error;
  fs::path folder = fs::path(path).parent_path();
  while (!folder.empty() && fs::status(folder, error).type() == fs::file_type::not_found) {
    missing.push_back(folder);
    folder = folder.parent_path();
  }
  for (auto next = missing.rbegin(); next != missing.rend(); ++next) {
    if (::mkdir(next->c_str(), 0777) == 0)
      folders_.push_back(next->string());
    else if (errno != EEXIST)
      return fails(next->string() + ": cannot be made: " + cause());
  }
  return {};
}

OutputFiles::~OutputFiles() {
  discard();
}

void OutputFiles::discard() const {
  // What is not ours may be what was to be replaced.
  for (const File& file : files_)
    if (is_at(file.lock, file.path))
      remove_output(file.path, is_folder(file.name));
  // Those in which there is something stay.
  for (auto folder = folders_.rbegin(); folder != folders_.rend(); ++folder)
    ::rmdir(folder->c_str());
}

std::vector<std::string> OutputFiles::paths() const {
  std::vector<std::string> paths;
  for (const File& file : files_)
    paths.push_back(way_to(file.lock, file.path) + (is_folder(file.name) ? "/" : ""));
  return paths;
}

std::optional<JobError> OutputFiles::commit() {
  // What was written has to be on the disk before it has its name, also if the machine goes down.
  for (const File& file : files_) {
    if (!is_at(file.lock, file.path))
      return cannot_write(file.name, file.path + " is not what it was");
    if (is_folder(file.name) && ::fchmod(file.lock.number(), file.mode) != 0)
      return cannot_write(file.name, cause());
    // Of a folder all that is in it.
    const int number = file.lock.number();
    if ((is_folder(file.name) ? ::syncfs(number) : ::fsync(number)) != 0)
      return cannot_write(file.name, cause());
  }
  for (auto file = files_.begin(); file != files_.end(); ++file) {
    auto error = give_name(*file);
    if (!error)
      continue;
    while (file != files_.begin())
      take_name_back(*--file);
    return error;
  }
  for (const File& file : files_)
    if (file.replaced)
      remove_output(file.path, is_folder(file.name));
  files_.clear();
  folders_.clear();
  return {};
}

std::optional<JobError> OutputFiles::give_name(File& file) const {
  const auto found = look_for(file.name, replace_);
  if (!found)
    return found.failure();
  const std::string to = without_slash(file.name);
  bool given = false;
  if (*found == Found::kReplaceable) {
    // As long as it has the name of a temporary file another run would take it for one.
    file.old = Descriptor(::open(to.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (file.old)
      static_cast<void>(lock(file.old));
    given = file.replaced = swap_names(file.path, to);
  } else {
    given = rename_to_free_name(file.path, to);
  }
  if (given)
    return {};
  const std::string reason = cause();
  return fails(to + ": cannot be renamed from " + file.path + ": " + reason);
}

void OutputFiles::take_name_back(File& file) {
  const std::string to = without_slash(file.name);
  if (file.replaced)
    swap_names(file.path, to);
  else
    ::rename(to.c_str(), file.path.c_str());
}

}  // namespace dist
