// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A generic worker in a pipeline of its own, and a primary that sends it what no honest one does.
// Both are in the process of the test, so that a crash of the worker is one of the test.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gst/gstx/segment_buffer.h"
#include "tests/elements/chain_player.h"
#include "tests/elements/generic_worker.h"

namespace hostile {

using namespace test;

inline constexpr char kWanted[] = "small:jpeg:32x24";

struct AttackedWorker : GenericWorker {
  using GenericWorker::GenericWorker;

  FakePrimary::Worker peer = primary.accept();
};

// What became of a lease: "small*25", or the reason why it failed.
inline std::string answer(FakePrimary::Worker& peer) {
  while (peer.count<FakePrimary::Result>() == 0 && peer.count<FakePrimary::Failure>() == 0)
    peer.more();
  if (peer.count<FakePrimary::Failure>() != 0) {
    const std::string reason = peer.next<FakePrimary::Failure>().reason;
    // Nothing of how the worker is made.
    for (const char* inner : {".c(", ".cpp(", " (): ", "/Gst"})
      fail_unless(reason.find(inner) == std::string::npos, "%s", reason.c_str());
    return reason;
  }
  return contents(peer.next<FakePrimary::Result>());
}

// A segment with a header like this one and these units.
inline dist::BytesList segment_of(dist::SegmentHeader header,
                                  const std::vector<std::vector<std::uint8_t>>& units) {
  const dist::AccessUnit model = header.units.front();
  std::vector<std::uint8_t> payload;
  header.units.resize(units.size(), model);
  for (std::size_t i = 0; i < units.size(); ++i) {
    header.units[i].size = static_cast<std::uint32_t>(units[i].size());
    payload.insert(payload.end(), units[i].begin(), units[i].end());
  }
  const dist::Bytes head = dist::serialize(header);
  payload.insert(payload.begin(), head.span().begin(), head.span().end());
  return {dist::Bytes::take(std::move(payload))};
}

inline std::vector<std::vector<std::uint8_t>> units_of(const Cut& cut) {
  std::vector<std::vector<std::uint8_t>> units;
  const dist::BufferMap map(cut.segment.get());
  std::size_t at = dist::header_size(cut.segment.get(), cut.header);
  for (const dist::AccessUnit& unit : cut.header.units) {
    const auto bytes = map.span().subspan(at, unit.size);
    units.emplace_back(bytes.begin(), bytes.end());
    at += unit.size;
  }
  return units;
}

}  // namespace hostile
