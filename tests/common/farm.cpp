// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/common/farm.h"

// Before gstcheck.h, which has a macro "fail".
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <utility>

#include <gst/check/gstcheck.h>
#include <sys/prctl.h>

namespace farm {

Process::Process(const std::string& command) {
  gchar** argv = nullptr;
  ck_assert(g_shell_parse_argv(command.c_str(), nullptr, &argv, nullptr));
  GSubprocessLauncher* launcher = g_subprocess_launcher_new(static_cast<GSubprocessFlags>(
      G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_MERGE));
  if (const char* root = g_getenv("DIST_SOURCE_ROOT"))
    g_subprocess_launcher_set_cwd(launcher, root);
  // A failed assertion ends the test without destructors.
  g_subprocess_launcher_set_child_setup(
      launcher, [](gpointer) { prctl(PR_SET_PDEATHSIG, SIGKILL); }, nullptr, nullptr);
  GError* error = nullptr;
  process_ = g_subprocess_launcher_spawnv(launcher, argv, &error);
  ck_assert_msg(process_ != nullptr, "%s: %s", command.c_str(), error ? error->message : "");
  g_object_unref(launcher);
  g_strfreev(argv);
}

Process::Process(Process&& other) noexcept
    : process_(std::exchange(other.process_, nullptr)),
      watched_(std::exchange(other.watched_, nullptr)),
      output_(std::move(other.output_)) {}

Process::~Process() {
  if (!process_)
    return;
  if (watched_)
    g_cancellable_cancel(watched_);
  g_clear_object(&watched_);
  g_subprocess_force_exit(process_);
  g_subprocess_wait(process_, nullptr, nullptr);
  g_object_unref(process_);
}

void Process::kill() {
  g_subprocess_force_exit(process_);
  g_subprocess_wait(process_, nullptr, nullptr);
}

void Process::signal(int number) {
  g_subprocess_send_signal(process_, number);
}

int Process::pid() const {
  const char* identifier = g_subprocess_get_identifier(process_);
  return identifier ? std::atoi(identifier) : 0;
}

GInputStream* Process::stream() const {
  return g_subprocess_get_stdout_pipe(process_);
}

void Process::on_end(std::function<void()> callback) {
  struct Waiting {
    GCancellable* cancellable;
    std::function<void()> callback;
  };
  watched_ = g_cancellable_new();
  g_subprocess_wait_async(
      process_, watched_,
      [](GObject* source, GAsyncResult* result, gpointer data) {
        const std::unique_ptr<Waiting> waiting(static_cast<Waiting*>(data));
        g_subprocess_wait_finish(G_SUBPROCESS(source), result, nullptr);
        if (!g_cancellable_is_cancelled(waiting->cancellable))
          waiting->callback();
        g_object_unref(waiting->cancellable);
      },
      new Waiting{G_CANCELLABLE(g_object_ref(watched_)), std::move(callback)});
}

int Process::exit_code(unsigned seconds) {
  // A cancellable that fires in time turns the blocking call into one with a limit.
  GCancellable* limit = g_cancellable_new();
  GMainContext* context = g_main_context_new();
  g_main_context_push_thread_default(context);
  struct Waiting {
    bool done = false;
    gchar* output = nullptr;
  } waiting;
  g_subprocess_communicate_utf8_async(
      process_, nullptr, limit,
      [](GObject* source, GAsyncResult* result, gpointer data) {
        auto* w = static_cast<Waiting*>(data);
        g_subprocess_communicate_utf8_finish(G_SUBPROCESS(source), result, &w->output, nullptr,
                                             nullptr);
        w->done = true;
      },
      &waiting);
  GSource* timer = g_timeout_source_new_seconds(film::patience(seconds));
  g_source_set_callback(
      timer,
      [](gpointer data) -> gboolean {
        g_cancellable_cancel(G_CANCELLABLE(data));
        return G_SOURCE_REMOVE;
      },
      limit, nullptr);
  g_source_attach(timer, context);
  while (!waiting.done)
    g_main_context_iteration(context, TRUE);
  g_source_destroy(timer);
  g_source_unref(timer);
  g_main_context_pop_thread_default(context);
  g_main_context_unref(context);
  const bool in_time = !g_cancellable_is_cancelled(limit);
  g_object_unref(limit);
  if (waiting.output)
    output_ = waiting.output;
  g_free(waiting.output);
  if (!in_time || !g_subprocess_wait(process_, nullptr, nullptr))
    return -1;
  return g_subprocess_get_if_exited(process_) ? g_subprocess_get_exit_status(process_) : -1;
}

Ran run(const std::string& command) {
  Process process(command);
  const int code = process.exit_code(120);
  return {code, process.output()};
}

std::string output_of(const std::string& command, int code) {
  const Ran ran = run(command);
  ck_assert_msg(ran.code == code, "%s: exit code %d\n%s", command.c_str(), ran.code,
                ran.output.c_str());
  return ran.output;
}

void ffmpeg(const std::string& arguments) {
  output_of("ffmpeg -v error -nostdin -y " + arguments);
}

GstElement* primary_new(const Job& job) {
  const std::string description = job.source + " ! distsegmenter " + job.segmenter +
                                  " ! remoteenc name=remote port=0 " + job.remote +
                                  " ! distjoin name=join ! " + job.after + " ! appsink name=out";
  GError* error = nullptr;
  GstElement* pipeline = gst_parse_launch(description.c_str(), &error);
  ck_assert_msg(error == nullptr, "%s: %s", description.c_str(), error ? error->message : "");
  return pipeline;
}

unsigned port_of(GstElement* pipeline) {
  GstElement* remote = gst_bin_get_by_name(GST_BIN(pipeline), "remote");
  guint port = 0;
  g_object_get(remote, "port", &port, nullptr);
  gst_object_unref(remote);
  return port;
}

namespace {

// A short film may be done before the last worker has dialled, which would then wait for another
// primary. Returns the element messages that came meanwhile.
std::vector<std::string> wait_for_workers(GstElement* pipeline, std::size_t count) {
  std::vector<std::string> messages;
  GstBus* bus = gst_element_get_bus(pipeline);
  while (named(messages, "dist-worker-joined").size() < count) {
    GstMessage* message = gst_bus_timed_pop_filtered(
        bus, film::patience(60) * GST_SECOND,
        static_cast<GstMessageType>(GST_MESSAGE_ELEMENT | GST_MESSAGE_ERROR));
    ck_assert_msg(message != nullptr, "not all workers came");
    if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
      // For whoever records.
      gst_bus_post(bus, message);
      break;
    }
    gchar* text = gst_structure_to_string(gst_message_get_structure(message));
    messages.push_back(text);
    g_free(text);
    gst_message_unref(message);
  }
  gst_object_unref(bus);
  return messages;
}

}  // namespace

