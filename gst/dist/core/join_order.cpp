// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/dist/core/join_order.h"

#include <algorithm>

namespace dist {
namespace {

std::string name(std::uint64_t index) {
  return "segment " + std::to_string(index);
}

}  // namespace

Status JoinOrder::add(std::shared_ptr<const SegmentHeader> header) {
  if (stream_id_.empty() && next_index_ == 0 && waiting_.empty()) {
    stream_id_ = header->stream_id;
    rendition_ = header->rendition;
  }
  const std::uint64_t index = header->index;
  if (header->stream_id != stream_id_)
    return Error{name(index) + ": belongs to stream '" + header->stream_id + "', the others to '" +
                 stream_id_ + "'"};
  if (index < next_index_ || waiting_.count(index) != 0)
    return Error{name(index) + ": received twice"};
  if (last_index_ && (index > *last_index_ || header->last))
    return Error{name(index) + ": comes after segment " + std::to_string(*last_index_) +
                 ", which is marked as the last"};
  if (header->last)
    last_index_ = index;
  waiting_.emplace(index, std::move(header));
  return {};
}

Result<std::shared_ptr<const SegmentHeader>> JoinOrder::next() {
  const auto first = waiting_.begin();
  if (first == waiting_.end() || first->first != next_index_)
    return std::shared_ptr<const SegmentHeader>();
  auto header = first->second;
  waiting_.erase(first);
  ++next_index_;
  if (last_index_ && !waiting_.empty() && waiting_.rbegin()->first > *last_index_)
    return Error{name(waiting_.rbegin()->first) + ": comes after segment " +
                 std::to_string(*last_index_) + ", which is marked as the last"};
  return header;
}

Status JoinOrder::finish() const {
  if (last_index_ && next_index_ > *last_index_)
    return {};
  std::string rendition = rendition_.empty() ? "the source" : "rendition '" + rendition_ + "'";
  if (waiting_.empty() && !last_index_)
    return Error{name(next_index_) + ": missing, and whatever follows it, in " + rendition};
  const std::uint64_t end =
      last_index_ ? *last_index_ : std::max(next_index_, waiting_.rbegin()->first);
  constexpr std::size_t kMaxNamed = 8;
  std::string missing;
  std::size_t count = 0;
  for (std::uint64_t i = next_index_; i <= end; ++i) {
    if (waiting_.count(i) != 0)
      continue;
    if (count++ < kMaxNamed)
      missing += (missing.empty() ? "" : ", ") + std::to_string(i);
  }
  if (count == 0)
    return Error{name(end + 1) + ": missing, and whatever follows it, in " + rendition};
  return Error{name(next_index_) + ": missing in " + rendition + "; " + std::to_string(count) +
               " missing in all (" + missing + (count > kMaxNamed ? ", …" : "") + ")"};
}

Result<std::vector<DecodeTimes::UnitTimes>> DecodeTimes::next(const SegmentHeader& header) {
  const std::vector<Time> times = header.presentation_times();
  if (times.size() != header.units.size())
    return Error{name(header.index) + ": rendition '" + header.rendition +
                 "' has access units without a presentation time"};
  if (!recent_.empty() && !times.empty() && times.front() <= recent_.back())
    return Error{name(header.index) + ": begins before the one before it ends"};
  recent_.insert(recent_.end(), times.begin(), times.end());
  if (position_ == 0)
    depth_ = header.reorder_depth;
  depth_ = std::max(depth_, header.reorder_depth);

  const auto presented = [this](std::uint64_t position) {
    return recent_[position - first_recent_];
  };
  std::vector<UnitTimes> result;
  for (const AccessUnit& unit : header.units) {
    Time dts = 0;
    if (position_ > depth_) {
      const std::uint64_t shown = position_ - depth_;
      dts = presented(std::max(shown, first_recent_));
    } else {
      const Time first = recent_.front();
      const Time second = recent_.size() > 1 ? recent_[1] : header.stop;
      dts = first + (second - first) * position_ / (depth_ + 1);
    }
    // Only where a later segment reorders more than those before it.
    if (previous_ && dts <= *previous_) {
      if (unit.show <= *previous_ + 1)
        return Error{name(header.index) + ": reorders more frames than the segments before it"};
      dts = *previous_ + (unit.show - *previous_) / 2;
    }
    if (dts > unit.show)
      return Error{name(header.index) + ": frames are reordered further than announced"};
    result.push_back({dts, unit.duration});
    previous_ = dts;
    ++position_;
  }
  // The decode times end that much before the presentation; muxers that count in decode times, such
  // as MP4's, would lose it.
  if (header.last && !result.empty() && depth_ > 0)
    result.back().duration = header.stop - std::min(header.stop, result.back().dts);

  while (recent_.size() > 2 && first_recent_ + depth_ + 1 < position_) {
    recent_.pop_front();
    ++first_recent_;
  }
  return result;
}

}  // namespace dist
