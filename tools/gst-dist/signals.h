// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What asks the process to end.
#pragma once

#include <glib.h>

#include <functional>

namespace dist::tool {

// As nohup has SIGHUP.
bool is_ignored(int number);

// SIGINT, SIGTERM, and SIGHUP unless that is ignored; while this lives.
class Signals {
 public:
  // `first` is called back from the default main context; `second`, at each later signal, from a
  // thread of its own, since whoever has to do something about the first may be stuck.
  Signals(std::function<void()> first, std::function<void()> second);
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

 private:
  void handle();

  const std::function<void()> first_;
  const std::function<void()> second_;
  GMainContext* const context_;
  GMainLoop* const loop_;
  GThread* thread_ = nullptr;
  GSource* told_ = nullptr;  // Calls first_; of the thread until that is joined.
};

}  // namespace dist::tool
