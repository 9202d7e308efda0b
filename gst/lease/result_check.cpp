// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/lease/result_check.h"

#include <algorithm>

namespace dist {
namespace {

// Answers that lack frames of a segment before they are believed although no worker has made a
// whole one.
constexpr std::size_t kLongTried = 5;

Time distance(Time a, Time b) {
  return a > b ? a - b : b - a;
}

// One line that is equal for two answers exactly if they hold the same frames.
std::string frames_of(const std::vector<SegmentHeader>& result) {
  std::string text;
  for (const SegmentHeader& header : result) {
    text += header.rendition + ":";
    for (Time time : header.presentation_times())
      text += std::to_string(time) + ",";
    text += ";";
  }
  return text;
}

// What is wrong with the answer on its own, apart from which frames it holds.
std::string flaw(const SegmentHeader& source, const SegmentHeader& result) {
  const std::string rendition = "rendition '" + result.rendition + "': ";
  if (result.is_source())
    return "an answer without the name of a rendition";
  if (result.stream_id != source.stream_id || result.index != source.index ||
      result.start != source.start || result.stop != source.stop || result.last != source.last ||
      !(result.time_segment == source.time_segment))
    return rendition + "answers segment " + std::to_string(result.index) + " of stream '" +
           result.stream_id + "'";
  if (result.units.empty())
    return {};  // It lacks all frames.
  if ((result.units.front().flags & kFlagDeltaUnit) != 0)
    return rendition + "does not begin with a keyframe";
  std::vector<Time> decode_order;
  for (const AccessUnit& unit : result.units) {
    if (unit.show == kNoTime || unit.show != unit.pts)
      return rendition + "an access unit without a presentation time";
    decode_order.push_back(unit.show);
  }
  if (reorder_depth(decode_order) > result.reorder_depth ||
      result.reorder_depth > result.units.size())
    return rendition + "frames are reordered further than announced";
  const std::vector<Time> times = result.presentation_times();
  if (std::adjacent_find(times.begin(), times.end()) != times.end())
    return rendition + "two frames at the same time";
  return {};
}

}  // namespace

std::vector<std::optional<Time>> match_times(std::span<const Time> expected,
                                             std::span<const Time> seen) {
  std::vector<std::optional<Time>> result(seen.size());
  std::vector<bool> used(expected.size(), false);
  for (std::size_t i = 0; i < seen.size(); ++i) {
    if (expected.empty())
      break;
    auto at = std::lower_bound(expected.begin(), expected.end(), seen[i]);
    if (at == expected.end() ||
        (at != expected.begin() && distance(*(at - 1), seen[i]) < distance(*at, seen[i])))
      --at;
    const std::size_t n = static_cast<std::size_t>(at - expected.begin());
    Time gap = kSecond;
    if (n > 0)
      gap = std::min(gap, expected[n] - expected[n - 1]);
    if (n + 1 < expected.size())
      gap = std::min(gap, expected[n + 1] - expected[n]);
    // A time that is exactly right always fits, even where two frames share it.
    if (used[n] || (seen[i] != *at && distance(seen[i], *at) >= std::max<Time>(gap / 2, 1)))
      continue;
    used[n] = true;
    result[i] = *at;
  }
  return result;
}

std::uint32_t reorder_depth(std::span<const Time> decode_order) {
  std::vector<Time> sorted(decode_order.begin(), decode_order.end());
  std::sort(sorted.begin(), sorted.end());
  std::size_t depth = 0;
  for (std::size_t i = 0; i < decode_order.size(); ++i) {
    const auto rank = static_cast<std::size_t>(
        std::lower_bound(sorted.begin(), sorted.end(), decode_order[i]) - sorted.begin());
    depth = std::max(depth, i > rank ? i - rank : 0);
  }
  return static_cast<std::uint32_t>(depth);
}

ResultCheck::Verdict ResultCheck::check(std::uint64_t worker, const RenditionForms& forms,
                                        const SegmentHeader& source,
                                        const std::vector<SegmentHeader>& result,
                                        const std::vector<Expected>& expected) {
  if (result.empty())
    return {Error{"an answer without renditions"}, {}};
  for (const SegmentHeader& header : result) {
    if (std::string text = flaw(source, header); !text.empty())
      return {Error{text}, {}};
    const auto same = [&](const SegmentHeader& h) { return h.rendition == header.rendition; };
    if (std::count_if(result.begin(), result.end(), same) > 1)
      return {Error{"rendition '" + header.rendition + "' comes twice"}, {}};
    if (Status status = forms.check_caps(source.caps, header); !status)
      return {.status = std::move(status), .note = {}, .other_form = true};
  }
  if (Status status = forms.check_set(source.caps, result); expected.empty() && !status)
    return {.status = std::move(status), .note = {}, .other_form = true};

  std::string lacking;
  for (const SegmentHeader& header : result) {
    const auto known = std::find_if(expected.begin(), expected.end(), [&](const Expected& e) {
      return e.rendition == header.rendition;
    });
    const std::vector<Time> wanted =
        known != expected.end() ? known->times : source.presentation_times();
    const std::vector<Time> times = header.presentation_times();
    if (times == wanted)
      continue;
    // However many attempts agree: the source does not hold these.
    if (!std::includes(wanted.begin(), wanted.end(), times.begin(), times.end()))
      return {Error{"rendition '" + header.rendition + "': frames that the segment does not have"},
              {}};
    lacking += (lacking.empty() ? "" : ", ") + ("rendition '" + header.rendition + "': ") +
               std::to_string(times.size()) + " frames instead of " + std::to_string(wanted.size());
  }
  if (lacking.empty())
    complete_workers_.insert(worker);
  else if (!is_confirmed(worker, source.index, frames_of(result)))
    return {Error{lacking}, {}, complete_workers_.count(worker) == 0, true};
  if (!lacking.empty())
    lacking += ", as in another attempt: taken for what the source holds";
  return {{}, lacking};
}

// A worker whose pipeline drops frames drops them again, so one of two has to be known not to.
// Where no worker has made a whole segment in all that time, the whole film may be damaged:
// then the word of two workers has to do.
bool ResultCheck::is_confirmed(std::uint64_t worker, std::uint64_t index,
                               const std::string& frames) {
  auto& refused = refused_frames_[index];
  const auto agrees = [&](const Refused& other) {
    if (other.frames != frames)
      return false;
    if (complete_workers_.empty())
      return refused.size() >= kLongTried && other.worker != worker;
    return complete_workers_.count(worker) != 0 || complete_workers_.count(other.worker) != 0;
  };
  if (std::any_of(refused.begin(), refused.end(), agrees))
    return true;
  refused.push_back({frames, worker});
  return false;
}

}  // namespace dist
