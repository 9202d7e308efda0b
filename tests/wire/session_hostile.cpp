// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What an end does about messages that an honest other end does not send.
#include <algorithm>

#include "tests/wire/ends.h"

namespace {

using namespace dist;
using namespace dist::test;
using wire::Message;

constexpr std::size_t kMiB = 1u << 20;

wire::ResultPart part_of(std::uint64_t lease, std::uint16_t part, std::uint16_t parts,
                         const Data& bytes) {
  wire::ResultPart result{lease, part, parts, bytes.size(), {}};
  result.sha256 = sha256({Bytes::take(Data(bytes))});
  return result;
}

const wire::Hello kHello{1, 1, 2, {}, "box"};

// A primary that has leased 1 to 5 to whoever is at the other end.
struct Primary {
  explicit Primary(std::uint64_t max_result_size = kMiB) : config{{}, max_result_size} {
    fail_unless_ok(session.receive(encoded({kHello, wire::Proof{}}), 0, events));
    events.clear();
    for (std::uint64_t lease = 1; lease <= 5; ++lease)
      grant(session, lease, lease, 1, {some_payload(10)});
  }
  Status tell(const Data& data) {
    const Status status = session.receive(data, 0, events);
    std::erase_if(events, [](const auto& event) {
      return std::holds_alternative<PrimarySession::LeaseAdvanced>(event);
    });
    return status;
  }

  PrimarySession::Config config;
  PrimarySession session{config, {}, 0};
  std::vector<PrimarySession::Event> events;
};

Status tell_primary(const Data& data, std::vector<PrimarySession::Event>& events,
                    std::uint64_t max_result_size = kMiB) {
  Primary primary(max_result_size);
  const Status status = primary.tell(data);
  events = primary.events;
  return status;
}

Status tell_worker(const Data& data, std::vector<WorkerSession::Event>& events) {
  WorkerSession worker({.name = "box", .capacity = 2, .secret = {}}, {}, 0);
  return worker.receive(data, 0, events);
}

// And a worker that it has welcomed.
Status tell_joined_worker(const std::vector<Message>& messages,
                          std::vector<WorkerSession::Event>& events) {
  std::vector<Message> all = {wire::Challenge{}, wire::Welcome{}};
  all.insert(all.end(), messages.begin(), messages.end());
  const Status status = tell_worker(encoded(all), events);
  events.erase(events.begin());
  return status;
}

}  // namespace

GST_START_TEST(test_session_closes_on_garbage) {
  const Data web = to_data(as_bytes("GET / HTTP/1.1\r\nHost: primary\r\n\r\n"));
  const Data rows[] = {
      web,
      unhex("16 03 01 02 00 01 00 01 fc 03 03 aa"),  // TLS.
      Data(100, 0),
      Data(100, 0xff),
      encoded({wire::Leave{}}),
      encoded({wire::Cancel{1}}),
  };
  for (const Data& row : rows) {
    const PrimarySession::Config config;
    PrimarySession primary(config, {}, 0);
    std::vector<PrimarySession::Event> at_primary;
    fail_unless_error(primary.receive(row, 0, at_primary), "not the gst-dist protocol", "primary");
    std::vector<WorkerSession::Event> at_worker;
    fail_unless_error(tell_worker(row, at_worker), "not the gst-dist protocol", "worker");
    fail_unless(at_primary.empty() && at_worker.empty());
    fail_if(primary.has_output());
  }
}
GST_END_TEST

GST_START_TEST(test_session_wants_the_right_side_to_speak) {
  std::vector<PrimarySession::Event> at_primary;
  for (const Message& message :
       {Message(kHello), Message(wire::Proof{}), Message(wire::Challenge{}),
        Message(wire::Welcome{}), Message(wire::Refuse{}), Message(wire::Grant{}),
        Message(wire::Cancel{1}), Message(wire::Done{})})
    fail_unless_error(tell_primary(encoded({message}), at_primary), "a message that", "primary");
  std::vector<WorkerSession::Event> at_worker;
  for (const Message& message :
       {Message(kHello), Message(wire::Proof{}), Message(wire::Challenge{}),
        Message(wire::Welcome{}), Message(wire::Refuse{}), Message(wire::ResultPart{}),
        Message(wire::Fail{}), Message(wire::Leave{}), Message(wire::Progress{}),
        Message(wire::Retire{})})
    fail_unless_error(tell_joined_worker({message}, at_worker), "a message that", "worker");
}
GST_END_TEST

