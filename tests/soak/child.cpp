// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/soak/child.h"

#include <sys/prctl.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <utility>

namespace soak {
namespace {

GSource* timer_new(unsigned milliseconds, std::function<void()> callback) {
  GSource* timer = g_timeout_source_new(milliseconds);
  g_source_set_callback(
      timer,
      [](gpointer data) -> gboolean {
        (*static_cast<std::function<void()>*>(data))();
        return G_SOURCE_REMOVE;
      },
      new std::function<void()>(std::move(callback)),
      [](gpointer data) { delete static_cast<std::function<void()>*>(data); });
  g_source_attach(timer, nullptr);
  return timer;
}

// The answer to ask(), which may have given up before it comes.
struct Answer {
  bool waited_for = true;
  bool there = false;
  std::optional<std::string> line;
};

}  // namespace

void after(unsigned milliseconds, std::function<void()> callback) {
  g_source_unref(timer_new(milliseconds, std::move(callback)));
}

std::unique_ptr<Child> Child::start(const std::vector<std::string>& command, const std::string& log,
                                    Talk talk) {
  const bool talks = talk == Talk::kLines;
  GSubprocessLauncher* launcher = g_subprocess_launcher_new(
      talks ? static_cast<GSubprocessFlags>(G_SUBPROCESS_FLAGS_STDIN_PIPE |
                                            G_SUBPROCESS_FLAGS_STDOUT_PIPE)
            : G_SUBPROCESS_FLAGS_STDERR_MERGE);
  if (talks)
    g_subprocess_launcher_set_stderr_file_path(launcher, log.c_str());
  else
    g_subprocess_launcher_set_stdout_file_path(launcher, log.c_str());
  g_subprocess_launcher_set_child_setup(
      launcher, [](gpointer) { prctl(PR_SET_PDEATHSIG, SIGKILL); }, nullptr, nullptr);
  std::vector<const gchar*> argv;
  for (const std::string& word : command)
    argv.push_back(word.c_str());
  argv.push_back(nullptr);
  GError* error = nullptr;
  GSubprocess* process = g_subprocess_launcher_spawnv(launcher, argv.data(), &error);
  g_object_unref(launcher);
  if (!process) {
    std::fprintf(stderr, "soak: %s\n", error->message);
    g_error_free(error);
    return nullptr;
  }
  return std::unique_ptr<Child>(new Child(process));
}

Child::Child(GSubprocess* process) : process_(process) {
  if (const char* identifier = g_subprocess_get_identifier(process))
    pid_ = std::atoi(identifier);
  if (GInputStream* output = g_subprocess_get_stdout_pipe(process))
    lines_ = g_data_input_stream_new(output);
}

Child::~Child() {
  g_cancellable_cancel(cancellable_);
  g_subprocess_force_exit(process_);
  g_subprocess_wait(process_, nullptr, nullptr);
  g_clear_object(&lines_);
  g_object_unref(cancellable_);
  g_object_unref(process_);
}

bool Child::handles(int number) const {
  std::ifstream status("/proc/" + std::to_string(pid_) + "/status");
  std::string word;
  while (status >> word)
    if (word == "SigCgt:" && status >> word)
      return (std::strtoull(word.c_str(), nullptr, 16) >> (number - 1) & 1) != 0;
  return false;
}

void Child::on_end(std::function<void(int code)> callback) {
  struct Waiting {
    GCancellable* cancellable;
    std::function<void(int)> callback;
  };
  g_subprocess_wait_async(
      process_, cancellable_,
      [](GObject* source, GAsyncResult* result, gpointer data) {
        const std::unique_ptr<Waiting> waiting(static_cast<Waiting*>(data));
        GSubprocess* process = G_SUBPROCESS(source);
        g_subprocess_wait_finish(process, result, nullptr);
        const bool cancelled = g_cancellable_is_cancelled(waiting->cancellable);
        g_object_unref(waiting->cancellable);
        if (!cancelled)
          waiting->callback(
              g_subprocess_get_if_exited(process) ? g_subprocess_get_exit_status(process) : -1);
      },
      new Waiting{G_CANCELLABLE(g_object_ref(cancellable_)), std::move(callback)});
}

void Child::read(GObject* stream, GAsyncResult* result, gpointer data) {
  const std::unique_ptr<std::shared_ptr<Answer>> answer(
      static_cast<std::shared_ptr<Answer>*>(data));
  gchar* line =
      g_data_input_stream_read_line_finish(G_DATA_INPUT_STREAM(stream), result, nullptr, nullptr);
  (*answer)->there = true;
  if (line)
    (*answer)->line = line;
  g_free(line);
}

std::optional<std::string> Child::ask(const std::string& line, unsigned seconds) {
  const std::string text = line + "\n";
  if (!g_output_stream_write_all(g_subprocess_get_stdin_pipe(process_), text.data(), text.size(),
                                 nullptr, nullptr, nullptr))
    return std::nullopt;
  const auto answer = std::make_shared<Answer>();
  g_data_input_stream_read_line_async(lines_, G_PRIORITY_DEFAULT, cancellable_, read,
                                      new std::shared_ptr<Answer>(answer));
  GSource* limit = timer_new(1000 * seconds, [answer] { answer->waited_for = false; });
  while (answer->waited_for && !answer->there)
    g_main_context_iteration(nullptr, TRUE);
  g_source_destroy(limit);
  g_source_unref(limit);
  return answer->line;
}

}  // namespace soak
