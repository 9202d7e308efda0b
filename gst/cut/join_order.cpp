// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/cut/join_order.h"

#include <algorithm>

namespace dist {
namespace {

std::string name(std::uint64_t index) {
  return "segment " + std::to_string(index);
}

}  // namespace

Status JoinOrder::add(std::shared_ptr<const SegmentHeader> header) {
  if (stream_id_.empty() && next_index_ == 0 && waiting_.empty())
    stream_id_ = header->stream_id;
  const std::uint64_t index = header->index;
  if (header->stream_id != stream_id_)
    return Error{name(index) + ": belongs to stream '" + header->stream_id + "', the others to '" +
                 stream_id_ + "'"};
  if (index < next_index_ || waiting_.count(index) != 0)
    return Error{name(index) + ": received twice"};
  if (last_index_ && header->last)
    return Error{name(index) + ": marked as the last, as was segment " +
                 std::to_string(*last_index_)};
  if (last_index_ && index > *last_index_)
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
  // Indices come from outside: what is missing may be more than can be counted through.
  const auto present =
      static_cast<std::uint64_t>(std::distance(waiting_.begin(), waiting_.upper_bound(end)));
  const std::uint64_t count = end - next_index_ + 1 - present;
  constexpr std::uint64_t kMaxNamed = 8;
  std::string missing;
  std::uint64_t named = 0;
  for (std::uint64_t i = next_index_; named < std::min(count, kMaxNamed); ++i) {
    if (waiting_.count(i) != 0)
      continue;
    missing += (named++ == 0 ? "" : ", ") + std::to_string(i);
  }
  if (count == 0)
    return Error{name(end + 1) + ": missing, and whatever follows it, in " + rendition};
  return Error{name(next_index_) + ": missing in " + rendition + "; " + std::to_string(count) +
               " missing in all (" + missing + (count > kMaxNamed ? ", …" : "") + ")"};
}

Time DecodeTimes::decode_time(std::uint64_t position) const {
  if (position < depth_)
    return first_ + shift_ - std::min((depth_ - position) * first_duration_, first_ + shift_);
  const std::uint64_t shown = std::max(position - depth_, first_recent_);
  return recent_[shown - first_recent_] + shift_;
}

Result<std::vector<Time>> DecodeTimes::next(const SegmentHeader& header) {
  const std::vector<Time> times = header.presentation_times();
  if (times.empty() || times.size() != header.units.size())
    return Error{name(header.index) + ": rendition '" + header.rendition +
                 "' has access units without a presentation time"};
  if (!recent_.empty() && times.front() <= recent_.back())
    return Error{name(header.index) + ": begins before the one before it ends"};
  recent_.insert(recent_.end(), times.begin(), times.end());
  depth_ = std::max(depth_, header.reorder_depth);
  if (position_ == 0) {
    first_ = times.front();
    first_duration_ = (times.size() > 1 ? times[1] : header.stop) - first_;
    shift_ = depth_ * first_duration_ - std::min(depth_ * first_duration_, first_);
  }

  // When each unit has to be decoded at the latest so that those after it are in time.
  std::vector<Time> latest(header.units.size());
  Time bound = kNoTime;
  for (std::size_t i = latest.size(); i-- > 0;)
    latest[i] = bound = std::min(bound > 0 ? bound - 1 : 0, header.units[i].show + shift_);

  std::vector<Time> result;
  for (std::size_t i = 0; i < latest.size(); ++i) {
    Time dts = decode_time(position_++);
    // Only where a later segment reorders more than those before it.
    if (previous_ && dts <= *previous_ && latest[i] > *previous_)
      dts = *previous_ + (latest[i] - *previous_ + 1) / 2;
    if (dts > header.units[i].show + shift_ || (previous_ && dts <= *previous_))
      return Error{name(header.index) + ": frames are reordered further than announced"};
    previous_ = dts;
    result.push_back(dts);
  }
  while (recent_.size() > 1 && first_recent_ + depth_ < position_) {
    recent_.pop_front();
    ++first_recent_;
  }
  return result;
}

}  // namespace dist
