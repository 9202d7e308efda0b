// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Conversations in which both ends do at any time what they may do, and bytes that no end sends.
#include <algorithm>
#include <map>

#include "tests/wire/ends.h"

namespace {

using namespace dist;
using namespace dist::test;

constexpr std::size_t kMiB = 1u << 20;
constexpr std::uint8_t kFlips[] = {0x01, 0x80, 0xff};

class Conversation {
 public:
  explicit Conversation(std::uint64_t seed) : seed_(seed), random_(seed) {}

  void run() {
    ends_.greet();
    for (int step = 0; step < 300; ++step) {
      do_something();
      notice();
    }
    ends_.settle();
    notice();
    check_end();
  }

 private:
  enum class State { kGranted, kAtWorker, kAnswered, kFailed, kEnded };
  struct Lease {
    State state = State::kGranted;
    bool cancelled = false;
    Data payload;
    std::vector<Data> result;
  };

#define require(condition, lease)                                                               \
  require_often(condition, "seed %" G_GUINT64_FORMAT ", lease %" G_GUINT64_FORMAT ": not (%s)", \
                seed_, lease, #condition)

  void do_something() {
    switch (random_.below(10)) {
      case 0:
        return grant();
      case 1:
        return cancel();
      case 2:
        return answer();
      case 3:
        return report();
      case 4:
        return pass_time();
      case 5:
      case 6:
        ends_.to_worker();
        return;
      default:
        ends_.to_primary();
        return;
    }
  }

  BytesList payload() {
    BytesList list;
    for (std::uint64_t pieces = random_.between(1, 4); pieces > 0; --pieces)
      list.push_back(some_payload(random_.chance(10) ? random_.below(kMiB) : random_.below(2000),
                                  static_cast<std::uint8_t>(random_.below(256))));
    list.push_back(some_payload(1));
    return list;
  }

  void grant() {
    const std::uint64_t id = next_++;
    const BytesList segment = payload();
    leases_[id].payload = to_data(segment);
    test::grant(ends_.primary, id, 10 * id, 1, segment);
  }

  std::uint64_t any() {
    return random_.between(1, next_);
  }

  void cancel() {
    const std::uint64_t id = any();
    ends_.primary.cancel(id);
    const auto lease = leases_.find(id);
    if (lease != leases_.end() && lease->second.state != State::kEnded)
      lease->second.cancelled = true;
  }

  void answer() {
    const auto lease = leases_.find(any());
    if (lease == leases_.end() || lease->second.state != State::kAtWorker)
      return;
    if (random_.chance(30)) {
      lease->second.state = State::kFailed;
      ends_.worker.fail(lease->first, "stuck");
      return;
    }
    lease->second.state = State::kAnswered;
    std::vector<BytesList> renditions(random_.between(1, 3));
    for (BytesList& rendition : renditions) {
      rendition = payload();
      lease->second.result.push_back(to_data(rendition));
    }
    ends_.worker.result(lease->first, renditions);
  }

  void report() {
    ends_.worker.report_receiving();
    ends_.worker.progress(any(), static_cast<std::uint32_t>(random_.below(100)),
                          static_cast<std::uint32_t>(random_.below(100)));
  }

  // Not so long that one of the two dies of it: what was said is carried late in these tests.
  void pass_time() {
    ends_.now += random_.below(100 * kMillisecond);
    require_often(ends_.primary.advance(ends_.now) && ends_.worker.advance(ends_.now),
                  "seed %" G_GUINT64_FORMAT ": dead", seed_);
  }

  void notice() {
    for (const auto& event : ends_.at_worker)
      if (const auto* leased = std::get_if<WorkerSession::Leased>(&event)) {
        Lease& lease = leases_.at(leased->lease);
        require(lease.state == State::kGranted, leased->lease);
        require(leased->segment == 10 * leased->lease, leased->lease);
        require(to_data({leased->payload}) == lease.payload, leased->lease);
        lease.state = State::kAtWorker;
      } else if (const auto* cancelled = std::get_if<WorkerSession::Cancelled>(&event)) {
        Lease& lease = leases_.at(cancelled->lease);
        require(lease.cancelled, cancelled->lease);
        lease.state = State::kEnded;
      }
    ends_.at_worker.clear();
    for (auto& event : ends_.at_primary)
      if (auto* result = std::get_if<PrimarySession::ResultReceived>(&event)) {
        Lease& lease = leases_.at(result->lease);
        require(lease.state == State::kAnswered && !lease.cancelled, result->lease);
        require(result->renditions.size() == lease.result.size(), result->lease);
        for (std::size_t i = 0; i < lease.result.size(); ++i)
          require(to_data({result->renditions[i]}) == lease.result[i], result->lease);
        lease.state = State::kEnded;
      } else if (const auto* advanced = std::get_if<PrimarySession::LeaseAdvanced>(&event)) {
        const Lease& lease = leases_.at(advanced->lease);
        require(lease.state != State::kEnded && !lease.cancelled, advanced->lease);
      } else if (const auto* failed = std::get_if<PrimarySession::LeaseFailed>(&event)) {
        Lease& lease = leases_.at(failed->lease);
        require(lease.state == State::kFailed && !lease.cancelled, failed->lease);
        lease.state = State::kEnded;
      }
    ends_.at_primary.clear();
  }

  // Everything was carried: no answer is still on its way, no cancelled lease lives on.
  void check_end() {
    for (const auto& [id, lease] : leases_)
      require(lease.state == State::kEnded || (lease.state == State::kAtWorker && !lease.cancelled),
              id);
  }

  const std::uint64_t seed_;
  Random random_;
  Ends ends_{{}, 64u << 20, 64};
  std::map<std::uint64_t, Lease> leases_;
  std::uint64_t next_ = 1;
};

// What a worker sends that answers two leases.
Data recorded_worker() {
  Ends ends;
  Data record = encoded({wire::Hello{1, 1, 2, some_nonce(0), "box"}, wire::Proof{}});
  ends.greet();
  for (std::uint64_t lease : {1u, 2u})
    grant(ends.primary, lease, lease, 1, {some_payload(20)});
  ends.settle();
  ends.worker.result(1, {{some_payload(40)}, {some_payload(30)}});
  ends.worker.fail(2, "stuck");
  ends.worker.leave();
  fail_unless_ok(ends.worker.advance(4'000 * kMillisecond));
  while (ends.worker.has_output()) {
    const Data message = to_data(ends.worker.next_output());
    record.insert(record.end(), message.begin(), message.end());
  }
  return record;
}

// And what a primary sends to it.
Data recorded_primary() {
  Ends ends;
  Data record = encoded({wire::Challenge{1, false, some_nonce(32)}, wire::Welcome{}});
  ends.greet();
  grant(ends.primary, 1, 1, 1, {some_payload(40)});
  grant(ends.primary, 2, 2, 1, {some_payload(40)});
  ends.primary.cancel(1);
  ends.primary.done("bye");
  while (ends.primary.has_output()) {
    const Data message = to_data(ends.primary.next_output());
    record.insert(record.end(), message.begin(), message.end());
  }
  return record;
}

// Tells the primary in steps of so many bytes; the names of what it saw.
std::string told_primary(const Data& data, std::size_t step) {
  Ends ends;
  for (std::uint64_t lease : {1u, 2u})
    grant(ends.primary, lease, lease, 1, {some_payload(20)});
  Status status;
  for (std::size_t at = 0; at < data.size() && status; at += step)
    status = ends.primary.receive(std::span(data).subspan(at, std::min(step, data.size() - at)),
                                  ends.now, ends.at_primary);
  return ends.primary_saw() + (status ? "" : "; " + status.error());
}

std::string told_worker(const Data& data, std::size_t step) {
  Ends ends;
  ends.worker.next_output();
  Status status;
  for (std::size_t at = 0; at < data.size() && status; at += step)
    status = ends.worker.receive(std::span(data).subspan(at, std::min(step, data.size() - at)),
                                 ends.now, ends.at_worker);
  return ends.worker_saw() + (status ? "" : "; " + status.error());
}

}  // namespace

GST_START_TEST(test_session_keeps_conversations_apart) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed)
    Conversation(seed).run();
}
GST_END_TEST

GST_START_TEST(test_session_bytes_may_come_in_any_portions) {
  const Data worker = recorded_worker();
  const Data primary = recorded_primary();
  for (std::size_t step : {std::size_t{1}, std::size_t{2}, std::size_t{13}, worker.size()}) {
    fail_unless_equals_text(told_primary(worker, step),
                            "joined box 2, failed 2: stuck, left, result 1 of 2");
    fail_unless_equals_text(told_worker(primary, step),
                            "welcomed, cancelled 1, done: bye, leased 2 segment 2 attempt 1");
  }
}
GST_END_TEST

// Whatever is changed on the way: an error, or other events, but never a result that was not sent.
GST_START_TEST(test_session_survives_byte_flips) {
  const Data worker = recorded_worker();
  const Data primary = recorded_primary();
  for (std::size_t at = 0; at < worker.size(); ++at)
    for (std::uint8_t flip : kFlips) {
      Data data = worker;
      data[at] = static_cast<std::uint8_t>(data[at] ^ flip);
      const std::string saw = told_primary(data, data.size());
      fail_unless(!contains(saw, "result 1 of") || contains(saw, "result 1 of 2"), "byte %zu: %s",
                  at, saw.c_str());
    }
  for (std::size_t at = 0; at < primary.size(); ++at)
    for (std::uint8_t flip : kFlips) {
      Data data = primary;
      data[at] = static_cast<std::uint8_t>(data[at] ^ flip);
      told_worker(data, data.size());
    }
}
GST_END_TEST

GST_START_TEST(test_session_survives_truncation) {
  const Data worker = recorded_worker();
  for (std::size_t size = 0; size < worker.size(); ++size) {
    const std::string saw =
        told_primary({worker.begin(), worker.begin() + static_cast<int>(size)}, worker.size());
    fail_if(contains(saw, ";"), "%zu bytes: %s", size, saw.c_str());
    fail_if(contains(saw, "result"), "%zu bytes: %s", size, saw.c_str());
  }
}
GST_END_TEST

static Suite* session_random_suite() {
  Suite* suite = suite_create("session_random");
  TCase* tcase = tcase_create("general");
  suite_add_tcase(suite, tcase);
  tcase_add_test(tcase, test_session_keeps_conversations_apart);
  tcase_add_test(tcase, test_session_bytes_may_come_in_any_portions);
  tcase_add_test(tcase, test_session_survives_byte_flips);
  tcase_add_test(tcase, test_session_survives_truncation);
  return suite;
}

GST_CHECK_MAIN(session_random)