GST_START_TEST(test_session_skips_messages_of_later_versions) {
  const Data unknown = unhex("63 00 00 00 03 00 00 00 01 02 03");
  Data data = encoded({wire::Challenge{}, wire::Welcome{}});
  data.insert(data.end(), unknown.begin(), unknown.end());
  std::vector<WorkerSession::Event> at_worker;
  fail_unless_ok(tell_worker(data, at_worker));
  fail_unless_equals_uint64(at_worker.size(), 1);
  std::vector<PrimarySession::Event> at_primary;
  fail_unless_ok(tell_primary(unknown, at_primary));
  fail_unless(at_primary.empty());
}
GST_END_TEST

GST_START_TEST(test_session_discards_results_of_unknown_leases) {
  const Data bytes = {1, 2, 3};
  std::vector<PrimarySession::Event> events;
  fail_unless_ok(tell_primary(
      encoded({part_of(99, 0, 2, bytes), wire::Data{99, bytes}, part_of(99, 1, 2, bytes),
               wire::Data{99, bytes}, wire::Fail{98, "unknown as well"}, part_of(1, 0, 1, bytes),
               wire::Data{1, bytes}, part_of(1, 0, 1, bytes), wire::Data{1, bytes}}),
      events));
  fail_unless_equals_uint64(events.size(), 1);
  fail_unless_equals_uint64(std::get<PrimarySession::ResultReceived>(events[0]).lease, 1);
}
GST_END_TEST

GST_START_TEST(test_session_reserves_nothing_for_what_has_not_come) {
  struct Peek : PrimarySession {
    explicit Peek(const Config& c) : PrimarySession(c, {}, 0) {}
    // None: what comes is not kept.
    std::optional<std::size_t> held() const {
      return inbox_->bytes ? std::optional<std::size_t>(inbox_->bytes->len) : std::nullopt;
    }
  };
  const PrimarySession::Config config;
  Peek primary(config);
  const Data bytes(1000);
  wire::ResultPart huge = part_of(1, 0, 1, bytes);
  huge.size = std::uint64_t{2} << 30;
  std::vector<PrimarySession::Event> events;
  grant(primary, 1, 1, 1, {some_payload(10)});
  fail_unless_ok(
      primary.receive(encoded({kHello, wire::Proof{}, huge, wire::Data{1, bytes}}), 0, events));
  fail_unless(primary.held() == 1000u);
  fail_unless_equals_uint64(primary.incoming()->bytes, 1000);
  // Nor for what nobody wants.
  huge.lease = 99;
  fail_unless_ok(primary.receive(encoded({huge, wire::Data{99, bytes}}), 0, events));
  fail_unless(primary.held() == std::nullopt);
}
GST_END_TEST

// More than that would not fit into the array that it is collected in.
GST_START_TEST(test_session_limits_payloads_whatever_is_allowed) {
  constexpr std::uint64_t kMost = std::uint64_t{2} << 30;
  for (const std::uint64_t size : {kMost, kMost + 1, UINT64_MAX}) {
    Primary primary(UINT64_MAX);
    wire::ResultPart part{1, 0, 1, size, {}};
    const Status at_primary = primary.tell(encoded({part}));
    std::vector<WorkerSession::Event> events;
    const Status at_worker = tell_joined_worker({wire::Grant{1, 1, 1, size}}, events);
    fail_unless(static_cast<bool>(at_primary) == (size <= kMost), "%" G_GUINT64_FORMAT, size);
    fail_unless(static_cast<bool>(at_worker) == (size <= kMost), "%" G_GUINT64_FORMAT, size);
  }
}
GST_END_TEST

// What is here of a result when its lease ends is freed, however the lease ends.
GST_START_TEST(test_session_frees_what_nobody_waits_for) {
  const Data bytes(1000);
  const struct {
    const char* what;
    void (*end)(Primary&);
  } rows[] = {
      {"cancel", [](Primary& p) { p.session.cancel(1); }},
      {"drop", [](Primary& p) { p.session.drop_leases(); }},
      {"fail",
       [](Primary& p) {
         fail_unless_ok(p.tell(encoded({wire::Fail{1, "stuck"}})));
       }},
      {"another result",
       [](Primary& p) { fail_unless_ok(p.tell(encoded({part_of(2, 0, 1, Data(1))}))); }},
  };
  for (const auto& row : rows) {
    Primary primary;
    fail_unless_ok(primary.tell(
        encoded({part_of(1, 0, 3, bytes), wire::Data{1, bytes}, part_of(1, 1, 3, bytes),
                 wire::Data{1, std::span(bytes).first(500)}})));
    fail_unless_equals_uint64(primary.session.incoming()->bytes, 1500);
    row.end(primary);
    const auto left = primary.session.incoming();
    fail_unless(!left || left->bytes == 0, "%s", row.what);
    // Were anything still there it would now count again.
    grant(primary.session, 1, 1, 1, {});
    const auto again = primary.session.incoming();
    fail_unless(!again || again->bytes == 0, "%s", row.what);
  }
}
GST_END_TEST

