// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// How connections end, with real sockets.
#include "gst/io/connection.h"

#include <sys/socket.h>

#include <memory>
#include <string>

#include "tests/common/support.h"

namespace {

using namespace dist;
using namespace dist::test;

constexpr unsigned kPatience = 20'000;  // Milliseconds.
// More than a system takes off a writer's hands while nobody reads.
constexpr std::size_t kVeryMuch = std::size_t{64} << 20;

// Has so many bytes to say.
struct Talker : Link {
  explicit Talker(std::size_t size) : Link(0) {
    send_payload(wire::Leave{}, 1, {Bytes::take(Data(size))});
  }
};

// The two ends of a connection over loopback.
class Sockets {
 public:
  Sockets() {
    GSocketListener* listener = g_socket_listener_new();
    const guint16 port = g_socket_listener_add_any_inet_port(listener, nullptr, nullptr);
    GSocketClient* client = g_socket_client_new();
    peer_ = g_socket_client_connect_to_host(client, "127.0.0.1", port, nullptr, nullptr);
    ours_ = g_socket_listener_accept(listener, nullptr, nullptr, nullptr);
    g_object_unref(client);
    g_object_unref(listener);
    fail_unless(peer_ && ours_);
  }
  ~Sockets() {
    g_object_unref(peer_);
    g_object_unref(ours_);
  }
  Sockets(const Sockets&) = delete;
  Sockets& operator=(const Sockets&) = delete;

  GSocketConnection* ours() const { return ours_; }
  bool has_room() const {
    return (g_socket_condition_check(g_socket_connection_get_socket(ours_), G_IO_OUT) & G_IO_OUT) !=
           0;
  }
  void say(const std::string& words) const {
    fail_unless(g_output_stream_write_all(g_io_stream_get_output_stream(G_IO_STREAM(peer_)),
                                          words.data(), words.size(), nullptr, nullptr, nullptr));
  }
  // Closes although there is something to be read, so that the other end cannot write either.
  void hang_up() const { fail_unless(g_io_stream_close(G_IO_STREAM(peer_), nullptr, nullptr)); }

 private:
  GSocketConnection* peer_;
  GSocketConnection* ours_;
};

}  // namespace

GST_START_TEST(test_connection_hears_last_words_of_a_peer_that_takes_no_more) {
  const Sockets sockets;
  IoThread thread("test");
  Talker link(kVeryMuch);
  std::string heard;
  unsigned closed = 0;
  std::unique_ptr<Connection> connection;
  thread.run([&] {
    connection = std::make_unique<Connection>(
        thread, sockets.ours(), link,
        [&](std::span<const std::uint8_t> bytes) {
          heard.append(bytes.begin(), bytes.end());
          return Status{};
        },
        [&](const std::string&) { ++closed; });
  });
  // It waits for room to write, and since later for something to read: so it writes first.
  thread.wait_until([&] { return !sockets.has_room(); }, kPatience);
  for (const char* word : {"one", "two"}) {
    sockets.say(word);
    thread.wait_until([&] { return contains(heard, word); }, kPatience);
  }
  fail_unless_equals_text(heard, "onetwo");
  thread.run([&] {
    sockets.say("goodbye");
    sockets.hang_up();
  });
  thread.wait_until([&] { return closed > 0; }, kPatience);
  fail_unless_equals_text(heard, "onetwogoodbye");
  fail_unless_equals_uint64(closed, 1);
  thread.run([&] { connection.reset(); });
}
GST_END_TEST

static Suite* connection_suite() {
  Suite* suite = suite_create("connection");
  TCase* tcase = tcase_create("general");
  suite_add_tcase(suite, tcase);
  tcase_add_test(tcase, test_connection_hears_last_words_of_a_peer_that_takes_no_more);
  return suite;
}

GST_CHECK_MAIN(connection)
