// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/lease/result_reader.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "gst/lease/abilities.h"

namespace dist {
namespace {

// The same payload behind another header.
BytesList with_header(const SegmentHeader& header, const BytesList& segment) {
  const std::uint64_t size = header.payload_size();
  BytesList result = slice(segment, total_size(segment) - size, size);
  result.insert(result.begin(), serialize(header));
  return result;
}

// The leased rendition of that name; null: it was not leased.
const RenditionSpec* find_leased(const LeaseTerms& terms, const std::string& name) {
  for (std::size_t i = 0; i < terms.wanted.size(); ++i)
    if (Abilities::has(terms.leased, i) && terms.wanted[i].name == name)
      return &terms.wanted[i];
  return nullptr;
}

// The primary does not know beforehand what a pipeline written by hand makes. Such a pipeline may
// leave out some of what was leased or, where few renditions were leased, all of it, but not all of
// what the job wants.
Status check_missing(const LeaseTerms& terms, const std::vector<std::string>& made) {
  const auto is_made = [&](const RenditionSpec& spec) {
    return std::ranges::find(made, spec.name) != made.end();
  };
  const bool nothing = std::ranges::none_of(
      made, [&](const std::string& name) { return find_leased(terms, name) != nullptr; });
  const bool useless = std::ranges::none_of(terms.wanted, is_made);
  for (std::size_t i = 0; i < terms.wanted.size(); ++i) {
    const RenditionSpec& spec = terms.wanted[i];
    if (!Abilities::has(terms.leased, i) || is_made(spec))
      continue;
    const bool by_hand = !terms.offer.empty() && terms.offer[i].encoder.empty();
    if (by_hand && !useless)
      continue;
    if (!nothing)
      return Error{"rendition '" + spec.name + "' is missing"};
    std::string names;
    for (const std::string& other : made)
      names += (names.empty() ? "'" : ", '") + other + "'";
    return Error{"the result has " + names + ", and rendition '" + spec.name + "' is wanted"};
  }
  return {};
}

// Has the caps mended, if they are not what they should be.
Status check_rendition(const LeaseTerms& terms, const RenditionSpec* wanted, SegmentHeader& header,
                       BytesList& part) {
  if (!terms.check || header.units.empty())
    return {};
  const Bytes first =
      joined_slice(part, total_size(part) - header.payload_size(), header.units.front().size);
  auto caps = terms.check(header, first.span(), terms.mixed_encoders, wanted);
  if (!caps)
    return Error{"rendition '" + header.rendition + "': " + caps.error()};
  if (*caps != header.caps) {
    header.caps = *caps;
    part = with_header(header, part);
  }
  return {};
}

}  // namespace

Result<std::vector<ResultRendition>> read_result(const std::vector<BytesList>& parts,
                                                 const LeaseTerms& terms) {
  std::vector<ResultRendition> renditions;
  std::vector<std::string> made;
  for (BytesList part : parts) {
    auto header = parse_header(part.empty() ? std::span<const std::uint8_t>() : part[0].span(),
                               total_size(part));
    if (!header)
      return Error{"the result is no segment: " + header.error()};
    made.push_back(header->rendition);
    const RenditionSpec* wanted = find_leased(terms, header->rendition);
    if (!terms.wanted.empty() && !wanted)
      continue;
    if (Status status = check_rendition(terms, wanted, *header, part); !status)
      return Error{status.error()};
    renditions.push_back(
        {std::make_shared<const SegmentHeader>(std::move(*header)), std::move(part)});
  }
  if (Status status = check_missing(terms, made); !status)
    return Error{status.error()};
  return renditions;
}

RenditionSet made_in(std::span<const RenditionSpec> wanted,
                     const std::vector<ResultRendition>& renditions) {
  RenditionSet made = wanted.empty() ? ~RenditionSet{0} : 0;
  for (std::size_t i = 0; i < wanted.size(); ++i)
    for (const ResultRendition& rendition : renditions)
      made |= RenditionSet{rendition.header->rendition == wanted[i].name} << i;
  return made;
}

bool is_damaged(const std::vector<ResultRendition>& renditions) {
  return std::ranges::any_of(renditions, [](const ResultRendition& rendition) {
    return std::ranges::any_of(rendition.header->units, [](const AccessUnit& unit) {
      return (unit.flags & kFlagCorrupted) != 0;
    });
  });
}

SegmentDamage damage_in(const SegmentHeader& source, std::span<const RenditionSpec> wanted,
                        const std::vector<ResultRendition>& renditions) {
  SegmentDamage most;
  std::size_t frames = 0;
  for (const ResultRendition& rendition : renditions) {
    const auto spec = std::ranges::find(wanted, rendition.header->rendition, &RenditionSpec::name);
    const std::vector<Time> times =
        spec == wanted.end() ? source.presentation_times() : frames_of(source, *spec);
    if (std::exchange(frames, std::max(frames, times.size())) < times.size())
      most = damage_of(source, times, *rendition.header);
  }
  return most;
}

std::vector<SegmentHeader> headers_of(const std::vector<ResultRendition>& renditions) {
  std::vector<SegmentHeader> headers;
  for (const ResultRendition& rendition : renditions)
    headers.push_back(*rendition.header);
  return headers;
}

}  // namespace dist
