// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// People on the port who do not know the secret, or do not speak the protocol, while a job runs.

// Before gstcheck.h, which has a macro "fail".
#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gio/gio.h>
#include <gst/check/gstcheck.h>

#include "tests/faults/jobs.h"
#include "tests/faults/proxy.h"

namespace {

using faults::Fault;
using faults::Frame;
using faults::Primary;
using faults::Proxy;
using faults::Way;

constexpr char kSecret[] = "secret=owl";

// A greeting up to its nonce; the rest of its 46 bytes never comes.
constexpr std::uint8_t kHalfGreeting[] = {1, 0, 0, 0, 46, 0, 0, 0, 'G', 'D', 'S', 'T', 1, 0, 1, 0};

// A connection to the primary; null if it is refused at once.
class Stranger {
 public:
  explicit Stranger(unsigned port) {
    GSocketClient* client = g_socket_client_new();
    g_socket_client_set_timeout(client, 30);
    connection_ = g_socket_client_connect_to_host(client, "127.0.0.1", static_cast<guint16>(port),
                                                  nullptr, nullptr);
    g_object_unref(client);
  }
  Stranger(Stranger&& other) noexcept : connection_(std::exchange(other.connection_, nullptr)) {}
  Stranger& operator=(Stranger&& other) noexcept {
    std::swap(connection_, other.connection_);
    return *this;
  }
  ~Stranger() { g_clear_object(&connection_); }

  // False once the connection is closed.
  bool send(const void* bytes, std::size_t size) {
    return connection_ &&
           g_output_stream_write_all(g_io_stream_get_output_stream(G_IO_STREAM(connection_)), bytes,
                                     size, nullptr, nullptr, nullptr);
  }
  // Everything until the primary closes.
  std::string receive_all() {
    std::string all;
    gchar buffer[4096];
    gssize size = 0;
    while (connection_ &&
           (size = g_input_stream_read(g_io_stream_get_input_stream(G_IO_STREAM(connection_)),
                                       buffer, sizeof(buffer), nullptr, nullptr)) > 0)
      all.append(buffer, static_cast<std::size_t>(size));
    return all;
  }
  // So many bytes, or fewer if the primary closes.
  std::size_t receive(void* bytes, std::size_t size) {
    gsize got = 0;
    if (connection_)
      g_input_stream_read_all(g_io_stream_get_input_stream(G_IO_STREAM(connection_)), bytes, size,
                              &got, nullptr, nullptr);
    return got;
  }

 private:
  GSocketConnection* connection_;
};

// Does something in a thread of its own until it is done or the object goes away.
class Attack {
 public:
  using Work = std::function<void(const std::atomic<bool>& stopping)>;
  explicit Attack(Work work)
      : thread_([this, work = std::move(work)] {
          work(stopping_);
          done_ = true;
          faults::wake();
        }) {}
  ~Attack() {
    stopping_ = true;
    thread_.join();
  }
  bool done() const { return done_; }

 private:
  std::atomic<bool> stopping_ = false;
  std::atomic<bool> done_ = false;
  std::thread thread_;
};

Primary::Config guarded() {
  Primary::Config config;
  config.remote = kSecret;
  return config;
}

// The job begins when the attack has, goes on while it lasts, and no worker is lost.
void survive(const char* name, Primary& primary, Attack& attack, const std::string& seen) {
  farm::Process worker = faults::worker(primary.port(), kSecret);
  primary.await_message("dist-worker-joined");
  primary.await([&] { return attack.done() || primary.count("dist-segment-done") >= 9; },
                "end of the attack");
  faults::conclude(primary, Fault{.name = name, .seen = seen});
  ck_assert_int_eq(worker.exit_code(), 0);
  ck_assert_uint_eq(primary.count("dist-worker-joined"), 1);
  ck_assert_uint_eq(primary.count("dist-lease-failed"), 0);
}

bool refused_for(const Primary& primary, const std::string& reason) {
  for (const auto& said : primary.said())
    if (said.text.rfind("dist-connection-refused", 0) == 0 &&
        said.text.find(reason) != std::string::npos)
      return true;
  return false;
}

}  // namespace

