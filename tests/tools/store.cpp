// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// gst-dist-1.0 store, on stores that transcode has made.

// Before gstcheck.h, which has a macro "fail".
#include "gst/io/car_file.h"
#include "tests/tools/stored_film.h"

#include <json-glib/json-glib.h>
#include <sys/stat.h>

#include <csignal>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include <gst/check/gstcheck.h>

#include "gst/record/car.h"
#include "gst/record/dag_pb.h"
#include "gst/record/store_export.h"
#include "gst/store/blob_key.h"

namespace {

using namespace tool;

constexpr unsigned kBlobs = kSegments * kRungs;

// A store with all results of a film.
class Store {
 public:
  Store() : film_(film_of(folder_)) { output_of(transcode("out", "")); }

  std::string path() const { return folder_ / "store"; }
  std::string in(const std::string& name) const { return folder_ / name; }
  std::string transcode(const std::string& out, const std::string& more) const {
    return line(film_, folder_ / out, "--yes --store " + path() + " " + more);
  }
  Ran ran(const std::string& arguments) const {
    return run(command() + "store " + arguments + " " + path());
  }
  std::string said(const std::string& arguments, int code = 0) const {
    return output_of(command() + "store " + arguments + " " + path(), code);
  }
  std::vector<fs::path> blobs() const { return blobs_of(path()); }

 private:
  Folder folder_;
  std::string film_;
};

struct FreeNode {
  void operator()(JsonNode* node) const { json_node_unref(node); }
};

// An object, which is the whole of the text.
class Json {
 public:
  explicit Json(const std::string& text) : node_(json_from_string(text.c_str(), nullptr)) {
    ck_assert_msg(node_ && JSON_NODE_HOLDS_OBJECT(node_.get()), "%s", text.c_str());
  }
  JsonObject* object() const { return json_node_get_object(node_.get()); }
  gint64 number(const char* name) const { return json_object_get_int_member(object(), name); }
  bool flag(const char* name) const { return json_object_get_boolean_member(object(), name) != 0; }
  std::string text(const char* name) const { return json_object_get_string_member(object(), name); }
  guint items(const char* name) const {
    return json_array_get_length(json_object_get_array_member(object(), name));
  }

 private:
  std::unique_ptr<JsonNode, FreeNode> node_;
};

std::string key_of(const fs::path& blob) {
  return blob.parent_path().filename().string() + blob.filename().string();
}

void says(const std::string& text, const std::string& part) {
  ck_assert_msg(text.find(part) != std::string::npos, "'%s' does not say '%s'", text.c_str(),
                part.c_str());
}

// A flipped byte, a truncated blob, an empty one, and a valid one of something else.
void damage_four(const std::vector<fs::path>& blobs) {
  std::string bytes = bytes_of(blobs[0].string());
  bytes[bytes.size() / 2] ^= 1;
  write_file(blobs[0].string(), bytes);
  fs::resize_file(blobs[1], fs::file_size(blobs[1]) - 1);
  fs::resize_file(blobs[2], 0);
  write_file(blobs[3].string(), bytes_of(blobs[4].string()));
}

}  // namespace

GST_START_TEST(test_store_lists_and_sums_up) {
  const Store store;
  std::istringstream lines(store.said("ls --json"));
  gint64 bytes = 0;
  unsigned count = 0;
  for (std::string text; std::getline(lines, text); ++count) {
    const Json blob(text);
    bytes += blob.number("bytes");
    ck_assert(dist::key_from_text(blob.text("key")).has_value());
    says(blob.text("about"), " by ");
    ck_assert_int_ge(blob.number("used"), g_get_real_time() / G_USEC_PER_SEC - 600);
  }
  ck_assert_uint_eq(count, kBlobs);
  const Json sum(store.said("du --json"));
  ck_assert_int_eq(sum.number("blobs"), kBlobs);
  ck_assert_int_eq(sum.number("bytes"), bytes);
  ck_assert_uint_eq(sum.items("kinds"), kRungs);
  says(store.said("du"), std::to_string(bytes));
  says(store.said("du"), std::to_string(kSegments) + " blobs  small:h264:160x90");
  says(store.said("ls"), key_of(store.blobs().front()));
  says(store.said("ls"), " by x264enc ");
}
GST_END_TEST

