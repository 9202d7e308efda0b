// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/io/car_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

#include "gst/record/car.h"
#include "gst/record/dag_walk.h"
#include "gst/record/unixfs.h"

namespace dist {
namespace {

// Blobs that are equal in parts share blocks, but no more of them.
constexpr std::uint64_t kMaxExpansion = 64;

std::string cause() {
  return std::strerror(errno);
}

bool write_all(int file, std::span<const std::uint8_t> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR)
      continue;
    if (written <= 0)
      return false;
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return true;
}

Result<std::size_t> read_some(int file, std::span<std::uint8_t> out) {
  while (true) {
    const ssize_t got = ::read(file, out.data(), out.size());
    if (got >= 0)
      return static_cast<std::size_t>(got);
    if (errno != EINTR)
      return Error{cause()};
  }
}

Result<Bytes> read_at(int file, std::uint64_t offset, std::size_t size) {
  std::vector<std::uint8_t> bytes(size);
  std::size_t filled = 0;
  while (filled < size) {
    const ssize_t got =
        ::pread(file, bytes.data() + filled, size - filled, static_cast<off_t>(offset + filled));
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      return Error{got < 0 ? cause() : "the file has become shorter"};
    filled += static_cast<std::size_t>(got);
  }
  return Bytes::take(std::move(bytes));
}

}  // namespace

// --- Writing

CarFileWriter::CarFileWriter(const std::string& path, std::string name) : name_(std::move(name)) {
  const MutexLock lock(lock_);
  file_ = FileDescriptor(::open(path.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC));
  if (!file_)
    static_cast<void>(fail());
  else
    // Of the same length as the one that finish() writes.
    static_cast<void>(write({record::car_header({})}));
}

Status CarFileWriter::put(const record::Block& block) {
  const MutexLock lock(lock_);
  return write(record::car_section(block));
}

Status CarFileWriter::finish(const record::Cid& root) {
  const MutexLock lock(lock_);
  if (status_ && ::lseek(file_.get(), 0, SEEK_SET) < 0)
    return fail();
  return write({record::car_header(root)});
}

Status CarFileWriter::status() const {
  if (!failed_)
    return {};
  const MutexLock lock(lock_);
  return status_;
}

Status CarFileWriter::write(const BytesList& pieces) {
  for (const Bytes& piece : pieces)
    if (status_ && !write_all(file_.get(), piece.span()))
      return fail();
  return status_;
}

Status CarFileWriter::fail() {
  status_ = Error{name_ + ": cannot be written: " + cause()};
  failed_ = true;
  return status_;
}

// --- Reading

Result<CarFile> CarFile::open(const std::string& path) {
  CarFile car;
  const auto refuse = [&path](const std::string& why) { return Error{path + ": " + why}; };
  car.file_ = FileDescriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!car.file_)
    return refuse("cannot be read: " + cause());
  std::uint64_t position = 0;
  record::CarReader reader([&](std::span<std::uint8_t> out) {
    auto got = read_some(car.file_.get(), out);
    position += got ? *got : 0;
    return got;
  });
  const auto root = reader.read_root();
  if (!root)
    return refuse(root.error());
  car.root_ = *root;
  while (true) {
    const auto block = reader.next();
    if (!block)
      return refuse(block.error());
    if (!*block) {
      car.bytes_ = position;
      return car;
    }
    const auto size = static_cast<std::uint32_t>((*block)->bytes.size());
    car.places_.insert_or_assign((*block)->cid, Place{position - size, size});
    if (car.places_.size() > record::kMaxDagBlocks)
      return refuse("has more than " + std::to_string(record::kMaxDagBlocks) + " blocks");
  }
}

bool CarFile::has_blobs() const {
  return std::ranges::any_of(
      places_, [](const auto& place) { return place.first.codec != record::Codec::kDagCbor; });
}

record::GetBlock CarFile::get() const {
  return [this](const record::Cid& cid) -> Result<std::optional<Bytes>> {
    const auto found = places_.find(cid);
    if (found == places_.end())
      return std::optional<Bytes>();
    auto bytes = read_at(file_.get(), found->second.offset, found->second.bytes);
    if (!bytes)
      return Error{bytes.error()};
    return std::optional(std::move(*bytes));
  };
}

CarBlobs::CarBlobs(const CarFile& car) : get_(car.get()), left_(car.bytes() * kMaxExpansion) {}

Result<BytesList> CarBlobs::read(const record::Cid& cid, std::uint64_t max_bytes) {
  auto blob = record::read_whole_file(cid, std::min({max_bytes, kMaxBlob, left_}), get_);
  if (blob)
    left_ -= total_size(*blob);
  return blob;
}

}  // namespace dist
