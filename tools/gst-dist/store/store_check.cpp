// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/gst-dist/store/store_check.h"

#include <cinttypes>
#include <cstdio>
#include <optional>
#include <utility>
#include <vector>

#include "gst/base/text.h"
#include "gst/gstx/json_writer.h"
#include "gst/io/open_store.h"
#include "gst/store/stored_result.h"
#include "tools/gst-dist/store/opened_store.h"

namespace dist::tool {
namespace {

struct BadBlob {
  BlobKey key = {};
  std::string reason;
  bool removed = false;
};

struct Findings {
  std::string store;
  bool index_renewed = false;
  std::optional<FolderStore::Report> index;  // None: the store has none.
  std::uint64_t blobs = 0;
  std::uint64_t bytes = 0;
  std::vector<BadBlob> bad;
};

// The index of a folder; opens the store anew if the index has to be made anew.
StoreStatus check_index(const std::string& text, bool repair, StoreResult<OpenedStore>& store,
                        Findings& findings) {
  const auto compare = [&]() -> StoreStatus {
    if (!store)
      return store.failure();
    if (!store->folder)
      return kStoreOk;
    auto report = store->folder->check(repair, nullptr);
    if (!report)
      return report.failure();
    findings.index = *report;
    return kStoreOk;
  };
  auto status = compare();
  const auto folder = folder_of_store(text);
  if (status || status.failure().fault != StoreFault::kDamaged || !repair || !folder)
    return status;
  store = status.failure();  // Closed, before its files get other names.
  if (auto renewed = FolderStore::renew_index(*folder); !renewed)
    return renewed;
  findings.index_renewed = true;
  store = open_existing(text);
  return compare();
}

// What is wrong with a blob; empty if nothing is, or it is not there any more.
std::string flaw_of(const OpenedStore& store, const BlobKey& key, bool& readable) {
  const auto blob = store.read(key);
  readable = static_cast<bool>(blob);
  if (!blob)
    return blob.error();
  if (!*blob)
    return "";
  const auto stored = read_stored_result(key, **blob);
  return stored ? "" : stored.error();
}

StoreStatus check_blobs(const OpenedStore& store, bool repair, Findings& findings) {
  std::vector<BlobInfo> blobs;
  auto listed = store.store->list(
      [&](const BlobInfo& blob) {
        blobs.push_back(blob);
        return true;
      },
      nullptr);
  if (!listed)
    return listed;
  for (const BlobInfo& blob : blobs) {
    ++findings.blobs;
    findings.bytes += blob.size;
    bool readable = false;
    BadBlob bad{blob.key, flaw_of(store, blob.key, readable)};
    if (bad.reason.empty())
      continue;
    bad.removed = repair && readable && store.store->remove(blob.key, nullptr);
    findings.bad.push_back(std::move(bad));
  }
  return kStoreOk;
}

bool is_repaired(const Findings& findings, bool repair) {
  if (findings.index && !findings.index->agrees() && !repair)
    return false;
  for (const BadBlob& bad : findings.bad)
    if (!bad.removed)
      return false;
  return true;
}

void print_json(const Findings& findings, bool whole, bool repair) {
  JsonWriter writer;
  writer.text("store", findings.store);
  writer.flag("whole", whole);
  writer.flag("repair", repair);
  writer.count("blobs", findings.blobs);
  writer.count("bytes", findings.bytes);
  if (const auto& index = findings.index) {
    writer.flag("index-renewed", findings.index_renewed);
    writer.count("without-row", index->without_row);
    writer.count("other-size", index->other_size);
    writer.count("without-blob", index->without_blob);
    writer.count("strangers", index->strangers);
  }
  writer.objects("bad", findings.bad, [&](const BadBlob& bad) {
    writer.text("key", key_text(bad.key));
    writer.text("reason", bad.reason);
    writer.flag("removed", bad.removed);
  });
  std::printf("%s\n", writer.finish(true).c_str());
}

void print_text(const Findings& findings, bool whole, bool repair) {
  const auto tell = [&](std::uint64_t count, const char* what) {
    if (count > 0)
      std::printf("index: %" PRIu64 " %s%s\n", count, what, repair ? "; repaired" : "");
  };
  if (findings.index_renewed)
    std::printf("index: damaged; made anew, the old one is index.sqlite.damaged\n");
  if (const auto& index = findings.index) {
    tell(index->without_row, "blobs without a row");
    tell(index->other_size, "blobs of another size than their rows say");
    tell(index->without_blob, "rows without a blob");
    if (index->strangers > 0)
      std::printf("%" PRIu64 " files in blobs/ are no blobs; they stay\n", index->strangers);
  }
  for (const BadBlob& bad : findings.bad)
    std::printf("%s: %s%s\n", key_text(bad.key).c_str(), printable(bad.reason).c_str(),
                bad.removed ? "; removed" : "");
  std::printf(
      "%s: %s, %" PRIu64 " bytes: %s\n", printable(findings.store).c_str(),
      count_text(findings.blobs, "blob").c_str(), findings.bytes,
      whole ? (findings.bad.empty() ? "whole" : "whole, without what was removed") : "not whole");
}

}  // namespace

int check_store(const std::string& text, bool repair, bool json) {
  Findings findings;
  auto store = open_existing(text);
  if (const auto status = check_index(text, repair, store, findings); !status)
    return fail(status.failure());
  findings.store = store->name;
  if (const auto status = check_blobs(*store, repair, findings); !status)
    return fail(status.failure());
  const bool whole = is_repaired(findings, repair);
  if (json)
    print_json(findings, whole, repair);
  else
    print_text(findings, whole, repair);
  return whole ? kDone : kFailed;
}

}  // namespace dist::tool
