// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/gst-dist/signals.h"

#include <glib-unix.h>

#include <csignal>
#include <utility>

namespace dist::tool {

bool is_ignored(int number) {
  struct sigaction action {};
  return sigaction(number, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

Signals::Signals(std::function<void()> first, std::function<void()> second)
    : first_(std::move(first)),
      second_(std::move(second)),
      context_(g_main_context_new()),
      loop_(g_main_loop_new(context_, FALSE)) {
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    if (number == SIGHUP && is_ignored(number))
      continue;
    GSource* const source = g_unix_signal_source_new(number);
    const GSourceFunc taken = [](gpointer self) -> gboolean {
      static_cast<Signals*>(self)->handle();
      return G_SOURCE_CONTINUE;
    };
    g_source_set_callback(source, taken, this, nullptr);
    g_source_attach(source, context_);
    g_source_unref(source);
  }
  thread_ = g_thread_new(
      "signals",
      [](gpointer loop) -> gpointer {
        g_main_loop_run(static_cast<GMainLoop*>(loop));
        return nullptr;
      },
      loop_);
}

Signals::~Signals() {
  // Not from here: a loop that does not run yet would not hear of it.
  GSource* const quit = g_idle_source_new();
  const GSourceFunc end = [](gpointer loop) -> gboolean {
    g_main_loop_quit(static_cast<GMainLoop*>(loop));
    return G_SOURCE_REMOVE;
  };
  g_source_set_callback(quit, end, loop_, nullptr);
  g_source_attach(quit, context_);
  g_source_unref(quit);
  g_thread_join(thread_);
  g_main_loop_unref(loop_);
  g_main_context_unref(context_);
  if (told_) {
    g_source_destroy(told_);
    g_source_unref(told_);
    // It is ending, and shall not be killed on its way.
    for (const int number : {SIGINT, SIGTERM})
      std::signal(number, SIG_IGN);
  }
}

void Signals::handle() {
  if (told_)
    return second_();
  told_ = g_idle_source_new();
  const GSourceFunc tell = [](gpointer self) -> gboolean {
    static_cast<Signals*>(self)->first_();
    return G_SOURCE_REMOVE;
  };
  g_source_set_priority(told_, G_PRIORITY_DEFAULT);
  g_source_set_callback(told_, tell, this, nullptr);
  g_source_attach(told_, nullptr);
}

}  // namespace dist::tool
