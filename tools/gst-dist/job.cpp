// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/gst-dist/job.h"

#include <glib-unix.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>

#include "gst/dist/gstx/ref.h"
#include "tools/gst-dist/json_writer.h"

namespace dist::tool {
namespace {

constexpr double kPatience = 60;        // For a first or another worker.
constexpr guint kTick = 250;            // Milliseconds.
constexpr double kLogInterval = 5;      // Seconds between lines that stay.
constexpr double kProgramInterval = 1;  // And between those for programs.
// Seconds of a film without video that nobody wonders about.
constexpr double kMaxMissing = 3;

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

// What somebody can do about it.
int exit_code_of(const GError* error, GstObject* source) {
  const std::string element = kind_of(source);
  const bool primary = element == "remoteenc";
  if (error->domain == GST_RESOURCE_ERROR) {
    switch (error->code) {
      case GST_RESOURCE_ERROR_NO_SPACE_LEFT:
      case GST_RESOURCE_ERROR_WRITE:
      case GST_RESOURCE_ERROR_OPEN_WRITE:
        return kNoOutput;
      case GST_RESOURCE_ERROR_OPEN_READ_WRITE:
      case GST_RESOURCE_ERROR_NOT_AUTHORIZED:
        return primary ? kNoPeer : kNoInput;
      case GST_RESOURCE_ERROR_SETTINGS:
        return kUsage;
      default:
        return kNoInput;
    }
  }
  const bool ours = primary || element == "distjoin" || element == "distsegmenter";
  return error->domain == GST_STREAM_ERROR && !ours ? kNoInput : kFailed;
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
  const auto bus = Ref<GstBus>::adopt(gst_element_get_bus(pipeline));
  gst_bus_add_watch(
      bus.get(),
      [](GstBus*, GstMessage* message, gpointer self) -> gboolean {
        return static_cast<Job*>(self)->handle(message);
      },
      this);
  const auto interrupted = [](gpointer self) -> gboolean {
    auto* job = static_cast<Job*>(self);
    job->end(kInterrupted);
    return G_SOURCE_CONTINUE;
  };
  const guint sources[] = {g_unix_signal_add(SIGINT, interrupted, this),
                           g_unix_signal_add(SIGTERM, interrupted, this),
                           g_timeout_add(
                               kTick,
                               [](gpointer self) -> gboolean {
                                 static_cast<Job*>(self)->look_for_workers();
                                 static_cast<Job*>(self)->show(false);
                                 return G_SOURCE_CONTINUE;
                               },
                               this)};
  // What went wrong is on the bus.
  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  g_main_loop_run(loop_);
  gst_element_set_state(pipeline, GST_STATE_NULL);
  for (guint source : sources)
    g_source_remove(source);
  gst_bus_remove_watch(bus.get());
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
  GError* error = nullptr;
  gchar* debug = nullptr;
  gst_message_parse_error(message, &error, &debug);
  end(exit_code_of(error, GST_MESSAGE_SRC(message)));
  show(true);
  say_error(error->message);
  if (settings_.verbose && debug)
    std::fprintf(stderr, "%s\n", debug);
  g_error_free(error);
  g_free(debug);
}

// Those of stock elements are for people who write pipelines.
void Job::handle_warning(GstMessage* message) {
  if (kind_of(GST_MESSAGE_SRC(message)) != "remoteenc" && !settings_.verbose)
    return;
  GError* error = nullptr;
  gchar* debug = nullptr;
  gst_message_parse_warning(message, &error, &debug);
  show(true);
  say_error(error->message);
  if (settings_.verbose && debug)
    std::fprintf(stderr, "%s\n", debug);
  g_error_free(error);
  g_free(debug);
}

void Job::handle_element(const GstStructure* structure) {
  const std::string name = gst_structure_get_name(structure);
  const std::string worker = text_field(structure, "name");
  if (name == "dist-segment-done") {
    gboolean complete = FALSE;
    gst_structure_get_boolean(structure, "complete", &complete);
    const guint64 start = number_field(structure, "start");
    const guint64 stop = number_field(structure, "stop");
    const double seconds = complete ? static_cast<double>(stop - start) / GST_SECOND : 0;
    progress_.segment_done(worker, number_field(structure, "segment"),
                           number_field(structure, "frames"), seconds);
  } else if (name == "dist-worker-joined") {
    ++workers_;
    progress_.worker_joined(worker);
  } else if (name == "dist-worker-left") {
    workers_ -= std::min(workers_, 1u);
    progress_.worker_left(worker);
  } else if (name == "dist-lease-failed") {
    progress_.lease_failed(worker);
  } else if (name == "dist-connection-refused") {
    refused_ =
        text_field(structure, "address") + " was sent away: " + text_field(structure, "reason");
  }
  if (!settings_.json)
    return;
  JsonWriter json;
  json.text("event", name);
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
  show(true);
  say_error("no worker has been here for a minute" +
            (refused_.empty() ? "" : " (" + refused_ + ")") +
            ". Start one with 'gst-dist-1.0 worker --connect HOST:PORT', or give --local-workers.");
}

void Job::show(bool last) {
  const double time = now();
  if (settings_.json) {
    if (!last && time - last_shown_ < kProgramInterval)
      return;
    std::printf("%s\n", progress_.for_programs(time).c_str());
    std::fflush(stdout);
  } else if (terminal_) {
    const winsize size = terminal_size();
    std::string text;
    // Back to where the last ones began.
    if (drawn_ > 0)
      text += "\r\x1b[" + std::to_string(drawn_) + "A\x1b[J";
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

void Job::say_done(const std::vector<std::string>& names) {
  const double announced = static_cast<double>(settings_.duration) / GST_SECOND;
  if (announced - progress_.done() > std::max(kMaxMissing, announced / 50))
    say_error("the video ends at " + clock_text(progress_.done()) +
              " although the film announces " + clock_text(announced) + "; it may be cut off.");
  if (settings_.json) {
    JsonWriter json;
    json.text("event", "done");
    json.texts("files", names);
    std::printf("%s\n", json.finish(false).c_str());
    return;
  }
  for (const std::string& name : names)
    std::fprintf(stderr, "%s\n", name.c_str());
}

}  // namespace dist::tool
