// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <glib.h>

#include <functional>

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
  // Runs `work` in the thread after that time, unless the returned source is destroyed before. The
  // caller owns the reference.
  GSource* after(unsigned milliseconds, std::function<void()> work);

 private:
  GMainContext* context_;
  GMainLoop* loop_;
  GThread* thread_;
};

}  // namespace dist