GST_START_TEST(test_store_check_finds_and_repairs) {
  const Store store;
  says(store.said("check"), "36 blobs");
  says(store.said("check"), ": whole");
  const auto blobs = store.blobs();
  damage_four(blobs);
  fs::remove(blobs[5]);
  write_file(store.path() + "/blobs/" + std::string(2, 'a') + "note", "a stranger's");
  fs::create_directories(store.path() + "/blobs/00");
  write_file(store.path() + "/blobs/00/" + std::string(62, '0'), "no stored result");
  const Json found(store.said("check --json", 1));
  ck_assert(!found.flag("whole"));
  ck_assert_int_eq(found.number("without-blob"), 1);
  ck_assert_int_eq(found.number("without-row"), 1);
  ck_assert_int_ge(found.number("other-size"), 2);
  ck_assert_int_eq(found.number("strangers"), 1);
  ck_assert_uint_ge(found.items("bad"), 4);
  ck_assert_uint_eq(store.blobs().size(), kBlobs - 1 + 2);
  const std::string repaired = store.said("check --repair");
  says(repaired, key_of(blobs[0]) + ": stored result: the checksum does not fit");
  says(repaired,
       key_of(blobs[3]) + ": stored result: it lies under the key of another one; removed");
  says(repaired, std::string(64, '0'));
  says(repaired, "whole, without what was removed");
  const Json whole(store.said("check --json"));
  ck_assert(whole.flag("whole"));
  ck_assert_int_eq(whole.number("blobs"), kBlobs - 5);
  ck_assert_uint_eq(encoded(output_of(store.transcode("again", ""))), 5);
  says(store.said("check"), "36 blobs");
}
GST_END_TEST

GST_START_TEST(test_store_makes_a_damaged_index_anew) {
  const Store store;
  const std::string index = store.path() + "/index.sqlite";
  for (const bool within : {false, true}) {
    std::string bytes = bytes_of(index);
    // A page in the middle, which opening does not read; or the beginning.
    const std::size_t at = within ? 4096 : 0;
    bytes.replace(at, bytes.size() - at, bytes.size() - at, 'x');
    fs::remove(index + "-wal");
    write_file(index, bytes);
    const Ran ran = store.ran("check");
    ck_assert_int_eq(ran.code, 1);
    says(ran.output, "the index is damaged");
    says(ran.output, "'gst-dist-1.0 store check --repair STORE' does that.");
    says(store.said("check --repair"), "made anew");
    says(store.said("check"), "36 blobs");
    ck_assert_uint_eq(encoded(output_of(store.transcode("again", ""))), 0);
  }
  write_file(index, std::string(8192, 'x'));
  fs::remove(index + "-wal");
  const Ran ran = run(store.transcode("never", ""));
  ck_assert_int_eq(ran.code, 2);
  says(ran.output, "'gst-dist-1.0 store check --repair STORE' does that.");
}
GST_END_TEST

// A running job holds what it has found, and what it has kept.
GST_START_TEST(test_store_gc_beside_a_running_job) {
  const Store store;
  says(store.said("gc --limit 1T"), ": 0 bytes removed");
  output_of(store.transcode("other", "-r tiny:h264:80x44:bframes=0:speed=fast"));
  ck_assert_uint_eq(store.blobs().size(), kBlobs + kSegments);
  // Stopped while it holds results of its film, and has others to make.
  farm::Process job(store.transcode("held", "-r slow:h264:96x54:bframes=0:speed=slow"));
  ck_assert(wait_for(job, "dist-segment-done"));
  Ran ran{1, ""};
  // It may have been stopped while it had the index.
  for (unsigned tries = 0; tries < 5 && ran.code != 0; ++tries) {
    job.signal(SIGCONT);
    job.signal(SIGSTOP);
    ran = store.ran("gc --limit 1K");
  }
  ck_assert_msg(ran.code == 0, "%s", ran.output.c_str());
  says(ran.output, "which running jobs hold");
  const std::size_t held = store.blobs().size();
  ck_assert_uint_ge(held, 1);
  ck_assert_uint_lt(held, kBlobs + kSegments);
  job.signal(SIGCONT);
  ck_assert_int_eq(job.exit_code(120), 0);
  says(store.said("check"), ": whole");
  store.said("gc --limit 1K");
  ck_assert_uint_eq(store.blobs().size(), 0);
}
GST_END_TEST

