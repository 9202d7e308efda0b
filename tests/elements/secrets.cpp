// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Who may join whom, with a real remoteenc and a real remoteencsrc.
#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>

#include "tests/elements/helpers.h"

namespace {

using namespace test;

constexpr char kWrong[] = "the secret is wrong";
constexpr char kNone[] = "the primary asks for a secret and this worker has none";
constexpr char kUnasked[] = "this worker has a secret and the primary does not ask for it";

struct Pair {
  const char* primary;
  const char* worker;
  const char* reason;  // Why the worker is refused, null if it joins.
};
constexpr Pair kPairs[] = {
    {"", "", nullptr},
    {"secret=owl", "secret=owl", nullptr},
    {"secret=owl", "secret=fox", kWrong},
    {"secret=owl", "", kNone},
    {"", "secret=owl", kUnasked},
};

std::string port_of(const RemoteEnc& primary) {
  guint port = 0;
  g_object_get(primary.element(), "port", &port, nullptr);
  return "port=" + std::to_string(port) + " ";
}

struct Source : Harness {
  explicit Source(const std::string& properties)
      : Harness("remoteencsrc", properties, nullptr, "src") {}
};

void expect_no_start(const std::string& properties, int code, const std::string& text) {
  const auto element = make_element("remoteenc", properties);
  Messages messages(element.get());
  expect_equal(gst_element_set_state(element.get(), GST_STATE_PAUSED), GST_STATE_CHANGE_FAILURE);
  messages.expect_error(GST_RESOURCE_ERROR, code, text);
  gst_element_set_state(element.get(), GST_STATE_NULL);
}

// A file that goes away with the object.
struct File {
  std::string path;

  explicit File(const std::string& contents) {
    gchar* name = nullptr;
    const gint fd = g_file_open_tmp("gst-dist-secret-XXXXXX", &name, nullptr);
    fail_unless(fd >= 0);
    close(fd);
    path = name;
    g_free(name);
    std::ofstream(path) << contents;
  }
  ~File() { std::remove(path.c_str()); }
};

}  // namespace

GST_START_TEST(test_secrets_of_both_ends) {
  const Pair& pair = kPairs[__i__];
  RemoteEnc primary(pair.primary);
  Source worker(port_of(primary) + pair.worker);
  if (!pair.reason) {
    primary.messages().next("dist-worker-joined");
    worker.messages().next("dist-connected");
    return;
  }
  worker.messages().expect_error(GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_AUTHORIZED,
                                 pair.reason);
  primary.messages().next("dist-connection-refused");
  expect_equal(primary.messages().count("dist-worker-joined"), 0);
}
GST_END_TEST

GST_START_TEST(test_secrets_from_file_and_environment) {
  const File file("owl\nfox\n");
  RemoteEnc primary("secret-file=" + file.path);
  g_setenv("GST_DIST_SECRET", "owl", TRUE);
  Source worker(port_of(primary));
  primary.messages().next("dist-worker-joined");
  // The property counts more than the environment.
  Source other(port_of(primary) + "secret=fox");
  other.messages().expect_error(GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_AUTHORIZED, kWrong);
  g_unsetenv("GST_DIST_SECRET");
}
GST_END_TEST

GST_START_TEST(test_secrets_file_that_has_none_is_an_error) {
  const File empty("\nowl\n");
  expect_no_start("port=0 secret-file=" + empty.path, GST_RESOURCE_ERROR_SETTINGS,
                  "its first line is empty");
  expect_no_start("port=0 secret-file=/nowhere/secret", GST_RESOURCE_ERROR_SETTINGS,
                  "cannot be read");
}
GST_END_TEST

GST_START_TEST(test_secrets_are_needed_beyond_loopback) {
  for (const char* address : {"0.0.0.0", "::", "10.0.0.1", "::%1", "fe80::1%lo"})
    expect_no_start(std::string("port=0 address=") + address, GST_RESOURCE_ERROR_NOT_AUTHORIZED,
                    "secret-file");
  for (const char* properties : {"address=0.0.0.0 secret=twelve-owls!",
                                 "address=0.0.0.0 allow-anonymous=true", "address=127.0.0.2"})
    RemoteEnc{properties}.messages().next("dist-listening");
}
GST_END_TEST

