// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Against Ceph's S3 gateway.
#include "gst/io/s3_store.h"

#include <cstdlib>

#include "gst/io/gzip.h"
#include "gst/io/open_place.h"
#include "gst/io/open_store.h"
#include "gst/io/s3_place.h"
#include "gst/io/xml_texts.h"
#include "tests/io/place_helpers.h"
#include "tests/io/test_server.h"

namespace {

using namespace dist;
using namespace dist::test;

constexpr std::uint64_t kMiB = 1u << 20;

// One for all tests: it takes long to begin.
std::uint16_t port = 0;

S3Config config(std::uint16_t at = 0) {
  return {.endpoint = "http://127.0.0.1:" + std::to_string(at ? at : port),
          .region = "us-east-1",
          .bucket = "films",
          .path_style = true,
          .credentials = {.access_key = "GDACCESS", .secret_key = "GDSECRET"},
          .http = {.read_attempts = 4, .attempts = 4, .first_pause = 5}};
}

// Requests that the client has no call for.
StoreResult<HttpResponse> send(const std::string& method, const std::string& path) {
  HttpClient client(
      {.user = "GDACCESS", .password = "GDSECRET", .signature = "aws:amz:us-east-1:s3"});
  return client.send({.method = method,
                      .url = config().endpoint + path,
                      .headers = {"x-amz-content-sha256: " + key_text(sha256({}))}},
                     nullptr);
}

HttpResponse ask(const std::string& method, const std::string& path) {
  const auto response = send(method, path);
  fail_unless_ok(response);
  return *response;
}

}  // namespace

GST_START_TEST(test_bucket_is_a_store) {
  S3Store store(config(), "a/b");
  check_store(store, true);
  check_threads(store);
  S3Store root(config(), "");
  check_store(root, true);
}
GST_END_TEST

GST_START_TEST(test_objects_of_any_name_and_size) {
  S3Client client(config());
  const std::string names[] = {"index.m3u8", "a film/ä+b=c&d%20?.m4s", "deep/er/and/deeper",
                               "tilde~(x)'!*"};
  for (const std::string& name : names) {
    for (const std::uint64_t size :
         {std::uint64_t{0}, std::uint64_t{1}, 8 * kMiB, 8 * kMiB + 1, 20 * kMiB}) {
      fail_unless_ok(client.put(name, blob_of(size, size), "video/mp4", nullptr));
      const auto got = client.get(name, nullptr);
      fail_unless_ok(got);
      fail_unless(got->has_value() && to_data(**got) == to_data(blob_of(size, size)), "%s, %zu",
                  name.c_str(), static_cast<std::size_t>(size));
      fail_unless(*client.head(name, nullptr) == size);
    }
    const HttpResponse head = ask("HEAD", "/films/" + percent_encoded(name, true));
    fail_unless_equals_text(head.headers.at("content-type"), "video/mp4");
    fail_unless_ok(client.remove(name, nullptr));
    fail_if(client.head(name, nullptr)->has_value());
  }
}
GST_END_TEST

// More than one page.
GST_START_TEST(test_list_goes_on_after_a_page) {
  S3Client client(config());
  std::map<std::string, std::uint64_t> expected;
  for (int i = 0; i < 1'020; ++i) {
    const std::string name = "many/&" + std::to_string(i);
    expected[name] = 1;
    fail_unless_ok(client.put(name, blob_of(1, 1), "text/plain", nullptr));
  }
  std::map<std::string, std::uint64_t> found;
  fail_unless_ok(client.list(
      "many/",
      [&](const std::string& name, std::uint64_t size) {
        found[name] = size;
        return true;
      },
      nullptr));
  fail_unless(found == expected);
  unsigned calls = 0;
  fail_unless_ok(client.list(
      "many/", [&](const std::string&, std::uint64_t) { return ++calls < 3; }, nullptr));
  fail_unless_equals_int(static_cast<int>(calls), 3);
}
GST_END_TEST

GST_START_TEST(test_wrong_secret_and_missing_bucket_are_refused) {
  S3Config wrong = config();
  wrong.credentials.secret_key = "GUESSED";
  S3Store intruder(wrong, "x");
  const auto got = intruder.get(key_of(1), nullptr);
  fail_unless_error(got, "SignatureDoesNotMatch", "secret");
  fail_unless(got.failure().fault == StoreFault::kRefused);
  fail_if(contains(got.error(), "GUESSED") || contains(got.error(), "GDACCESS"));
  S3Config nowhere = config();
  nowhere.bucket = "nowhere";
  S3Store store(nowhere, "x");
  for (const auto& error : {store.get(key_of(1), nullptr).error(),
                            store.put(key_of(1), blob_of(1, 10), nullptr).error()})
    fail_unless(contains(error, "make the bucket 'nowhere' first"), "%s", error.c_str());
}
GST_END_TEST

