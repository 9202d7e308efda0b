// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// How worker and primary get to know each other, and who does not get in.
#include <algorithm>

#include "tests/wire/ends.h"

namespace {

using namespace dist;
using namespace dist::test;
using wire::Message;

constexpr Instant kSeconds = 1'000 * kMillisecond;

// What is said in a greeting, and when it went wrong what was seen.
struct Greeting {
  Data hello, challenge, proof, welcome;
};

Greeting greeting(const Ends::Secrets& secrets) {
  Ends ends(secrets);
  Greeting greeting;
  greeting.hello = to_data(ends.worker.next_output());
  fail_unless_ok(ends.primary.receive(greeting.hello, ends.now, ends.at_primary));
  greeting.challenge = to_data(ends.primary.next_output());
  fail_unless_ok(ends.worker.receive(greeting.challenge, ends.now, ends.at_worker));
  greeting.proof = to_data(ends.worker.next_output());
  fail_unless_ok(ends.primary.receive(greeting.proof, ends.now, ends.at_primary));
  greeting.welcome = to_data(ends.primary.next_output());
  return greeting;
}

// As docs/design/wire.md says.
Data mac(const std::string& secret, std::string_view role, const Data& hello,
         const Data& challenge) {
  Data input = to_data(as_bytes(role));
  input.push_back(0);
  input.insert(input.end(), hello.begin(), hello.end());
  input.insert(input.end(), challenge.begin(), challenge.end());
  const auto digest = hmac_sha256(secret, {Bytes::take(std::move(input))});
  return {digest.begin(), digest.end()};
}

Data body(const Data& frame) {
  return {frame.begin() + wire::kFrameHeader, frame.end()};
}

// Tells a fresh primary, and gives back what became of it.
std::string tell_primary(const std::string& secret, const std::vector<Data>& messages,
                         const wire::Nonce& nonce = some_nonce(32)) {
  const PrimarySession::Config config{.secret = secret};
  PrimarySession primary(config, nonce, 0);
  std::vector<PrimarySession::Event> events;
  for (const Data& message : messages)
    if (const Status status = primary.receive(message, 0, events); !status)
      return events.empty() ? status.error() : "joined, then " + status.error();
  return events.empty() ? "waits" : "joined";
}

std::string tell_worker(const std::string& secret, const std::vector<Data>& messages,
                        const wire::Nonce& nonce = some_nonce(0)) {
  const WorkerSession::Config config{.name = "box", .capacity = 2, .secret = secret};
  WorkerSession worker(config, nonce, 0);
  std::vector<WorkerSession::Event> events;
  std::string text;
  for (const Data& message : messages)
    if (const Status status = worker.receive(message, 0, events); !status)
      text = status.error();
  for (const auto& event : events)
    if (std::holds_alternative<WorkerSession::Welcomed>(event))
      text += "welcomed";
    else if (const auto* refused = std::get_if<WorkerSession::Refused>(&event))
      text += "refused: " + refused->reason;
  return text.empty() ? "waits" : text;
}

}  // namespace

GST_START_TEST(test_greeting_joins_those_who_share_a_secret) {
  constexpr char kUnasked[] = "this worker has a secret and the primary does not ask for it";
  constexpr char kMissing[] = "the primary asks for a secret and this worker has none";
  constexpr char kWrong[] = "the secret is wrong";
  const struct {
    Ends::Secrets secrets;
    const char* refusal;  // Null: they join.
  } rows[] = {
      {{"", ""}, nullptr},
      {{"film", "film"}, nullptr},
      {{"", "film"}, kMissing},
      {{"film", ""}, kUnasked},
      {{"film", "other"}, kWrong},
      {{"film", "fil"}, kWrong},
      {{"film", "film "}, kWrong},
      {{"film", "Film"}, kWrong},
      {{"\xff\xfe", "\xff\xfe"}, nullptr},
      {{std::string(100, 'x'), std::string(100, 'x')}, nullptr},
  };
  for (const auto& row : rows) {
    Ends ends(row.secrets);
    bool moved = true;
    while (moved) {
      moved = false;
      while (ends.worker.has_output()) {
        moved = true;
        (void)ends.primary.receive(to_data(ends.worker.next_output()), 0, ends.at_primary);
      }
      moved = ends.to_worker() || moved;
    }
    fail_unless_equals_text(ends.primary_saw(), row.refusal ? "" : "joined box 2");
    fail_unless_equals_text(ends.worker_saw(),
                            row.refusal ? std::string("refused: ") + row.refusal : "welcomed");
  }
}
GST_END_TEST

