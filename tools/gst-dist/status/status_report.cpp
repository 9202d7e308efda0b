// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/gst-dist/status/status_report.h"

#include <glib.h>

#include <algorithm>
#include <ctime>
#include <string>
#include <vector>

#include "gst/base/text.h"
#include "gst/gstx/json_writer.h"
#include "tools/gst-dist/progress.h"

namespace dist::tool {
namespace {

constexpr std::size_t kIndent = 8;
constexpr std::size_t kTimeIndent = 10;  // Behind a time of day.

double seconds(Instant span) {
  return static_cast<double>(span) / 1e9;
}

double rate(std::uint64_t frames, Instant span) {
  return span > 0 ? static_cast<double>(frames) / seconds(span) : 0;
}

std::string number(std::uint64_t value) {
  return std::to_string(value);
}

// In so few columns as there are for it.
std::string age_text(Instant span) {
  const auto hours = static_cast<unsigned long>(seconds(span) / 3600);
  if (hours < 10)
    return clock_text(seconds(span));
  return hours < 100 ? format("%lu h", hours) : format("%lu d", hours / 24);
}

std::string job_text(const FarmStatus::JobStatus& job) {
  std::vector<std::string> parts = {number(job.done) + " segments done",
                                    number(job.leased) + " leased",
                                    number(job.queued) + " queued",
                                    count_text(job.failures, "lease") + " failed",
                                    number(job.hedges) + " hedged",
                                    format("%.1f frames/s", rate(job.frames, job.elapsed)),
                                    "running " + clock_text(seconds(job.elapsed))};
  if (job.finished)
    parts.push_back("finished");
  return join(parts);
}

std::string renditions_text(const FarmStatus::JobStatus& job) {
  std::vector<std::string> names;
  for (const FarmStatus::Rendition& rendition : job.renditions)
    names.push_back(rendition.name +
                    (rendition.encoder.empty() ? "" : " (" + rendition.encoder + ")"));
  return join(names);
}

// "4 5", and the job's number where there are several jobs.
std::string leases_text(const FarmStatus::WorkerStatus& worker, bool several_jobs) {
  std::string text;
  for (const FarmStatus::LeaseStatus& lease : worker.leases)
    text += (text.empty() ? "" : " ") + (several_jobs ? number(lease.job) + "/" : "") +
            number(lease.segment);
  return text.empty() ? "-" : text;
}

std::string state_text(const FarmStatus::WorkerStatus& worker) {
  return worker.suspended > 0 ? "off " + age_text(worker.suspended) : "";
}

// NAME ADDRESS UP HOLDS DONE FRAMES/S FAILED
std::string row(const std::string& name, const std::string& address, const std::string& up,
                const std::string& holds, const std::string& done, const std::string& speed,
                const std::string& failed) {
  return padded(shortened(printable(name), 17), 18) + padded(cut(printable(address), 21), 22) +
         right(up, 7) + "  " + padded(cut(holds, 8), 9) + right(done, 6) + right(speed, 9) +
         right(failed, 7) + "\n";
}

std::string worker_row(const FarmStatus::WorkerStatus& worker, bool several_jobs) {
  const std::string state = state_text(worker);
  return row(worker.name, worker.address, age_text(worker.connected),
             state.empty() ? leases_text(worker, several_jobs) : state, number(worker.results),
             format("%.1f", rate(worker.frames, worker.working)), number(worker.failures));
}

void write_job(const FarmStatus::JobStatus& job, JsonWriter& json) {
  json.count("job", job.id);
  json.flag("finished", job.finished);
  json.number("seconds", seconds(job.elapsed));
  json.count("done", job.done);
  json.count("leased", job.leased);
  json.count("queued", job.queued);
  json.count("frames", job.frames);
  json.number("frames-per-second", rate(job.frames, job.elapsed));
  json.count("failed-leases", job.failures);
  json.count("hedged-leases", job.hedges);
  json.objects("renditions", job.renditions, [&](const FarmStatus::Rendition& rendition) {
    json.text("name", rendition.name);
    if (!rendition.encoder.empty())
      json.text("encoder", rendition.encoder);
  });
}

void write_worker(const FarmStatus::WorkerStatus& worker, JsonWriter& json) {
  json.count("worker", worker.id);
  json.text("name", worker.name);
  json.text("address", worker.address);
  json.count("capacity", worker.capacity);
  json.number("connected", seconds(worker.connected));
  json.number("suspended", seconds(worker.suspended));
  json.count("done", worker.results);
  json.count("frames", worker.frames);
  json.number("frames-per-second", rate(worker.frames, worker.working));
  json.count("failed-leases", worker.failures);
  json.objects("leases", worker.leases, [&](const FarmStatus::LeaseStatus& lease) {
    json.count("job", lease.job);
    json.count("segment", lease.segment);
    json.count("attempt", lease.attempt);
    json.number("seconds", seconds(lease.age));
  });
}

void write_failure(const FarmStatus::Failure& failure, JsonWriter& json) {
  json.count("job", failure.job);
  json.count("segment", failure.segment);
  json.count("attempt", failure.attempt);
  json.text("name", failure.worker);
  json.text("reason", failure.reason);
  json.number("seconds", seconds(failure.age));
}

void write_status(const FarmStatus& status, JsonWriter& json) {
  json.count("workers-connected", status.all_workers);
  json.objects("workers", status.workers,
               [&](const FarmStatus::WorkerStatus& worker) { write_worker(worker, json); });
  json.objects("failures", status.failures,
               [&](const FarmStatus::Failure& failure) { write_failure(failure, json); });
}

// --- Jobs of a store

const char* name_of(Happening::Kind kind) {
  switch (kind) {
    case Happening::Kind::kWaiting:
      return "waiting";
    case Happening::Kind::kFound:
      return "found";
    case Happening::Kind::kLeased:
      return "leased";
    case Happening::Kind::kDone:
      return "done";
    case Happening::Kind::kFailed:
      return "failed";
  }
  return "";
}

std::string happening_text(const Happening& happening) {
  std::string text = "segment " + number(happening.segment) + " " + name_of(happening.kind);
  if (happening.kind == Happening::Kind::kLeased)
    text += " to ";
  else if (!happening.worker.empty())
    text += happening.kind == Happening::Kind::kDone ? " by " : " on ";
  text += happening.worker;
  if (happening.attempt > 1)
    text += ", attempt " + number(happening.attempt);
  return text + (happening.reason.empty() ? "" : ": " + happening.reason);
}

// Of the clock on the wall.
std::string time_text(std::int64_t milliseconds) {
  const std::time_t time = milliseconds / 1000;
  std::tm parts = {};
  char text[16] = "";
  if (localtime_r(&time, &parts))
    (void)std::strftime(text, sizeof text, "%H:%M:%S", &parts);
  return text;
}

std::string state_text(const StoreJob& job) {
  return (job.runs ? "running, " : "was killed, ") +
         count_text(job.journal.status.all_workers, "worker") + ", as of " +
         time_text(job.journal.written);
}

void write_store_job(const StoreJob& job, JsonWriter& json) {
  const JobJournal& journal = job.journal;
  json.flag("running", job.runs);
  json.text("host", journal.host);
  json.count("process", journal.process);
  json.difference("began", journal.began);
  json.difference("written", journal.written);
  for (const FarmStatus::JobStatus& status : journal.status.jobs)
    write_job(status, json);
  write_status(journal.status, json);
  json.count("earlier", journal.earlier);
  json.objects("happenings", journal.happenings, [&](const Happening& happening) {
    json.difference("time", happening.at);
    json.text("what", name_of(happening.kind));
    json.count("segment", happening.segment);
    if (happening.attempt > 0)
      json.count("attempt", happening.attempt);
    if (!happening.worker.empty())
      json.text("name", happening.worker);
    if (!happening.reason.empty())
      json.text("reason", happening.reason);
  });
}

}  // namespace

std::string jobs_for_people(const std::string& folder, const std::vector<StoreJob>& jobs) {
  std::string text = printable(folder) + ": " + count_text(jobs.size(), "job") + "\n";
  for (const StoreJob& job : jobs) {
    const JobJournal& journal = job.journal;
    text += "\n" + paragraph("", 0,
                             "process " + number(journal.process) + " on " + journal.host + ": " +
                                 state_text(job));
    for (const FarmStatus::JobStatus& status : journal.status.jobs) {
      text += paragraph("", kIndent, job_text(status));
      if (!status.renditions.empty())
        text += paragraph("", kIndent, "renditions: " + renditions_text(status));
    }
    if (journal.earlier > 0)
      text += paragraph("", kTimeIndent, "(" + number(journal.earlier) + " earlier)");
    for (const Happening& happening : journal.happenings)
      text += paragraph(time_text(happening.at), kTimeIndent, happening_text(happening));
  }
  return text;
}

std::string jobs_for_programs(const std::string& folder, const std::vector<StoreJob>& jobs,
                              bool pretty) {
  JsonWriter json;
  json.text("store", folder);
  json.objects("jobs", jobs, [&](const StoreJob& job) { write_store_job(job, json); });
  return json.finish(pretty);
}

std::string status_for_people(const std::string& place, const FarmStatus& status) {
  std::string text = place + ": " + count_text(status.all_workers, "worker") + ", " +
                     count_text(status.jobs.size(), "job") + "\n";
  for (const FarmStatus::JobStatus& job : status.jobs) {
    text += paragraph("job " + number(job.id), kIndent, job_text(job));
    if (!job.renditions.empty())
      text += paragraph("", kIndent, "renditions: " + renditions_text(job));
  }
  if (!status.workers.empty()) {
    text += "\n" + row("WORKER", "ADDRESS", "UP", "HOLDS", "DONE", "FRAMES/S", "FAILED");
    for (const FarmStatus::WorkerStatus& worker : status.workers)
      text += worker_row(worker, status.jobs.size() > 1);
    if (status.all_workers > status.workers.size())
      text += "and " + number(status.all_workers - status.workers.size()) + " more\n";
  }
  if (!status.failures.empty())
    text += "\nLATEST FAILURES\n";
  for (const FarmStatus::Failure& failure : status.failures)
    text +=
        paragraph(clock_text(seconds(failure.age)), kIndent,
                  "ago: segment " + number(failure.segment) + ", attempt " +
                      number(failure.attempt) + " on " + failure.worker + ": " + failure.reason);
  return text;
}

std::string status_for_programs(const FarmStatus& status, bool pretty) {
  JsonWriter json;
  json.objects("jobs", status.jobs,
               [&](const FarmStatus::JobStatus& job) { write_job(job, json); });
  write_status(status, json);
  return json.finish(pretty);
}

}  // namespace dist::tool
