// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// std::mutex and what belongs to it, annotated: clang then finds accesses without the lock.
#pragma once

#include <condition_variable>  // With the clocks, without the streams that <chrono> brings.
#include <mutex>

#include "gst/base/thread_annotations.h"

namespace dist {

// Taken by MutexLock.
class CAPABILITY("mutex") Mutex {
 private:
  friend class Condition;
  friend class MutexLock;

  std::mutex mutex_;
};

// Holds the mutex as long as it lives.
class SCOPED_CAPABILITY MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) ACQUIRE(mutex) : mutex_(mutex.mutex_) { mutex_.lock(); }
  ~MutexLock() RELEASE() { mutex_.unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  std::mutex& mutex_;
};

// A wait may end without a notification, so the caller waits in a loop that looks at what it waits
// for. A loop, and no function that is handed over: clang sees that the loop holds the lock.
class Condition {
 public:
  using Clock = std::chrono::steady_clock;

  void notify_one() { changed_.notify_one(); }
  void notify_all() { changed_.notify_all(); }

  // Lets go of the mutex while it waits.
  void wait(Mutex& mutex) REQUIRES(mutex) {
    Held held(mutex);
    changed_.wait(held.lock);
  }
  // False once that time has come.
  bool wait_until(Mutex& mutex, Clock::time_point end) REQUIRES(mutex) {
    Held held(mutex);
    return changed_.wait_until(held.lock, end) == std::cv_status::no_timeout;
  }

 private:
  // The caller's lock, in the form in which std::condition_variable wants it.
  struct Held {
    explicit Held(Mutex& mutex) : lock(mutex.mutex_, std::adopt_lock) {}
    ~Held() { lock.release(); }
    std::unique_lock<std::mutex> lock;
  };

  std::condition_variable changed_;
};

}  // namespace dist
