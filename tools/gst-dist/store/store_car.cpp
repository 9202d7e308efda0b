// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/gst-dist/store/store_car.h"

#include <glib.h>
#include <unistd.h>

#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <functional>
#include <optional>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "gst/base/text.h"
#include "gst/io/car_file.h"
#include "gst/job/output_files.h"
#include "gst/record/store_export.h"
#include "gst/record/unixfs.h"
#include "gst/store/stored_result.h"
#include "tools/gst-dist/advice.h"
#include "tools/gst-dist/signals.h"

namespace dist::tool {
namespace {

using record::Block;
using record::Cid;

struct CarError {
  std::string message;
  ExitCode code = kFailed;
};

int fail(const CarError& error) {
  say_error(sentence(error.message));
  return error.code;
}

// --- Export

using Asked = std::function<bool()>;

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
Result<std::vector<record::Exported>, CarError> write_blobs(const OpenedStore& store,
                                                            const std::vector<BlobKey>& keys,
                                                            const record::PutBlock& put,
                                                            const Asked& interrupted) {
  std::vector<record::Exported> written;
  for (const BlobKey& key : keys) {
    if (interrupted())
      return CarError{"interrupted; nothing was written", kInterrupted};
    const auto blob = store.read(key);
    if (!blob)
      return CarError{advised(blob.failure()), kNoInput};
    if (!*blob)
      continue;
    if (const auto stored = read_stored_result(key, **blob); !stored) {
      say_error(sentence(key_text(key) + " is left out: " + stored.error()));
      continue;
    }
    const auto cid = write_blob(**blob, put);
    if (!cid)
      return CarError{cid.error(), kNoOutput};
    written.push_back({key, {*cid, total_size(**blob)}});
  }
  return written;
}

Result<std::vector<record::Exported>, CarError> write_car(const OpenedStore& store,
                                                          const std::vector<BlobKey>& keys,
                                                          const std::string& path,
                                                          const std::string& name,
                                                          const Asked& interrupted) {
  CarFileWriter car(path, name);
  const auto put = [&car](const Block& block) { return car.put(block); };
  auto written = write_blobs(store, keys, put, interrupted);
  if (!written)
    return written;
  const auto root = record::write_export(*written, put);
  if (!root)
    return CarError{root.error(), kNoOutput};
  if (Status status = car.finish(*root); !status)
    return CarError{status.error(), kNoOutput};
  return written;
}

void print_count(std::uint64_t blobs, std::uint64_t bytes, const char* what,
                 const std::string& file) {
  std::printf("%s: %s, %" PRIu64 " bytes%s\n", printable(file).c_str(),
              count_text(blobs, "blob").c_str(), bytes, what);
}

// --- Import

Result<BytesList> read_blob(const record::Exported& entry, CarBlobs& blobs) {
  auto blob = blobs.read(entry.blob.cid, entry.blob.bytes);
  if (!blob)
    return blob;
  if (total_size(*blob) != entry.blob.bytes)
    return Error{"not of the size that the list says"};
  if (const auto stored = read_stored_result(entry.key, *blob); !stored)
    return Error{stored.error()};
  return blob;
}

struct Imported {
  std::uint64_t blobs = 0;
  std::uint64_t bytes = 0;
};

Result<Imported, CarError> put_blobs(const std::vector<record::Exported>& entries,
                                     const CarFile& car, const std::string& file,
                                     BlobStore& store) {
  CarBlobs blobs(car);
  Imported imported;
  for (const record::Exported& entry : entries) {
    const auto blob = read_blob(entry, blobs);
    if (!blob)
      return CarError{file + ": " + key_text(entry.key) + ": " + blob.error()};
    const auto missing = store.find_missing(std::span(&entry.key, 1), nullptr);
    if (!missing)
      return CarError{advised(missing.failure()), kNoOutput};
    if (missing->empty())
      continue;
    if (const auto put = store.put(entry.key, *blob, nullptr); !put)
      return CarError{advised(put.failure()), kNoOutput};
    ++imported.blobs;
    imported.bytes += entry.blob.bytes;
  }
  return imported;
}

}  // namespace

int export_store(const OpenedStore& store, const std::string& file, bool replace) {
  const auto keys = keys_of(store);
  if (!keys)
    return fail(keys.failure());
  std::optional<OutputFiles> files;
  bool interrupted = false;
  const Signals signals([&interrupted] { interrupted = true; },
                        [&files] {
                          if (files)
                            files->discard();
                          _exit(kInterrupted);
                        });
  auto prepared = OutputFiles::prepare({file}, replace);
  if (!prepared)
    return fail(CarError{advised(prepared.failure()), kNoOutput});
  files.emplace(std::move(*prepared));
  const auto written = write_car(store, *keys, files->paths().front(), file, [&interrupted] {
    while (g_main_context_iteration(nullptr, FALSE)) {
    }
    return interrupted;
  });
  if (!written)
    return fail(written.failure());
  if (const auto error = files->commit())
    return fail(CarError{advised(*error), kNoOutput});
  std::uint64_t bytes = 0;
  for (const record::Exported& entry : *written)
    bytes += entry.blob.bytes;
  print_count(written->size(), bytes, "", file);
  return kDone;
}

int import_store(const std::string& store, const std::string& file,
                 std::optional<std::uint64_t> limit) {
  if (::access(file.c_str(), R_OK) != 0)
    return fail(CarError{file + ": cannot be read: " + std::strerror(errno), kNoInput});
  const auto car = CarFile::open(file);
  if (!car)
    return fail(CarError{car.error()});
  const auto entries = record::read_export(car->root(), car->get());
  if (!entries)
    return fail(CarError{file + ": " + entries.error()});
  // Not before: a file that is nothing to import makes no store.
  const auto opened = open_or_make(store);
  if (!opened)
    return fail(CarError{advised(opened.failure()), kNoOutput});
  const auto imported = put_blobs(*entries, *car, file, *opened->store);
  if (limit && opened->folder)
    if (const auto evicted = opened->folder->evict(*limit, nullptr); !evicted)
      return fail(CarError{advised(evicted.failure()), kNoOutput});
  if (!imported)
    return fail(imported.failure());
  print_count(imported->blobs, imported->bytes,
              (" of " + std::to_string(entries->size()) + " are new").c_str(), file);
  return kDone;
}

}  // namespace dist::tool
