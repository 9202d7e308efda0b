// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/io/checked_store.h"

namespace dist {

StoreResult<std::optional<BytesList>> CheckedStore::get(const BlobKey& key,
                                                        GCancellable* cancellable) {
  auto blob = store_->get(key, cancellable);
  if (!blob || !*blob)
    return blob;
  const Status status = check_(key, **blob);
  if (status)
    return blob;
  std::string text = "store " + where_ + ": blob " + key_text(key) + ": " + status.error();
  // Else the next job would meet it again.
  if (const auto removed = store_->remove(key, cancellable); removed)
    text += "; it was removed";
  else
    text += "; it could not be removed: " + removed.error();
  warn_(text);
  return std::optional<BytesList>();
}

}  // namespace dist
