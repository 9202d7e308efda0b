// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Against nginx with its WebDAV module.
#include "gst/io/http_store.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "gst/io/http_place.h"
#include "gst/io/open_place.h"
#include "gst/io/open_store.h"
#include "tests/io/place_helpers.h"
#include "tests/io/test_server.h"

namespace {

using namespace dist;
using namespace dist::test;

class Nginx {
 public:
  Nginx() {
    const std::string& at = folder_.path();
    std::string config = R"(
daemon off;
master_process off;
pid AT/pid;
error_log AT/error.log;
events {}
http {
  access_log AT/access.log;
  client_max_body_size 0;
  client_body_temp_path AT/body;
  proxy_temp_path AT/proxy;
  fastcgi_temp_path AT/fastcgi;
  uwsgi_temp_path AT/uwsgi;
  scgi_temp_path AT/scgi;
  server {
    listen 127.0.0.1:PORT;
    root AT/root;
    location /films/ { dav_methods PUT DELETE; create_full_put_path on; }
    location /dav/ { dav_methods PUT DELETE MKCOL; }
    location /locked/ {
      dav_methods PUT DELETE; create_full_put_path on;
      auth_basic films; auth_basic_user_file AT/users;
    }
    location /read/ {}
    location /full/ { return 507; }
    location /gone/ { return 301 /films/; }
  }
}
)";
    for (const auto& [name, value] :
         {std::pair<std::string, std::string>{"AT", at}, {"PORT", std::to_string(port)}})
      for (std::size_t pos = 0; (pos = config.find(name, pos)) != std::string::npos;)
        config.replace(pos, name.size(), value);
    g_mkdir((at + "/root").c_str(), 0700);
    for (const char* part : {"films", "dav", "locked", "read"})
      g_mkdir((at + "/root/" + part).c_str(), 0700);
    g_file_set_contents((at + "/nginx.conf").c_str(), config.c_str(), -1, nullptr);
    g_file_set_contents((at + "/users").c_str(), "ann:{PLAIN}s3cr%t\n", -1, nullptr);
    server_ = std::make_unique<Server>(
        std::vector<std::string>{"nginx", "-p", at, "-c", at + "/nginx.conf", "-e",
                                 at + "/error.log"},
        at + "/log");
    fail_unless(listens(port, 20), "nginx does not listen");
  }
  std::string url(const char* path, std::uint16_t at = 0) const {
    return "http://127.0.0.1:" + std::to_string(at ? at : port) + "/" + path;
  }
  const std::string& folder() const { return folder_.path(); }

  const std::uint16_t port = free_port();

 private:
  TemporaryFolder folder_;
  std::unique_ptr<Server> server_;
};

const HttpClient::Config kHasty{.read_attempts = 4, .attempts = 4, .first_pause = 5};

}  // namespace

GST_START_TEST(test_nginx_is_a_store) {
  const Nginx nginx;
  HttpStore store(nginx.url("films/"));
  check_store(store, false);
  check_threads(store);
  fail_unless_error(store.list([](const BlobInfo&) { return true; }, nullptr), "cannot be listed",
                    "list");
  fail_unless_ok(store.put(key_of(1), blob_of(1, 10), nullptr));
  const std::string name = key_text(key_of(1));
  fail_unless(
      g_file_test((nginx.folder() + "/root/films/" + name.substr(0, 2) + "/" + name).c_str(),
                  G_FILE_TEST_IS_REGULAR));
}
GST_END_TEST

GST_START_TEST(test_folders_are_made_where_the_server_makes_none) {
  const Nginx nginx;
  HttpStore store(nginx.url("dav"));
  check_store(store, false);
}
GST_END_TEST

