// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// People on the port who do not know the secret, or do not speak the protocol, while a job runs.

// Before gstcheck.h, which has a macro "fail".
#include <atomic>
#include <functional>
#include <iterator>
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

// Of the ten segments: the attack has to go on from the one to the other.
constexpr std::size_t kHalf = 5;
constexpr std::size_t kAlmostAll = 9;

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

// Does something again and again, in a thread of its own, until it is told to stop.
class Attack {
 public:
  // Takes a second at most, and returns what went otherwise than it should.
  using Round = std::function<std::string()>;
  explicit Attack(Round round) : round_(std::move(round)), thread_([this] { run(); }) {}
  ~Attack() { stop(); }

  unsigned rounds() const { return rounds_; }
  // Ends it. An error if it has ended before.
  std::string stop() {
    stopping_ = true;
    if (thread_.joinable())
      thread_.join();
    return error_;
  }

 private:
  void run() {
    const gint64 limit = g_get_monotonic_time() + kLongestAttack * G_USEC_PER_SEC;
    while (!stopping_) {
      std::string error = round_();
      if (g_get_monotonic_time() > limit)
        error = "nobody has stopped it";
      // With the attack the job may end.
      if (!error.empty() && !stopping_) {
        error_ = error;
        return;
      }
      if (++rounds_ == 1)
        faults::wake();
    }
  }

  static constexpr gint64 kLongestAttack = 90;  // Seconds.

  const Round round_;
  std::atomic<bool> stopping_ = false;
  std::atomic<unsigned> rounds_ = 0;
  std::string error_;  // Belongs to the thread until it is joined.
  std::thread thread_;
};

Primary::Config guarded() {
  Primary::Config config;
  config.remote = kSecret;
  return config;
}

bool refused_for(const Primary& primary, const std::string& reason) {
  for (const auto& said : primary.said())
    if (said.text.rfind("dist-connection-refused", 0) == 0 &&
        said.text.find(reason) != std::string::npos)
      return true;
  return false;
}

// A job that is done while the attack lasts, by one worker which is never lost; the strangers are
// refused meanwhile, for `reason`.
void survive(const char* name, const char* seen, Primary& primary, Attack& attack,
             const char* reason, const faults::Job& job = faults::film_job()) {
  primary.await([&] { return attack.rounds() > 0; }, "the attack");
  farm::Process worker = faults::worker(primary.port(), kSecret, job);
  primary.await_message("dist-worker-joined");
  primary.await_message("dist-segment-done", kHalf);
  const unsigned before = attack.rounds();
  primary.await_message("dist-segment-done", kAlmostAll);
  const unsigned rounds = attack.rounds();
  const std::string error = attack.stop();
  ck_assert_msg(error.empty(), "the attack ended: %s", error.c_str());
  ck_assert_uint_gt(rounds, before);
  ck_assert_msg(refused_for(primary, reason), "nobody was refused with: %s", reason);
  faults::conclude(primary, {.name = name, .seen = seen});
  ck_assert_int_eq(worker.exit_code(), 0);
  ck_assert_uint_eq(primary.count("dist-worker-joined"), 1);
  ck_assert_uint_eq(primary.count("dist-lease-failed"), 0);
}

// So many connections a second at most, so that a machine does not run out of ports.
void pause_a_little() {
  g_usleep(1000);
}

}  // namespace

// Each greets a byte at a time and would need minutes; when it is closed another one takes its
// place.
GST_START_TEST(test_slow_loris) {
  Primary primary(guarded());
  struct Loris {
    Stranger stranger;
    std::size_t sent = 0;
  };
  std::vector<Loris> all;
  unsigned closed = 0;
  Attack attack([&, port = primary.port()]() -> std::string {
    constexpr std::size_t kMany = 40;
    while (all.size() < kMany)
      all.push_back({Stranger(port)});
    for (Loris& loris : all) {
      if (loris.sent == sizeof(kHalfGreeting))
        return "a greeting has lasted for all its bytes";
      if (loris.stranger.send(&kHalfGreeting[loris.sent++], 1))
        continue;
      ++closed;
      loris = {Stranger(port)};
    }
    g_usleep(900'000);  // The attack is to be slow.
    return "";
  });
  faults::Job slow_job = primary.job();  // It lasts for longer than a greeting may.
  slow_job.encode = "identity sleep-time=10000 ! " + slow_job.encode;
  survive("strangers: greetings a byte at a time", "each closed after 10 s", primary, attack,
          "no\\ greeting\\ within", slow_job);
  ck_assert_uint_ge(closed, 40);
}
GST_END_TEST

// More at a time than may greet, and one after another.
GST_START_TEST(test_flood_of_half_greetings) {
  Primary primary(guarded());
  std::vector<Stranger> strangers;
  Attack attack([&, port = primary.port()]() -> std::string {
    strangers.emplace_back(port);
    strangers.back().send(kHalfGreeting, sizeof(kHalfGreeting));
    if (strangers.size() > 200)
      strangers.erase(strangers.begin(), strangers.begin() + 100);
    pause_a_little();
    return "";
  });
  survive("strangers: a flood of half greetings", "the oldest of more than 64 closed", primary,
          attack, "too\\ many\\ connections");
  ck_assert_uint_gt(attack.rounds(), 200);
  // They are told of, not one by one.
  ck_assert_uint_lt(primary.count("dist-connection-refused"), 200);
}
GST_END_TEST

GST_START_TEST(test_oversize_lengths) {
  Primary primary(guarded());
  const std::vector<std::uint8_t> frame(1 << 20, 0);
  std::size_t n = 0;
  Attack attack([&, port = primary.port()]() -> std::string {
    constexpr std::uint32_t kLengths[] = {513, 1u << 20, 1u << 30, UINT32_MAX};
    const std::uint32_t length = kLengths[n % std::size(kLengths)];
    const auto type = static_cast<std::uint8_t>(1 + n / std::size(kLengths) % 15);
    ++n;
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
    const std::string answer = stranger.receive_all();
    pause_a_little();
    return answer.empty() ? "" : "an answer to a frame of " + std::to_string(length) + " bytes";
  });
  survive("strangers: frames of up to 4 GiB", "closed at the header", primary, attack,
          "the\\ limit\\ is\\ 512");
  ck_assert_uint_ge(attack.rounds(), 60);  // Each type with each length.
}
GST_END_TEST

GST_START_TEST(test_random_bytes) {
  Primary primary(guarded());
  GRand* random = g_rand_new_with_seed(7);
  std::vector<std::uint8_t> noise(100'000);
  Attack attack([&, port = primary.port()]() -> std::string {
    for (auto& byte : noise)
      byte = static_cast<std::uint8_t>(g_rand_int(random));
    Stranger stranger(port);
    stranger.send(noise.data(), noise.size());
    pause_a_little();
    return "";
  });
  survive("strangers: random bytes", "closed", primary, attack, "not\\ the\\ gst-dist\\ protocol");
  g_rand_free(random);
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
