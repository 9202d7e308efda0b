// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/gst-dist/transcode/job_display.h"

#include <glib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <type_traits>
#include <utility>

#include "gst/base/address.h"
#include "gst/base/text.h"
#include "tools/gst-dist/command.h"

namespace dist::tool {
namespace {

constexpr double kLogInterval = 5;      // Seconds between lines that stay.
constexpr double kProgramInterval = 1;  // And between those for programs.
// Strangers that are told of as they come; a flood is not.
constexpr std::size_t kMaxRefusals = 8;

double now() {
  return static_cast<double>(g_get_monotonic_time()) / G_USEC_PER_SEC;
}

winsize terminal_size() {
  winsize size{};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
    size = {24, 80, 0, 0};
  return size;
}

void print(const std::string& line) {
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

}  // namespace

JobDisplay::JobDisplay(const Settings& settings)
    : settings_(settings),
      terminal_(!settings.json && isatty(STDERR_FILENO) == 1),
      progress_(0, now()) {}

void JobDisplay::show(const JobEvent& event) {
  std::visit(
      [this](const auto& e) {
        handle(e);
        if constexpr (std::is_constructible_v<message::Any, decltype(e)>)
          if (settings_.json)
            print(to_json(e));
      },
      event);
}

void JobDisplay::tell_place(const std::string& what, const std::string& address, unsigned port,
                            const std::string& more) {
  if (!settings_.listens || settings_.json)
    return;
  const std::string place = address_text({address, static_cast<std::uint16_t>(port)});
  clear();
  std::fprintf(stderr, "%s\n", printable(what + place + more).c_str());
}

void JobDisplay::handle(const message::Listening& message) {
  tell_place("listens at ", message.address, message.port, "; 'gst-dist-1.0 worker' may connect");
}

void JobDisplay::handle(const message::Waiting& message) {
  if (!std::exchange(said_waiting_, true))
    tell_place("waits for a worker at ", message.address, message.port, "");
}

void JobDisplay::handle(const message::WorkerJoined& message) {
  progress_.worker_joined({message.worker, message.name});
}

void JobDisplay::handle(const message::WorkerLeft& message) {
  progress_.worker_left({message.worker, message.name});
}

void JobDisplay::handle(const message::SegmentDone& message) {
  if (message.attempt == 0)
    return progress_.segment_found(message.segment, message.frames, message.complete);
  progress_.segment_done({message.worker, message.name}, message.segment, message.frames,
                         message.complete);
}

void JobDisplay::handle(const message::LeaseFailed& message) {
  progress_.lease_failed({message.worker, message.name});
}

// One who dials again and again is told of once.
void JobDisplay::handle(const message::ConnectionRefused& message) {
  const std::string& address = message.address;
  if (settings_.json || said_refusals_.size() >= kMaxRefusals ||
      !said_refusals_.insert(address.substr(0, address.rfind(':')) + message.reason).second)
    return;
  clear();
  say_error(sentence(address + " was sent away: " + message.reason));
}

void JobDisplay::handle(const Progressed& event) {
  progress_.reached(event.done, event.begun, event.begun_frames);
  progress_.set_decoding(event.decoding);
  if (event.duration > 0)
    progress_.set_duration(event.duration);
  // Nothing is no progress.
  if (!event.last || event.done > 0)
    draw(event.last);
}

void JobDisplay::handle(const Remarked& event) {
  clear();
  say_error(sentence(event.text));
}

// Those of stock elements are for people who write pipelines.
void JobDisplay::handle(const Warned& event) {
  if (!event.of_our_elements && !settings_.verbose)
    return;
  clear();
  say_error(event.text);
  if (settings_.verbose)
    say_details(event.details);
}

void JobDisplay::handle(const Finished& event) {
  if (settings_.json)
    return print(progress_.done_for_programs(event.files, now()));
  std::fprintf(stderr, "%s\n", progress_.summary(now()).c_str());
  for (const std::string& name : event.files)
    std::fprintf(stderr, "%s\n", printable(name).c_str());
}

void JobDisplay::draw(bool last) {
  const double time = now();
  if (settings_.json) {
    if (!last && time - last_shown_ < kProgramInterval)
      return;
    print(progress_.for_programs(time));
  } else if (terminal_) {
    const winsize size = terminal_size();
    clear();
    std::string text;
    const auto lines =
        progress_.for_terminal(size.ws_col, std::max<unsigned>(2, size.ws_row - 1u), time);
    for (const std::string& line : lines)
      text += line + "\n";
    drawn_ = last ? 0 : static_cast<unsigned>(lines.size());
    std::fputs(text.c_str(), stderr);
  } else {
    if (!last && time - last_shown_ < kLogInterval)
      return;
    std::fprintf(stderr, "%s\n", progress_.for_log(time).c_str());
  }
  last_shown_ = time;
}

void JobDisplay::clear() {
  // Back to where they began.
  if (drawn_ > 0)
    std::fprintf(stderr, "\r\x1b[%uA\x1b[J", drawn_);
  drawn_ = 0;
}

}  // namespace dist::tool
