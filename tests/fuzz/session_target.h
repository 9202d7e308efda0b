// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// One end of a session whose other end says whatever the input says.
#pragma once

#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "gst/wire/session.h"
#include "tests/fuzz/fuzz.h"

namespace dist::fuzz {

template <class Session>
class SessionTarget {
 public:
  bool alive() const { return alive_; }

 protected:
  // `note` is called with each event.
  template <class Note>
  void receive(std::span<const std::uint8_t> bytes, Note note) {
    if (!alive_)
      return;
    std::vector<typename Session::Event> events;
    alive_ = static_cast<bool>(session_->receive(bytes, now_, events));
    for (const auto& event : events)
      std::visit(note, event);
    if (alive_)
      REQUIRE(session_->next_wakeup() > now_);
  }
  void write() {
    if (session_->has_output())
      REQUIRE(!session_->next_output().empty());
  }
  void wait(Input& input) {
    now_ += input.byte() * 100 * kMillisecond;
    alive_ = alive_ && session_->advance(now_);
  }

  Instant now_ = 0;
  std::optional<Session> session_;
  bool alive_ = true;
};

// The first byte is the target's options, the others are its steps.
template <class Target>
void play(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  Target target(input.byte());
  while (!input.empty() && target.alive())
    target.step(input);
}

}  // namespace dist::fuzz