GST_START_TEST(test_what_may_pass_is_tried_again) {
  using enum FaultyProxy::Fault;
  FaultyProxy proxy(port, {kBusy, kReset, kResetMidway});
  S3Store store(config(proxy.port()), "x");
  fail_unless_ok(store.put(key_of(1), blob_of(1, 100'000), nullptr));
  fail_unless(has(store, 1, 100'000));
  fail_unless_equals_int(static_cast<int>(proxy.connections()), 4);
  FaultyProxy large(port, {kCutsUpload, kBusy});
  S3Store other(config(large.port()), "x");
  fail_unless_ok(other.put(key_of(2), blob_of(2, 30 * kMiB), nullptr));
  fail_unless(has(store, 2, 30 * kMiB));
}
GST_END_TEST

GST_START_TEST(test_upload_that_fails_leaves_no_parts) {
  using enum FaultyProxy::Fault;
  // Its four attempts at the second part are lost; that to abort comes through.
  FaultyProxy proxy(port, {kCutsUpload, kReset, kBusy, kReset});
  S3Store store(config(proxy.port()), "x");
  const auto status = store.put(key_of(3), blob_of(3, 20 * kMiB), nullptr);
  fail_if(static_cast<bool>(status));
  fail_unless(status.failure().fault == StoreFault::kUnavailable, "%s", status.error().c_str());
  fail_unless(lacks(store, 3));
  const HttpResponse uploads = ask("GET", "/films/?uploads=");
  fail_unless_equals_int(static_cast<int>(uploads.status), 200);
  fail_unless_equals_text(xml_text(uploads.body.span(), "UploadId"), "");
}
GST_END_TEST

GST_START_TEST(test_store_of_a_url) {
  setenv("AWS_ACCESS_KEY_ID", "GDACCESS", 1);
  setenv("AWS_SECRET_ACCESS_KEY", "GDSECRET", 1);
  const StoreOptions options{.check = [](const BlobKey&, const BytesList&) { return Status(); },
                             .warn = [](const std::string&) {}};
  auto store = open_store({"s3://films/by%20url?endpoint=" + config().endpoint}, options);
  fail_unless_ok(store);
  check_store(**store, true);
}
GST_END_TEST

GST_START_TEST(test_bucket_is_a_place) {
  for (const bool gzip : {false, true}) {
    S3Place place(config(), "vod/a film", gzip);
    check_place(place, gzip);
    check_replacement(place);
  }
}
GST_END_TEST

// What players get to see.
GST_START_TEST(test_files_have_their_headers) {
  S3Place place(config(), "headers", true);
  fail_unless_ok(place.put("v/0.mp4", blob_of(1, 100), kSegmentHeaders, nullptr));
  fail_unless_ok(place.put("v/large.mp4", blob_of(1, 20 * kMiB), kSegmentHeaders, nullptr));
  for (const char* name : {"v/0.mp4", "v/large.mp4"}) {
    const HttpResponse head = ask("HEAD", std::string("/films/headers/") + name);
    fail_unless_equals_text(head.headers.at("content-type"), "video/mp4");
    fail_unless_equals_text(head.headers.at("cache-control"), kSegmentHeaders.cache_control);
    fail_if(head.headers.contains("content-encoding"));
  }
  fail_unless_ok(place.put("v/index.m3u8", blob_of(2, 5'000), kPlaylistHeaders, nullptr));
  const HttpResponse playlist = ask("GET", "/films/headers/v/index.m3u8");
  fail_unless_equals_text(playlist.headers.at("content-type"), kPlaylistHeaders.content_type);
  fail_unless_equals_text(playlist.headers.at("cache-control"), "no-cache");
  fail_unless_equals_text(playlist.headers.at("content-encoding"), "gzip");
  const auto text = gunzip({playlist.body}, 5'000);
  fail_unless(text && to_data(text->span()) == to_data(blob_of(2, 5'000)));
}
GST_END_TEST

GST_START_TEST(test_what_a_bucket_refuses_of_a_place) {
  S3Config wrong = config();
  wrong.credentials.secret_key = "GUESSED";
  S3Config nowhere = config();
  nowhere.bucket = "nowhere";
  S3Config away = config(free_port());
  const struct {
    const S3Config& config;
    const char* error;
    StoreFault fault;
  } rows[] = {
      {wrong, "SignatureDoesNotMatch", StoreFault::kRefused},
      {nowhere, "make the bucket 'nowhere' first", StoreFault::kRefused},
      {away, "onnect", StoreFault::kUnavailable},
  };
  for (const auto& row : rows) {
    S3Place place(row.config, "x", false);
    const auto status = place.put("v/init.mp4", blob_of(1, 10), kSegmentHeaders, nullptr);
    fail_unless_error(status, row.error, row.error);
    fail_unless(status.failure().fault == row.fault, "%s", status.error().c_str());
    fail_if(contains(status.error(), "GUESSED") || contains(status.error(), "GDACCESS"));
  }
}
GST_END_TEST

// Every seventh request fails, also in the middle of an upload; no part is left.
GST_START_TEST(test_place_behind_a_bad_network) {
  using enum FaultyProxy::Fault;
  std::vector<FaultyProxy::Fault> faults;
  const FaultyProxy::Fault kinds[] = {kBusy, kReset, kResetMidway, kCutsUpload};
  for (unsigned i = 0; i < 280; ++i)
    faults.push_back(i % 7 == 6 ? kinds[i / 7 % 4] : kNone);
  FaultyProxy proxy(port, faults);
  S3Place place(config(proxy.port()), "bad", true);
  for (unsigned i = 0; i < 20; ++i) {
    const std::size_t size = i % 5 == 0 ? 20 * kMiB : 50'000;
    fail_unless_ok(place.put("v/" + std::to_string(i), blob_of(i, size), kSegmentHeaders, nullptr));
    fail_unless_ok(place.put("v/index.m3u8", blob_of(i, 5'000), kPlaylistHeaders, nullptr));
  }
  for (unsigned i = 0; i < 20; ++i)
    fail_unless(
        holds(place, "v/" + std::to_string(i), blob_of(i, i % 5 == 0 ? 20 * kMiB : 50'000)));
  const HttpResponse uploads = ask("GET", "/films/?uploads=");
  fail_unless_equals_text(xml_text(uploads.body.span(), "UploadId"), "");
}
GST_END_TEST

static Suite* s3_store_suite() {
  Suite* suite = suite_create("s3_store");
  TCase* tcase = tcase_create("general");
  suite_add_tcase(suite, tcase);
  tcase_set_timeout(tcase, 120);
  tcase_add_test(tcase, test_bucket_is_a_store);
  tcase_add_test(tcase, test_objects_of_any_name_and_size);
  tcase_add_test(tcase, test_list_goes_on_after_a_page);
  tcase_add_test(tcase, test_wrong_secret_and_missing_bucket_are_refused);
  tcase_add_test(tcase, test_what_may_pass_is_tried_again);
  tcase_add_test(tcase, test_upload_that_fails_leaves_no_parts);
  tcase_add_test(tcase, test_store_of_a_url);
  tcase_add_test(tcase, test_bucket_is_a_place);
  tcase_add_test(tcase, test_files_have_their_headers);
  tcase_add_test(tcase, test_what_a_bucket_refuses_of_a_place);
  tcase_add_test(tcase, test_place_behind_a_bad_network);
  return suite;
}

int main(int argc, char** argv) {
  for (const char* program : {"radosgw", "radosgw-admin", "ceph", "ceph-mon", "ceph-osd"}) {
    gchar* const path = g_find_program_in_path(program);
    if (!path) {
      g_printerr("there is no %s: skipped\n", program);
      return 77;
    }
    g_free(path);
  }
  gst_check_init(&argc, &argv);
  const TemporaryFolder folder;
  port = free_port();
  const std::string log = folder.path() + "/log";
  const Server server(
      {std::string(g_getenv("DIST_SOURCE_ROOT")) + "/tests/io/radosgw", folder.path() + "/ceph",
       std::to_string(port), std::to_string(free_port()), std::to_string(free_port())},
      log);
  const std::string ready = folder.path() + "/ceph/ready";
  for (int i = 0; i < 1'200 && server.runs() && !g_file_test(ready.c_str(), G_FILE_TEST_EXISTS);
       ++i)
    g_usleep(100'000);
  if (!g_file_test(ready.c_str(), G_FILE_TEST_EXISTS)) {
    gchar* text = nullptr;
    g_file_get_contents(log.c_str(), &text, nullptr, nullptr);
    g_printerr("Ceph does not begin:\n%s\n", text ? text : "");
    return 1;
  }
  if (const auto bucket = send("PUT", "/films"); !bucket || bucket->status != 200) {
    g_printerr("the bucket cannot be made\n");
    return 1;
  }
  return gst_check_run_suite(s3_store_suite(), "s3_store", __FILE__);
}
