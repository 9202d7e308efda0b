// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/gst-dist/store/store_car.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
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

namespace dist::tool {
namespace {

using record::Block;
using record::Cid;

// --- Export

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
                                                const std::string& path, const std::string& name) {
  CarFileWriter car(path, name);
  const auto put = [&car](const Block& block) { return car.put(block); };
  auto written = write_blobs(store, keys, put);
  if (!written)
    return written;
  const auto root = record::write_export(*written, put);
  if (!root)
    return Error{root.error()};
  if (Status status = car.finish(*root); !status)
    return Error{status.error()};
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
  const auto written = write_car(store, *keys, files->paths().front(), file);
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
  const auto car = CarFile::open(file);
  if (!car)
    return refuse(car.error());
  const auto entries = record::read_export(car->root(), car->get());
  if (!entries)
    return refuse(file + ": " + entries.error());
  CarBlobs car_blobs(*car);
  std::uint64_t blobs = 0;
  std::uint64_t bytes = 0;
  for (const record::Exported& entry : *entries) {
    const auto blob = read_blob(entry, car_blobs);
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
