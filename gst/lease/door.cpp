// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/lease/door.h"

#include <algorithm>
#include <utility>

namespace dist {

std::string Door::enter(Id id, const std::string& address, Instant now) {
  if (++connections_[address] > config_.max_per_address)
    return "more than " + std::to_string(config_.max_per_address) +
           " connections from this address";
  forget_guesses(now);
  if (const auto known = guesses_.find(address);
      known != guesses_.end() && known->second.count >= config_.max_guesses)
    return "too many wrong secrets from this address; it may come again later";
  greeting_[address].insert(id);
  return "";
}

std::optional<Door::Id> Door::crowded_out(std::uint64_t random) const {
  std::size_t greeting = 0;
  std::size_t most = 0;
  for (const auto& [_, ids] : greeting_) {
    greeting += ids.size();
    most = std::max(most, ids.size());
  }
  if (greeting <= config_.max_greeting)
    return std::nullopt;
  const auto has_most = [most](const auto& entry) { return entry.second.size() == most; };
  auto left = random % static_cast<std::uint64_t>(std::ranges::count_if(greeting_, has_most));
  const auto chosen = std::ranges::find_if(
      greeting_, [&](const auto& entry) { return has_most(entry) && left-- == 0; });
  return *chosen->second.begin();
}

void Door::greeted(Id id, const std::string& address) {
  const auto at = greeting_.find(address);
  if (at != greeting_.end() && at->second.erase(id) != 0 && at->second.empty())
    greeting_.erase(at);
}

void Door::guessed_wrong(const std::string& address, Instant now) {
  Guesses& guesses = guesses_.try_emplace(address, Guesses{0, now}).first->second;
  ++guesses.count;
}

void Door::leave(const std::string& address) {
  const auto at = connections_.find(address);
  if (at != connections_.end() && --at->second == 0)
    connections_.erase(at);
}

std::optional<std::uint64_t> Door::tells(Instant now) {
  constexpr Instant kInterval = 1'000 * kMillisecond;
  if (now >= told_since_ + kInterval) {
    told_since_ = now;
    told_ = 0;
  }
  if (++told_ > config_.max_told) {
    ++untold_;
    return std::nullopt;
  }
  return std::exchange(untold_, 0);
}

// Not for each connection: there may be many addresses.
void Door::forget_guesses(Instant now) {
  if (now < guesses_looked_at_ + config_.guess_interval)
    return;
  guesses_looked_at_ = now;
  for (auto at = guesses_.begin(); at != guesses_.end();) {
    Guesses& guesses = at->second;
    const auto forgotten = (now - guesses.since) / config_.guess_interval;
    guesses.since += forgotten * config_.guess_interval;
    guesses.count -= static_cast<unsigned>(std::min<std::uint64_t>(guesses.count, forgotten));
    at = guesses.count == 0 ? guesses_.erase(at) : std::next(at);
  }
}

}  // namespace dist
