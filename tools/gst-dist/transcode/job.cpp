// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/gst-dist/transcode/job.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include "gst/base/text.h"
#include "gst/gstx/ref.h"
#include "tools/gst-dist/address.h"
#include "tools/gst-dist/json_writer.h"
#include "tools/gst-dist/signals.h"
#include "tools/gst-dist/transcode/trouble.h"

namespace dist::tool {
namespace {

constexpr double kPatience = 60;        // For a first or another worker.
constexpr guint kTick = 250;            // Milliseconds.
constexpr double kLogInterval = 5;      // Seconds between lines that stay.
constexpr double kProgramInterval = 1;  // And between those for programs.
// Strangers that are told of as they come; a flood is not.
constexpr std::size_t kMaxRefusals = 8;

winsize terminal_size() {
  winsize size{};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
    size = {24, 80, 0, 0};
  return size;
}

guint64 number_field(const GstStructure* structure, const char* name) {
  guint64 value = 0;
  gst_structure_get_uint64(structure, name, &value);
  return value;
}

// The name of the factory that made it; empty if that is none.
std::string kind_of(GstObject* object) {
  const auto factory =
      GST_IS_ELEMENT(object) ? gst_element_get_factory(GST_ELEMENT(object)) : nullptr;
  return factory ? GST_OBJECT_NAME(factory) : "";
}

}  // namespace

Job::Job(const Settings& settings)
    : settings_(settings),
      loop_(g_main_loop_new(nullptr, FALSE)),
      progress_(static_cast<double>(settings.duration) / GST_SECOND, now()),
      terminal_(!settings.json && isatty(STDERR_FILENO) == 1) {}

Job::~Job() {
  g_main_loop_unref(loop_);
}

double Job::now() const {
  return static_cast<double>(g_get_monotonic_time()) / G_USEC_PER_SEC;
}

int Job::run(GstElement* pipeline) {
  pipeline_ = pipeline;
  const auto bus = Ref<GstBus>::adopt(gst_element_get_bus(pipeline));
  gst_bus_add_watch(
      bus.get(),
      [](GstBus*, GstMessage* message, gpointer self) -> gboolean {
        return static_cast<Job*>(self)->handle(message);
      },
      this);
  const Signals signals([this] { end(kInterrupted); },
                        [this] {
                          settings_.abandon();
                          _exit(kInterrupted);
                        });
  InputWatch watch(pipeline);
  std::pair<Job*, InputWatch*> both{this, &watch};
  const guint ticks = g_timeout_add(
      kTick,
      [](gpointer data) -> gboolean {
        const auto [self, input] = *static_cast<std::pair<Job*, InputWatch*>*>(data);
        self->look_for_workers();
        self->show(false);
        self->look_for_input(*input);
        return G_SOURCE_CONTINUE;
      },
      &both);
  // What went wrong is on the bus.
  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  g_main_loop_run(loop_);
  look_at_segments();
  gst_element_set_state(pipeline, GST_STATE_NULL);
  g_source_remove(ticks);
  gst_bus_remove_watch(bus.get());
  // Nothing is no progress.
  if (code_ == kDone || progress_.done() > 0)
    show(true);
  if (code_ == kInterrupted)
    say_error("interrupted; nothing was written.");
  return code_;
}

void Job::end(int code) {
  code_ = code;
  g_main_loop_quit(loop_);
}

bool Job::handle(GstMessage* message) {
  switch (GST_MESSAGE_TYPE(message)) {
    case GST_MESSAGE_EOS:
      end(kDone);
      return false;
    case GST_MESSAGE_ERROR:
      handle_error(message);
      return false;
    case GST_MESSAGE_WARNING:
      handle_warning(message);
      return true;
    case GST_MESSAGE_ELEMENT:
      handle_element(gst_message_get_structure(message));
      return true;
    default:
      return true;
  }
}

void Job::handle_error(GstMessage* message) {
  auto told = Ref<GstMessage>::share(message);
  const auto bus = Ref<GstBus>::adopt(gst_element_get_bus(pipeline_));
  // Whoever stopped may say why only now.
  while (is_consequence(told.get())) {
    auto next = Ref<GstMessage>::adopt(gst_bus_pop_filtered(bus.get(), GST_MESSAGE_ERROR));
    if (!next)
      break;
    if (!is_consequence(next.get()))
      told = std::move(next);
  }
  const Trouble trouble = trouble_of(pipeline_, told.get(), settings_.names);
  end(trouble.code);
  clear();
  say_error(trouble.text);
  if (!settings_.verbose)
    return;
  gchar* debug = nullptr;
  gst_message_parse_error(told.get(), nullptr, &debug);
  say_details(take_string(debug));
}

// Those of stock elements are for people who write pipelines.
void Job::handle_warning(GstMessage* message) {
  if (kind_of(GST_MESSAGE_SRC(message)) != "remoteenc" && !settings_.verbose)
    return;
  clear();
  say_error(message, settings_.verbose);
}

void Job::handle_link(const std::string& name, const GstStructure* structure) {
  if (!settings_.listens || settings_.json)
    return;
  guint port = 0;
  gst_structure_get_uint(structure, "port", &port);
  const std::string place =
      address_text({text_field(structure, "address"), static_cast<std::uint16_t>(port)});
  std::string text;
  if (name == "dist-listening")
    text = "listens at " + place + "; 'gst-dist-1.0 worker' may connect";
  else if (name == "dist-waiting" && !std::exchange(said_waiting_, true))
    text = "waits for a worker at " + place;
  if (text.empty())
    return;
  clear();
  std::fprintf(stderr, "%s\n", printable(text).c_str());
}

void Job::handle_element(const GstStructure* structure) {
  const std::string name = gst_structure_get_name(structure);
  const Progress::WorkerId worker{number_field(structure, "worker"), text_field(structure, "name")};
  if (name == "dist-segment-done") {
    gboolean complete = FALSE;
    gst_structure_get_boolean(structure, "complete", &complete);
    const guint64 start = number_field(structure, "start");
    const guint64 stop = number_field(structure, "stop");
    const double seconds = complete ? static_cast<double>(stop - start) / GST_SECOND : 0;
    progress_.segment_done(worker, number_field(structure, "segment"),
                           number_field(structure, "frames"), seconds);
  } else if (name == "dist-segment-damaged") {
    damage_.add(number_field(structure, "segment"), {.guessed = number_field(structure, "guessed"),
                                                     .missing = number_field(structure, "missing"),
                                                     .start = number_field(structure, "start"),
                                                     .stop = number_field(structure, "stop")});
  } else if (name == "dist-worker-joined") {
    ++workers_;
    progress_.worker_joined(worker);
  } else if (name == "dist-worker-left") {
    workers_ -= std::min(workers_, 1u);
    progress_.worker_left(worker);
  } else if (name == "dist-lease-failed") {
    progress_.lease_failed(worker);
  } else if (name == "dist-connection-refused") {
    handle_refusal(structure);
  }
  handle_link(name, structure);
  // Others' messages, such as the tables of an MPEG transport stream, are no events of a job.
  if (settings_.json && name.starts_with("dist-"))
    print(structure);
}

// One who dials again and again is told of once.
void Job::handle_refusal(const GstStructure* structure) {
  const std::string address = text_field(structure, "address");
  const std::string reason = text_field(structure, "reason");
  refused_ = address + " was sent away: " + reason;
  if (settings_.json || said_refusals_.size() >= kMaxRefusals ||
      !said_refusals_.insert(address.substr(0, address.rfind(':')) + reason).second)
    return;
  clear();
  say_error(sentence(refused_));
}

void Job::print(const GstStructure* structure) {
  JsonWriter json;
  json.text("event", gst_structure_get_name(structure));
  for (gint i = 0; i < gst_structure_n_fields(structure); ++i) {
    const gchar* field = gst_structure_nth_field_name(structure, static_cast<guint>(i));
    const GValue* value = gst_structure_get_value(structure, field);
    if (G_VALUE_HOLDS_STRING(value))
      json.text(field, text_field(structure, field));
    else if (G_VALUE_HOLDS_UINT64(value))
      json.count(field, g_value_get_uint64(value));
    else if (G_VALUE_HOLDS_UINT(value))
      json.count(field, g_value_get_uint(value));
    else if (G_VALUE_HOLDS_BOOLEAN(value))
      json.flag(field, g_value_get_boolean(value));
    else if (G_VALUE_HOLDS_DOUBLE(value))
      json.number(field, g_value_get_double(value));
  }
  std::printf("%s\n", json.finish(false).c_str());
  std::fflush(stdout);
}

void Job::look_for_workers() {
  if (!settings_.waits_for_workers || workers_ > 0) {
    waiting_since_ = -1;
    return;
  }
  if (waiting_since_ < 0)
    waiting_since_ = now();
  if (now() - waiting_since_ < kPatience)
    return;
  end(kNoWorker);
  clear();
  say_error("no worker has been here for a minute" +
            (refused_.empty() ? "" : " (" + refused_ + ")") +
            ". Start one with 'gst-dist-1.0 worker --connect HOST:PORT', or give --local-workers.");
}

void Job::look_for_input(InputWatch& watch) {
  if (!watch.is_silent(now(), idle_))
    return;
  end(kNoInput);
  clear();
  say_error(sentence(settings_.names.input +
                     ": nothing has come from it for a minute, and it is not at its end"));
}

// How far those are that are being worked on.
void Job::look_at_segments() {
  const auto remote = Ref<GstElement>::adopt(gst_bin_get_by_name(GST_BIN(pipeline_), "remote"));
  GstStructure* stats = nullptr;
  if (remote)
    g_object_get(remote.get(), "stats", &stats, nullptr);
  if (!stats)
    return;
  const auto seconds = [&](const char* field) {
    return static_cast<double>(number_field(stats, field)) / GST_SECOND;
  };
  progress_.begun(seconds("begun"), static_cast<double>(number_field(stats, "begun-frames")));
  idle_ = number_field(stats, "open") == 0;
  double decoding = 1;
  if (gst_structure_get_double(stats, "decoding", &decoding))
    progress_.set_decoding(decoding);
  gboolean whole = FALSE;
  if (gst_structure_get_boolean(stats, "whole", &whole) && whole)
    progress_.set_duration(seconds("submitted"));
  gst_structure_free(stats);
}

void Job::show(bool last) {
  const double time = now();
  look_at_segments();
  if (settings_.json) {
    if (!last && time - last_shown_ < kProgramInterval)
      return;
    std::printf("%s\n", progress_.for_programs(time).c_str());
    std::fflush(stdout);
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

void Job::clear() {
  // Back to where they began.
  if (drawn_ > 0)
    std::fprintf(stderr, "\r\x1b[%uA\x1b[J", drawn_);
  drawn_ = 0;
}

void Job::say_done(const std::vector<std::string>& names) {
  if (const std::string text = damage_.text(); !text.empty())
    say_error(sentence(text));
  if (settings_.json) {
    std::printf("%s\n", progress_.done_for_programs(names, now()).c_str());
    return;
  }
  std::fprintf(stderr, "%s\n", progress_.summary(now()).c_str());
  for (const std::string& name : names)
    std::fprintf(stderr, "%s\n", printable(name).c_str());
}

}  // namespace dist::tool