// And the rest of it is skipped.
GST_START_TEST(test_session_skips_the_rest_of_a_cancelled_result) {
  const Data bytes(1000);
  Primary primary;
  fail_unless_ok(
      primary.tell(encoded({part_of(1, 0, 2, bytes), wire::Data{1, std::span(bytes).first(400)}})));
  primary.session.cancel(1);
  fail_unless_ok(
      primary.tell(encoded({wire::Data{1, std::span(bytes).first(600)}, part_of(1, 1, 2, bytes),
                            wire::Data{1, bytes}, part_of(2, 0, 1, bytes), wire::Data{2, bytes}})));
  fail_unless_equals_uint64(primary.events.size(), 1);
  fail_unless_equals_uint64(std::get<PrimarySession::ResultReceived>(primary.events[0]).lease, 2);
}
GST_END_TEST

// A worker that answers before it has the segment does not want it any more.
GST_START_TEST(test_session_sends_nothing_of_a_lease_that_is_over) {
  const Data bytes = {1, 2, 3};
  for (const Data& answer :
       {encoded({wire::Fail{6, "no"}}), encoded({part_of(6, 0, 1, bytes), wire::Data{6, bytes}}),
        encoded({part_of(6, 0, 1, bytes), wire::Data{6, Data(3)}})}) {
    Primary primary;
    const Bytes segment = some_payload(3 * kMiB);
    grant(primary.session, 6, 6, 1, {segment});
    fail_unless_ok(primary.tell(answer));
    fail_unless_equals_uint64(primary.events.size(), 1);
    std::size_t sent = 0;
    while (primary.session.has_output())
      sent += total_size(primary.session.next_output());
    fail_unless(sent < 1000, "%zu bytes", sent);
  }
}
GST_END_TEST

GST_START_TEST(test_session_limits_results_before_they_come) {
  const struct {
    std::vector<std::uint64_t> sizes;
    bool allowed;
  } rows[] = {{{100}, true},     {{101}, false},        {{60, 40}, true},
              {{60, 41}, false}, {{UINT64_MAX}, false}, {{60, UINT64_MAX - 20}, false}};
  for (const auto& row : rows) {
    std::vector<Message> messages;
    const Data bytes(100);
    for (std::size_t i = 0; i < row.sizes.size(); ++i) {
      const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(row.sizes[i], 100));
      wire::ResultPart part = part_of(1, static_cast<std::uint16_t>(i),
                                      static_cast<std::uint16_t>(row.sizes.size()), Data(size));
      part.size = row.sizes[i];
      messages.push_back(part);
      messages.push_back(wire::Data{1, std::span(bytes).first(size)});
    }
    if (!row.allowed)
      messages.pop_back();
    std::vector<PrimarySession::Event> events;
    const Status status = tell_primary(encoded(messages), events, 100);
    if (!row.allowed) {
      fail_unless_error(status, "result for lease 1: more than 100 bytes", "limit");
      continue;
    }
    fail_unless_ok(status);
  }
}
GST_END_TEST

// Nobody looks at the size of what nobody waits for, until its lease comes.
GST_START_TEST(test_session_limits_results_that_began_before_their_lease) {
  Primary primary(100);
  const Data first(150);
  const Data second(1);
  fail_unless_ok(primary.tell(encoded({part_of(6, 0, 2, first), wire::Data{6, first}})));
  grant(primary.session, 6, 6, 1, {some_payload(10)});
  fail_unless_error(primary.tell(encoded({part_of(6, 1, 2, second)})),
                    "result for lease 6: more than 100 bytes", "limit");
}
GST_END_TEST

