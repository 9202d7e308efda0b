// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the demuxer of MPEG transport streams of GStreamer 1.22 does not cope with at their
// beginning (ISO/IEC 13818-1).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gst/film/mended_file.h"

namespace dist {

struct TsMends {
  std::vector<Mend> mends;
  std::vector<std::string> unread;  // Kinds of sound that it passes over, in words.
  std::vector<unsigned> aac;        // PIDs of AAC whose frames have heads of their own.
  std::size_t packet = 0;           // Bytes from one packet to the next; 0: it is no such stream.
  std::size_t prefix = 0;           // Of them before its sync byte.
};

// `head` is the beginning of the file. Empty if it is no transport stream, and if all is well.
TsMends mend_ts_head(std::string_view head);

}  // namespace dist