GST_START_TEST(test_secrets_that_can_be_guessed) {
  for (const char* secret : {"o", "eleven-owls"})
    expect_no_start(std::string("port=0 address=0.0.0.0 secret=") + secret,
                    GST_RESOURCE_ERROR_NOT_AUTHORIZED, "can be guessed");
  RemoteEnc{"secret=o"}.messages().next("dist-listening");
}
GST_END_TEST

GST_START_TEST(test_secrets_in_files_that_others_can_read) {
  const File file("owl\n");
  for (const unsigned mode : {0604u, 0640u, 0644u, 0666u}) {
    fail_unless_equals_int(chmod(file.path.c_str(), mode), 0);
    expect_no_start("port=0 secret-file=" + file.path, GST_RESOURCE_ERROR_SETTINGS,
                    "others can read it");
  }
  for (const unsigned mode : {0400u, 0600u, 0700u}) {
    fail_unless_equals_int(chmod(file.path.c_str(), mode), 0);
    RemoteEnc{"secret-file=" + file.path}.messages().next("dist-listening");
  }
}
GST_END_TEST

// Over loopback, without a secret, other users of the machine get nothing.
GST_START_TEST(test_secrets_of_other_users) {
  // Only root can become somebody else.
  if (geteuid() != 0)
    return;
  RemoteEnc primary;
  RemoteEnc open("allow-anonymous=true");
  const auto try_as_nobody = [](RemoteEnc& remote) {
    guint port = 0;
    g_object_get(remote.element(), "port", &port, nullptr);
    const pid_t child = fork();
    if (child == 0) {
      sockaddr_in place{};
      place.sin_family = AF_INET;
      place.sin_port = htons(static_cast<uint16_t>(port));
      place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      const bool other = setresgid(65534, 65534, 65534) == 0 && setresuid(65534, 65534, 65534) == 0;
      const int plug = socket(AF_INET, SOCK_STREAM, 0);
      char byte = 0;
      if (!other || connect(plug, reinterpret_cast<sockaddr*>(&place), sizeof place) != 0)
        _exit(2);
      // What is no greeting ends it, too, but later and with another reason.
      const bool closed = write(plug, "x", 1) == 1 && read(plug, &byte, 1) == 0;
      _exit(closed ? 0 : 1);
    }
    return child;
  };
  int status = 0;
  waitpid(try_as_nobody(primary), &status, 0);
  const auto refused = primary.messages().next("dist-connection-refused");
  fail_unless(string_field(refused, "reason").find("another user") != std::string::npos);
  const pid_t second = try_as_nobody(open);
  const auto later = open.messages().next("dist-connection-refused");
  fail_unless(string_field(later, "reason").find("another user") == std::string::npos);
  waitpid(second, &status, 0);
}
GST_END_TEST

GST_START_TEST(test_secrets_cannot_be_read_back) {
  for (const char* name : {"remoteenc", "remoteencsrc"}) {
    const auto element = make_element(name, "secret=owl");
    const GParamSpec* spec =
        g_object_class_find_property(G_OBJECT_GET_CLASS(element.get()), "secret");
    fail_unless((spec->flags & G_PARAM_READABLE) == 0);
  }
}
GST_END_TEST

static Suite* secrets_suite() {
  Suite* const suite = suite_create("secrets");
  TCase* const tests = tcase_create("all");
  suite_add_tcase(suite, tests);
  tcase_add_loop_test(tests, test_secrets_of_both_ends, 0, std::size(kPairs));
  tcase_add_test(tests, test_secrets_from_file_and_environment);
  tcase_add_test(tests, test_secrets_file_that_has_none_is_an_error);
  tcase_add_test(tests, test_secrets_are_needed_beyond_loopback);
  tcase_add_test(tests, test_secrets_that_can_be_guessed);
  tcase_add_test(tests, test_secrets_in_files_that_others_can_read);
  tcase_add_test(tests, test_secrets_of_other_users);
  tcase_add_test(tests, test_secrets_cannot_be_read_back);
  return suite;
}

GST_CHECK_MAIN(secrets)
