// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
//   store-entries [ENTRIES [FOLDER]]
//
// How long a folder store with that many blobs (1,000,000) takes to open, to find keys, to put and
// to evict. Its rows are made without files, but for those that are put.
#include <glib/gstdio.h>
#include <sqlite3.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include "gst/io/folder_store.h"

namespace {

using namespace dist;

BlobKey key_of(std::uint64_t number) {
  return sha256({Bytes::take(
      {static_cast<std::uint8_t>(number), static_cast<std::uint8_t>(number >> 8),
       static_cast<std::uint8_t>(number >> 16), static_cast<std::uint8_t>(number >> 24)})});
}

void fill(const std::string& folder, std::uint64_t entries) {
  sqlite::Database db;
  sqlite3* raw = nullptr;
  sqlite3_open((folder + "/index.sqlite").c_str(), &raw);
  db.reset(raw);
  sqlite3_exec(raw, "BEGIN", nullptr, nullptr, nullptr);
  sqlite::Statement insert(raw, "INSERT INTO blobs VALUES(?1, 100000, ?2)");
  for (std::uint64_t i = 0; i < entries; ++i)
    insert.bind(1, key_of(i)).bind(2, static_cast<std::int64_t>(i)).step();
  sqlite3_exec(raw, "COMMIT", nullptr, nullptr, nullptr);
}

// Microseconds of each of so many calls: the median, the 99th of a hundred, and the longest.
void measure(const char* what, unsigned times, const std::function<bool(unsigned)>& call) {
  std::vector<double> took;
  for (unsigned i = 0; i < times; ++i) {
    const gint64 begin = g_get_monotonic_time();
    if (!call(i)) {
      std::printf("%-28s failed\n", what);
      return;
    }
    took.push_back(static_cast<double>(g_get_monotonic_time() - begin));
  }
  std::ranges::sort(took);
  std::printf("%-28s median %9.0f us, 99 %% %9.0f us, longest %9.0f us\n", what, took[times / 2],
              took[times * 99 / 100], took.back());
}

}  // namespace

int main(int argc, char** argv) {
  const std::uint64_t entries = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1'000'000;
  const std::string folder =
      argc > 2 ? argv[2] : std::string(g_get_tmp_dir()) + "/dist-store-entries";
  auto store = FolderStore::open(folder);
  if (!store) {
    std::fprintf(stderr, "%s\n", store.error().c_str());
    return 1;
  }
  if (*(*store)->bytes() == 0)
    fill(folder, entries);
  std::printf("%llu entries in %s\n", static_cast<unsigned long long>(entries), folder.c_str());

  measure("open", 20, [&](unsigned) {
    store = FolderStore::open(folder);
    return static_cast<bool>(store);
  });
  measure("find, there", 10'000, [&](unsigned i) {
    const BlobKey key = key_of(std::uint64_t{i} * 7'919 % entries);
    const auto missing = (*store)->find_missing({&key, 1}, nullptr);
    return missing && missing->empty();
  });
  measure("find, not there", 10'000, [&](unsigned i) {
    const BlobKey key = key_of(0xff000000u + i);
    const auto missing = (*store)->find_missing({&key, 1}, nullptr);
    return missing && missing->size() == 1;
  });
  const Bytes blob = Bytes::take(std::vector<std::uint8_t>(100'000, 1));
  measure("put, 100,000 bytes", 200, [&](unsigned i) {
    return static_cast<bool>((*store)->put(key_of(0xfe000000u + i), {blob}, nullptr));
  });
  measure("get, 100,000 bytes", 200, [&](unsigned i) {
    const auto got = (*store)->get(key_of(0xfe000000u + i), nullptr);
    return got && got->has_value();
  });
  measure("evict one", 100, [&](unsigned) {
    const auto bytes = (*store)->bytes();
    return bytes && (*store)->evict(*bytes - 100'000, nullptr);
  });
  return 0;
}
