// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/gst-dist/worker/worker_service.h"

#include <glib-unix.h>
#include <malloc.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <utility>
#include <vector>

#include "gst/base/address.h"
#include "gst/base/text.h"
#include "gst/gstx/report.h"
#include "tools/gst-dist/command.h"
#include "tools/gst-dist/signals.h"
#include "tools/gst-dist/worker/machine.h"

namespace dist::tool {
namespace {

constexpr guint kTick = 1000;  // Milliseconds.
// Seconds in which what was begun may be finished, before it is handed back.
constexpr double kGraceAtEnd = 30;
constexpr double kGraceForOwner = 10;
// Seconds between attempts at a primary that refuses; doubled up to the last.
constexpr double kFirstRetry = 2;
constexpr double kLastRetry = 60;
// The same between rounds where there are several; and how long one of these is dialled.
constexpr double kLastRound = 5;
constexpr double kDialled = 5;
// Who is over its limit of memory again after so many seconds has too many slots for it.
constexpr double kFresh = 60;

double now() {
  return static_cast<double>(g_get_monotonic_time()) / G_USEC_PER_SEC;
}

void say(const std::string& text) {
  std::printf("%s\n", printable(text).c_str());
  std::fflush(stdout);
}

std::string cores_text(double cores) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.1f", cores);
  return text;
}

}  // namespace

WorkerService::WorkerService(const Settings& settings, Ref<GstElement> pipeline, GstElement* worker)
    : settings_(settings),
      pipeline_(std::move(pipeline)),
      worker_(worker),
      bus_(Ref<GstBus>::adopt(gst_element_get_bus(pipeline_.get()))),
      loop_(g_main_loop_new(nullptr, FALSE)),
      retry_after_(kFirstRetry),
      slots_(settings.slots) {
  if (settings.pause_above > 0)
    owner_.emplace(settings.pause_above);
  for (const Address& address : settings.primaries)
    primaries_.push_back({.address = address, .name = address_text(address)});
  g_object_set(worker_, "encoders", settings.encoders.c_str(), "worker-name", settings.name.c_str(),
               "secret-file", settings.secret_file.c_str(), "max-pixels", settings.max_pixels,
               nullptr);
}

WorkerService::~WorkerService() {
  gst_element_set_state(pipeline_.get(), GST_STATE_NULL);
  g_main_loop_unref(loop_);
}

int WorkerService::run() {
  gst_bus_add_watch(
      bus_.get(),
      [](GstBus*, GstMessage* message, gpointer self) -> gboolean {
        static_cast<WorkerService*>(self)->handle(message);
        return G_SOURCE_CONTINUE;
      },
      this);
  const auto on_signal = [](gpointer self) -> gboolean {
    static_cast<WorkerService*>(self)->signalled();
    return G_SOURCE_CONTINUE;
  };
  std::vector<guint> sources;
  for (const int number : {SIGINT, SIGTERM, SIGHUP})
    if (number != SIGHUP || !is_ignored(number))
      sources.push_back(g_unix_signal_add(number, on_signal, this));
  const GSourceFunc on_tick = [](gpointer self) -> gboolean {
    static_cast<WorkerService*>(self)->tick();
    return G_SOURCE_CONTINUE;
  };
  sources.push_back(g_timeout_add(kTick, on_tick, this));
  serve();
  g_main_loop_run(loop_);
  for (guint source : sources)
    g_source_remove(source);
  gst_bus_remove_watch(bus_.get());
  return code_;
}

// --- What the worker does

void WorkerService::serve() {
  state_ = State::kServing;
  serving_since_ = now();
  const Address& address = primaries_[current_].address;
  g_object_set(worker_, "slots", slots_, "host", address.host.c_str(), "port", guint{address.port},
               nullptr);
  // What goes wrong is on the bus.
  gst_element_set_state(pipeline_.get(), GST_STATE_PLAYING);
}

void WorkerService::drain(double grace) {
  const double until = now() + grace;
  if (state_ == State::kResting)
    return go_on();
  drained_at_ = state_ == State::kDraining ? std::min(drained_at_, until) : until;
  if (std::exchange(state_, State::kDraining) == State::kServing)
    gst_element_send_event(pipeline_.get(), gst_event_new_eos());
}

// Whatever it still has goes back to the primary.
void WorkerService::rest() {
  gst_element_set_state(pipeline_.get(), GST_STATE_READY);
  // What is on the bus is of a time that is over.
  gst_bus_set_flushing(bus_.get(), TRUE);
  gst_bus_set_flushing(bus_.get(), FALSE);
  // glibc would keep what the encoders had.
  malloc_trim(0);
  connected_.clear();
  if (Primary& primary = primaries_[current_];
      primaries_.size() == 1 && primary.told != Told::kRefused)
    primary.told = Told::kNothing;
  state_ = State::kResting;
  go_on();
}

void WorkerService::go_on() {
  if (state_ != State::kResting)
    return;
  if (ending_)
    g_main_loop_quit(loop_);
  else if (now() >= retry_at_ && !(owner_ && owner_->is_busy()))
    serve();
}

// Where there are several primaries: this one has no work for it now.
void WorkerService::turn_to_next() {
  if (primaries_.size() == 1 || state_ != State::kServing || ending_)
    return;
  current_ = (current_ + 1) % primaries_.size();
  if (++tried_ >= primaries_.size()) {
    tried_ = 0;
    retry_at_ = now() + g_random_double_range(0.5, 1) * retry_after_;
    retry_after_ = std::min(2 * retry_after_, kLastRound);
  }
  rest();
}

