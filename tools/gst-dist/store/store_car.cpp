// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/gst-dist/store/store_car.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <map>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "gst/base/text.h"
#include "gst/io/locked_file.h"
#include "gst/job/output_files.h"
#include "gst/record/car.h"
#include "gst/record/dag_walk.h"
#include "gst/record/store_export.h"
#include "gst/record/unixfs.h"
#include "gst/store/stored_result.h"
#include "tools/gst-dist/advice.h"

namespace dist::tool {
namespace {

using record::Block;
using record::Cid;

Error system_error(const std::string& path) {
  return {path + ": " + g_strerror(errno)};
}

// --- Export

class CarFile {
 public:
  explicit CarFile(const std::string& path)
      : path_(path), fd_(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)) {}

  // The root is known last, so its place is kept.
  Status begin() { return write(record::car_header(Cid())); }
  Status add(const Block& block) {
    for (const Bytes& piece : record::car_section(block))
      if (Status status = write(piece); !status)
        return status;
    return {};
  }
  Status end(const Cid& root) {
    if (::lseek(fd_.get(), 0, SEEK_SET) != 0)
      return system_error(path_);
    if (Status status = write(record::car_header(root)); !status)
      return status;
    return ::fsync(fd_.get()) == 0 ? Status() : Status(system_error(path_));
  }

 private:
  Status write(const Bytes& bytes) {
    for (auto rest = bytes.span(); !rest.empty();) {
      const ssize_t written = ::write(fd_.get(), rest.data(), rest.size());
      if (written < 0 && errno != EINTR)
        return system_error(path_);
      rest = rest.subspan(static_cast<std::size_t>(std::max<ssize_t>(written, 0)));
    }
    return {};
  }

  const std::string path_;
  const FileDescriptor fd_;
};

StoreResult<std::vector<BlobKey>> keys_of(const OpenedStore& store) {
  std::set<BlobKey> keys;
  const auto listed = store.store->list(
      [&](const BlobInfo& blob) {
        keys.insert(blob.key);
        return true;
      },
      nullptr);
  if (!listed)
    return listed.failure();
  return std::vector<BlobKey>(keys.begin(), keys.end());
}

Result<Cid> write_blob(const BytesList& blob, const record::PutBlock& put) {
  record::FileBuilder file(put);
  for (const Bytes& piece : blob)
    if (Status status = file.write(piece); !status)
      return Error{status.error()};
  return file.finish();
}

// What was written; blobs that are damaged, or went meanwhile, are not.
Result<std::vector<record::Exported>> write_blobs(const OpenedStore& store,
                                                  const std::vector<BlobKey>& keys,
                                                  const record::PutBlock& put) {
  std::vector<record::Exported> written;
  for (const BlobKey& key : keys) {
    const auto blob = store.read(key);
    if (!blob)
      return Error{blob.error()};
    if (!*blob)
      continue;
    if (const auto stored = read_stored_result(key, **blob); !stored) {
      say_error(sentence(key_text(key) + " is left out: " + stored.error()));
      continue;
    }
    const auto cid = write_blob(**blob, put);
    if (!cid)
      return Error{cid.error()};
    written.push_back({key, {*cid, total_size(**blob)}});
  }
  return written;
}

Result<std::vector<record::Exported>> write_car(const OpenedStore& store,
                                                const std::vector<BlobKey>& keys,
                                                const std::string& path) {
  CarFile car(path);
  const auto put = [&car](const Block& block) { return car.add(block); };
  if (Status status = car.begin(); !status)
    return Error{status.error()};
  auto written = write_blobs(store, keys, put);
  if (!written)
    return written;
  const auto root = record::write_export(*written, put);
  if (!root)
    return Error{root.error()};
  if (Status status = car.end(*root); !status)
    return Error{status.error()};
  return written;
}

void print_count(std::uint64_t blobs, std::uint64_t bytes, const char* what,
                 const std::string& file) {
  std::printf("%s: %s, %" PRIu64 " bytes%s\n", printable(file).c_str(),
              count_text(blobs, "blob").c_str(), bytes, what);
}

// --- Import

// Where the blocks of a CAR lie in its file.
class CarIndex {
 public:
  explicit CarIndex(const std::string& path)
      : path_(path), fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}

