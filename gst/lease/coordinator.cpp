// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/lease/coordinator.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace dist {
namespace {

// A result may take this share of a job's bytes, but always so much.
constexpr std::uint64_t kResultShare = 4;
constexpr std::uint64_t kLeastMaxResult = 32u << 20;

// An address without its port.
std::string host_of(const std::string& address) {
  return address.substr(0, address.rfind(':'));
}

// Of workers that share processors: the slots of remoteencworker are called "NAME/1", "NAME/2".
// Empty: there is none but this worker.
std::string process_of(const WorkerInfo& worker) {
  const std::size_t slash = worker.name.rfind('/');
  const bool slot = slash != std::string::npos && slash + 1 < worker.name.size() &&
                    worker.name.find_first_not_of("0123456789", slash + 1) == std::string::npos;
  return slot ? host_of(worker.address) + " " + worker.name.substr(0, slash) : "";
}

}  // namespace

std::string Coordinator::identity_of(const WorkerInfo& worker) {
  if (worker.trust == Trust::kOwn)
    return RenditionForms::kOwn;
  if (worker.id == 0)
    return RenditionForms::kStore;
  const std::string process = process_of(worker);
  return !process.empty() ? process : host_of(worker.address) + " " + worker.name;
}

Coordinator::Coordinator(const Config& config)
    : config_(config),
      door_(config.door),
      session_config_{.secret = config.secret, .max_result_size = kLeastMaxResult},
      dispatcher_(config.dispatcher) {}

// --- Connections

void Coordinator::connected(WorkerId id, const std::string& address, const wire::Nonce& nonce,
                            Instant now) {
  auto& connection = *connections_.emplace(id, std::make_unique<Connection>()).first->second;
  connection.session = std::make_unique<PrimarySession>(session_config_, nonce, now);
  connection.port = connection.session.get();
  connection.info = {id, {}, address, connection.port->trust()};
  watch(connection);
  if (const std::string reason = door_.enter(id, host_of(address), now); !reason.empty())
    return close(connection, reason, now);
  std::uint64_t random = 0;
  std::memcpy(&random, nonce.data(), sizeof random);
  if (const auto other = door_.crowded_out(random))
    close(*connections_.at(*other), "too many connections that do not greet", now);
}

void Coordinator::join(WorkerId id, const std::string& name, const std::string& address,
                       unsigned capacity, LeasePort& port, Instant now) {
  auto& connection = *connections_.emplace(id, std::make_unique<Connection>()).first->second;
  connection.port = &port;
  connection.info = {id, name, address, port.trust()};
  PrimarySession::Joined joined{name, capacity};
  handle(connection, joined, now);
  pump(now);
}

void Coordinator::said(WorkerId id, PrimarySession::Event event, Instant now) {
  Connection& connection = *connections_.at(id);
  std::visit([&](auto& e) { handle(connection, e, now); }, event);
  pump(now);
}

void Coordinator::end_greeting(const Connection& connection) {
  door_.greeted(connection.info.id, host_of(connection.info.address));
}

void Coordinator::received(WorkerId id, std::span<const std::uint8_t> bytes, Instant now) {
  Connection& connection = *connections_.at(id);
  if (connection.closing)
    return;
  std::vector<PrimarySession::Event> events;
  const Status status = connection.session->receive(bytes, now, events);
  for (auto& event : events)
    std::visit([&](auto& e) { handle(connection, e, now); }, event);
  if (std::exchange(connection.asks, false))
    connection.session->report(this->status(now));
  check_incoming(connection, now);
  writable_.push_back(id);
  if (connection.session->guessed_wrong())
    door_.guessed_wrong(host_of(connection.info.address), now);
  if (!status)
    close(connection, status.error(), now);
  pump(now);
}

void Coordinator::disconnected(WorkerId id, const std::string& reason, Instant now) {
  Connection& connection = *connections_.at(id);
  if (connection.joined) {
    const std::string text =
        connection.leaving || all_done() ? "left" : "connection lost: " + reason;
    lose(connection, text, now);
    events_.push_back(WorkerLeft{connection.info, text});
  } else if (!connection.observes) {
    tell_refused(connection.info.address, reason, now);
  }
  if (connection.session)
    door_.leave(host_of(connection.info.address));
  end_greeting(connection);
  std::erase(writable_, id);
  wakeups_.erase({connection.wakeup, id});
  std::erase_if(closing_, [id](const Closing& closing) { return closing.id == id; });
  connections_.erase(id);
  pump(now);
}

