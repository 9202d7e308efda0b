// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A primary whose worker, after a real greeting, says whatever the input says.
#include <set>

#include "tests/fuzz/session_target.h"

namespace {

using namespace dist;
using namespace dist::fuzz;

constexpr std::uint64_t kMaxResult = 400;

class Target : public SessionTarget<PrimarySession> {
 public:
  explicit Target(std::uint8_t options) {
    config_.max_result_size = kMaxResult;
    if ((options & 1) != 0)
      config_.secret = "film";
    session_.emplace(config_, wire::Nonce{1}, now_);
    if ((options & 2) == 0)
      greet((options & 4) == 0 ? 8 : 0);
  }

  void step(Input& input) {
    switch (input.byte() % 8) {
      case 0:
        raw_ = true;
        return receive(input.take(input.byte()));
      case 1:
      case 2: {
        const std::uint8_t type = input.byte();
        return receive(frame(type, input.take(input.byte())));
      }
      case 3:
        return answer(input);
      case 4:
        return grant(input);
      case 5:
        return cancel(1u + input.byte() % 8);
      case 6:
        return wait(input);
      default:
        return write();
    }
  }

 private:
  // Without capacity it is an observer.
  void greet(std::uint16_t capacity) {
    const WorkerSession::Config config{"fuzz", capacity, config_.secret};
    WorkerSession worker(config, wire::Nonce{2}, now_);
    std::vector<WorkerSession::Event> events;
    receive(join(worker.next_output()));
    REQUIRE(worker.receive(join(session_->next_output()), now_, events));
    receive(join(worker.next_output()));
    REQUIRE(joined_ == (capacity > 0) && observed_ == (capacity == 0));
  }

  // One part of a result with its right digest, which an input cannot find out.
  void answer(Input& input) {
    wire::ResultPart part;
    part.lease = 1u + input.byte() % 8;
    part.parts = static_cast<std::uint16_t>(1 + input.byte() % 3);
    part.part = static_cast<std::uint16_t>(input.byte() % part.parts);
    const bool too_long = input.byte() == 1;
    const auto bytes = input.take(input.byte());
    part.size = bytes.size() - (too_long && !bytes.empty() ? 1 : 0);
    part.sha256 = sha256({copy(bytes)});
    receive(wire::encode(part).span());
    if (alive_ && !bytes.empty())
      receive(wire::encode(wire::Data{part.lease, bytes}).span());
    REQUIRE(!alive_ || raw_ || part.size == bytes.size());
  }

  void grant(Input& input) {
    if (!joined_ || granted_ == 8)
      return;
    const BytesList segment = {copy(input.take(input.byte()))};
    ++granted_;
    session_->grant({.lease = granted_, .segment = granted_, .attempt = 1}, 100, segment);
    leases_.insert(granted_);
  }

  void cancel(std::uint64_t lease) {
    session_->cancel(lease);
    leases_.erase(lease);
    check_incoming();
  }

  void receive(std::span<const std::uint8_t> bytes) {
    SessionTarget::receive(bytes, [this](const auto& event) { note(event); });
    check_incoming();
  }

  void check_incoming() {
    const auto incoming = session_->incoming();
    if (!incoming)
      return;
    REQUIRE(leases_.count(incoming->lease) != 0);
    REQUIRE(incoming->bytes <= kMaxResult);
  }

  void note(const PrimarySession::Joined& event) {
    REQUIRE(!std::exchange(joined_, true));
    REQUIRE(event.capacity > 0 && event.capacity <= 64 && event.name.size() <= wire::kMaxName);
  }
  // A result may follow in the same bytes, so the lease is known still.
  void note(const PrimarySession::LeaseAdvanced& event) {
    REQUIRE(leases_.count(event.lease) != 0);
  }
  void note(const PrimarySession::ResultReceived& event) {
    REQUIRE(leases_.erase(event.lease) != 0);
    REQUIRE(!event.renditions.empty());
    std::uint64_t size = 0;
    for (const BytesList& rendition : event.renditions)
      size += total_size(rendition);
    REQUIRE(size <= kMaxResult);
  }
  void note(const PrimarySession::LeaseFailed& event) { REQUIRE(leases_.erase(event.lease) != 0); }
  void note(const PrimarySession::Offered&) { REQUIRE(joined_); }
  void note(const PrimarySession::Retired& event) {
    REQUIRE(joined_ && event.kept.size() <= wire::kMaxKept);
  }
  void note(const PrimarySession::Left&) { REQUIRE(joined_ || observed_); }
  void note(const PrimarySession::Observing&) {
    REQUIRE(!joined_ && !std::exchange(observed_, true));
  }
  void note(const PrimarySession::StatusAsked&) {
    REQUIRE(observed_);
    session_->report({});
  }

  PrimarySession::Config config_;
  bool joined_ = false;
  bool observed_ = false;
  bool raw_ = false;  // What follows may belong to a frame that was begun.
  std::uint64_t granted_ = 0;
  std::set<std::uint64_t> leases_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  play<Target>(data, size);
  return 0;
}
