// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/cut/gop_cuts.h"

#include <algorithm>

namespace dist {
namespace {

Time quotient_up(Time length, Time part) {
  return part == 0 ? length : length / part + (length % part != 0 ? 1 : 0);
}

}  // namespace

unsigned gop_parts(const GopCutRule& rule, Time length) {
  if (rule.max_segment_duration == kNoTime)
    return 1;
  // Of n equal parts the first is decoded n times, the last one once: (n + 1) / 2 on average.
  const double few = std::max(2 * rule.max_decoding - 1, 1.0);
  const Time most = std::max(static_cast<Time>(std::min(few, 1e9)),
                             quotient_up(length, std::max<Time>(rule.longest, 1)));
  const Time wanted =
      std::min(quotient_up(length, std::max<Time>(rule.max_segment_duration, 1)), most);
  const Time fit = length / std::max<Time>(rule.segment_duration, 1);
  return static_cast<unsigned>(std::max<Time>(std::min(wanted, fit), 1));
}

Time next_gop_cut(const GopCutRule& rule, Time start, Time end, Time from) {
  if (end <= start || from >= end)
    return kNoTime;
  const Time length = end - start;
  const Time parts = gop_parts(rule, length);
  const Time part = length / parts;
  // A segment begins with the first frame behind its cut, which may be a little later.
  const Time passed = from > start ? (from - start + part / 2) / part : 0;
  if (passed + 1 >= parts)
    return kNoTime;
  const Time cut = std::max(start + (passed + 1) * part, from + rule.segment_duration);
  return cut < end ? cut : kNoTime;
}

}  // namespace dist