GST_START_TEST(test_greeting_says_what_the_document_says) {
  for (const std::string secret : {"", "film"}) {
    const Greeting g = greeting({secret, secret});
    const Data none(32);
    fail_unless_equals_hex(g.hello, encoded({wire::Hello{1, 1, 2, some_nonce(0), "box"}}));
    fail_unless_equals_hex(g.challenge,
                           encoded({wire::Challenge{1, !secret.empty(), some_nonce(32)}}));
    fail_unless_equals_hex(
        body(g.proof),
        secret.empty() ? none : mac(secret, "gst-dist worker", g.hello, g.challenge));
    fail_unless_equals_hex(
        body(g.welcome),
        secret.empty() ? none : mac(secret, "gst-dist primary", g.hello, g.challenge));
  }
}
GST_END_TEST

GST_START_TEST(test_greeting_cannot_be_replayed) {
  const Greeting g = greeting({"film", "film"});
  fail_unless_equals_text(tell_primary("film", {g.hello, g.proof}), "joined");
  fail_unless_equals_text(tell_primary("film", {g.hello, g.proof}, some_nonce(33)),
                          "the secret is wrong");
  fail_unless_equals_text(tell_worker("film", {g.challenge, g.welcome}), "welcomed");
  fail_unless_equals_text(tell_worker("film", {g.challenge, g.welcome}, some_nonce(1)),
                          "refused: the primary does not know the secret");
}
GST_END_TEST

// One proof does not stand for the other, and silence not for a proof.
GST_START_TEST(test_greeting_cannot_be_reflected) {
  const Greeting g = greeting({"film", "film"});
  const auto as_proof = [](const Data& bytes) {
    wire::Proof proof;
    std::copy(bytes.begin(), bytes.end(), proof.mac.begin());
    return encoded({proof});
  };
  const auto as_welcome = [](const Data& bytes) {
    wire::Welcome welcome;
    std::copy(bytes.begin(), bytes.end(), welcome.mac.begin());
    return encoded({welcome});
  };
  for (const Data& bytes : {body(g.welcome), Data(32), Data(32, 0xff)})
    fail_unless_equals_text(tell_primary("film", {g.hello, as_proof(bytes)}),
                            "the secret is wrong");
  for (const Data& bytes : {body(g.proof), Data(32), Data(32, 0xff)})
    fail_unless_equals_text(tell_worker("film", {g.challenge, as_welcome(bytes)}),
                            "refused: the primary does not know the secret");
}
GST_END_TEST

// Somebody on the way changes Hello or Challenge, and lets the proofs pass.
GST_START_TEST(test_greeting_cannot_be_changed_on_the_way) {
  const wire::Hello hellos[] = {{1, 1, 3, some_nonce(0), "box"},
                                {1, 1, 2, some_nonce(0), "bot"},
                                {1, 1, 2, some_nonce(1), "box"},
                                {1, 2, 2, some_nonce(0), "box"},
                                {0, 1, 2, some_nonce(0), "box"}};
  const Greeting g = greeting({"film", "film"});
  for (const wire::Hello& hello : hellos)
    fail_unless_equals_text(tell_primary("film", {encoded({hello}), g.proof}),
                            "the secret is wrong");
  Ends ends({"film", "film"});
  ends.worker.next_output();
  fail_unless_ok(
      ends.worker.receive(encoded({wire::Challenge{1, true, some_nonce(33)}}), 0, ends.at_worker));
  fail_if(to_data(ends.worker.next_output()) == g.proof);
  fail_unless_equals_text(
      tell_worker("film", {encoded({wire::Challenge{1, true, some_nonce(33)}}), g.welcome}),
      "refused: the primary does not know the secret");
}
GST_END_TEST

// A primary without the secret that claims not to need one gets nothing more to try.
GST_START_TEST(test_greeting_is_over_after_a_refusal) {
  const Greeting g = greeting({"film", "film"});
  const Data unasked = encoded({wire::Challenge{1, false, some_nonce(32)}});
  const Data refuse = encoded({wire::Refuse{1, 1, "no"}});
  fail_unless_equals_text(tell_worker("film", {unasked, g.challenge, g.welcome}),
                          "refused: this worker has a secret and the primary does not ask for it");
  fail_unless_equals_text(tell_worker("film", {refuse, g.challenge, g.welcome}), "refused: no");
  fail_unless_equals_text(tell_worker("film", {g.challenge, encoded({wire::Welcome{}}), g.welcome}),
                          "refused: the primary does not know the secret");
}
GST_END_TEST