  // Reads all of it, and checks each block against its CID.
  Result<Cid> read() {
    if (!fd_)
      return system_error(path_);
    record::CarReader reader(
        [this](std::span<std::uint8_t> out) -> Result<std::size_t> { return read_at(at_, out); });
    const auto root = reader.read_root();
    if (!root)
      return Error{path_ + ": " + root.error()};
    for (;;) {
      const auto block = reader.next();
      if (!block)
        return Error{path_ + ": " + block.error()};
      if (!*block)
        return *root;
      const std::size_t size = (*block)->bytes.size();
      places_.emplace((*block)->cid, Place{at_ - size, size});
      if (places_.size() > record::kMaxDagBlocks)
        return Error{path_ + ": has too many blocks"};
    }
  }

  Result<std::optional<Bytes>> get(const Cid& cid) {
    const auto found = places_.find(cid);
    if (found == places_.end())
      return std::optional<Bytes>();
    std::vector<std::uint8_t> bytes(found->second.size);
    std::uint64_t at = found->second.at;
    for (auto rest = std::span(bytes); !rest.empty();) {
      const auto got = read_at(at, rest);
      if (!got)
        return Error{got.error()};
      if (*got == 0)
        return Error{path_ + ": changed while it was read"};
      rest = rest.subspan(*got);
    }
    return std::optional(Bytes::take(std::move(bytes)));
  }

 private:
  struct Place {
    std::uint64_t at = 0;
    std::size_t size = 0;
  };

  Result<std::size_t> read_at(std::uint64_t& at, std::span<std::uint8_t> out) const {
    ssize_t got = 0;
    do
      got = ::pread(fd_.get(), out.data(), out.size(), static_cast<off_t>(at));
    while (got < 0 && errno == EINTR);
    if (got < 0)
      return system_error(path_);
    at += static_cast<std::uint64_t>(got);
    return static_cast<std::size_t>(got);
  }

  const std::string path_;
  const FileDescriptor fd_;
  std::uint64_t at_ = 0;
  std::map<Cid, Place> places_;
};

Result<BytesList> read_blob(const record::Exported& entry, const record::GetBlock& get) {
  BytesList blob;
  const Status status = record::read_file(entry.blob.cid, std::min(entry.blob.bytes, kMaxBlob), get,
                                          [&](const Bytes& bytes) {
                                            blob.push_back(bytes);
                                            return Status();
                                          });
  if (!status)
    return Error{status.error()};
  if (total_size(blob) != entry.blob.bytes)
    return Error{"not of the size that the list says"};
  if (const auto stored = read_stored_result(entry.key, blob); !stored)
    return Error{stored.error()};
  return blob;
}

}  // namespace

int export_store(const OpenedStore& store, const std::string& file, bool replace) {
  const auto keys = keys_of(store);
  if (!keys)
    return fail(keys.failure());
  auto files = OutputFiles::prepare({file}, replace);
  if (!files) {
    say_error(advised(files.failure()));
    return kNoOutput;
  }
  const auto written = write_car(store, *keys, files->paths().front());
  if (!written) {
    say_error(sentence(written.error()));
    return kNoOutput;
  }
  if (const auto error = files->commit()) {
    say_error(advised(*error));
    return kNoOutput;
  }
  std::uint64_t bytes = 0;
  for (const record::Exported& entry : *written)
    bytes += entry.blob.bytes;
  print_count(written->size(), bytes, "", file);
  return kDone;
}

int import_store(const OpenedStore& store, const std::string& file) {
  const auto refuse = [](const std::string& text) {
    say_error(sentence(text));
    return kNoInput;
  };
  CarIndex car(file);
  const auto root = car.read();
  if (!root)
    return refuse(root.error());
  const record::GetBlock get = [&car](const Cid& cid) { return car.get(cid); };
  const auto entries = record::read_export(*root, get);
  if (!entries)
    return refuse(file + ": " + entries.error());
  std::uint64_t blobs = 0;
  std::uint64_t bytes = 0;
  for (const record::Exported& entry : *entries) {
    const auto blob = read_blob(entry, get);
    if (!blob)
      return refuse(file + ": " + key_text(entry.key) + ": " + blob.error());
    const auto missing = store.store->find_missing(std::span(&entry.key, 1), nullptr);
    if (!missing)
      return fail(missing.failure());
    if (missing->empty())
      continue;
    if (const auto put = store.store->put(entry.key, *blob, nullptr); !put)
      return fail(put.failure());
    ++blobs;
    bytes += entry.blob.bytes;
  }
  print_count(blobs, bytes, (" of " + std::to_string(entries->size()) + " are new").c_str(), file);
  return kDone;
}

}  // namespace dist::tool
