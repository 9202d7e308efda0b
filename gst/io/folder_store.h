// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Blobs as files of a folder, which several processes may use at once.
#pragma once

#include <bitset>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "gst/base/mutex.h"
#include "gst/io/blob_store.h"
#include "gst/io/locked_file.h"
#include "gst/io/store_index.h"

namespace dist {

class FolderStore : public EvictableStore {
 public:
  // Seconds, for the times of last use.
  using Clock = std::function<std::int64_t()>;
  static std::int64_t wall_clock();

  // Makes the folder if there is none; what is above it must be there. Reads no blob.
  static StoreResult<std::unique_ptr<FolderStore>> open(const std::string& folder,
                                                        Clock clock = wall_clock);
  ~FolderStore() override;

  StoreResult<std::optional<BytesList>> get(const BlobKey& key, GCancellable* cancellable) override;
  StoreStatus put(const BlobKey& key, const BytesList& blob, GCancellable* cancellable) override;
  StoreResult<std::vector<BlobKey>> find_missing(std::span<const BlobKey> keys,
                                                 GCancellable* cancellable) override;
  StoreStatus list(const Visit& visit, GCancellable* cancellable) override;
  StoreStatus remove(const BlobKey& key, GCancellable* cancellable) override;
  StoreStatus hold(std::span<const BlobKey> keys) override;
  StoreStatus publish(const Bytes& journal) override;
  StoreResult<std::uint64_t> bytes() override;
  StoreStatus evict(std::uint64_t down_to, GCancellable* cancellable) override;

  // As get(), but no use of the blob, and at most its first so many bytes.
  StoreResult<std::optional<BytesList>> read(const BlobKey& key, std::uint64_t most,
                                             GCancellable* cancellable);

  // Where index and blobs disagree.
  struct Report {
    std::uint64_t blobs = 0;  // Files.
    std::uint64_t bytes = 0;
    std::uint64_t without_row = 0;
    std::uint64_t other_size = 0;    // Than their rows say.
    std::uint64_t without_blob = 0;  // Rows.
    std::uint64_t strangers = 0;     // Files that are no blobs by their names; they stay.
    bool agrees() const { return without_row + other_size + without_blob == 0; }
  };
  // Compares them, and makes the index follow the blobs if `repair`. Others may go on meanwhile.
  // kDamaged if the index itself is.
  StoreResult<Report> check(bool repair, GCancellable* cancellable);
  // Puts the index of a folder aside if it is damaged, so that check() makes it anew. Those who
  // have the folder open go on with the old one until they end.
  static StoreStatus renew_index(const std::string& folder);

 private:
  FolderStore(std::string folder, Clock clock, std::unique_ptr<StoreIndex> index)
      : folder_(std::move(folder)), clock_(std::move(clock)), index_(std::move(index)) {}
  std::string path_of(const BlobKey& key) const;
  StoreResult<bool> adopt(const BlobKey& key);
  StoreResult<std::string> holder();
  StoreStatus make_prefix(std::uint8_t first, const std::string& folder);
  StoreStatus move_in(const BlobKey& key, LockedFile& file, std::uint64_t size);
  StoreStatus check_files(bool repair, GCancellable* cancellable, Report& report);
  StoreStatus check_file(const std::string& folder, const char* name, bool repair, Report& report);
  StoreStatus check_rows(bool repair, GCancellable* cancellable, Report& report);

  const std::string folder_;
  const Clock clock_;
  const std::unique_ptr<StoreIndex> index_;
  Mutex lock_;
  std::optional<LockedFile> holder_ GUARDED_BY(lock_);  // Made with the first hold.
  // Folders of blobs, by the first byte of their keys, whose names this store has synced.
  std::bitset<256> synced_ GUARDED_BY(lock_);
};

}  // namespace dist