// Whatever byte is changed on the way: nobody joins, except that Refuse needs no secret.
GST_START_TEST(test_greeting_survives_byte_flips) {
  const Greeting g = greeting({"film", "film"});
  const auto flipped = [](const Data& data, std::size_t at, unsigned flip) {
    Data changed = data;
    changed[at] = static_cast<std::uint8_t>(changed[at] ^ flip);
    return changed;
  };
  for (unsigned flip : {0x01u, 0x80u, 0xffu}) {
    for (std::size_t at = 0; at < g.hello.size(); ++at) {
      const std::string saw = tell_primary("film", {flipped(g.hello, at, flip), g.proof});
      fail_if(contains(saw, "joined"), "hello, byte %zu: %s", at, saw.c_str());
    }
    for (std::size_t at = 0; at < g.proof.size(); ++at) {
      const std::string saw = tell_primary("film", {g.hello, flipped(g.proof, at, flip)});
      fail_if(contains(saw, "joined"), "proof, byte %zu: %s", at, saw.c_str());
    }
    for (std::size_t at = 0; at < g.challenge.size(); ++at) {
      const std::string saw = tell_worker("film", {flipped(g.challenge, at, flip), g.welcome});
      fail_if(contains(saw, "welcomed"), "challenge, byte %zu: %s", at, saw.c_str());
    }
    for (std::size_t at = 0; at < g.welcome.size(); ++at) {
      const std::string saw = tell_worker("film", {g.challenge, flipped(g.welcome, at, flip)});
      fail_if(contains(saw, "welcomed"), "welcome, byte %zu: %s", at, saw.c_str());
    }
  }
}
GST_END_TEST

GST_START_TEST(test_greeting_waits_for_all_of_it) {
  const Greeting g = greeting({"film", "film"});
  const auto joined = [](const Data& a, const Data& b) {
    Data both = a;
    both.insert(both.end(), b.begin(), b.end());
    return both;
  };
  const Data worker = joined(g.hello, g.proof);
  const Data primary = joined(g.challenge, g.welcome);
  for (std::size_t size = 0; size <= worker.size(); ++size)
    fail_unless_equals_text(tell_primary("film", {Data(worker.data(), worker.data() + size)}),
                            size < worker.size() ? "waits" : "joined");
  for (std::size_t size = 0; size <= primary.size(); ++size)
    fail_unless_equals_text(tell_worker("film", {Data(primary.data(), primary.data() + size)}),
                            size < primary.size() ? "waits" : "welcomed");
}
GST_END_TEST

// By its header: 8 bytes suffice, so there is never room made for it.
GST_START_TEST(test_greeting_refuses_long_bodies) {
  const Greeting g = greeting({"film", "film"});
  for (const std::uint8_t type : Data{1, 2, 3, 10, 11, 12, 99}) {
    const Data header = {type, 0, 0, 0, 0x01, 0x02, 0, 0};
    constexpr char kLimit[] = "513 bytes, the limit is 512";
    for (const std::string& saw :
         {tell_primary("film", {header}), tell_primary("film", {g.hello, header}),
          tell_worker("film", {header}), tell_worker("film", {g.challenge, header})})
      fail_unless(contains(saw, kLimit), "type %u: %s", type, saw.c_str());
  }
  // Once it is over more is allowed.
  const Data header = {10, 0, 0, 0, 0x08, 0, 0x10, 0};
  fail_unless_equals_text(tell_primary("film", {g.hello, g.proof, header}), "joined");
  fail_unless_equals_text(tell_worker("film", {g.challenge, g.welcome, header}), "welcomed");
}
GST_END_TEST

// Before it is over nobody speaks out of turn.
GST_START_TEST(test_greeting_is_nothing_else) {
  const Greeting g = greeting({"", ""});
  const Data unknown = unhex("63 00 00 00 03 00 00 00 01 02 03");
  for (const Data& message : {g.challenge, g.welcome, g.proof, unknown,
                              encoded({wire::Heartbeat{}}), encoded({wire::Leave{}})})
    fail_unless(contains(tell_primary("", {message}), "not the gst-dist protocol"));
  for (const Data& message : {g.hello, g.challenge, g.welcome, unknown,
                              encoded({wire::Heartbeat{}}), encoded({wire::Leave{}})})
    fail_unless(contains(tell_primary("", {g.hello, message}), "not the gst-dist protocol"));
  for (const Data& message : {g.hello, g.proof, g.welcome, unknown, encoded({wire::Heartbeat{}}),
                              encoded({wire::Grant{}})})
    fail_unless(contains(tell_worker("", {message}), "not the gst-dist protocol"));
  for (const Data& message : {g.hello, g.proof, g.challenge, unknown, encoded({wire::Heartbeat{}}),
                              encoded({wire::Grant{}})})
    fail_unless(contains(tell_worker("", {g.challenge, message}), "not the gst-dist protocol"));
}
GST_END_TEST

