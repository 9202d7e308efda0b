// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/gst-dist/store/store_list.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <ctime>
#include <map>
#include <utility>
#include <vector>

#include "gst/base/text.h"
#include "gst/gstx/json_writer.h"
#include "gst/store/stored_result.h"

namespace dist::tool {
namespace {

constexpr char kUnknown[] = "-";
// Of du: what blobs say of themselves is unchecked, and may differ from blob to blob.
constexpr std::size_t kMaxKinds = 1000;
constexpr std::size_t kMaxKindWidth = 200;
constexpr char kOthers[] = "others";

// A server would have to send the whole blob, so of its blobs it is empty.
std::string about(const OpenedStore& store, const BlobKey& key) {
  if (!store.folder)
    return "";
  const auto begin = store.folder->read(key, kAboutSize, nullptr);
  return begin && *begin ? about_stored_result(joined_slice(**begin, 0, kAboutSize)) : "";
}

std::string day_text(std::int64_t seconds) {
  const std::time_t time = seconds;
  std::tm parts = {};
  char text[32];
  if (seconds == 0 || !localtime_r(&time, &parts) ||
      std::strftime(text, sizeof text, "%Y-%m-%d %H:%M", &parts) == 0)
    return kUnknown;
  return text;
}

void print(const BlobInfo& blob, const std::string& what, bool json) {
  if (!json) {
    std::printf("%s %12" PRIu64 "  %-16s  %s\n", key_text(blob.key).c_str(), blob.size,
                day_text(blob.used).c_str(), what.empty() ? kUnknown : printable(what).c_str());
    return;
  }
  JsonWriter writer;
  writer.text("key", key_text(blob.key));
  writer.count("bytes", blob.size);
  if (blob.used != 0)
    writer.difference("used", blob.used);
  if (!what.empty())
    writer.text("about", what);
  std::printf("%s\n", writer.finish(false).c_str());
}

struct Sum {
  std::uint64_t blobs = 0;
  std::uint64_t bytes = 0;

  void add(const BlobInfo& blob) {
    ++blobs;
    bytes += blob.size;
  }
};
using Kind = std::pair<std::string, Sum>;

void print_sums(const OpenedStore& store, const Sum& all, const std::vector<Kind>& kinds,
                bool json) {
  if (!json) {
    std::printf("%12" PRIu64 "  %8" PRIu64 " blobs  %s\n", all.bytes, all.blobs,
                printable(store.name).c_str());
    for (const auto& [what, sum] : kinds)
      std::printf("%12" PRIu64 "  %8" PRIu64 " blobs  %s\n", sum.bytes, sum.blobs,
                  what.empty() ? "no stored results" : printable(what).c_str());
    return;
  }
  JsonWriter writer;
  writer.text("store", store.name);
  writer.count("blobs", all.blobs);
  writer.count("bytes", all.bytes);
  writer.objects("kinds", kinds, [&](const Kind& kind) {
    if (!kind.first.empty())
      writer.text("about", kind.first);
    writer.count("blobs", kind.second.blobs);
    writer.count("bytes", kind.second.bytes);
  });
  std::printf("%s\n", writer.finish(true).c_str());
}

}  // namespace

int list_store(const OpenedStore& store, bool json) {
  const auto done = store.store->list(
      [&](const BlobInfo& blob) {
        print(blob, about(store, blob.key), json);
        return true;
      },
      nullptr);
  return done ? kDone : fail(done.failure());
}

int sum_up_store(const OpenedStore& store, bool json) {
  Sum all;
  std::map<std::string, Sum> sums;
  const auto done = store.store->list(
      [&](const BlobInfo& blob) {
        all.add(blob);
        if (!store.folder)
          return true;
        const std::string kind = cut(about(store, blob.key), kMaxKindWidth);
        const bool fits = sums.size() < kMaxKinds || sums.contains(kind);
        sums[fits ? kind : kOthers].add(blob);
        return true;
      },
      nullptr);
  if (!done)
    return fail(done.failure());
  std::vector<Kind> kinds(sums.begin(), sums.end());
  std::ranges::stable_sort(kinds, std::greater(),
                           [](const Kind& kind) { return kind.second.bytes; });
  print_sums(store, all, kinds, json);
  return kDone;
}

}  // namespace dist::tool