// Its leases go elsewhere at once; the connection may take a while to close.
void Coordinator::close(Connection& connection, const std::string& reason, Instant now) {
  if (std::exchange(connection.closing, true))
    return;
  end_greeting(connection);
  lose(connection, connection.leaving ? "left" : reason, now);
  writable_.push_back(connection.info.id);
  closing_.push_back({connection.info.id, reason});
}

void Coordinator::lose(Connection& connection, const std::string& reason, Instant now) {
  if (!connection.joined)
    return;
  const bool in_good_order = connection.leaving || all_done();
  for (auto& [id, job] : jobs_)
    exam_lost(connection.info, id, job, in_good_order ? "" : reason, now);
  for (const Dispatcher::Failure& failure :
       dispatcher_.remove_worker(connection.info.id, in_good_order, reason, now))
    lease_failed(connection.info, failure, now);
  for (auto& [_, job] : jobs_) {
    job.abilities.forget(connection.info.id);
    job.verification.forget_worker(connection.info.id);
  }
  connection.port->drop_leases();
  account_incoming(connection);
}

bool Coordinator::is_there(WorkerId worker) const {
  const auto found = connections_.find(worker);
  return found != connections_.end() && found->second->works();
}

void Coordinator::tell_refused(const std::string& address, const std::string& reason, Instant now) {
  if (const auto untold = door_.tells(now))
    events_.push_back(ConnectionRefused{address, reason, *untold});
}

// --- What workers say

void Coordinator::handle(Connection& connection, PrimarySession::Joined& event, Instant now) {
  connection.joined = true;
  connection.joined_at = now;
  connection.capacity = event.capacity;
  connection.info.name = event.name;
  end_greeting(connection);
  for (auto& [_, job] : jobs_)
    job.waiting_told = false;
  const bool own = connection.info.trust == Trust::kOwn;
  dispatcher_.add_worker(connection.info.id, event.capacity, event.name,
                         own ? identity_of(connection.info) : process_of(connection.info),
                         identity_of(connection.info), own);
  for (auto& [id, job] : jobs_) {
    require_exam(connection, id, job, now);
    ask(connection, id, job, now);
  }
  watch(connection);
  events_.push_back(WorkerJoined{connection.info});
  if (all_done())
    connection.port->done(kJobDone);
}

void Coordinator::handle(Connection& connection, PrimarySession::LeaseAdvanced& event,
                         Instant now) {
  dispatcher_.progress(connection.info.id, event.lease, now);
  const auto* grant = dispatcher_.find(connection.info.id, event.lease);
  if (grant && event.share > 0 && !grant->is_exam())
    events_.push_back(LeaseAdvanced{*grant, event.share});
}

void Coordinator::handle(Connection& connection, PrimarySession::LeaseFailed& event, Instant now) {
  lease_ended(event.lease);
  if (const auto failure = dispatcher_.fail(connection.info.id, event.lease, event.reason, now))
    lease_failed(connection.info, *failure, now);
  account_incoming(connection);
}

void Coordinator::handle(Connection& connection, PrimarySession::Retired& event, Instant now) {
  cancel(dispatcher_.retire(connection.info.id, event.kept, now));
}

void Coordinator::handle(Connection& connection, PrimarySession::Left&, Instant now) {
  connection.leaving = true;
  close(connection, "left", now);
}

// --- What follows

void Coordinator::look_for_stall(JobId id, Job& job, Instant now) {
  using State = Standstill::State;
  State state = State::kWorking;
  if (job.done || open_segments(id, job) == 0)
    state = State::kNothingToDo;
  else if (job.stopped || dispatcher_.workers() == 0)
    state = State::kPaused;
  if (const auto told = job.standstill.look(state, now))
    events_.push_back(JobStalled{id, told->duration, describe_stall(id, job), told->given_up});
}

