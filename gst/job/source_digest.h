// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Reads a file once, in a thread of its own, for its SHA-256.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <thread>

#include "gst/base/result.h"

namespace dist {

class SourceDigest {
 public:
  explicit SourceDigest(std::string path);
  // Ends the reading.
  ~SourceDigest();
  SourceDigest(const SourceDigest&) = delete;
  SourceDigest& operator=(const SourceDigest&) = delete;

  bool is_done() const { return done_; }

  struct Found {
    std::uint64_t bytes = 0;
    std::array<std::uint8_t, 32> sha256 = {};
  };
  // Once it is done.
  const Result<Found>& found() const { return found_; }
  // Waits for its end.
  const Result<Found>& await();

 private:
  Result<Found> read() const;

  const std::string path_;
  std::atomic<bool> cancelled_ = false;
  std::atomic<bool> done_ = false;
  Result<Found> found_ = Error{"not read"};  // The thread's until it is done.
  std::thread thread_;
};

}  // namespace dist
