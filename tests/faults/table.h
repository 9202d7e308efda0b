// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The table of docs/faults.md, a row for each fault.
#pragma once

#include <cstdint>
#include <string>

namespace faults {

struct Row {
  std::string fault;
  std::string happened;
  double seconds = -1;  // Until recovered; negative: nothing had to.
  std::int64_t frames_lost = 0;
  double peak_mib = 0;  // Of the primary.
};

// Puts the row into the table, in place of an older one of the same fault. Other processes may do
// so at the same time.
void record(const Row& row);

}  // namespace faults