GST_START_TEST(test_session_damaged_result_is_a_failed_lease) {
  const Data bytes = {1, 2, 3};
  const Data damaged = {1, 2, 4};
  std::vector<PrimarySession::Event> events;
  fail_unless_ok(tell_primary(
      encoded({part_of(1, 0, 2, bytes), wire::Data{1, damaged}, part_of(1, 1, 2, bytes),
               wire::Data{1, bytes}, part_of(2, 0, 1, bytes), wire::Data{2, bytes}}),
      events));
  fail_unless_equals_uint64(events.size(), 2);
  const auto& failed = std::get<PrimarySession::LeaseFailed>(events[0]);
  fail_unless_equals_uint64(failed.lease, 1);
  fail_unless_equals_text(failed.reason, "the result was damaged on its way");
  fail_unless_equals_uint64(std::get<PrimarySession::ResultReceived>(events[1]).lease, 2);
}
GST_END_TEST

GST_START_TEST(test_session_refuses_data_out_of_order) {
  const Data bytes = {1, 2, 3};
  const struct {
    const char* what;
    std::vector<Message> messages;
    const char* error;
  } rows[] = {
      {"nothing announced", {wire::Data{1, bytes}}, "data for lease 1: not announced"},
      {"another lease", {part_of(1, 0, 1, bytes), wire::Data{2, bytes}}, "lease 2: not announced"},
      {"no bytes", {part_of(1, 0, 1, bytes), wire::Data{1, {}}}, "lease 1: not announced"},
      {"more than announced",
       {part_of(1, 0, 1, {1, 2}), wire::Data{1, bytes}},
       "lease 1: not announced"},
      {"after the end",
       {part_of(1, 0, 1, bytes), wire::Data{1, bytes}, wire::Data{1, bytes}},
       "lease 1: not announced"},
      {"the second part first", {part_of(1, 1, 2, bytes)}, "lease 1: parts out of order"},
      {"a part left out",
       {part_of(1, 0, 3, bytes), wire::Data{1, bytes}, part_of(1, 2, 3, bytes)},
       "lease 1: parts out of order"},
      {"another number of parts",
       {part_of(1, 0, 2, bytes), wire::Data{1, bytes}, part_of(1, 1, 3, bytes)},
       "lease 1: parts out of order"},
      {"a part of another lease",
       {part_of(1, 0, 2, bytes), wire::Data{1, bytes}, part_of(2, 1, 2, bytes)},
       "lease 2: parts out of order"},
      {"a part within a part",
       {part_of(1, 0, 2, bytes), part_of(1, 1, 2, bytes)},
       "lease 1: parts out of order"},
  };
  for (const auto& row : rows) {
    std::vector<PrimarySession::Event> events;
    fail_unless_error(tell_primary(encoded(row.messages), events), row.error, row.what);
  }
  std::vector<WorkerSession::Event> events;
  fail_unless_error(tell_joined_worker({wire::Data{1, bytes}}, events),
                    "data for lease 1: not announced", "worker");
  fail_unless_error(
      tell_joined_worker({wire::Grant{1, 1, 1, 3}, wire::Cancel{1}, wire::Data{1, bytes}}, events),
      "data for lease 1: not announced", "cancelled");
}
GST_END_TEST

static Suite* session_hostile_suite() {
  Suite* suite = suite_create("session_hostile");
  TCase* tcase = tcase_create("general");
  suite_add_tcase(suite, tcase);
  tcase_add_test(tcase, test_session_closes_on_garbage);
  tcase_add_test(tcase, test_session_wants_the_right_side_to_speak);
  tcase_add_test(tcase, test_session_skips_messages_of_later_versions);
  tcase_add_test(tcase, test_session_discards_results_of_unknown_leases);
  tcase_add_test(tcase, test_session_reserves_nothing_for_what_has_not_come);
  tcase_add_test(tcase, test_session_limits_payloads_whatever_is_allowed);
  tcase_add_test(tcase, test_session_frees_what_nobody_waits_for);
  tcase_add_test(tcase, test_session_skips_the_rest_of_a_cancelled_result);
  tcase_add_test(tcase, test_session_sends_nothing_of_a_lease_that_is_over);
  tcase_add_test(tcase, test_session_limits_results_before_they_come);
  tcase_add_test(tcase, test_session_limits_results_that_began_before_their_lease);
  tcase_add_test(tcase, test_session_damaged_result_is_a_failed_lease);
  tcase_add_test(tcase, test_session_refuses_data_out_of_order);
  return suite;
}

GST_CHECK_MAIN(session_hostile)
