// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What this process takes of its machine, from Linux.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "gst/base/result.h"

namespace dist::tool {

// Processor time used by all processes of this machine, and by this one with the children that have
// ended, in seconds. None if the machine does not tell.
struct ProcessorTime {
  double all = 0;
  double own = 0;
};
std::optional<ProcessorTime> processor_time();

// Main memory that this process occupies, in bytes. None if the machine does not tell.
std::optional<std::uint64_t> resident_bytes();

// From now on this thread, and those it makes, get of processors and disks what nobody else wants.
Status take_idle_priority();

// In the text of /proc/stat: the time that processors worked for processes of this machine, in its
// own unit. Not what other machines had of them, nor waiting.
std::optional<std::uint64_t> busy_ticks(const std::string& stat);

// Roughly, for people: "1.5 GiB".
std::string bytes_text(std::uint64_t bytes);

}  // namespace dist::tool
