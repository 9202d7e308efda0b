// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <glib.h>

#include <functional>

#include "gst/base/instant.h"

namespace dist {

// A named thread that runs a GMainContext: all sockets of one element live in it.
class IoThread {
 public:
  explicit IoThread(const char* name);
  // Runs what was handed over before, then joins. Not to be called in the thread itself.
  ~IoThread();
  IoThread(const IoThread&) = delete;
  IoThread& operator=(const IoThread&) = delete;

  // Runs `work` in the thread, in the order of the calls. Any thread.
  void post(std::function<void()> work);
  // As post(), and waits until it has run. Not in the thread itself.
  void run(const std::function<void()>& work);
  // Lets the thread go on until `condition`, which it evaluates itself, holds or that time is over.
  // Not in the thread itself.
  void wait_until(const std::function<bool()>& condition, unsigned milliseconds);

  // The clock of Instants. Any thread.
  static Instant now() { return static_cast<Instant>(g_get_monotonic_time()) * 1000; }

 private:
  friend class Timer;

  GMainContext* context_;
  GMainLoop* loop_;
  GThread* thread_;
};

// Runs work in the thread at a time that can be moved. Everything but construction happens in that
// thread.
class Timer {
 public:
  Timer(IoThread& thread, std::function<void()> work);
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  // When to run next, once; kNever: not at all.
  void set(Instant at);

 private:
  GSource* source_;
};

}  // namespace dist