// Its last byte would come in a minute; the primary does not wait for it.
GST_START_TEST(test_slow_loris) {
  Primary primary(guarded());
  Attack attack([port = primary.port()](const std::atomic<bool>& stopping) {
    std::vector<Stranger> strangers;
    for (int i = 0; i < 40; ++i)
      strangers.emplace_back(port);
    const std::uint8_t hello[] = {1, 0, 0, 0, 46, 0, 0, 0};
    for (std::size_t n = 0; !stopping && n < 40; ++n) {
      bool any = false;
      for (Stranger& stranger : strangers)
        any |= stranger.send(&hello[std::min(n, sizeof(hello) - 1)], 1);
      if (!any)
        return;
      g_usleep(500'000);  // The attack is to be slow.
    }
  });
  primary.await([&] { return refused_for(primary, "no\\ greeting\\ within"); }, "a refusal");
  survive("strangers: greetings a byte at a time", primary, attack, "closed after 10 s");
}
GST_END_TEST

GST_START_TEST(test_flood_of_half_greetings) {
  Primary primary(guarded());
  Attack attack([port = primary.port()](const std::atomic<bool>& stopping) {
    // More at a time than may greet, and many of them one after another.
    std::vector<Stranger> strangers;
    for (int i = 0; !stopping && i < 5'000; ++i) {
      strangers.emplace_back(port);
      strangers.back().send(kHalfGreeting, sizeof(kHalfGreeting));
      if (strangers.size() > 200)
        strangers.erase(strangers.begin(), strangers.begin() + 100);
    }
  });
  primary.await_message("dist-connection-refused");
  survive("strangers: a flood of half greetings", primary, attack,
          "the oldest of more than 64 closed");
  ck_assert(refused_for(primary, "too\\ many\\ connections"));
  // They are told of, not one by one.
  ck_assert_uint_lt(primary.count("dist-connection-refused"), 200);
}
GST_END_TEST

GST_START_TEST(test_oversize_lengths) {
  Primary primary(guarded());
  Attack attack([port = primary.port()](const std::atomic<bool>& stopping) {
    std::vector<std::uint8_t> frame(1 << 20, 0);
    for (std::uint32_t length : {513u, 1u << 20, 1u << 30, UINT32_MAX})
      for (std::uint8_t type = 1; !stopping && type < 16; ++type) {
        const std::uint8_t header[] = {type,
                                       0,
                                       0,
                                       0,
                                       static_cast<std::uint8_t>(length),
                                       static_cast<std::uint8_t>(length >> 8),
                                       static_cast<std::uint8_t>(length >> 16),
                                       static_cast<std::uint8_t>(length >> 24)};
        Stranger stranger(port);
        stranger.send(header, sizeof(header));
        stranger.send(frame.data(), frame.size());
        ck_assert_str_eq(stranger.receive_all().c_str(), "");
      }
  });
  primary.await([&] { return refused_for(primary, "the\\ limit\\ is\\ 512"); }, "a refusal");
  survive("strangers: frames of up to 4 GiB", primary, attack, "closed at the header");
}
GST_END_TEST

GST_START_TEST(test_random_bytes) {
  Primary primary(guarded());
  Attack attack([port = primary.port()](const std::atomic<bool>& stopping) {
    GRand* random = g_rand_new_with_seed(7);
    std::vector<std::uint8_t> noise(100'000);
    for (int i = 0; !stopping && i < 300; ++i) {
      for (auto& byte : noise)
        byte = static_cast<std::uint8_t>(g_rand_int(random));
      Stranger stranger(port);
      stranger.send(noise.data(), noise.size());
    }
    g_rand_free(random);
  });
  primary.await_message("dist-connection-refused");
  survive("strangers: random bytes", primary, attack, "closed");
}
GST_END_TEST

// Somebody has listened to the greeting of a worker and says the same.
GST_START_TEST(test_replayed_greeting) {
  Primary primary(guarded());
  std::mutex lock;
  std::vector<Frame> greeting;
  Proxy network(primary.port(),
                {.edit =
                     [&](Way way, Frame frame) {
                       const std::lock_guard guard(lock);
                       if (way == Way::kToPrimary && greeting.size() < 2)
                         greeting.push_back(frame);
                       return std::vector<Frame>{std::move(frame)};
                     }},
                faults::wake);
  farm::Process worker = faults::worker(network.port(), kSecret);
  primary.await_message("dist-segment-done");
  {
    const std::lock_guard guard(lock);
    ck_assert_uint_eq(greeting.size(), 2);
    Stranger stranger(primary.port());
    ck_assert(stranger.send(greeting[0].data(), greeting[0].size()));
    std::uint8_t challenge[8 + 36];
    ck_assert_uint_eq(stranger.receive(challenge, sizeof(challenge)), sizeof(challenge));
    ck_assert(stranger.send(greeting[1].data(), greeting[1].size()));
    const std::string answer = stranger.receive_all();
    ck_assert(answer.find("the secret is wrong") != std::string::npos);
  }
  faults::conclude(primary, Fault{.name = "strangers: a replayed greeting", .seen = "refused"});
  ck_assert(refused_for(primary, "the\\ secret\\ is\\ wrong"));
  ck_assert_uint_eq(primary.count("dist-worker-joined"), 1);
}
GST_END_TEST

static Suite* strangers_suite() {
  Suite* suite = suite_create("strangers");
  TCase* tests = tcase_create("strangers");
  tcase_set_timeout(tests, 120);
  tcase_add_test(tests, test_slow_loris);
  tcase_add_test(tests, test_flood_of_half_greetings);
  tcase_add_test(tests, test_oversize_lengths);
  tcase_add_test(tests, test_random_bytes);
  tcase_add_test(tests, test_replayed_greeting);
  suite_add_tcase(suite, tests);
  return suite;
}

int main(int argc, char** argv) {
  gst_check_init(&argc, &argv);
  return faults::run(strangers_suite(), "strangers", __FILE__);
}