void WorkerService::end(int code) {
  ending_ = true;
  code_ = code;
}

void WorkerService::signalled() {
  if (std::exchange(ending_, true))
    return rest();
  if (state_ == State::kServing && !connected_.empty())
    say("ending: finishes what it has begun, for " + std::to_string(static_cast<int>(kGraceAtEnd)) +
        " s at most; another signal hands it back at once");
  drain(kGraceAtEnd);
}

// --- Once a second

void WorkerService::tick() {
  if (state_ == State::kDraining && now() >= drained_at_) {
    say("hands back what it has not finished");
    rest();
  }
  if (ending_)
    return;
  look_at_owner();
  look_at_memory();
  // A machine that is off does not even refuse.
  if (connected_.empty() && now() - serving_since_ >= kDialled)
    turn_to_next();
  go_on();
}

void WorkerService::look_at_owner() {
  const auto used = owner_ ? processor_time() : std::nullopt;
  if (!used || !owner_->add({now(), used->all, used->own}))
    return;
  const std::string load = "others use " + cores_text(owner_->load()) + " cores, ";
  if (!owner_->is_busy())
    return say(load + "takes up again");
  say(load + "more than " + cores_text(settings_.pause_above) + ": gives way");
  drain(kGraceForOwner);
}

void WorkerService::look_at_memory() {
  if (settings_.max_memory == 0 || state_ != State::kServing)
    return;
  const auto used = resident_bytes();
  if (!used || *used <= settings_.max_memory)
    return;
  const std::string text =
      "uses " + bytes_text(*used) + ", more than " + bytes_text(settings_.max_memory);
  const bool at_once = now() - serving_since_ < kFresh;
  if (at_once && slots_ == 1) {
    say_error("a single slot " + text + ". Raise --max-memory.");
    end(kFailed);
  } else {
    slots_ = at_once ? slots_ / 2 : slots_;
    say(text + ": finishes what it has begun and begins anew" +
        (at_once ? " with " + std::to_string(slots_) + (slots_ == 1 ? " slot" : " slots") : ""));
  }
  drain(kGraceAtEnd);
}

// --- What it is told

void WorkerService::handle(GstMessage* message) {
  if (state_ == State::kResting)
    return;
  switch (GST_MESSAGE_TYPE(message)) {
    case GST_MESSAGE_EOS:
      rest();
      break;
    case GST_MESSAGE_ERROR:
      handle_error(message);
      break;
    case GST_MESSAGE_ELEMENT:
      if (settings_.verbose)
        say(take_string(gst_structure_to_string(gst_message_get_structure(message))));
      handle_link(message);
      break;
    default:
      break;
  }
}

// Each slot has a link of its own; people think of one.
void WorkerService::handle_link(GstMessage* message) {
  const GstStructure* structure = gst_message_get_structure(message);
  const std::string name = gst_structure_get_name(structure);
  Primary& primary = primaries_[current_];
  if (name == "dist-connected") {
    connected_.insert(GST_MESSAGE_SRC(message));
    retry_after_ = kFirstRetry;
    tried_ = 0;
    if (std::exchange(primary.told, Told::kConnected) != Told::kConnected)
      say("connected to " + primary.name);
  } else if (name == "dist-disconnected") {
    connected_.erase(GST_MESSAGE_SRC(message));
    if (!connected_.empty())
      return;
    gboolean done = FALSE;
    gst_structure_get_boolean(structure, "done", &done);
    if (std::exchange(primary.told, Told::kAway) != Told::kAway)
      say(done ? primary.name + " has no more work; waits for the next job"
               : "lost " + primary.name + " (" + text_field(structure, "reason") +
                     "); dials until it is back");
    turn_to_next();
  } else if (name == "dist-connecting" && connected_.empty()) {
    if (primary.told == Told::kNothing || primary.told == Told::kRefused) {
      primary.told = Told::kUnreachable;
      say_error("cannot reach a primary at " + primary.name + " (" +
                text_field(structure, "reason") +
                "). Start it, or check its name and port; this worker goes on trying.");
    }
    turn_to_next();
  }
}

void WorkerService::handle_error(GstMessage* message) {
  const Report report = report_of(message);
  const std::string& text = report.text;
  const bool network = report.domain == GST_RESOURCE_ERROR;
  if (settings_.verbose)
    say_details(report.debug);
  if (report.is(GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS)) {
    say_error(text);
    end(kUsage);
    rest();
  } else if (network) {
    refused(text);
  } else {
    say_error(text);
    // The pipeline is stuck, and whoever stopped it would be too. The end of the process hands
    // its leases back.
    std::_Exit(kFailed);
  }
}

void WorkerService::refused(const std::string& text) {
  Primary& primary = primaries_[current_];
  if (primary.told != Told::kRefused || primary.refusal != text) {
    const bool secret = text.find("secret") != std::string::npos;
    say_error((primaries_.size() > 1 ? primary.name + ": " : "") + text +
              (secret ? " Give it the primary's secret with --secret-file or in "
                        "GST_DIST_SECRET."
                      : "") +
              " This worker goes on trying.");
  }
  primary.told = Told::kRefused;
  primary.refusal = text;
  if (primaries_.size() > 1 && state_ == State::kServing && !ending_)
    return turn_to_next();
  retry_at_ = now() + g_random_double_range(0.5, 1) * retry_after_;
  retry_after_ = std::min(2 * retry_after_, kLastRetry);
  rest();
}

}  // namespace dist::tool
