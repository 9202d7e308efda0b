// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What is wanted of a job, and which workers can make it.
#include "gst/lease/coordinator.h"

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace dist {

void Coordinator::set_renditions(JobId id, const std::vector<RenditionSpec>& renditions,
                                 Instant now) {
  Job& job = jobs_.at(id);
  if (job.abilities.renditions() == renditions)
    return;
  job.abilities.want(renditions);
  job.query = ++queries_;
  job.exams.forget_segment();
  dispatcher_.add_job(id, job.config.max_attempts, job.abilities.weights());
  for (auto& [_, connection] : connections_)
    if (connection->works())
      ask(*connection, id, job, now);
  pump(now);
}

void Coordinator::ask(Connection& connection, JobId id, Job& job, Instant now) {
  if (job.abilities.renditions().empty())
    return;
  set_able(connection.info.id, id, job, 0, now);
  connection.port->want(job.query, job.abilities.renditions());
  writable_.push_back(connection.info.id);
}

void Coordinator::handle(Connection& connection, PrimarySession::Offered& event, Instant now) {
  for (auto& [id, job] : jobs_) {
    if (job.query != event.job || job.abilities.renditions().empty())
      continue;
    job.abilities.offered(connection.info.id, std::move(event.abilities));
    update_ability(connection.info.id, id, job, now);
    return;
  }
}

// What the worker can make as the job stands now; leases of anything else end.
void Coordinator::update_ability(WorkerId worker, JobId id, Job& job, Instant now) {
  const RenditionSet able = job.abilities.able(worker);
  set_able(worker, id, job, able, now);
  for (const Dispatcher::Grant& grant : dispatcher_.leases_of(id))
    if (grant.worker == worker && (grant.renditions & ~able) != 0)
      cancel({dispatcher_.release(worker, grant.lease, now).value()});
}

// Learns from a result which encoder makes a rendition, and what a worker's own pipeline makes.
void Coordinator::choose_encoders(const Answer& answer, Job& job, Instant now) {
  const SegmentDone& done = answer.done;
  const JobId id = done.grant.segment.job;
  Abilities::Made made{.worker = done.worker.id,
                       .offer = answer.offer,
                       .leased = done.grant.renditions,
                       .made = made_in(job.abilities.renditions(), done.renditions)};
  for (const ResultRendition& rendition : done.renditions)
    if (const std::size_t i = job.abilities.find(rendition.header->rendition);
        i < job.abilities.renditions().size() && !rendition.header->units.empty())
      made.encoded |= RenditionSet{1} << i;
  const auto learnt = job.abilities.learn(made, job.config.mixed_encoders);
  std::vector<EncoderChosen> events;
  for (const Abilities::Chosen& chosen : learnt.chosen) {
    EncoderChosen& event = events.emplace_back(
        EncoderChosen{id, job.abilities.renditions()[chosen.rendition].name, chosen.encoder, {}});
    for (const WorkerId worker : chosen.excluded)
      event.excluded.push_back(connections_.at(worker)->info.name + " (" +
                               (*job.abilities.offer_of(worker))[chosen.rendition].encoder + ")");
  }
  for (const WorkerId worker : learnt.changed)
    update_ability(worker, id, job, now);
  for (EncoderChosen& event : events)
    events_.push_back(std::move(event));
}

void Coordinator::look_for_unable(JobId id, Job& job, Instant now) {
  if (!job.abilities.is_watched())
    return;
  // Nothing is queued that is not sought yet, be it because no worker has said what it can make.
  RenditionSet queued = dispatcher_.unable(id);
  if (job.abilities.workers().empty())
    for (const std::uint64_t index : job.unsought)
      queued |= job.segments.at(index).wanted;
  // Without any worker the waiting begins anew, because the next worker may be able.
  const RenditionSet missing = dispatcher_.workers() > 0 ? queued & ~job.exams.able() : 0;
  const auto look =
      job.abilities.look(missing, confirmed(job, missing), dispatcher_.workers(), now);
  if (look.dropped != 0) {
    std::set<std::string> dropped;
    for (const RenditionSpec& spec : job.abilities.some(look.dropped))
      dropped.insert(spec.name);
    drop_form(id, job, dropped, "no worker that is there has " + look.encoders);
    for (const WorkerId worker : job.abilities.workers())
      update_ability(worker, id, job, now);
    return pump(now);
  }
  if (!look.unable)
    return;
  std::map<WorkerId, std::string> names;
  for (const auto& [worker, connection] : connections_)
    if (connection->works())
      names.emplace(worker, connection->info.name);
  events_.push_back(NoWorkerCan{id, job.abilities.describe(missing, names)});
}

// Those of the renditions whose form several workers have.
RenditionSet Coordinator::confirmed(const Job& job, RenditionSet among) {
  RenditionSet confirmed = 0;
  for (std::size_t i = 0; among != 0 && i < job.abilities.renditions().size(); ++i)
    confirmed |= RenditionSet{job.forms.is_confirmed(job.abilities.renditions()[i].name)} << i;
  return confirmed;
}

}  // namespace dist