GST_START_TEST(test_password_from_the_url_is_used_and_never_shown) {
  const Nginx nginx;
  const StoreOptions options{.check = [](const BlobKey&, const BytesList&) { return Status(); },
                             .warn = [](const std::string&) {}};
  const std::string place = "127.0.0.1:" + std::to_string(nginx.port) + "/locked";
  auto store = open_store({"http://ann:s3cr%25t@" + place}, options);
  fail_unless_ok(store);
  check_store(**store, false);
  auto intruder = open_store({"http://ann:gue55ed@" + place}, options);
  fail_unless_ok(intruder);
  const auto got = (*intruder)->get(key_of(1), nullptr);
  fail_unless_error(got, "401, access denied", "password");
  fail_unless(got.failure().fault == StoreFault::kRefused);
  fail_unless(contains(got.error(), place));
  fail_if(contains(got.error(), "gue55ed") || contains(got.error(), "ann"));
}
GST_END_TEST

GST_START_TEST(test_what_a_server_refuses) {
  const Nginx nginx;
  const struct {
    std::string url;
    const char* error;
    StoreFault fault;
  } rows[] = {
      {nginx.url("read"), "405", StoreFault::kRefused},
      {nginx.url("full"), "507", StoreFault::kFull},
      {nginx.url("gone"), "301", StoreFault::kRefused},
      {"http://127.0.0.1:" + std::to_string(free_port()), "connect", StoreFault::kUnavailable},
  };
  for (const auto& row : rows) {
    HttpStore store(row.url, kHasty);
    const auto status = store.put(key_of(1), blob_of(1, 10), nullptr);
    fail_unless_error(status, row.error, row.url.c_str());
    fail_unless(status.failure().fault == row.fault, "%s", status.error().c_str());
  }
}
GST_END_TEST

