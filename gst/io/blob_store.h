// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Where blobs lie under their keys. No policy: checks, limits and chains are wrappers
// (docs/design/store.md, "Stores").
#pragma once

#include <gio/gio.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "gst/base/bytes.h"
#include "gst/base/result.h"
#include "gst/store/blob_key.h"

namespace dist {

// Bytes; no blob is larger (the head and payload of the largest result).
inline constexpr std::uint64_t kMaxBlob = (std::uint64_t{2} << 30) + (64u << 20);

enum class StoreFault {
  kUnavailable,  // A disk, a network or a server that may work again.
  kFull,         // No room; another put will not succeed either.
  kTooLarge,     // This blob does not fit, others do: a caller ignores it and puts the next.
  kRefused,      // No right to do it, or nothing of that name: whoever set it up has to act.
  kDamaged,      // The index of a folder cannot be read: FolderStore::renew_index() helps.
  kCancelled,
};

// The message never shows user, password, key or query of a URL.
struct StoreError {
  std::string message;
  StoreFault fault = StoreFault::kUnavailable;
};

template <class T>
using StoreResult = Result<T, StoreError>;
using StoreStatus = StoreResult<std::monostate>;
inline constexpr std::monostate kStoreOk{};

struct BlobInfo {
  BlobKey key = {};
  std::uint64_t size = 0;
  std::int64_t used = 0;  // Last, in seconds; 0: the store does not know.
};

// Thread-safe. All calls block, and end with kCancelled soon after the GCancellable, which may be
// null, is cancelled.
class BlobStore {
 public:
  virtual ~BlobStore() = default;

  // None if there is none.
  virtual StoreResult<std::optional<BytesList>> get(const BlobKey& key,
                                                    GCancellable* cancellable) = 0;
  // The blob is there, whole and for good, once this has succeeded; if it fails, it is there whole
  // or not at all. A key stands for one content, so it does not matter whether there is one
  // already.
  virtual StoreStatus put(const BlobKey& key, const BytesList& blob, GCancellable* cancellable) = 0;
  // Those of the keys that have no blob.
  virtual StoreResult<std::vector<BlobKey>> find_missing(std::span<const BlobKey> keys,
                                                         GCancellable* cancellable) = 0;

  // --- Maintenance
  // Calls `visit` for each blob, in no order, until it returns false. Stores that have several
  // copies may call it more than once for a key.
  using Visit = std::function<bool(const BlobInfo&)>;
  virtual StoreStatus list(const Visit& visit, GCancellable* cancellable) = 0;
  // Success if there is none.
  virtual StoreStatus remove(const BlobKey& key, GCancellable* cancellable) = 0;
  // As long as this object lives the store evicts none of these by itself, whether they are there
  // already or not; the end of the process, of whatever kind, is the end of the object.
  virtual StoreStatus hold(std::span<const BlobKey>) { return kStoreOk; }
  // What the user of this object does, for those who look into the store; it replaces what was
  // published before, and ends with this object. Servers have nobody who looks.
  virtual StoreStatus publish(const Bytes&) { return kStoreOk; }
};

// One that knows how much it holds, and how long each blob has not been used.
class EvictableStore : public BlobStore {
 public:
  virtual StoreResult<std::uint64_t> bytes() = 0;
  // Removes blobs that are not held, least recently used first, until at most so many bytes are
  // left or only held ones.
  virtual StoreStatus evict(std::uint64_t down_to, GCancellable* cancellable) = 0;
};

inline bool is_cancelled(GCancellable* cancellable) {
  return cancellable && g_cancellable_is_cancelled(cancellable);
}

}  // namespace dist
