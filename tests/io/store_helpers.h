// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the tests of stores share.
#pragma once

#include <atomic>
#include <map>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gst/base/mutex.h"
#include "gst/io/blob_store.h"
#include "tests/common/support.h"
#include "tests/common/temporary_folder.h"

namespace dist::test {

inline std::size_t files_in(const std::string& folder) {
  std::size_t count = 0;
  if (GDir* const dir = g_dir_open(folder.c_str(), 0, nullptr)) {
    while (g_dir_read_name(dir))
      ++count;
    g_dir_close(dir);
  }
  return count;
}

inline BlobKey key_of(std::uint64_t number) {
  return sha256(
      {Bytes::take({static_cast<std::uint8_t>(number), static_cast<std::uint8_t>(number >> 8),
                    static_cast<std::uint8_t>(number >> 16)})});
}

// In two pieces, of which each byte depends on the number.
inline BytesList blob_of(std::uint64_t number, std::size_t size) {
  Data data(size);
  for (std::size_t i = 0; i < size; ++i)
    data[i] = static_cast<std::uint8_t>(number * 31 + i * 7 + (i >> 8));
  const Bytes bytes = Bytes::take(std::move(data));
  return {bytes.slice(0, size / 3), bytes.slice(size / 3, size - size / 3)};
}

inline bool has(BlobStore& store, std::uint64_t number, std::size_t size) {
  const auto blob = store.get(key_of(number), nullptr);
  return blob && *blob && to_data(**blob) == to_data(blob_of(number, size));
}

// Neither an error nor a blob.
inline bool lacks(BlobStore& store, std::uint64_t number) {
  const auto blob = store.get(key_of(number), nullptr);
  return blob && !*blob;
}

inline std::map<BlobKey, std::uint64_t> listed(BlobStore& store) {
  std::map<BlobKey, std::uint64_t> all;
  (void)store.list(
      [&](const BlobInfo& info) {
        all[info.key] = info.size;
        return true;
      },
      nullptr);
  return all;
}

// What every store has to do. It is empty before, and after; `lists`: it can be listed.
inline void check_store(BlobStore& store, bool lists) {
  fail_unless(lacks(store, 1));
  fail_unless_ok(store.put(key_of(1), blob_of(1, 10'000), nullptr));
  fail_unless_ok(store.put(key_of(2), blob_of(2, 1), nullptr));
  fail_unless_ok(store.put(key_of(3), blob_of(3, 3'000'000), nullptr));
  fail_unless_ok(store.put(key_of(1), blob_of(1, 10'000), nullptr));
  fail_unless(has(store, 1, 10'000));
  fail_unless(has(store, 2, 1));
  fail_unless(has(store, 3, 3'000'000));
  const std::vector<BlobKey> keys{key_of(4), key_of(2), key_of(5), key_of(1)};
  const auto missing = store.find_missing(keys, nullptr);
  fail_unless_ok(missing);
  fail_unless(*missing == std::vector<BlobKey>({key_of(4), key_of(5)}));
  if (lists) {
    const std::map<BlobKey, std::uint64_t> expected{
        {key_of(1), 10'000}, {key_of(2), 1}, {key_of(3), 3'000'000}};
    fail_unless(listed(store) == expected);
  }
  const auto cancellable = g_cancellable_new();
  g_cancellable_cancel(cancellable);
  const auto cancelled = store.get(key_of(3), cancellable);
  fail_if(static_cast<bool>(cancelled));
  fail_unless(cancelled.failure().fault == StoreFault::kCancelled);
  const auto not_put = store.put(key_of(6), blob_of(6, 10), cancellable);
  fail_if(static_cast<bool>(not_put));
  fail_unless(not_put.failure().fault == StoreFault::kCancelled);
  g_object_unref(cancellable);
  fail_unless(lacks(store, 6));
  for (const std::uint64_t number : {1, 2, 3, 3, 9})
    fail_unless_ok(store.remove(key_of(number), nullptr));
  fail_unless(lacks(store, 1));
}

// Eight threads use the store at once, each for keys of its own and for one that all have.
inline void check_threads(BlobStore& store) {
  std::atomic<unsigned> faults = 0;
  std::vector<std::thread> threads;
  for (std::uint64_t thread = 0; thread < 8; ++thread)
    threads.emplace_back([&, thread] {
      for (std::uint64_t i = 0; i < 20; ++i) {
        const std::uint64_t own = 1'000 + thread * 20 + i;
        const BlobKey key = key_of(own);
        const auto missing = store.find_missing({&key, 1}, nullptr);
        const bool good = missing && missing->size() == 1 &&
                          store.put(key, blob_of(own, 5'000), nullptr) && has(store, own, 5'000) &&
                          store.put(key_of(7), blob_of(7, 5'000), nullptr) &&
                          has(store, 7, 5'000) && store.remove(key, nullptr) && lacks(store, own);
        faults += good ? 0 : 1;
      }
    });
  for (std::thread& thread : threads)
    thread.join();
  fail_unless_equals_int(static_cast<int>(faults), 0);
  fail_unless_ok(store.remove(key_of(7), nullptr));
}

// In memory, and as told: it fails, or holds other blobs than it was given.
class FakeStore : public BlobStore {
 public:
  std::map<BlobKey, Data> blobs;
  std::optional<StoreError> error;
  unsigned gets = 0;
  unsigned puts = 0;

  StoreResult<std::optional<BytesList>> get(const BlobKey& key, GCancellable*) override {
    ++gets;
    if (error)
      return *error;
    const auto found = blobs.find(key);
    if (found == blobs.end())
      return std::optional<BytesList>();
    return std::optional(BytesList{Bytes::take(found->second)});
  }
  StoreStatus put(const BlobKey& key, const BytesList& blob, GCancellable*) override {
    ++puts;
    if (error)
      return *error;
    blobs[key] = to_data(blob);
    return kStoreOk;
  }
  StoreResult<std::vector<BlobKey>> find_missing(std::span<const BlobKey> keys,
                                                 GCancellable*) override {
    if (error)
      return *error;
    std::vector<BlobKey> missing;
    for (const BlobKey& key : keys)
      if (blobs.count(key) == 0)
        missing.push_back(key);
    return missing;
  }
  StoreStatus list(const Visit& visit, GCancellable*) override {
    for (const auto& [key, data] : blobs)
      if (!visit({key, data.size()}))
        break;
    return kStoreOk;
  }
  StoreStatus remove(const BlobKey& key, GCancellable*) override {
    if (error)
      return *error;
    blobs.erase(key);
    return kStoreOk;
  }
  StoreStatus hold(std::span<const BlobKey>) override {
    return error ? StoreStatus(*error) : StoreStatus(kStoreOk);
  }
};

}  // namespace dist::test
