// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What becomes of a result: its check, and the renditions that nobody makes.
#include "gst/dist/core/coordinator.h"

#include <algorithm>
#include <utility>

namespace dist {
namespace {

// Leases of a segment that may lack frames without counting as failed, times max_attempts:
// meanwhile the workers show with other segments what their word is worth.
constexpr unsigned kDoubts = 3;
// Weight of the newest size in the mean of a job's results.
constexpr double kNewest = 0.25;

// The bytes [offset, offset + length) of these, copied only if they lie in several pieces.
Bytes slice(const BytesList& pieces, std::uint64_t offset, std::uint64_t length) {
  std::vector<std::uint8_t> joined;
  for (const Bytes& piece : pieces) {
    if (offset >= piece.size()) {
      offset -= piece.size();
      continue;
    }
    if (joined.empty() && length <= piece.size() - offset)
      return piece.slice(offset, length);
    const auto part = piece.span().subspan(
        offset, std::min<std::uint64_t>(piece.size() - offset, length - joined.size()));
    joined.insert(joined.end(), part.begin(), part.end());
    offset = 0;
    if (joined.size() == length)
      break;
  }
  return Bytes::take(std::move(joined));
}

// The same payload behind another header.
BytesList with_header(const SegmentHeader& header, const BytesList& segment) {
  BytesList result{serialize(header)};
  std::uint64_t skipped = total_size(segment) - header.payload_size();
  for (const Bytes& piece : segment) {
    const std::uint64_t skip = std::min<std::uint64_t>(skipped, piece.size());
    if (skip < piece.size())
      result.push_back(piece.slice(skip, piece.size() - skip));
    skipped -= skip;
  }
  return result;
}

}  // namespace

void Coordinator::handle(Connection& connection, PrimarySession::ResultReceived& event,
                         Instant now) {
  const WorkerId id = connection.info.id;
  const Dispatcher::Grant* found = dispatcher_.find(id, event.lease);
  if (!found)
    return;
  SegmentDone done{.worker = connection.info,
                   .grant = *found,
                   .duration = now - found->granted,
                   .note = {},
                   .renditions = {}};
  Job& job = jobs_.at(done.grant.segment.job);
  const auto segment = job.segments.find(done.grant.segment.index);
  const auto verdict = accept_result(job, segment->second, event.renditions, done);
  lease_ended(connection, event.lease);
  std::uint64_t size = 0;
  for (const BytesList& rendition : event.renditions)
    size += total_size(rendition);
  if (!verdict.status) {
    const bool counts = !verdict.doubtful || done.grant.attempt > kDoubts * job.config.max_attempts;
    if (const auto failure = dispatcher_.fail(id, event.lease, verdict.status.error(), now, counts))
      lease_failed(connection.info, *failure);
    return;
  }
  // A short one came all at once, so that nobody knew of it before.
  if (!fits(job, size - std::min(size, total_size(segment->second.bytes))) &&
      done.grant.segment.index != job.window.oldest()) {
    put_off(done.grant, size, now);
    return;
  }
  job.result_size = job.result_size == 0
                        ? static_cast<double>(size)
                        : job.result_size + kNewest * (static_cast<double>(size) - job.result_size);
  RenditionSet made = 0;
  for (std::size_t i = 0; i < job.renditions.size(); ++i)
    for (const Rendition& rendition : done.renditions)
      made |= RenditionSet{rendition.header->rendition == job.renditions[i].name} << i;
  cancel(
      dispatcher_.complete(id, event.lease, now, job.renditions.empty() ? ~RenditionSet{0} : made)
          .value());
  const std::uint64_t index = done.grant.segment.index;
  done.complete = !dispatcher_.is_open(done.grant.segment.job, index);
  segment->second.results += size;
  done.held = segment->second.results + (done.complete ? 0 : total_size(segment->second.bytes));
  job.window.answer(index, done.held);
  choose_encoders(done, job, now);
  if (done.complete) {
    add_empty_renditions(job, segment->second, done);
    job.check.forget(index);
    job.segments.erase(segment);
  }
  events_.push_back(std::move(done));
}

ResultCheck::Verdict Coordinator::accept_result(Job& job, const Segment& segment,
                                                const std::vector<BytesList>& parts,
                                                SegmentDone& done) {
  std::vector<SegmentHeader> headers;
  std::vector<BytesList> segments;
  std::vector<ResultCheck::Expected> expected;
  for (const RenditionSpec& spec : job.some(done.grant.renditions))
    expected.push_back({spec.name, frames_of(*segment.header, spec)});
  std::string names;
  for (BytesList part : parts) {
    const std::uint64_t size = total_size(part);
    auto header =
        parse_header(part.empty() ? std::span<const std::uint8_t>() : part[0].span(), size);
    if (!header)
      return {Error{"the result is no segment: " + header.error()}, {}};
    names += (names.empty() ? "'" : ", '") + header->rendition + "'";
    // What nobody asked for is no harm.
    if (!job.renditions.empty() &&
        std::none_of(expected.begin(), expected.end(), [&](const ResultCheck::Expected& e) {
          return e.rendition == header->rendition;
        }))
      continue;
    if (job.config.check_rendition && !header->units.empty()) {
      const Bytes first = slice(part, size - header->payload_size(), header->units.front().size);
      auto caps = job.config.check_rendition(header->caps, first.span(), job.config.mixed_encoders);
      if (!caps)
        return {Error{"rendition '" + header->rendition + "': " + caps.error()}, {}};
      if (*caps != header->caps) {
        header->caps = *caps;
        part = with_header(*header, part);
      }
    }
    headers.push_back(std::move(*header));
    segments.push_back(std::move(part));
  }
  for (const ResultCheck::Expected& wanted : expected) {
    const auto is_wanted = [&](const SegmentHeader& h) { return h.rendition == wanted.rendition; };
    if (headers.empty())
      return {
          Error{"the result has " + names + ", and rendition '" + wanted.rendition + "' is wanted"},
          {}};
    if (std::any_of(headers.begin(), headers.end(), is_wanted))
      continue;
    // Of a pipeline that somebody wrote nobody knows before what it makes.
    const auto offer = job.offers.find(done.worker.id);
    const auto spec =
        std::find_if(job.renditions.begin(), job.renditions.end(),
                     [&](const RenditionSpec& s) { return s.name == wanted.rendition; });
    if (offer == job.offers.end() ||
        !offer->second[static_cast<std::size_t>(spec - job.renditions.begin())].encoder.empty())
      return {Error{"rendition '" + wanted.rendition + "' is missing"}, {}};
  }
  ResultCheck::Verdict verdict =
      job.check.check(done.worker.id, *segment.header, headers, expected);
  if (!verdict.status)
    return verdict;
  done.note = verdict.note;
  for (std::size_t i = 0; i < segments.size(); ++i)
    done.renditions.push_back(
        {std::make_shared<const SegmentHeader>(std::move(headers[i])), segments[i]});
  return verdict;
}

// Those without frames in this segment: whoever joins them waits for each segment.
void Coordinator::add_empty_renditions(const Job& job, const Segment& segment, SegmentDone& done) {
  for (std::size_t i = 0; i < job.renditions.size(); ++i) {
    if (has(segment.wanted, i))
      continue;
    auto header = std::make_shared<SegmentHeader>(*segment.header);
    header->rendition = job.renditions[i].name;
    header->caps.clear();
    header->units.clear();
    header->reorder_depth = 0;
    done.renditions.push_back({header, {serialize(*header)}});
  }
}

}  // namespace dist
