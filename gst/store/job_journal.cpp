// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/store/job_journal.h"

#include <algorithm>

#include "gst/wire/wire.h"

namespace dist {
namespace {

constexpr std::uint32_t kMagic = 0x4c4e4a44;  // "DJNL"
constexpr std::uint16_t kVersion = 1;
constexpr std::size_t kMaxReason = 256;

void write_happening(ByteWriter& out, const Happening& happening) {
  out.u8(static_cast<std::uint8_t>(happening.kind));
  out.u64(static_cast<std::uint64_t>(happening.at));
  out.u64(happening.segment);
  out.u32(happening.attempt);
  out.string(clip(happening.worker, wire::kMaxName));
  out.string(clip(happening.reason, kMaxReason));
}

Happening read_happening(ByteReader& in, bool& valid) {
  Happening happening;
  const std::uint8_t kind = in.u8();
  valid = valid && kind >= static_cast<std::uint8_t>(Happening::Kind::kWaiting) &&
          kind <= static_cast<std::uint8_t>(Happening::Kind::kFailed);
  happening.kind = static_cast<Happening::Kind>(kind);
  happening.at = static_cast<std::int64_t>(in.u64());
  happening.segment = in.u64();
  happening.attempt = in.u32();
  happening.worker = in.string(wire::kMaxName);
  happening.reason = in.string(kMaxReason);
  return happening;
}

}  // namespace

Bytes write_journal(const JobJournal& journal) {
  ByteWriter out;
  out.u32(kMagic);
  out.u16(kVersion);
  out.string(clip(journal.host, wire::kMaxName));
  out.u64(journal.process);
  out.u64(static_cast<std::uint64_t>(journal.began));
  out.u64(static_cast<std::uint64_t>(journal.written));
  write(out, journal.status);
  const std::size_t count = std::min(journal.happenings.size(), JobJournal::kMaxHappenings);
  const std::size_t cut = journal.happenings.size() - count;
  out.u64(journal.earlier + cut);
  out.u16(static_cast<std::uint16_t>(count));
  for (std::size_t i = cut; i < journal.happenings.size(); ++i)
    write_happening(out, journal.happenings[i]);
  return Bytes::take(out.take());
}

Result<JobJournal> read_journal(const Bytes& bytes) {
  ByteReader in(bytes.span());
  if (in.u32() != kMagic || in.u16() != kVersion)
    return Error{"journal: of a form that this program does not read"};
  bool valid = true;
  JobJournal journal;
  journal.host = in.string(wire::kMaxName);
  journal.process = in.u64();
  journal.began = static_cast<std::int64_t>(in.u64());
  journal.written = static_cast<std::int64_t>(in.u64());
  journal.status = read_farm_status(in, valid);
  journal.earlier = in.u64();
  const std::uint16_t count = in.u16();
  valid = valid && count <= JobJournal::kMaxHappenings;
  for (std::uint16_t i = 0; valid && in.ok() && i < count; ++i)
    journal.happenings.push_back(read_happening(in, valid));
  if (!valid || !in.complete())
    return Error{"journal: damaged"};
  return journal;
}

}  // namespace dist
