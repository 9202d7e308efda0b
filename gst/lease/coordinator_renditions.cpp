// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What is wanted of a job, and who can make it.
#include "gst/lease/coordinator.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace dist {
namespace {

// How long nobody may be able to make a rendition before it is told: workers come one by one.
constexpr Instant kPatience = 20'000 * kMillisecond;

// A measure of the work, for one frame of the source.
double weight_of(const RenditionSpec& spec) {
  constexpr double kUsualRate = 30;
  const double share = spec.fps ? std::min(spec.fps->num / (spec.fps->den * kUsualRate), 1.0) : 1;
  return std::max(1.0, static_cast<double>(spec.width) * spec.height * share);
}

// "a, b, c and 4 more".
std::string enumerate(const std::vector<std::string>& names) {
  constexpr std::size_t kMaxNamed = 3;
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), kMaxNamed); ++i)
    text += (i == 0 ? "" : ", ") + names[i];
  if (names.size() > kMaxNamed)
    text += " and " + std::to_string(names.size() - kMaxNamed) + " more";
  return text;
}

}  // namespace

std::vector<RenditionSpec> Coordinator::Job::some(RenditionSet set) const {
  std::vector<RenditionSpec> specs;
  for (std::size_t i = 0; i < renditions.size(); ++i)
    if (has(set, i))
      specs.push_back(renditions[i]);
  return specs;
}

std::vector<double> Coordinator::Job::weights() const {
  if (renditions.empty())
    return {1};
  std::vector<double> weights;
  for (const RenditionSpec& spec : renditions)
    weights.push_back(weight_of(spec));
  return weights;
}

void Coordinator::set_renditions(JobId id, const std::vector<RenditionSpec>& renditions,
                                 Instant now) {
  Job& job = jobs_.at(id);
  if (job.renditions == renditions)
    return;
  job.renditions = renditions;
  job.encoders.assign(renditions.size(), {});
  job.offers.clear();
  job.query = ++queries_;
  job.exams.forget_segment();
  dispatcher_.add_job(id, job.config.max_attempts, job.weights());
  for (auto& [_, connection] : connections_)
    if (connection->works())
      ask(*connection, id, job, now);
  pump(now);
}

void Coordinator::ask(Connection& connection, JobId id, Job& job, Instant now) {
  if (job.renditions.empty())
    return;
  set_able(connection.info.id, id, job, 0, now);
  connection.port->want(job.query, job.renditions);
  writable_.push_back(connection.info.id);
}

void Coordinator::handle(Connection& connection, PrimarySession::Offered& event, Instant now) {
  for (auto& [id, job] : jobs_) {
    if (job.query != event.job || job.renditions.empty())
      continue;
    job.offers[connection.info.id] = std::move(event.abilities);
    update_ability(connection.info.id, id, job, now);
    return;
  }
}

// What the worker can make as the job stands now; leases of anything else end.
void Coordinator::update_ability(WorkerId worker, JobId id, Job& job, Instant now) {
  const std::vector<Ability>& offer = job.offers.at(worker);
  RenditionSet able = 0;
  for (std::size_t i = 0; i < offer.size(); ++i) {
    const bool fits =
        job.encoders[i].empty() || offer[i].encoder.empty() || offer[i].encoder == job.encoders[i];
    able |= RenditionSet{offer[i].able && fits} << i;
  }
  set_able(worker, id, job, able, now);
  for (const Dispatcher::Grant& grant : dispatcher_.leases_of(id))
    if (grant.worker == worker && (grant.renditions & ~able) != 0)
      cancel({dispatcher_.release(worker, grant.lease, now).value()});
}

