// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/lease/abilities.h"

#include <algorithm>
#include <set>
#include <utility>

namespace dist {
namespace {

// How long no worker may be able to make a rendition before that is told: workers come one by one.
constexpr Instant kPatience = 20'000 * kMillisecond;
// Before an encoder is dropped that one worker used alone; connections break, and workers come
// back.
constexpr Instant kShortPatience = 2'000 * kMillisecond;

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

void Abilities::want(std::vector<RenditionSpec> renditions) {
  renditions_ = std::move(renditions);
  encoders_.assign(renditions_.size(), {});
  offers_.clear();
}

std::vector<RenditionSpec> Abilities::some(RenditionSet set) const {
  std::vector<RenditionSpec> specs;
  for (std::size_t i = 0; i < renditions_.size(); ++i)
    if (has(set, i))
      specs.push_back(renditions_[i]);
  return specs;
}

std::vector<double> Abilities::weights() const {
  if (renditions_.empty())
    return {1};
  std::vector<double> weights;
  for (const RenditionSpec& spec : renditions_)
    weights.push_back(weight_of(spec));
  return weights;
}

std::size_t Abilities::find(const std::string& rendition) const {
  const auto found = std::ranges::find(renditions_, rendition, &RenditionSpec::name);
  return static_cast<std::size_t>(found - renditions_.begin());
}

const std::vector<Ability>* Abilities::offer_of(WorkerId worker) const {
  const auto offer = offers_.find(worker);
  return offer != offers_.end() ? &offer->second : nullptr;
}

std::vector<WorkerId> Abilities::workers() const {
  std::vector<WorkerId> workers;
  for (const auto& [worker, _] : offers_)
    workers.push_back(worker);
  return workers;
}

std::vector<std::vector<Encoder>> Abilities::encoders() const {
  std::vector<std::vector<Encoder>> encoders;
  for (std::size_t i = 0; i < renditions_.size(); ++i) {
    std::set<Encoder> found;
    for (const auto& [worker, offer] : offers_)
      if (Abilities::has(able(worker), i) && !offer[i].encoder.empty())
        found.insert({offer[i].encoder, offer[i].version});
    encoders.emplace_back(found.begin(), found.end());
  }
  return encoders;
}

RenditionSet Abilities::able(WorkerId worker) const {
  const std::vector<Ability>& offer = offers_.at(worker);
  RenditionSet able = 0;
  for (std::size_t i = 0; i < offer.size(); ++i) {
    const bool fits =
        encoders_[i].empty() || offer[i].encoder.empty() || offer[i].encoder == encoders_[i];
    able |= RenditionSet{offer[i].able && fits} << i;
  }
  return able;
}

Abilities::Learnt Abilities::learn(const Made& made, bool mixed) {
  Learnt learnt;
  if (made.offer.empty())
    return learnt;
  const auto offered = offers_.find(made.worker);
  bool less = false;
  for (std::size_t i = 0; i < renditions_.size(); ++i) {
    if (!has(made.leased, i))
      continue;
    const std::string& encoder = made.offer[i].encoder;
    if (!has(made.made, i) && offered != offers_.end()) {
      offered->second[i] = {false, {}, "its pipeline does not make it"};
      less = true;
    } else if (has(made.encoded, i) && !mixed && encoders_[i].empty() && !encoder.empty()) {
      encoders_[i] = encoder;
      Chosen& chosen = learnt.chosen.emplace_back(Chosen{i, encoder});
      for (const auto& [worker, offer] : offers_)
        if (offer[i].able && !offer[i].encoder.empty() && offer[i].encoder != encoder)
          chosen.excluded.push_back(worker);
    }
  }
  if (!learnt.chosen.empty())
    learnt.changed = workers();
  else if (less)
    learnt.changed = {made.worker};
  return learnt;
}

Abilities::Look Abilities::look(RenditionSet missing, RenditionSet confirmed, std::size_t workers,
                                Instant now) {
  Look look;
  if (!is_watched())
    return look;
  wakeup_ = kNever;
  // A worker that has not answered yet may be able, but workers may come and go all the time, or
  // never answer.
  const bool all_offered = offers_.size() >= workers;
  for (std::size_t i = 0; i < renditions_.size(); ++i) {
    if (!has(missing, i)) {
      unable_since_.erase(i);
      continue;
    }
    const Instant since = unable_since_.try_emplace(i, now).first->second;
    wakeup_ = std::min(wakeup_, since + (all_offered ? 1 : 2) * kPatience);
  }
  drop(missing, confirmed, now, look);
  if (look.dropped != 0 || now < wakeup_)
    return look;
  told_ = look.unable = true;
  wakeup_ = kNever;
  return look;
}

void Abilities::drop(RenditionSet missing, RenditionSet confirmed, Instant now, Look& look) {
  for (std::size_t i = 0; i < renditions_.size(); ++i) {
    if (!has(missing, i) || encoders_[i].empty())
      continue;
    if (!std::ranges::any_of(offers_, [&](const auto& entry) { return entry.second[i].able; }))
      continue;
    const Instant until = unable_since_.at(i) + (has(confirmed, i) ? kPatience : kShortPatience);
    if (now < until) {
      wakeup_ = std::min(wakeup_, until);
      continue;
    }
    look.encoders += (look.encoders.empty() ? "" : ", ") + encoders_[i];
    look.dropped |= RenditionSet{1} << i;
    encoders_[i].clear();
    unable_since_.erase(i);
  }
}

void Abilities::begin_anew() {
  unable_since_.clear();
  wakeup_ = kNever;
  told_ = false;
}

std::string Abilities::describe(RenditionSet missing,
                                const std::map<WorkerId, std::string>& names) const {
  std::string text;
  for (std::size_t i = 0; i < renditions_.size(); ++i) {
    if (!has(missing, i))
      continue;
    std::map<std::string, std::vector<std::string>> workers;  // By what each says.
    for (const auto& [worker, name] : names) {
      const std::vector<Ability>* offer = offer_of(worker);
      if (!offer)
        workers["no answer to what it can make"].push_back(name);
      else if ((*offer)[i].able)
        workers["it would be made with " + (*offer)[i].encoder + ", the segments before with " +
                encoders_[i]]
            .push_back(name);
      else
        workers[(*offer)[i].reason].push_back(name);
    }
    text += (text.empty() ? "" : "; ") +
            ("rendition '" + renditions_[i].name + "' (" + renditions_[i].codec + "):");
    for (const auto& [reason, workers_with_it] : workers)
      text += " " + reason + " (" + enumerate(workers_with_it) + ")";
  }
  return text;
}

}  // namespace dist