// What is waited for: "segment 3 and 5 more; leased to anna, bert".
std::string Coordinator::describe_stall(JobId id, const Job& job) const {
  constexpr std::size_t kNamed = 3;
  std::set<std::string> names;
  for (const Dispatcher::Grant& grant : dispatcher_.leases_of(id))
    if (const auto found = connections_.find(grant.worker); found != connections_.end())
      names.insert(found->second->info.name);
  std::string text = "segment " + std::to_string(earliest_open(id, job));
  if (const std::size_t open = open_segments(id, job); open > 1)
    text += " and " + std::to_string(open - 1) + " more";
  text += names.empty() ? "; leased to nobody" : "; leased to ";
  std::size_t named = 0;
  for (const std::string& name : names)
    if (++named <= kNamed)
      text += (named > 1 ? ", " : "") + name;
  if (names.size() > kNamed)
    text += " and " + std::to_string(names.size() - kNamed) + " more";
  return text;
}

// Does all that follows from what happened.
void Coordinator::pump(Instant now) {
  while (const auto failure = dispatcher_.expire(now))
    lease_failed(connections_.at(failure->grant.worker)->info, *failure, now);
  while (const auto given_up = dispatcher_.give_up(now))
    segment_given_up(*given_up);
  for (auto& [id, job] : jobs_) {
    give_up_exams(id, job, now);
    stop_waiting_for_store(id, job, now);
    settle(id, job);
    throttle(id, job);
    seek(id, job, now);
  }
  while (const auto grant = dispatcher_.next_grant(now)) {
    Connection& connection = *connections_.at(grant->worker);
    const JobId id = grant->segment.job;
    Job& job = jobs_.at(id);
    const Segment& segment = segment_of(*grant);
    connection.port->grant({.lease = grant->lease,
                            .segment = segment.header->index,
                            .attempt = grant->attempt,
                            .size = 0,
                            .sha256 = segment.sha256,
                            .renditions = to_string(job.abilities.some(grant->renditions))},
                           static_cast<std::uint32_t>(segment.header->units.size()), segment.bytes);
    writable_.push_back(grant->worker);
    throttle(id, job);
    if (!connection.first_lease_at)
      connection.first_lease_at = now;
    job.hedges += grant->hedge ? 1 : 0;
    if (!grant->is_exam())
      events_.push_back(LeaseGranted{connection.info, *grant});
    if (grant->hedge)
      events_.push_back(LeaseHedged{connection.info, *grant});
  }
  for (auto& [id, job] : jobs_) {
    look_for_unable(id, job, now);
    look_for_stall(id, job, now);
  }
  if (dispatcher_.workers() > 0)
    return;
  for (auto& [id, job] : jobs_)
    if (const std::size_t open = open_segments(id, job); open > 0 && !job.waiting_told) {
      job.waiting_told = true;
      events_.push_back(WaitingForWorkers{id, open});
    }
}

// --- Jobs

void Coordinator::add_job(JobId id, const JobConfig& config, Instant now) {
  Job& job = jobs_.try_emplace(id, config).first->second;
  dispatcher_.add_job(id, config.max_attempts);
  for (const auto& [_, connection] : connections_)
    if (connection->works())
      require_exam(*connection, id, job, now);
  session_config_.max_result_size =
      std::max(session_config_.max_result_size, config.max_bytes / kResultShare);
}

void Coordinator::submit(JobId id, std::shared_ptr<const SegmentHeader> header, BytesList segment,
                         const wire::Digest& sha256, Instant now) {
  Job& job = jobs_.at(id);
  const std::uint64_t index = header->index;
  job.room.window().accept(index, total_size(segment));
  if (!job.first_segment_at)
    job.first_segment_at = now;
  RenditionSet wanted = job.abilities.renditions().empty() ? 1 : 0;
  for (std::size_t i = 0; i < job.abilities.renditions().size(); ++i)
    wanted |= RenditionSet{!frames_of(*header, job.abilities.renditions()[i]).empty()} << i;
  // Raw frames need nothing of those before.
  const bool raw = header->caps.starts_with("video/x-raw");
  auto before = std::exchange(
      job.latest,
      raw ? nullptr : std::make_shared<const SegmentBytes>(SegmentBytes{header, segment}));
  Segment& added = job.segments[index] = {.header = std::move(header),
                                          .bytes = std::move(segment),
                                          .sha256 = sha256,
                                          .wanted = wanted,
                                          .before = std::move(before)};
  if (wanted != 0 && job.config.has_store && !job.abilities.renditions().empty()) {
    job.unsought.insert(index);
  } else if (wanted != 0) {
    queue(id, job, added, wanted, now);
  } else {
    SegmentDone done;
    done.grant.segment = {id, index};
    add_empty_renditions(job, added, done);
    job.room.window().answer(index, 0);
    ++job.segments_done;
    job.segments.erase(index);
    events_.push_back(std::move(done));
  }
  pump(now);
}

