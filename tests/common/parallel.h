// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <glib.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <thread>
#include <vector>

namespace film {

// Calls `work` once for each index below `count`, on a thread for each core: much of a short film's
// time is that of processes that begin.
template <class Work>
void for_each_index(std::size_t count, const Work& work) {
  std::atomic<std::size_t> next = 0;
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < std::max(1u, g_get_num_processors()); ++i)
    threads.emplace_back([&] {
      for (std::size_t at = next++; at < count; at = next++)
        work(at);
    });
  for (std::thread& thread : threads)
    thread.join();
}

}  // namespace film