GST_START_TEST(test_store_goes_into_a_car_and_back) {
  const Store store;
  damage_four(store.blobs());
  const std::string car = store.in("store.car");
  const Ran ran = run(command() + "store export " + car + " " + store.path());
  ck_assert_msg(ran.code == 0, "%s", ran.output.c_str());
  says(ran.output, " is left out: ");
  says(ran.output, "32 blobs");
  const Ran again = run(command() + "store export " + car + " " + store.path());
  ck_assert_int_eq(again.code, 4);
  says(again.output, "--yes replaces it");
  output_of(command() + "store export --yes " + car + " " + store.path());

  const std::string copy = store.in("copy");
  says(output_of(command() + "store import " + car + " " + copy), "32 blobs");
  says(output_of(command() + "store import " + car + " " + copy), "0 blobs");
  says(output_of(command() + "store check " + copy), "32 blobs");
  for (const fs::path& blob : blobs_of(copy))
    ck_assert(bytes_of(blob.string()) ==
              bytes_of(store.path() + "/blobs/" + blob.parent_path().filename().string() + "/" +
                       blob.filename().string()));
  const Ran refused = run(command() + "store import " + car + " " + car);
  ck_assert_int_eq(refused.code, 4);
  says(refused.output, "Not a directory");

  // The same store makes the same file.
  const std::string second = store.in("second.car");
  output_of(command() + "store export " + second + " " + copy);
  ck_assert(bytes_of(second) == bytes_of(car));
}
GST_END_TEST

// At a blob that nobody writes the export waits.
GST_START_TEST(test_store_export_that_is_interrupted_leaves_no_file) {
  const Store store;
  const auto blobs = store.blobs();
  fs::resize_file(blobs[0], 0);
  fs::remove(blobs[1]);
  ck_assert_int_eq(mkfifo(blobs[1].c_str(), 0600), 0);
  fs::create_directory(store.in("car"));
  farm::Process job(command() + "store export " + store.in("car/store.car") + " " + store.path());
  ck_assert(wait_for(job, "is left out"));
  // The first asks, the second ends it; two may be taken for one.
  for (; job.pid() != 0; g_usleep(1000))
    job.signal(SIGINT);
  ck_assert_int_eq(job.exit_code(), 130);
  ck_assert(fs::is_empty(store.in("car")));
}
GST_END_TEST

GST_START_TEST(test_store_takes_nothing_of_a_damaged_car) {
  const Store store;
  const std::string car = store.in("store.car");
  output_of(command() + "store export " + car + " " + store.path());
  const std::string good = bytes_of(car);
  const auto refused = [&](const std::string& bytes, const char* text) {
    write_file(car, bytes);
    const Ran ran = run(command() + "store import " + car + " " + store.in("copy"));
    ck_assert_msg(ran.code == 1, "%d: %s", ran.code, ran.output.c_str());
    says(ran.output, text);
    ck_assert(!fs::exists(store.in("copy")));
  };
  std::string bytes = good;
  bytes[bytes.size() / 2] ^= 1;
  refused(bytes, "CAR: section ");
  refused(good.substr(0, good.size() - 1), "CAR: section ");
  refused("", "CAR: header: the file is empty");
  // A CAR without its root: all blocks are what their names say.
  refused(good.substr(0, 59), "export: ");
  const auto block = dist::record::make_block(dist::record::Codec::kRaw, {});
  const dist::Bytes header = dist::record::car_header(block.cid);
  refused(std::string(header.span().begin(), header.span().end()), "not DAG-CBOR");
}
GST_END_TEST

// A file of some hundred bytes that says that it has a blob of a mebibyte.
GST_START_TEST(test_store_bounds_what_a_car_may_grow_to) {
  const Folder folder;
  const std::string path = folder / "small.car";
  write_file(path, "");
  dist::CarFileWriter car(path, path);
  const auto put = [&car](const dist::record::Block& block) { return car.put(block); };
  auto block = dist::record::make_block(dist::record::Codec::kRaw, dist::Bytes::take({'x'}));
  ck_assert(bool{put(block)});
  std::uint64_t size = 1;
  for (unsigned level = 0; level < 10; ++level) {
    std::vector<std::uint8_t> data = {8, 2};
    dist::record::append_number(data, 3, size * 4);
    for (unsigned i = 0; i < 4; ++i)
      dist::record::append_number(data, 4, size);
    const std::vector<dist::record::PbLink> links(4, {block.cid, {}, {}});
    block = dist::record::make_block(
        dist::record::Codec::kDagPb,
        dist::Bytes::take(dist::record::encode_dag_pb({.links = links, .data = data})));
    ck_assert(bool{put(block)});
    size *= 4;
  }
  const auto root = dist::record::write_export({{{}, {block.cid, size}}}, put);
  ck_assert(bool{root} && bool{car.finish(*root)});
  const Ran ran = run(command() + "store import " + path + " " + (folder / "store"));
  ck_assert_msg(ran.code == 1, "%d: %s", ran.code, ran.output.c_str());
  says(ran.output, "1048576 bytes, more than ");
}
GST_END_TEST

