// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What a folder store knows of its blobs without looking: an SQLite database beside them, which all
// processes share. docs/design/store.md, "Stores".
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "gst/base/mutex.h"
#include "gst/io/blob_store.h"
#include "gst/io/sqlite.h"

namespace dist {

// Thread-safe. What is called within a transaction must not call the index.
class StoreIndex {
 public:
  // Makes the file if there is none. No other process may open the same one at the same time.
  static StoreResult<std::unique_ptr<StoreIndex>> open(const std::string& path);
  ~StoreIndex();

  struct Row {
    std::uint64_t size = 0;
    std::int64_t used = 0;  // Seconds.
  };
  StoreResult<std::optional<Row>> find(const BlobKey& key);

  // What makes or removes a blob's file; none: the file is not there, and nor will be the row.
  using Act = std::function<StoreResult<std::optional<std::uint64_t>>()>;
  // Runs `act`, which returns the blob's size, and notes the outcome, in one transaction: so no
  // other process removes the file in between. A row that is there keeps the later use.
  StoreStatus update(const BlobKey& key, std::int64_t used, const Act& act);
  // Only the time of the last use.
  StoreStatus touch(const BlobKey& key, std::int64_t used);

  struct Totals {
    std::uint64_t blobs = 0;
    std::uint64_t bytes = 0;
  };
  StoreResult<Totals> totals();
  // Reads all of it. kDamaged if something in it does not fit together.
  StoreStatus verify();
  // At most `count` rows with larger keys than `after`, in their order; none: from the first.
  StoreResult<std::vector<BlobInfo>> page(const std::optional<BlobKey>& after, unsigned count);

  // --- Holds
  StoreStatus hold(std::span<const BlobKey> keys, const std::string& holder);
  StoreStatus release(const std::string& holder);
  // Removes at most `count` rows of blobs that nobody holds, least recently used first, until
  // there are at most `down_to` bytes, and calls `remove` for each. Holds of holders that are not
  // alive are dropped first. Returns whether there may be more to remove.
  StoreResult<bool> evict(std::uint64_t down_to, unsigned count,
                          const std::function<bool(const std::string& holder)>& is_alive,
                          const std::function<void(const BlobKey&)>& remove);

 private:
  struct Statements;
  class Transaction;

  StoreIndex(std::string path, sqlite::Database db);
  StoreStatus set_up();
  StoreError error(int code) const;
  StoreStatus drop_dead_holds(const std::function<bool(const std::string&)>& is_alive)
      REQUIRES(lock_);

  const std::string path_;
  // Orders the use of the connection. Held while SQLite works, which may wait for other processes.
  Mutex lock_;
  const sqlite::Database db_;
  std::unique_ptr<Statements> statements_ GUARDED_BY(lock_);
};

}  // namespace dist
