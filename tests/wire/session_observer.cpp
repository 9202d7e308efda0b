// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A peer that only looks on: it greets as a worker does, with a capacity of 0.
#include "tests/wire/ends.h"

namespace {

using namespace dist;
using namespace dist::test;
using wire::Message;

// `Ends` whose worker is an observer.
struct Looking : Ends {
  explicit Looking(const Secrets& secrets = {}) : Ends(secrets, 64u << 20, 0) {}
};

FarmStatus status_of(std::uint32_t workers) {
  FarmStatus status;
  status.all_workers = workers;
  return status;
}

// An observer that was welcomed, and is then told this.
Status tell_observer(const Message& message, std::vector<WorkerSession::Event>& events) {
  WorkerSession observer({.name = "box", .capacity = 0, .secret = {}}, {}, 0);
  return observer.receive(encoded({wire::Challenge{}, wire::Welcome{}, message}), 0, events);
}

}  // namespace

GST_START_TEST(test_observer_asks_and_is_told) {
  for (const std::string secret : {"", "film"}) {
    Looking ends({secret, secret});
    ends.settle();
    fail_unless_equals_text(ends.primary_saw(), "observing");
    fail_unless_equals_text(ends.worker_saw(), "welcomed");
    for (std::uint32_t workers : {3u, 4u}) {
      ends.worker.ask_status();
      ends.settle();
      ends.primary.report(status_of(workers));
      ends.settle();
      const auto& told = std::get<WorkerSession::StatusReceived>(ends.at_worker.back());
      fail_unless(told.status == status_of(workers));
    }
    fail_unless_equals_text(ends.primary_saw(), "observing, asked, asked");
    ends.primary.done("the job is done");
    ends.worker.leave();
    ends.settle();
    fail_unless_equals_text(ends.primary_saw(), "observing, asked, asked, left");
    fail_unless(contains(ends.worker_saw(), "done: the job is done"));
  }
}
GST_END_TEST

GST_START_TEST(test_observer_needs_the_secret) {
  const struct {
    Ends::Secrets secrets;
    const char* refusal;
  } rows[] = {
      {{"", "film"}, "the primary asks for a secret and this observer has none"},
      {{"film", ""}, "this observer has a secret and the primary does not ask for it"},
      {{"other", "film"}, "the secret is wrong"},
  };
  for (const auto& row : rows) {
    Looking ends(row.secrets);
    bool moved = true;
    while (moved) {
      moved = false;
      while (ends.worker.has_output()) {
        moved = true;
        (void)ends.primary.receive(to_data(ends.worker.next_output()), 0, ends.at_primary);
      }
      moved = ends.to_worker() || moved;
    }
    fail_unless_equals_text(ends.primary_saw(), "");
    fail_unless_equals_text(ends.worker_saw(), std::string("refused: ") + row.refusal);
  }
}
GST_END_TEST

// A capacity that was changed on the way does not make a worker of an observer, nor the reverse.
GST_START_TEST(test_observer_proves_that_it_is_one) {
  Looking ends({"film", "film"});
  Data hello = to_data(ends.worker.next_output());
  fail_unless_equals_uint64(hello[wire::kFrameHeader + 8], 0);
  hello[wire::kFrameHeader + 8] = 1;
  fail_unless_ok(ends.primary.receive(hello, 0, ends.at_primary));
  ends.to_worker();
  fail_unless_error(ends.primary.receive(to_data(ends.worker.next_output()), 0, ends.at_primary),
                    "the secret is wrong", "1");
}
GST_END_TEST

GST_START_TEST(test_observer_is_told_nothing_before_it_proved_itself) {
  const wire::Hello hello{1, 1, 0, {}, "box"};
  for (const auto& messages : {std::vector<Message>{wire::StatusRequest{}},
                               std::vector<Message>{hello, wire::StatusRequest{}}}) {
    const PrimarySession::Config config{.secret = "film"};
    PrimarySession primary(config, {}, 0);
    std::vector<PrimarySession::Event> events;
    fail_unless_error(primary.receive(encoded(messages), 0, events), "not the gst-dist protocol",
                      "asks at once");
    fail_unless(events.empty());
  }
}
GST_END_TEST

// Whoever asks and asks and does not read costs no more memory than one answer.
GST_START_TEST(test_observer_gets_the_newest_answer_only) {
  Looking ends;
  ends.greet();
  for (std::uint32_t workers = 1; workers <= 100; ++workers)
    ends.primary.report(status_of(workers));
  ends.settle();
  fail_unless_equals_uint64(ends.at_worker.size(), 1);
  fail_unless(std::get<WorkerSession::StatusReceived>(ends.at_worker[0]).status == status_of(100));
}
GST_END_TEST

GST_START_TEST(test_observer_and_workers_keep_to_their_own_messages) {
  const wire::Hello hello{1, 1, 0, {}, "box"};
  for (const Message& message :
       {Message(hello), Message(wire::Proof{}), Message(wire::ResultPart{}), Message(wire::Fail{}),
        Message(wire::Progress{}), Message(wire::Offer{}), Message(wire::Grant{}),
        Message(wire::StatusReport{}), Message(wire::Done{})}) {
    const PrimarySession::Config config;
    PrimarySession primary(config, {}, 0);
    std::vector<PrimarySession::Event> events;
    fail_unless_error(primary.receive(encoded({hello, wire::Proof{}, message}), 0, events),
                      "a message that an observer does not send", "to the primary");
  }
  for (const Message& message :
       {Message(hello), Message(wire::Grant{}), Message(wire::Want{}), Message(wire::Cancel{1}),
        Message(wire::StatusRequest{}), Message(wire::Welcome{})}) {
    std::vector<WorkerSession::Event> events;
    fail_unless_error(tell_observer(message, events), "a message that is not for observers",
                      "to the observer");
  }
  // A worker neither asks nor is told.
  Ends ends;
  ends.greet();
  fail_unless_error(ends.primary.receive(encoded({wire::StatusRequest{}}), 0, ends.at_primary),
                    "a message that a worker does not send", "a worker");
  fail_unless_error(ends.worker.receive(encoded({wire::StatusReport{}}), 0, ends.at_worker),
                    "a message that is not for workers", "a worker");
}
GST_END_TEST

static Suite* session_observer_suite() {
  Suite* suite = suite_create("session_observer");
  TCase* tcase = tcase_create("general");
  suite_add_tcase(suite, tcase);
  tcase_add_test(tcase, test_observer_asks_and_is_told);
  tcase_add_test(tcase, test_observer_needs_the_secret);
  tcase_add_test(tcase, test_observer_proves_that_it_is_one);
  tcase_add_test(tcase, test_observer_is_told_nothing_before_it_proved_itself);
  tcase_add_test(tcase, test_observer_gets_the_newest_answer_only);
  tcase_add_test(tcase, test_observer_and_workers_keep_to_their_own_messages);
  return suite;
}

GST_CHECK_MAIN(session_observer)