GST_START_TEST(test_store_refuses) {
  const Folder folder;
  write_file(folder / "file", "mine");
  const struct {
    std::string arguments;
    int code;
    const char* text;
  } rows[] = {
      {"", 2, "what shall be done?"},
      {"lsx", 2, "there is no 'store lsx'; did you mean 'ls'?"},
      {"ls a b", 2, "'b' is one argument too many"},
      {"ls --repair", 2, "--repair: is for check"},
      {"ls --limit 1G", 2, "--limit: is for gc"},
      {"ls ''", 2, "STORE is empty"},
      {"gc --limit 0 ''", 2, "STORE is empty"},
      {"import x.car ''", 2, "STORE is empty"},
      {"gc", 2, "Give --limit SIZE"},
      {"gc --limit 1X", 2, "write a size, such as 500M or 20G"},
      {"gc --limit 1G --json", 2, "--json: is for ls, du and check"},
      {"ls --yes", 2, "--yes: is for export"},
      {"export", 2, "which file? Give FILE.car"},
      {"import", 2, "which file? Give FILE.car"},
      {"ls " + (folder / "none"), 3, "there is no store"},
      {"check --repair " + (folder / "none"), 3, "there is no store"},
      {"du " + (folder / "file"), 3, "there is no store"},
      {"ls", 3, "gst-dist/results: there is no store"},
      {"ls a,b", 3, "several stores; give one of them"},
      {"ls gopher://x", 3, "no such kind of store"},
      {"ls http://127.0.0.1:1/x", 3, "cannot be listed"},
      {"export x.car http://127.0.0.1:1/x", 3, "cannot be listed"},
      {"gc --limit 1G http://127.0.0.1:1/x", 3, "a server does not tell"},
      {"import " + (folder / "none.car") + " " + (folder / "new"), 3, "No such file"},
      {"import " + (folder / "file") + " " + (folder / "new"), 1, "CAR: header"},
  };
  for (const auto& row : rows) {
    const Ran ran = run("env XDG_CACHE_HOME=" + (folder / "cache") + " " + command() + "store " +
                        row.arguments);
    ck_assert_msg(ran.code == row.code && ran.output.find(row.text) != std::string::npos,
                  "%s: exit code %d, '%s'", row.arguments.c_str(), ran.code, ran.output.c_str());
  }
  ck_assert(!fs::exists(folder / "none"));
  ck_assert(!fs::exists(folder / "new"));
}
GST_END_TEST

// Two that repair, one that lists and a job, all at once.
GST_START_TEST(test_store_is_shared_by_processes) {
  const Store store;
  damage_four(store.blobs());
  farm::Process job(store.transcode("again", ""));
  std::vector<farm::Process> others;
  for (const char* action : {"check --repair", "check --repair", "ls", "du", "gc --limit 1T"})
    others.emplace_back(command() + "store " + action + " " + store.path());
  for (farm::Process& other : others)
    ck_assert_msg(other.exit_code(120) == 0, "%s", other.output().c_str());
  ck_assert_int_eq(job.exit_code(120), 0);
  says(store.said("check"), "36 blobs");
}
GST_END_TEST

static Suite* store_suite() {
  Suite* const suite = suite_create("store");
  TCase* const tests = tcase_create("all");
  tcase_set_timeout(tests, 300);
  suite_add_tcase(suite, tests);
  tcase_add_test(tests, test_store_lists_and_sums_up);
  tcase_add_test(tests, test_store_check_finds_and_repairs);
  tcase_add_test(tests, test_store_makes_a_damaged_index_anew);
  tcase_add_test(tests, test_store_gc_beside_a_running_job);
  tcase_add_test(tests, test_store_goes_into_a_car_and_back);
  tcase_add_test(tests, test_store_export_that_is_interrupted_leaves_no_file);
  tcase_add_test(tests, test_store_takes_nothing_of_a_damaged_car);
  tcase_add_test(tests, test_store_bounds_what_a_car_may_grow_to);
  tcase_add_test(tests, test_store_refuses);
  tcase_add_test(tests, test_store_is_shared_by_processes);
  return suite;
}

GST_CHECK_MAIN(store)
