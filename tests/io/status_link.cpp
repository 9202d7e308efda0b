// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Asking a primary how it does, over real sockets.
#include "gst/io/status_link.h"

#include <atomic>
#include <thread>

#include "gst/farm/farm_job.h"
#include "tests/common/support.h"

namespace {

using namespace dist;
using namespace dist::test;

struct Deaf : FarmJob::Observer {
  void told(const FarmEvent& event) override {
    ++(std::holds_alternative<ConnectionRefused>(event) ? refused : events);
  }

  std::atomic<unsigned> events = 0;
  std::atomic<unsigned> refused = 0;
};

// A primary with a job and no worker.
struct Listening {
  explicit Listening(const std::string& secret, const std::string& address = "127.0.0.1") {
    Farm::Config config;
    config.address = address;
    config.workers.secret = secret;
    config.workers.lets_go_when_done = true;
    auto farm = Farm::open(config);
    fail_unless_ok(farm);
    place = {.host = address, .port = (*farm)->port(), .secret = secret};
    job = std::make_unique<FarmJob>(std::move(*farm), Coordinator::JobConfig(), observer);
  }

  Deaf observer;
  std::unique_ptr<FarmJob> job;
  StatusLink::Config place;
};

// Somebody else, who says this to whoever connects, and then nothing.
class Stranger {
 public:
  explicit Stranger(const std::string& words, bool closes)
      : listener_(g_socket_listener_new()),
        port_(g_socket_listener_add_any_inet_port(listener_, nullptr, nullptr)),
        thread_([this, words, closes] {
          GSocketConnection* peer = g_socket_listener_accept(listener_, nullptr, nullptr, nullptr);
          GIOStream* stream = G_IO_STREAM(peer);
          g_output_stream_write_all(g_io_stream_get_output_stream(stream), words.data(),
                                    words.size(), nullptr, nullptr, nullptr);
          // Reads to the end, so that its words are not lost.
          char bytes[256];
          if (closes)
            g_socket_shutdown(g_socket_connection_get_socket(peer), FALSE, TRUE, nullptr);
          while (g_input_stream_read(g_io_stream_get_input_stream(stream), bytes, sizeof(bytes),
                                     nullptr, nullptr) > 0) {
          }
          g_object_unref(peer);
        }) {}
  ~Stranger() {
    thread_.join();
    g_object_unref(listener_);
  }
  StatusLink::Config place() const {
    return {.host = "127.0.0.1", .port = port_, .secret = {}, .patience = 1};
  }

 private:
  GSocketListener* listener_;
  std::uint16_t port_;
  std::thread thread_;
};

}  // namespace

GST_START_TEST(test_status_link_asks_again_and_again) {
  for (const std::string secret : {"", "film"}) {
    Listening farm(secret);
    {
      const auto link = StatusLink::dial(farm.place);
      fail_unless_ok(link);
      for (int i = 0; i < 3; ++i) {
        const auto status = (*link)->ask();
        fail_unless_ok(status);
        fail_unless(status->has_value());
        fail_unless_equals_uint64((*status)->jobs.size(), 1);
        fail_unless_equals_uint64((*status)->all_workers, 0);
      }
    }
    // The primary hears that it is gone before it ends.
    const auto again = StatusLink::dial(farm.place);
    fail_unless_ok(again);
    fail_unless_equals_uint64(farm.observer.events + farm.observer.refused, 0);
  }
}
GST_END_TEST

GST_START_TEST(test_status_link_hears_of_the_end) {
  Listening farm("film");
  const auto link = StatusLink::dial(farm.place);
  fail_unless_ok(link);
  fail_unless((*link)->ask()->has_value());
  farm.job->finish();
  // What was asked before it is heard is still answered.
  bool over = false;
  for (int i = 0; i < 100 && !over; ++i) {
    const auto status = (*link)->ask();
    fail_unless_ok(status);
    over = !status->has_value();
  }
  fail_unless(over);
}
GST_END_TEST

GST_START_TEST(test_status_link_hears_of_a_primary_that_stops) {
  Listening farm("");
  const auto link = StatusLink::dial(farm.place);
  fail_unless_ok(link);
  farm.job.reset();
  const auto after = (*link)->ask();
  fail_unless(!after || !after->has_value());
}
GST_END_TEST

GST_START_TEST(test_status_link_needs_the_secret) {
  Listening farm("film");
  Listening open("");
  const struct {
    const Listening& farm;
    const char* secret;
    const char* error;
  } rows[] = {
      {farm, "", "the primary asks for a secret and this observer has none"},
      {farm, "other", "the secret is wrong"},
      {open, "film", "this observer has a secret and the primary does not ask for it"},
  };
  for (const auto& row : rows) {
    StatusLink::Config place = row.farm.place;
    place.secret = row.secret;
    fail_unless_error(StatusLink::dial(place), row.error, row.secret);
  }
}
GST_END_TEST

GST_START_TEST(test_status_link_tells_who_is_no_primary) {
  const struct {
    const char* words;
    bool closes;
    const char* error;
  } rows[] = {
      {"HTTP/1.1 400 Bad Request\r\n\r\n", true, "not the gst-dist protocol"},
      {"", true, "the connection was closed"},
      {"", false, "no answer within 1 s"},
  };
  for (const auto& row : rows) {
    const Stranger stranger(row.words, row.closes);
    fail_unless_error(StatusLink::dial(stranger.place()), row.error, row.error);
  }
}
GST_END_TEST

GST_START_TEST(test_status_link_finds_nobody) {
  StatusLink::Config place;
  {
    Listening farm("");
    place = farm.place;
  }
  const auto link = StatusLink::dial(place);
  fail_unless_error(link, "127.0.0.1:" + std::to_string(place.port) + ": nobody answers there",
                    "nobody");
}
GST_END_TEST

static Suite* status_link_suite() {
  Suite* suite = suite_create("status_link");
  TCase* tcase = tcase_create("general");
  suite_add_tcase(suite, tcase);
  tcase_add_test(tcase, test_status_link_asks_again_and_again);
  tcase_add_test(tcase, test_status_link_hears_of_the_end);
  tcase_add_test(tcase, test_status_link_hears_of_a_primary_that_stops);
  tcase_add_test(tcase, test_status_link_needs_the_secret);
  tcase_add_test(tcase, test_status_link_tells_who_is_no_primary);
  tcase_add_test(tcase, test_status_link_finds_nobody);
  return suite;
}

GST_CHECK_MAIN(status_link)
