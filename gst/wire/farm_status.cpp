// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/wire/farm_status.h"

#include <algorithm>

#include "gst/rendition/rendition.h"
#include "gst/wire/wire.h"

namespace dist {
namespace {

using wire::kMaxName;

template <class Item, class Write>
void write_list(ByteWriter& out, const std::vector<Item>& list, std::size_t max, Write write_item) {
  const std::size_t count = std::min(list.size(), max);
  out.u16(static_cast<std::uint16_t>(count));
  for (std::size_t i = 0; i < count; ++i)
    write_item(list[i]);
}

// Makes room only for items that are there.
template <class Item, class Read>
std::vector<Item> read_list(ByteReader& in, std::size_t max, bool& valid, Read read_item) {
  std::vector<Item> list;
  const std::uint16_t count = in.u16();
  valid = valid && count <= max;
  for (std::uint16_t i = 0; valid && in.ok() && i < count; ++i)
    list.push_back(read_item());
  return list;
}

// Fields are read in the order in which they are listed: that of evaluation in braces.
void write_job(ByteWriter& out, const FarmStatus::JobStatus& job) {
  out.u64(job.id);
  out.u16(job.finished ? 1 : 0);
  out.u64(job.elapsed);
  out.u64(job.done);
  out.u64(job.leased);
  out.u64(job.queued);
  out.u64(job.frames);
  out.u64(job.failures);
  out.u64(job.hedges);
  write_list(out, job.renditions, kMaxRenditions, [&](const FarmStatus::Rendition& rendition) {
    out.string(clip(rendition.name, kMaxName));
    out.string(clip(rendition.encoder, kMaxName));
  });
}

FarmStatus::JobStatus read_job(ByteReader& in, bool& valid) {
  FarmStatus::JobStatus job;
  job.id = in.u64();
  const std::uint16_t finished = in.u16();
  valid = valid && finished <= 1;
  job.finished = finished == 1;
  job.elapsed = in.u64();
  job.done = in.u64();
  job.leased = in.u64();
  job.queued = in.u64();
  job.frames = in.u64();
  job.failures = in.u64();
  job.hedges = in.u64();
  job.renditions = read_list<FarmStatus::Rendition>(in, kMaxRenditions, valid, [&] {
    return FarmStatus::Rendition{in.string(kMaxName), in.string(kMaxName)};
  });
  return job;
}

void write_worker(ByteWriter& out, const FarmStatus::WorkerStatus& worker) {
  out.u64(worker.id);
  out.string(clip(worker.name, kMaxName));
  out.string(clip(worker.address, FarmStatus::kMaxAddress));
  out.u16(worker.capacity);
  out.u64(worker.connected);
  out.u64(worker.working);
  out.u64(worker.suspended);
  out.u64(worker.results);
  out.u64(worker.frames);
  out.u64(worker.failures);
  write_list(out, worker.leases, FarmStatus::kMaxLeases, [&](const FarmStatus::LeaseStatus& lease) {
    out.u64(lease.job);
    out.u64(lease.segment);
    out.u32(lease.attempt);
    out.u64(lease.age);
  });
}

FarmStatus::WorkerStatus read_worker(ByteReader& in, bool& valid) {
  FarmStatus::WorkerStatus worker{in.u64(),
                                  in.string(kMaxName),
                                  in.string(FarmStatus::kMaxAddress),
                                  in.u16(),
                                  in.u64(),
                                  in.u64(),
                                  in.u64(),
                                  in.u64(),
                                  in.u64(),
                                  in.u64(),
                                  {}};
  worker.leases = read_list<FarmStatus::LeaseStatus>(in, FarmStatus::kMaxLeases, valid, [&] {
    return FarmStatus::LeaseStatus{in.u64(), in.u64(), in.u32(), in.u64()};
  });
  return worker;
}

}  // namespace

void write(ByteWriter& out, const FarmStatus& status) {
  write_list(out, status.jobs, FarmStatus::kMaxJobs,
             [&](const FarmStatus::JobStatus& job) { write_job(out, job); });
  write_list(out, status.workers, FarmStatus::kMaxWorkers,
             [&](const FarmStatus::WorkerStatus& worker) { write_worker(out, worker); });
  out.u32(status.all_workers);
  write_list(out, status.failures, FarmStatus::kMaxFailures,
             [&](const FarmStatus::Failure& failure) {
               out.u64(failure.job);
               out.u64(failure.segment);
               out.u32(failure.attempt);
               out.u64(failure.age);
               out.string(clip(failure.worker, kMaxName));
               out.string(clip(failure.reason, FarmStatus::kMaxReason));
             });
}

FarmStatus read_farm_status(ByteReader& in, bool& valid) {
  FarmStatus status;
  status.jobs = read_list<FarmStatus::JobStatus>(in, FarmStatus::kMaxJobs, valid,
                                                 [&] { return read_job(in, valid); });
  status.workers = read_list<FarmStatus::WorkerStatus>(in, FarmStatus::kMaxWorkers, valid,
                                                       [&] { return read_worker(in, valid); });
  status.all_workers = in.u32();
  status.failures = read_list<FarmStatus::Failure>(in, FarmStatus::kMaxFailures, valid, [&] {
    return FarmStatus::Failure{in.u64(),
                               in.u64(),
                               in.u32(),
                               in.u64(),
                               in.string(kMaxName),
                               in.string(FarmStatus::kMaxReason)};
  });
  return status;
}

}  // namespace dist