void Coordinator::queue(JobId id, Job& job, Segment& segment, RenditionSet renditions,
                        Instant now) {
  offer_golden(id, job, segment, false, now);
  dispatcher_.add_segment({id, segment.header->index},
                          static_cast<double>(segment.header->units.size()), renditions);
}

void Coordinator::delivered(JobId id, std::uint64_t index, Instant now) {
  jobs_.at(id).room.window().deliver(index);
  pump(now);
}

void Coordinator::set_blocked(JobId id, bool blocked, Instant now) {
  dispatcher_.set_blocked(id, blocked);
  jobs_.at(id).blocked = blocked;
  pump(now);
}

void Coordinator::clear_job(JobId id, Instant now) {
  cancel(dispatcher_.clear_job(id, now));
  Job& job = jobs_.at(id);
  static_cast<JobWork&>(job) = JobWork(job.config);
  job.verification.forget_segments();
  job.abilities.begin_anew();
  for (const Exams::Step& step : job.exams.begin_anew())
    apply(step, id, now);
  pump(now);
}

void Coordinator::remove_job(JobId id, Instant now) {
  const bool were_done = all_done();
  cancel(dispatcher_.remove_job(id, now));
  jobs_.erase(id);
  std::erase_if(failures_, [id](const Failure& f) { return f.grant.segment.job == id; });
  if (all_done() && !were_done)
    say_goodbye(kJobDone);
  pump(now);
}

void Coordinator::finish_job(JobId id) {
  jobs_.at(id).done = true;
  if (all_done())
    say_goodbye(kJobDone);
}

bool Coordinator::all_done() const {
  return config_.lets_go_when_done && !jobs_.empty() &&
         std::all_of(jobs_.begin(), jobs_.end(), [](const auto& job) { return job.second.done; });
}

void Coordinator::say_goodbye(const std::string& reason) {
  for (auto& [id, connection] : connections_) {
    if ((!connection->joined && !connection->observes) || connection->closing)
      continue;
    connection->port->done(reason);
    writable_.push_back(id);
  }
}

std::uint64_t Coordinator::bytes_held(JobId id) const {
  return jobs_.at(id).room.bytes();
}

// --- Time

// What a session does only later than expected is found when its entry comes up.
void Coordinator::watch(Connection& connection) {
  if (!connection.session)
    return;
  wakeups_.erase({connection.wakeup, connection.info.id});
  connection.wakeup = connection.session->next_wakeup();
  wakeups_.emplace(connection.wakeup, connection.info.id);
}

void Coordinator::advance(Instant now) {
  while (!wakeups_.empty() && wakeups_.begin()->first <= now) {
    Connection& connection = *connections_.at(wakeups_.begin()->second);
    const Status status = connection.session->advance(now);
    if (connection.closing || !status) {
      wakeups_.erase(wakeups_.begin());
      connection.wakeup = kNever;
      if (!status)
        close(connection, status.error(), now);
      continue;
    }
    writable_.push_back(connection.info.id);
    watch(connection);
  }
  pump(now);
}

Instant Coordinator::next_wakeup() const {
  Instant at = dispatcher_.next_wakeup();
  for (const auto& [_, job] : jobs_)
    at = std::min({at, job.abilities.next_wakeup(), job.exams.next_wakeup(),
                   job.standstill.next_wakeup(), store_deadline(job)});
  return wakeups_.empty() ? at : std::min(at, wakeups_.begin()->first);
}

// --- What came of it

Coordinator::Output Coordinator::take_output() {
  std::sort(writable_.begin(), writable_.end());
  writable_.erase(std::unique(writable_.begin(), writable_.end()), writable_.end());
  return {.events = std::exchange(events_, {}),
          .writable = std::exchange(writable_, {}),
          .closing = std::exchange(closing_, {}),
          .next_wakeup = next_wakeup()};
}

}  // namespace dist