GST_START_TEST(test_what_may_pass_is_tried_again) {
  using enum FaultyProxy::Fault;
  const Nginx nginx;
  FaultyProxy proxy(nginx.port, {kBusy, kReset, kResetMidway});
  HttpStore store(nginx.url("films", proxy.port()), kHasty);
  fail_unless_ok(store.put(key_of(1), blob_of(1, 100'000), nullptr));
  fail_unless(has(store, 1, 100'000));
  fail_unless_equals_int(static_cast<int>(proxy.connections()), 4);
  FaultyProxy broken(nginx.port, std::vector(4, kReset));
  HttpStore other(nginx.url("films", broken.port()), kHasty);
  const auto got = other.get(key_of(1), nullptr);
  fail_if(static_cast<bool>(got));
  fail_unless(got.failure().fault == StoreFault::kUnavailable);
  fail_unless(has(other, 1, 100'000));
}
GST_END_TEST

// With folders that the server makes, and with those that it has to be asked for.
GST_START_TEST(test_nginx_is_a_place) {
  const Nginx nginx;
  for (const char* path : {"films/a%20film", "dav/film1/", "dav"}) {
    auto place = open_place(nginx.url(path));
    fail_unless_ok(place);
    check_place(**place, false);
    check_replacement(**place);
  }
  auto place = open_place(nginx.url("films"));
  fail_unless_ok((*place)->put("v/init.mp4", blob_of(1, 10), kSegmentHeaders, nullptr));
  fail_unless(
      g_file_test((nginx.folder() + "/root/films/v/init.mp4").c_str(), G_FILE_TEST_IS_REGULAR));
}
GST_END_TEST

GST_START_TEST(test_what_a_server_refuses_of_a_place) {
  const Nginx nginx;
  const struct {
    std::string url;
    const char* error;
    StoreFault fault;
  } rows[] = {
      {nginx.url("read"), "405", StoreFault::kRefused},
      {nginx.url("full"), "507", StoreFault::kFull},
      {nginx.url("gone"), "301", StoreFault::kRefused},
      {nginx.url("locked"), "401, access denied", StoreFault::kRefused},
      {"http://127.0.0.1:" + std::to_string(free_port()), "connect", StoreFault::kUnavailable},
  };
  for (const auto& row : rows) {
    HttpPlace place(row.url, kHasty);
    const auto status = place.put("v/init.mp4", blob_of(1, 10), kSegmentHeaders, nullptr);
    fail_unless_error(status, row.error, row.url.c_str());
    fail_unless(status.error().starts_with("output http://127.0.0.1"), "%s",
                status.error().c_str());
    fail_unless(status.failure().fault == row.fault, "%s", status.error().c_str());
  }
}
GST_END_TEST

// Every seventh request fails, in one way or another.
GST_START_TEST(test_place_behind_a_bad_network) {
  using enum FaultyProxy::Fault;
  const Nginx nginx;
  std::vector<FaultyProxy::Fault> faults;
  const FaultyProxy::Fault kinds[] = {kBusy, kReset, kResetMidway};
  for (unsigned i = 0; i < 210; ++i)
    faults.push_back(i % 7 == 6 ? kinds[i / 7 % 3] : kNone);
  FaultyProxy proxy(nginx.port, faults);
  HttpPlace place(nginx.url("dav/film", proxy.port()), kHasty);
  for (unsigned i = 0; i < 20; ++i) {
    fail_unless_ok(
        place.put("v/" + std::to_string(i), blob_of(i, 50'000), kSegmentHeaders, nullptr));
    fail_unless_ok(place.put("v/index.m3u8", blob_of(i, 5'000), kPlaylistHeaders, nullptr));
  }
  for (unsigned i = 0; i < 20; ++i)
    fail_unless(holds(place, "v/" + std::to_string(i), blob_of(i, 50'000)));
  fail_unless(holds(place, "v/index.m3u8", blob_of(19, 5'000)));
}
GST_END_TEST

// The server is silent: only the cancellable ends the call.
GST_START_TEST(test_cancel_ends_a_wait) {
  const int silent = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof(address);
  fail_unless(bind(silent, reinterpret_cast<sockaddr*>(&address), length) == 0 &&
              listen(silent, 4) == 0);
  getsockname(silent, reinterpret_cast<sockaddr*>(&address), &length);
  HttpStore store("http://127.0.0.1:" + std::to_string(ntohs(address.sin_port)));
  GCancellable* const cancellable = g_cancellable_new();
  std::thread other([&] {
    const int connection = accept(silent, nullptr, nullptr);
    g_cancellable_cancel(cancellable);
    char byte = 0;
    while (recv(connection, &byte, 1, 0) > 0) {
    }
    close(connection);
  });
  const gint64 begin = g_get_monotonic_time();
  const auto got = store.get(key_of(1), cancellable);
  fail_if(static_cast<bool>(got));
  fail_unless(got.failure().fault == StoreFault::kCancelled);
  fail_unless(g_get_monotonic_time() - begin < 20 * G_USEC_PER_SEC);
  other.join();
  g_object_unref(cancellable);
  close(silent);
}
GST_END_TEST

static Suite* http_store_suite() {
  Suite* suite = suite_create("http_store");
  TCase* tcase = tcase_create("general");
  suite_add_tcase(suite, tcase);
  tcase_add_test(tcase, test_nginx_is_a_store);
  tcase_add_test(tcase, test_folders_are_made_where_the_server_makes_none);
  tcase_add_test(tcase, test_password_from_the_url_is_used_and_never_shown);
  tcase_add_test(tcase, test_what_a_server_refuses);
  tcase_add_test(tcase, test_what_may_pass_is_tried_again);
  tcase_add_test(tcase, test_nginx_is_a_place);
  tcase_add_test(tcase, test_what_a_server_refuses_of_a_place);
  tcase_add_test(tcase, test_place_behind_a_bad_network);
  tcase_add_test(tcase, test_cancel_ends_a_wait);
  return suite;
}

int main(int argc, char** argv) {
  gchar* const nginx = g_find_program_in_path("nginx");
  if (!nginx) {
    g_printerr("there is no nginx: skipped\n");
    return 77;
  }
  g_free(nginx);
  gst_check_init(&argc, &argv);
  return gst_check_run_suite(http_store_suite(), "http_store", __FILE__);
}