Outcome run(const Job& job, unsigned seconds) {
  GstElement* pipeline = primary_new(job);
  gst_element_set_state(pipeline, GST_STATE_PAUSED);
  const unsigned port = port_of(pipeline);
  std::vector<Process> workers;
  for (const std::string& worker : job.workers)
    workers.emplace_back(worker_command(port, worker));
  Outcome outcome;
  const std::vector<std::string> before = wait_for_workers(pipeline, workers.size());
  outcome.recording = film::record(pipeline, seconds);
  outcome.recording.messages.insert(outcome.recording.messages.begin(), before.begin(),
                                    before.end());
  gst_object_unref(pipeline);
  for (Process& worker : workers) {
    outcome.exit_codes.push_back(worker.exit_code());
    outcome.worker_output += worker.output();
  }
  return outcome;
}

std::string worker_command(unsigned port, const std::string& pipeline,
                           const std::string& properties) {
  return "gst-launch-1.0 -m remoteencsrc port=" + std::to_string(port) + " " + properties + " ! " +
         pipeline;
}

void write_secret(const std::string& path, const std::string& secret) {
  std::ofstream(path) << secret << '\n';
  namespace fs = std::filesystem;
  fs::permissions(path, fs::perms::owner_read | fs::perms::owner_write);
}

unsigned free_port() {
  GSocketListener* listener = g_socket_listener_new();
  const guint16 port = g_socket_listener_add_any_inet_port(listener, nullptr, nullptr);
  g_socket_listener_close(listener);
  g_object_unref(listener);
  return port;
}

std::vector<std::string> named(const std::vector<std::string>& messages, const std::string& name) {
  std::vector<std::string> result;
  for (const std::string& message : messages)
    if (message.rfind(name + ",", 0) == 0)
      result.push_back(message);
  return result;
}

guint64 field(const std::string& message, const char* name) {
  GstStructure* structure = gst_structure_from_string(message.c_str(), nullptr);
  ck_assert(structure);
  const GValue* value = gst_structure_get_value(structure, name);
  guint64 number = 0;
  if (value && G_VALUE_HOLDS_UINT64(value))
    number = g_value_get_uint64(value);
  else if (value && G_VALUE_HOLDS_UINT(value))
    number = g_value_get_uint(value);
  gst_structure_free(structure);
  return number;
}

}  // namespace farm
