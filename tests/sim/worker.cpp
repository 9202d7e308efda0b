// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/sim/worker.h"

#include <algorithm>
#include <utility>

namespace dist::sim {
namespace {

// Frames that come out for each that goes in, as of many renditions: how finely a worker can say
// how far it is.
constexpr std::uint32_t kFramesPerUnit = 60;
constexpr Instant kRejoinAfter = 2 * kOneSecond;
// A service time is that of so many renditions and a decode, which takes as long as one of them.
constexpr double kUsualRenditions = 3;

wire::Nonce nonce_from(Random& random) {
  wire::Nonce nonce;
  for (std::uint8_t& byte : nonce)
    byte = static_cast<std::uint8_t>(random.bits());
  return nonce;
}

RenditionSpec named(std::string name) {
  RenditionSpec spec;
  spec.name = std::move(name);
  return spec;
}

}  // namespace

// --- What it can make

const std::string* PipelineAdapter::encoder_of(const RenditionSpec& spec) const {
  const auto found = encoders.find(spec.codec);
  return found != encoders.end() ? &found->second : nullptr;
}

std::vector<Ability> PipelineAdapter::offer(const std::vector<RenditionSpec>& wanted) const {
  std::vector<Ability> abilities;
  for (const RenditionSpec& spec : wanted) {
    const std::string* encoder = encoder_of(spec);
    if (!by_hand.empty())
      abilities.push_back({.able = true});
    else if (encoder)
      abilities.push_back({.able = true, .encoder = *encoder});
    else
      abilities.push_back({.reason = "no encoder for " + spec.codec});
  }
  return abilities;
}

std::vector<Product> PipelineAdapter::products(const std::vector<RenditionSpec>& wanted) const {
  std::vector<RenditionSpec> made = wanted;
  if (!by_hand.empty()) {
    std::erase_if(made, [this](const RenditionSpec& spec) {
      return std::find(by_hand.begin(), by_hand.end(), spec.name) == by_hand.end();
    });
    for (const std::string& name : by_hand)
      if (std::none_of(made.begin(), made.end(),
                       [&](const RenditionSpec& spec) { return spec.name == name; }))
        made.push_back(named(name));
  }
  std::vector<Product> products;
  for (const RenditionSpec& spec : made) {
    const std::string* encoder = encoder_of(spec);
    const CodecInfo* codec = find_codec(spec.codec);
    products.push_back({spec, std::string(codec ? codec->media_type : "video/x-raw") +
                                  ", encoder=" + (encoder ? *encoder : "none")});
  }
  return products;
}

Worker::Worker(Timeline& timeline, Host& host, const WorkerPlan& plan, std::uint64_t seed)
    : timeline_(timeline), host_(host), plan_(plan), random_(seed) {
  timeline_.at(plan_.joins_at, *this, kJoin, epoch_);
  for (std::size_t i = 0; i < plan_.outages.size(); ++i) {
    timeline_.at(plan_.outages[i].begin, *this, kOutageBegins, i);
    timeline_.at(plan_.outages[i].end, *this, kOutageEnds, i);
  }
}

bool Worker::is_frozen() const {
  return outage_ >= 0 &&
         plan_.outages[static_cast<std::size_t>(outage_)].kind == Outage::Kind::kFreeze;
}

void Worker::on_event(unsigned what, std::uint64_t argument) {
  if (what == kOutageBegins)
    return begin_outage(argument);
  if (what == kOutageEnds)
    return end_outage(argument);
  if (is_frozen()) {
    missed_.emplace_back(what, argument);
    return;
  }
  switch (what) {
    case kJoin:
      if (argument == epoch_ && outage_ < 0)
        join();
      break;
    case kTimer:
      if (argument != epoch_ || !session_)
        break;
      session_->report_receiving();
      if (!session_->advance(timeline_.now())) {
        drop_connection();
        rejoin_later();
        break;
      }
      host_.send(*this);
      timeline_.at(session_->next_wakeup(), *this, kTimer, epoch_);
      break;
    case kReport:
      if (running_ && running_->number == argument)
        report();
      break;
    case kStop:
      if (running_ && running_->number == argument)
        stop();
      break;
    case kOffer:
      if (questions_[argument].epoch == epoch_ && session_) {
        offer(questions_[argument]);
        host_.send(*this);
      }
      break;
    default:
      break;
  }
}

// --- Coming and going

void Worker::join() {
  if (session_ || dismissed_)
    return;
  ++epoch_;
  welcomed_ = false;
  session_ = std::make_unique<WorkerSession>(
      WorkerSession::Config{.name = plan_.name, .capacity = plan_.capacity, .secret = {}},
      nonce_from(random_), timeline_.now());
  host_.connect(*this);
  host_.send(*this);
  timeline_.at(session_->next_wakeup(), *this, kTimer, epoch_);
}

void Worker::drop_connection() {
  tasks_.clear();
  running_.reset();
  offered_.clear();
  welcomed_ = false;
  if (!session_)
    return;
  host_.disconnect(*this);
  session_.reset();
  ++epoch_;
}

void Worker::rejoin_later() {
  timeline_.at(timeline_.now() + kRejoinAfter, *this, kJoin, epoch_);
}

void Worker::begin_outage(std::size_t number) {
  if (outage_ >= 0 || dismissed_)
    return;
  outage_ = static_cast<int>(number);
  switch (plan_.outages[number].kind) {
    case Outage::Kind::kCrash:
      host_.note(*this, "crashes");
      drop_connection();
      break;
    case Outage::Kind::kLeave:
      host_.note(*this, "leaves");
      if (session_ && welcomed_) {
        session_->leave();
        host_.send(*this);
      } else {
        drop_connection();
      }
      break;
    case Outage::Kind::kPartition:
      host_.note(*this, "is partitioned");
      host_.partition(*this, true);
      break;
    case Outage::Kind::kFreeze:
      host_.note(*this, "freezes");
      break;
    case Outage::Kind::kRetire:
      host_.note(*this, "retires");
      retire();
      break;
  }
}

void Worker::retire() {
  if (!session_ || !welcomed_)
    return drop_connection();
  tasks_.clear();
  has_retired_ = true;
  session_->retire(running_ ? std::optional(running_->task.lease) : std::nullopt);
  host_.send(*this);
}

void Worker::end_outage(std::size_t number) {
  if (outage_ != static_cast<int>(number))
    return;
  host_.note(*this, "is well again");
  outage_ = -1;
  if (plan_.outages[number].kind == Outage::Kind::kPartition)
    host_.partition(*this, false);
  // It left, and the goodbye never came.
  if (plan_.outages[number].kind == Outage::Kind::kLeave ||
      plan_.outages[number].kind == Outage::Kind::kRetire)
    drop_connection();
  for (const auto& [what, argument] : std::exchange(missed_, {}))
    timeline_.at(timeline_.now(), *this, what, argument);
  if (const auto unread = std::exchange(unread_, {}); session_ && !unread.empty())
    on_bytes(unread);
  if (std::exchange(unread_end_, false))
    on_end();
  rejoin_later();
}

// --- What the primary says

void Worker::on_bytes(std::span<const std::uint8_t> bytes) {
  if (is_frozen()) {
    unread_.insert(unread_.end(), bytes.begin(), bytes.end());
    return;
  }
  if (!session_)
    return;
  std::vector<WorkerSession::Event> events;
  const Status status = session_->receive(bytes, timeline_.now(), events);
  for (const WorkerSession::Event& event : events)
    if (session_)
      handle(event);
  if (!session_)
    return;
  if (!status) {
    host_.note(*this, "gives up: " + status.error());
    drop_connection();
    rejoin_later();
    return;
  }
  begin_next();
  host_.send(*this);
}

void Worker::on_end() {
  if (is_frozen()) {
    unread_end_ = true;
    return;
  }
  drop_connection();
  rejoin_later();
}

void Worker::handle(const WorkerSession::Event& event) {
  if (const auto* leased = std::get_if<WorkerSession::Leased>(&event)) {
    this->leased(*leased);
  } else if (const auto* wanted = std::get_if<WorkerSession::Wanted>(&event)) {
    asked(*wanted);
  } else if (const auto* cancel = std::get_if<WorkerSession::Cancelled>(&event)) {
    cancelled(cancel->lease);
  } else if (std::holds_alternative<WorkerSession::Welcomed>(event)) {
    welcomed_ = true;
  } else if (std::holds_alternative<WorkerSession::JobDone>(event)) {
    dismissed_ = true;
    drop_connection();
  } else {
    drop_connection();
    rejoin_later();
  }
}

void Worker::asked(const WorkerSession::Wanted& wanted) {
  auto specs = parse_renditions(wanted.renditions);
  if (!specs) {
    session_->leave();
    return;
  }
  questions_.push_back({epoch_, wanted.job, std::move(*specs)});
  if (plan_.adapter.answers_after == 0)
    return offer(questions_.back());
  if (plan_.adapter.answers_after != kNever)
    timeline_.at(timeline_.now() + plan_.adapter.answers_after, *this, kOffer,
                 questions_.size() - 1);
}

void Worker::offer(const Question& question) {
  std::vector<Ability> abilities = plan_.adapter.offer(question.wanted);
  for (std::size_t i = 0; i < abilities.size(); ++i)
    if (abilities[i].able)
      offered_.push_back(question.wanted[i]);
  session_->offer(question.job, std::move(abilities));
}

void Worker::leased(const WorkerSession::Leased& leased) {
  std::vector<RenditionSpec> wanted;
  if (!leased.renditions.empty()) {
    auto specs = parse_renditions(leased.renditions);
    if (!specs)
      return session_->fail(leased.lease, "it cannot be read what is wanted");
    wanted = std::move(*specs);
  }
  for (const RenditionSpec& spec : wanted)
    if (std::find(offered_.begin(), offered_.end(), spec) == offered_.end() &&
        plan_.up.damage == 0 && plan_.down.damage == 0)
      host_.complain(*this, "has not offered " + to_string({spec}));
  tasks_.push_back({leased.lease, leased.payload, std::move(wanted)});
}

void Worker::cancelled(std::uint64_t lease) {
  std::erase_if(tasks_, [lease](const Task& task) { return task.lease == lease; });
  if (!running_ || running_->task.lease != lease)
    return;
  if (running_->fate != Fate::kHang && random_.chance(plan_.faults.late))
    return;
  running_.reset();
}

// --- Work

void Worker::begin_next() {
  if (running_ || tasks_.empty())
    return;
  Running next{.task = std::move(tasks_.front()),
               .number = ++numbers_,
               .began = timeline_.now(),
               .service = plan_.service.draw(random_)};
  if (const std::size_t wanted = next.task.wanted.size(); wanted != 0)
    next.service = static_cast<Instant>(static_cast<double>(next.service) *
                                        static_cast<double>(1 + wanted) / (1 + kUsualRenditions));
  tasks_.erase(tasks_.begin());
  if (const auto header = parse_header(next.task.source.span(), next.task.source.size()))
    next.units = static_cast<std::uint32_t>(header->units.size());
  const Faults& faults = plan_.faults;
  if (random_.chance(faults.hang))
    next.fate = Fate::kHang;
  else if (random_.chance(faults.crash))
    next.fate = Fate::kCrash;
  else if (random_.chance(faults.fail))
    next.fate = Fate::kFail;
  else if (random_.chance(faults.wrong))
    next.fate = Fate::kWrong;
  double share = 1;
  if (next.fate == Fate::kHang || next.fate == Fate::kCrash || next.fate == Fate::kFail)
    share = random_.share();
  next.stops = next.began + static_cast<Instant>(share * static_cast<double>(next.service));
  running_ = std::move(next);
  timeline_.at(running_->stops, *this, kStop, running_->number);
  if (plan_.report_every != 0)
    timeline_.at(timeline_.now() + plan_.report_every, *this, kReport, running_->number);
}

void Worker::report() {
  const Instant now = timeline_.now();
  if (running_->fate == Fate::kHang && now >= running_->stops)
    return;
  const double share =
      static_cast<double>(now - running_->began) / static_cast<double>(running_->service);
  const auto frames =
      static_cast<std::uint32_t>(kFramesPerUnit * running_->units * std::min(share, 1.0));
  if (frames > running_->reported) {
    running_->reported = frames;
    session_->progress(running_->task.lease, frames / kFramesPerUnit, frames);
    host_.send(*this);
  }
  timeline_.at(now + plan_.report_every, *this, kReport, running_->number);
}

void Worker::stop() {
  switch (running_->fate) {
    case Fate::kHang:
      host_.note(*this, "hangs in lease " + std::to_string(running_->task.lease));
      return;
    case Fate::kCrash:
      host_.note(*this, "dies of lease " + std::to_string(running_->task.lease));
      drop_connection();
      rejoin_later();
      return;
    case Fate::kFail:
      session_->fail(running_->task.lease, "no frame came out");
      break;
    case Fate::kAnswer:
    case Fate::kWrong:
      answer();
      break;
  }
  running_.reset();
  begin_next();
  host_.send(*this);
}

void Worker::answer() {
  const std::uint64_t lease = running_->task.lease;
  const std::vector<RenditionSpec>& wanted = running_->task.wanted;
  const unsigned flaws = wanted.empty() ? kFlaws : kFlawsOfRenditions;
  Flaw flaw = plan_.faults.lies ? Flaw::kOtherPictures : Flaw::kNone;
  if (running_->fate == Fate::kWrong)
    flaw = static_cast<Flaw>(1 + random_.below(flaws));
  std::vector<Product> products;
  if (wanted.empty())
    for (unsigned i = 0; i < plan_.renditions; ++i)
      products.push_back({named("r" + std::to_string(i)), {}});
  else
    products = plan_.adapter.products(wanted);
  const auto result = encode(running_->task.source, products, plan_.result_size, flaw, random_);
  if (result.empty()) {
    session_->fail(lease, "the segment cannot be read");
    return;
  }
  if (flaw != Flaw::kNone)
    host_.note(*this, "answers lease " + std::to_string(lease) + " wrongly");
  busy_ += running_->service;
  session_->result(lease, result);
  if (random_.chance(plan_.faults.duplicate))
    session_->result(lease, result);
}

}  // namespace dist::sim