// Learns from a result which encoder makes a rendition, and what a worker's own pipeline makes.
void Coordinator::choose_encoders(const Answer& answer, Job& job, Instant now) {
  if (answer.offer.empty())
    return;
  const SegmentDone& done = answer.done;
  const auto offered = job.offers.find(done.worker.id);
  std::vector<EncoderChosen> chosen;
  bool less = false;
  for (std::size_t i = 0; i < job.renditions.size(); ++i) {
    if (!has(done.grant.renditions, i))
      continue;
    const bool made = std::any_of(
        done.renditions.begin(), done.renditions.end(),
        [&](const Rendition& r) { return r.header->rendition == job.renditions[i].name; });
    // Without frames nothing was encoded.
    const bool encoded =
        std::any_of(done.renditions.begin(), done.renditions.end(), [&](const Rendition& r) {
          return r.header->rendition == job.renditions[i].name && !r.header->units.empty();
        });
    const std::string& encoder = answer.offer[i].encoder;
    if (!made && offered != job.offers.end()) {
      offered->second[i] = {false, {}, "its pipeline does not make it"};
      less = true;
    } else if (encoded && !job.config.mixed_encoders && job.encoders[i].empty() &&
               !encoder.empty()) {
      job.encoders[i] = encoder;
      EncoderChosen event{done.grant.segment.job, job.renditions[i].name, encoder, {}};
      for (const auto& [worker, offer] : job.offers)
        if (offer[i].able && !offer[i].encoder.empty() && offer[i].encoder != encoder)
          event.excluded.push_back(connections_.at(worker)->info.name + " (" + offer[i].encoder +
                                   ")");
      chosen.push_back(std::move(event));
    }
  }
  if (less && chosen.empty())
    update_ability(done.worker.id, done.grant.segment.job, job, now);
  if (!chosen.empty())
    for (const auto& [worker, _] : job.offers)
      update_ability(worker, done.grant.segment.job, job, now);
  for (EncoderChosen& event : chosen)
    events_.push_back(std::move(event));
}

std::string Coordinator::missing_encoders(const Job& job, RenditionSet missing) const {
  std::set<WorkerId> silent;
  for (const auto& [worker, connection] : connections_)
    if (connection->works() && job.offers.count(worker) == 0)
      silent.insert(worker);
  std::string text;
  for (std::size_t i = 0; i < job.renditions.size(); ++i) {
    if (!has(missing, i))
      continue;
    std::map<std::string, std::vector<std::string>> workers;  // By what each says.
    for (const auto& [worker, offer] : job.offers) {
      const std::string reason = offer[i].able ? "it would be made with " + offer[i].encoder +
                                                     ", the segments before with " + job.encoders[i]
                                               : offer[i].reason;
      workers[reason].push_back(connections_.at(worker)->info.name);
    }
    for (WorkerId worker : silent)
      workers["no answer to what it can make"].push_back(connections_.at(worker)->info.name);
    text += (text.empty() ? "" : "; ") +
            ("rendition '" + job.renditions[i].name + "' (" + job.renditions[i].codec + "):");
    for (const auto& [reason, names] : workers)
      text += " " + reason + " (" + enumerate(names) + ")";
  }
  return text;
}

void Coordinator::look_for_unable(JobId id, Job& job, Instant now) {
  job.unable_at = kNever;
  if (job.renditions.empty() || job.unable_told)
    return;
  // Without any worker, the next one may be the one who can: the waiting begins anew.
  RenditionSet missing = dispatcher_.workers() > 0 ? dispatcher_.unable(id) : 0;
  missing &= ~job.exams.able();
  // Whoever has not answered yet may be the one who can, but others may come and go all the time,
  // or never answer.
  const bool all_offered = job.offers.size() >= dispatcher_.workers();
  for (std::size_t i = 0; i < job.renditions.size(); ++i) {
    if (!has(missing, i)) {
      job.unable_since.erase(i);
      continue;
    }
    const Instant since = job.unable_since.try_emplace(i, now).first->second;
    job.unable_at = std::min(job.unable_at, since + (all_offered ? 1 : 2) * kPatience);
  }
  if (drop_encoders(id, job, missing, now)) {
    pump(now);
    return;
  }
  if (now < job.unable_at)
    return;
  job.unable_told = true;
  job.unable_at = kNever;
  events_.push_back(NobodyCan{id, missing_encoders(job, missing)});
}

}  // namespace dist
