// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/io/io_thread.h"

#include "gst/base/handover.h"
#include "gst/base/mutex.h"

namespace dist {
namespace {

using Work = std::function<void()>;

// Whether the source stays is up to `keep`.
void set_work(GSource* source, Work work, bool keep) {
  auto* const owned = new Work(std::move(work));
  hand_over(owned);
  const GSourceFunc call = [](gpointer data) -> gboolean {
    take_over(data);
    (*static_cast<Work*>(data))();
    return G_SOURCE_REMOVE;
  };
  const GSourceFunc call_and_keep = [](gpointer data) -> gboolean {
    take_over(data);
    (*static_cast<Work*>(data))();
    return G_SOURCE_CONTINUE;
  };
  g_source_set_callback(source, keep ? call_and_keep : call, owned,
                        [](gpointer data) { delete static_cast<Work*>(data); });
}

}  // namespace

IoThread::IoThread(const char* name)
    : context_(g_main_context_new()), loop_(g_main_loop_new(context_, FALSE)) {
  thread_ = g_thread_new(
      name,
      [](gpointer data) -> gpointer {
        auto* self = static_cast<IoThread*>(data);
        g_main_context_push_thread_default(self->context_);
        g_main_loop_run(self->loop_);
        g_main_context_pop_thread_default(self->context_);
        return nullptr;
      },
      this);
}

IoThread::~IoThread() {
  post([this] { g_main_loop_quit(loop_); });
  g_thread_join(thread_);
  // Cancelled operations still report; their callbacks own memory.
  g_main_context_push_thread_default(context_);
  while (g_main_context_iteration(context_, FALSE)) {
  }
  g_main_context_pop_thread_default(context_);
  g_main_loop_unref(loop_);
  g_main_context_unref(context_);
}

void IoThread::post(Work work) {
  GSource* source = g_idle_source_new();
  g_source_set_priority(source, G_PRIORITY_DEFAULT);
  set_work(source, std::move(work), false);
  g_source_attach(source, context_);
  g_source_unref(source);
}

void IoThread::run(const Work& work) {
  Mutex mutex;
  Condition done;
  bool finished = false;
  post([&] {
    work();
    const MutexLock lock(mutex);
    finished = true;
    done.notify_one();
  });
  const MutexLock lock(mutex);
  while (!finished)
    done.wait(mutex);
}

void IoThread::wait_until(const std::function<bool()>& condition, unsigned milliseconds) {
  run([&] {
    bool timed_out = false;
    Timer timer(*this, [&timed_out] { timed_out = true; });
    timer.set(now() + milliseconds * kMillisecond);
    while (!timed_out && !condition())
      g_main_context_iteration(context_, TRUE);
  });
}

Timer::Timer(IoThread& thread, Work work) {
  // Without prepare and check a source is ready at its ready time only.
  static GSourceFuncs functions = {
      nullptr,
      nullptr,
      [](GSource* source, GSourceFunc callback, gpointer data) -> gboolean {
        g_source_set_ready_time(source, -1);
        return callback(data);
      },
      nullptr,
      nullptr,
      nullptr};
  source_ = g_source_new(&functions, sizeof(GSource));
  set_work(source_, std::move(work), true);
  g_source_attach(source_, thread.context_);
}

Timer::~Timer() {
  g_source_destroy(source_);
  g_source_unref(source_);
}

void Timer::set(Instant at) {
  // Rounded up: early, the work would find nothing to do and come back at once.
  g_source_set_ready_time(source_, at == kNever ? -1 : static_cast<gint64>((at + 999) / 1000));
}

}  // namespace dist
