// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Why the last leases of each open segment failed, for the error that ends a job. Pure.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>

namespace dist {

class LeaseReasons {
 public:
  void note(std::uint64_t segment, const std::string& worker, const std::string& reason);
  void forget(std::uint64_t segment) { segments_.erase(segment); }

  // Of the last attempts, the latest first, each reason once: "no encoder (anna, bert); left
  // (carl)". Empty if none failed.
  std::string text(std::uint64_t segment) const;

 private:
  struct Attempt {
    std::string worker;
    std::string reason;
  };
  std::map<std::uint64_t, std::deque<Attempt>> segments_;  // The latest first.
};

}  // namespace dist
