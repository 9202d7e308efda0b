// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A worker whose primary, after a real greeting, says whatever the input says.
#include "tests/fuzz/session_target.h"

namespace {

using namespace dist;
using namespace dist::fuzz;

class Target : public SessionTarget<WorkerSession> {
 public:
  explicit Target(std::uint8_t options) {
    if ((options & 1) != 0)
      config_.secret = "film";
    if ((options & 4) != 0)
      config_.capacity = 0;  // An observer.
    session_.emplace(config_, wire::Nonce{2}, now_);
    if ((options & 2) == 0)
      greet();
  }

  void step(Input& input) {
    const std::uint64_t lease = 1u + input.byte() % 4;
    switch (input.byte() % 8) {
      case 0:
        return receive(input.take(input.byte()));
      case 1:
      case 2: {
        const std::uint8_t type = input.byte();
        return receive(frame(type, input.take(input.byte())));
      }
      case 3: {
        const auto bytes = input.take(input.byte());
        receive(
            wire::encode(wire::Grant{lease, lease, 1, bytes.size() + input.byte() / 16}).span());
        if (!bytes.empty())
          receive(wire::encode(wire::Data{lease, bytes}).span());
        return;
      }
      case 4:
        return answer(lease, input);
      case 5:
        session_->progress(lease, input.byte(), input.byte());
        return session_->report_receiving();
      case 6:
        return wait(input);
      default:
        return write();
    }
  }

 private:
  void greet() {
    const PrimarySession::Config config{.secret = config_.secret};
    PrimarySession primary(config, wire::Nonce{1}, now_);
    std::vector<PrimarySession::Event> events;
    REQUIRE(primary.receive(join(session_->next_output()), now_, events));
    receive(join(primary.next_output()));
    REQUIRE(primary.receive(join(session_->next_output()), now_, events));
    receive(join(primary.next_output()));
    REQUIRE(joined_);
  }

  void answer(std::uint64_t lease, Input& input) {
    if (!joined_)
      return;
    if (input.byte() % 4 == 0)
      return session_->fail(lease, "stuck");
    session_->result(lease, {{copy(input.take(input.byte()))}, {}});
  }

  void receive(std::span<const std::uint8_t> bytes) {
    received_ += bytes.size();
    SessionTarget::receive(bytes, [this](const auto& event) { note(event); });
  }

  void note(const WorkerSession::Welcomed&) {
    REQUIRE(!refused_);
    REQUIRE(!std::exchange(joined_, true));
  }
  void note(const WorkerSession::Leased& event) {
    REQUIRE(joined_);
    REQUIRE(event.payload.size() <= received_);
  }
  void note(const WorkerSession::Wanted&) { REQUIRE(joined_); }
  void note(const WorkerSession::Cancelled&) { REQUIRE(joined_); }
  void note(const WorkerSession::Refused&) {
    REQUIRE(!joined_);
    REQUIRE(!std::exchange(refused_, true));
  }
  void note(const WorkerSession::JobDone&) { REQUIRE(joined_); }
  void note(const WorkerSession::StatusReceived&) { REQUIRE(joined_); }

  WorkerSession::Config config_{.name = "fuzz", .capacity = 4, .secret = {}};
  bool joined_ = false;
  bool refused_ = false;
  std::uint64_t received_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  play<Target>(data, size);
  return 0;
}