GST_START_TEST(test_greeting_takes_ten_seconds_at_most) {
  Ends ends;
  fail_unless_equals_uint64(std::max(ends.primary.next_wakeup(), ends.worker.next_wakeup()),
                            4 * kSeconds);
  for (Link* end : {static_cast<Link*>(&ends.primary), static_cast<Link*>(&ends.worker)}) {
    fail_unless_ok(end->advance(10 * kSeconds - 1));
    fail_unless_equals_uint64(end->next_wakeup(), 10 * kSeconds);
    fail_unless_error(end->advance(10 * kSeconds), "no greeting within 10 s", "late");
  }
}
GST_END_TEST

// A byte now and then does not make it longer.
GST_START_TEST(test_greeting_cannot_be_dragged_out) {
  Ends ends;
  const Data hello = to_data(ends.worker.next_output());
  for (std::size_t i = 0; i < 10; ++i)
    fail_unless_ok(
        ends.primary.receive(std::span(hello).subspan(i, 1), i * kSeconds, ends.at_primary));
  fail_unless_ok(ends.primary.advance(10 * kSeconds - 1));
  fail_unless_error(ends.primary.advance(10 * kSeconds), "no greeting", "late");
}
GST_END_TEST

GST_START_TEST(test_greeting_agrees_on_a_version) {
  const struct {
    std::uint16_t min, max;
    const char* refusal;  // Null: version 1.
  } rows[] = {
      {1, 1, nullptr},
      {0, 1, nullptr},
      {1, 9, nullptr},
      {2, 2, "the worker speaks protocol version 2, this primary version 1"},
      {2, 5, "the worker speaks protocol versions 2 to 5, this primary version 1"},
      {0, 0, "the worker speaks protocol version 0, this primary version 1"},
  };
  for (const auto& row : rows) {
    Ends ends;
    const Status status = ends.primary.receive(
        encoded({wire::Hello{row.min, row.max, 1, some_nonce(0), "box"}}), 0, ends.at_primary);
    const Data answer = to_data(ends.primary.next_output());
    if (!row.refusal) {
      fail_unless_ok(status);
      fail_unless_equals_hex(answer, encoded({wire::Challenge{1, false, some_nonce(32)}}));
      continue;
    }
    fail_unless_error(status, row.refusal, row.refusal);
    fail_unless_equals_text(tell_worker("", {answer}), std::string("refused: ") + row.refusal);
    fail_unless_equals_text(ends.primary_saw(), "");
  }
}
GST_END_TEST

GST_START_TEST(test_greeting_worker_refuses_a_version_it_did_not_offer) {
  for (std::uint16_t version : {std::uint16_t{0}, std::uint16_t{2}})
    fail_unless_equals_text(tell_worker("", {encoded({wire::Challenge{version, false, {}}})}),
                            "the primary chose protocol version " + std::to_string(version) +
                                ", this worker speaks version 1");
}
GST_END_TEST

// Without any it is an observer, see session_observer.cpp.
GST_START_TEST(test_greeting_limits_capacity) {
  const struct {
    std::uint16_t capacity;
    bool welcome;
  } rows[] = {{0, true}, {1, true}, {64, true}, {65, false}, {65535, false}};
  for (const auto& row : rows) {
    const Data hello = encoded({wire::Hello{1, 1, row.capacity, some_nonce(0), "box"}});
    const std::string saw = tell_primary("", {hello, encoded({wire::Proof{}})});
    fail_unless(contains(saw, row.welcome ? "joined" : "1 to 64 are allowed"), "%s", saw.c_str());
  }
}
GST_END_TEST

static Suite* session_greeting_suite() {
  Suite* suite = suite_create("session_greeting");
  TCase* tcase = tcase_create("general");
  suite_add_tcase(suite, tcase);
  tcase_add_test(tcase, test_greeting_joins_those_who_share_a_secret);
  tcase_add_test(tcase, test_greeting_says_what_the_document_says);
  tcase_add_test(tcase, test_greeting_cannot_be_replayed);
  tcase_add_test(tcase, test_greeting_cannot_be_reflected);
  tcase_add_test(tcase, test_greeting_cannot_be_changed_on_the_way);
  tcase_add_test(tcase, test_greeting_is_over_after_a_refusal);
  tcase_add_test(tcase, test_greeting_survives_byte_flips);
  tcase_add_test(tcase, test_greeting_waits_for_all_of_it);
  tcase_add_test(tcase, test_greeting_refuses_long_bodies);
  tcase_add_test(tcase, test_greeting_is_nothing_else);
  tcase_add_test(tcase, test_greeting_takes_ten_seconds_at_most);
  tcase_add_test(tcase, test_greeting_cannot_be_dragged_out);
  tcase_add_test(tcase, test_greeting_agrees_on_a_version);
  tcase_add_test(tcase, test_greeting_worker_refuses_a_version_it_did_not_offer);
  tcase_add_test(tcase, test_greeting_limits_capacity);
  return suite;
}

GST_CHECK_MAIN(session_greeting)
