// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Bounds of what a server may cost: bytes, attempts and time.
#include "gst/io/http_client.h"

#include "gst/io/http_store.h"
#include "gst/io/s3_client.h"
#include "tests/io/store_helpers.h"
#include "tests/io/test_server.h"

namespace {

using namespace dist;
using namespace dist::test;

std::string announcing(const std::string& status, std::uint64_t length) {
  return "HTTP/1.1 " + status + "\r\nContent-Length: " + std::to_string(length) + "\r\n\r\nx";
}

std::string chunked(const std::string& status, const std::string& body) {
  char length[32];
  g_snprintf(length, sizeof(length), "%zx\r\n", body.size());
  return "HTTP/1.1 " + status + "\r\nTransfer-Encoding: chunked\r\n\r\n" + length + body +
         "\r\n0\r\n\r\n";
}

S3Config config(const ScriptedServer& server) {
  return {.endpoint = server.url(),
          .region = "us-east-1",
          .bucket = "films",
          .path_style = true,
          .credentials = {.access_key = "A", .secret_key = "S"}};
}

}  // namespace

GST_START_TEST(test_answer_is_bounded) {
  const std::string most(kMaxHttpText, 'x');
  const struct {
    std::string answer;
    std::uint64_t max_body;
    bool passes;
  } rows[] = {
      {ScriptedServer::answer("200 OK", most), kMaxHttpText, true},
      {ScriptedServer::answer("200 OK", most + "x"), kMaxHttpText, false},
      {chunked("200 OK", most), kMaxHttpText, true},
      {chunked("200 OK", most + "x"), kMaxHttpText, false},
      {ScriptedServer::answer("200 OK", most + "x"), kMaxBlob, true},
      {ScriptedServer::answer("206 Partial Content", most + "x"), kMaxBlob, true},
      {ScriptedServer::answer("404 Not Found", most + "x"), kMaxBlob, false},
      {announcing("200 OK", kMaxBlob + 1), kMaxBlob, false},
  };
  for (const auto& row : rows) {
    ScriptedServer server({row.answer});
    HttpClient client(HttpClient::Config{});
    const auto got = client.send({.url = server.url(), .max_body = row.max_body}, nullptr);
    const std::string head = row.answer.substr(0, 60);
    if (row.passes)
      fail_unless(got && got->body.size() >= kMaxHttpText, "%s", head.c_str());
    else
      fail_unless_error(got, "the answer is larger than", head.c_str());
    fail_unless_equals_int(static_cast<int>(server.requests()), 1);
  }
}
GST_END_TEST

GST_START_TEST(test_store_gives_blobs_room_and_nothing_else) {
  const std::string large(kMaxHttpText + 1, 'x');
  ScriptedServer server({ScriptedServer::answer("200 OK", large),
                         ScriptedServer::answer("403 Forbidden", large),
                         ScriptedServer::answer("200 OK", large)});
  S3Client client(config(server));
  const auto got = client.get("x", nullptr);
  fail_unless(got && *got && total_size(**got) == large.size());
  fail_unless_error(client.get("x", nullptr), "larger", "error page");
  fail_unless_error(client.list(
                        "", [](const std::string&, std::uint64_t) { return true; }, nullptr),
                    "larger", "list");
  ScriptedServer other({ScriptedServer::answer("200 OK", large)});
  HttpStore store(other.url());
  const auto blob = store.get(key_of(1), nullptr);
  fail_unless(blob && *blob && total_size(**blob) == large.size());
}
GST_END_TEST

GST_START_TEST(test_reading_is_tried_twice_and_writing_three_times) {
  const struct {
    const char* method;
    unsigned attempts;
    unsigned expected;
  } rows[] = {{"GET", 0, 2}, {"HEAD", 0, 2}, {"PUT", 0, 3}, {"DELETE", 0, 3}, {"DELETE", 1, 1}};
  for (const auto& row : rows) {
    ScriptedServer server(std::vector(9, ScriptedServer::answer("503 Slow Down", "")));
    HttpClient client({.first_pause = 1});
    const auto got =
        client.send({.method = row.method, .url = server.url(), .attempts = row.attempts}, nullptr);
    fail_unless_ok(got);
    fail_unless_equals_int(static_cast<int>(got->status), 503);
    fail_unless(server.requests() == row.expected, "%s: %u", row.method, server.requests());
  }
}
GST_END_TEST

// The server refuses a part and is silent then.
GST_START_TEST(test_abort_of_an_upload_ends_soon) {
  ScriptedServer server(
      {ScriptedServer::answer("200 OK", "<R><UploadId>1</UploadId></R>"),
       ScriptedServer::answer("403 Forbidden", "<Error><Code>AccessDenied</Code></Error>")});
  S3Config small = config(server);
  small.part_size = 100;
  S3Client client(small);
  const gint64 begin = g_get_monotonic_time();
  const auto status = client.put("x", blob_of(1, 200), "text/plain", nullptr);
  fail_unless_error(status, "AccessDenied", "part");
  const gint64 taken = g_get_monotonic_time() - begin;
  fail_unless(taken > 2 * G_USEC_PER_SEC && taken < 9 * G_USEC_PER_SEC, "%f s",
              static_cast<double>(taken) / G_USEC_PER_SEC);
  fail_unless_equals_int(static_cast<int>(server.requests()), 3);
}
GST_END_TEST

static Suite* http_client_suite() {
  Suite* suite = suite_create("http_client");
  TCase* tcase = tcase_create("general");
  suite_add_tcase(suite, tcase);
  tcase_set_timeout(tcase, 60);
  tcase_add_test(tcase, test_answer_is_bounded);
  tcase_add_test(tcase, test_store_gives_blobs_room_and_nothing_else);
  tcase_add_test(tcase, test_reading_is_tried_twice_and_writing_three_times);
  tcase_add_test(tcase, test_abort_of_an_upload_ends_soon);
  return suite;
}

GST_CHECK_MAIN(http_client)
