// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/sim/network.h"

#include <algorithm>
#include <utility>

namespace dist::sim {
namespace {

// What fits into the buffer of a socket: messages do not overtake what is in there.
constexpr std::size_t kSocketBuffer = 64u << 10;

enum What : unsigned { kLineFree, kArrival };

}  // namespace

void Timeline::at(Instant time, Actor& actor, unsigned what, std::uint64_t argument) {
  if (time == kNever)
    return;
  heap_.push_back({std::max(time, now_), numbers_++, &actor, what, argument});
  std::push_heap(heap_.begin(), heap_.end());
}

bool Timeline::step() {
  if (heap_.empty())
    return false;
  std::pop_heap(heap_.begin(), heap_.end());
  const Entry entry = heap_.back();
  heap_.pop_back();
  now_ = entry.time;
  entry.actor->on_event(entry.what, entry.argument);
  return true;
}

void Pipe::send(Link& link) {
  link_ = &link;
  if (waiting_)
    return;
  if (free_at_ <= timeline_.now())
    return transmit(kSocketBuffer);
  waiting_ = true;
  timeline_.at(free_at_, *this, kLineFree);
}

void Pipe::finish(Link& link) {
  link_ = &link;
  transmit(SIZE_MAX);
  cut();
}

void Pipe::cut() {
  if (!std::exchange(link_, nullptr) && !packets_.empty() && packets_.back().bytes.empty())
    return;
  free_at_ = std::max(free_at_, timeline_.now());
  packets_.push_back({free_at_ + quality_.delay, {}});
  timeline_.at(packets_.back().arrival, *this, kArrival);
}

void Pipe::transmit(std::size_t at_most) {
  std::vector<std::uint8_t> bytes;
  while (bytes.size() < at_most && link_->has_output())
    for (const Bytes& piece : link_->next_output())
      bytes.insert(bytes.end(), piece.span().begin(), piece.span().end());
  if (bytes.empty())
    return;
  const double seconds = static_cast<double>(bytes.size()) / quality_.bytes_per_second;
  free_at_ = std::max(free_at_, timeline_.now()) + static_cast<Instant>(seconds * 1e9);
  packets_.push_back({free_at_ + quality_.delay, std::move(bytes)});
  timeline_.at(packets_.back().arrival, *this, kArrival);
  waiting_ = link_->has_output();
  if (waiting_)
    timeline_.at(free_at_, *this, kLineFree);
}

void Pipe::set_partitioned(bool partitioned) {
  partitioned_ = partitioned;
  if (!partitioned)
    timeline_.at(timeline_.now(), *this, kArrival);
}

void Pipe::on_event(unsigned what, std::uint64_t) {
  if (what == kArrival)
    return deliver();
  waiting_ = false;
  if (link_)
    transmit(kSocketBuffer);
}

void Pipe::deliver() {
  while (!partitioned_ && !closed_ && !packets_.empty() &&
         packets_.front().arrival <= timeline_.now()) {
    Packet packet = std::move(packets_.front());
    packets_.erase(packets_.begin());
    if (packet.bytes.empty())
      return receiver_.on_end();
    arrive(packet.bytes);
  }
}

void Pipe::arrive(std::vector<std::uint8_t>& bytes) {
  if (quality_.damage > 0 && random_.share() < quality_.damage)
    bytes[random_.below(bytes.size())] ^= static_cast<std::uint8_t>(1 + random_.below(255));
  const std::span<const std::uint8_t> all = bytes;
  if (!random_.chance(10)) {
    receiver_.on_bytes(all);
    return;
  }
  const std::size_t half = random_.below(all.size() + 1);
  receiver_.on_bytes(all.first(half));
  if (!closed_)
    receiver_.on_bytes(all.subspan(half));
}

}  // namespace dist::sim
