// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Processes that the soak starts. All of it happens in the thread of the default main context.
#pragma once

#include <gio/gio.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace soak {

// Calls back once, from the default main context.
void after(unsigned milliseconds, std::function<void()> callback);

// A process; killed with the object, and with this process.
class Child {
 public:
  enum class Talk { kNone, kLines };  // Whether it is spoken to over its standard streams.

  // What it prints goes to the file `log`: with kLines its errors only. Null where it cannot be
  // started, and the reason is printed.
  static std::unique_ptr<Child> start(const std::vector<std::string>& command,
                                      const std::string& log, Talk talk = Talk::kNone);
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  int pid() const { return pid_; }
  void signal(int number) { g_subprocess_send_signal(process_, number); }
  // Whether it has a handler of its own for this signal.
  bool handles(int number) const;
  // Calls back when it has ended, with its exit code, or -1 if a signal ended it; not after the
  // object is gone.
  void on_end(std::function<void(int code)> callback);

  // Says a line and waits for one. Nothing if the process ends before, or does not answer in time.
  std::optional<std::string> ask(const std::string& line, unsigned seconds);

 private:
  explicit Child(GSubprocess* process);
  static void read(GObject* stream, GAsyncResult* result, gpointer data);

  GSubprocess* process_;
  int pid_ = 0;
  GCancellable* cancellable_ = g_cancellable_new();
  GDataInputStream* lines_ = nullptr;
};

}  // namespace soak
