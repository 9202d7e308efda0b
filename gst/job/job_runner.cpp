// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/job/job_runner.h"

#include <gst/gst.h>

#include <algorithm>
#include <atomic>
#include <set>
#include <utility>

#include "gst/base/text.h"
#include "gst/cut/film_damage.h"
#include "gst/farm/farm_context.h"
#include "gst/film/film_reach.h"
#include "gst/film/input_watch.h"
#include "gst/film/video_length.h"
#include "gst/gstx/ref.h"
#include "gst/gstx/report.h"
#include "gst/io/signing_key.h"
#include "gst/job/film_captions.h"
#include "gst/job/film_details.h"
#include "gst/job/job_record.h"
#include "gst/job/output_files.h"
#include "gst/job/thumbnail_files.h"
#include "gst/job/transcode_outputs.h"
#include "gst/job/transcode_pipeline.h"

namespace dist {
namespace {

using Kind = JobError::Kind;

constexpr double kPatience = 60;  // Seconds, for a first or another worker.
constexpr guint kTick = 250;      // Milliseconds.

double now() {
  return static_cast<double>(g_get_monotonic_time()) / G_USEC_PER_SEC;
}

Properties properties_of_remote(const Plan& plan, bool has_farm) {
  const Request& request = plan.request;
  Properties properties;
  const bool ladder = plan.renditions.empty();
  properties.emplace_back(ladder ? "ladder" : "renditions",
                          ladder ? request.ladder : plan.renditions);
  const auto stall = static_cast<std::uint64_t>(request.stall_timeout * GST_SECOND);
  properties.emplace_back("stall-timeout", std::to_string(stall));
  if (!request.store.empty()) {
    properties.emplace_back("store", request.store);
    properties.emplace_back("store-limit", std::to_string(request.store_limit));
  }
  if (has_farm)
    return properties;
  if (request.listen) {
    properties.emplace_back("address", request.listen->host);
    properties.emplace_back("port", std::to_string(request.listen->port));
  }
  if (!request.secret_file.empty())
    properties.emplace_back("secret-file", request.secret_file);
  properties.emplace_back("local-workers", std::to_string(request.local_workers));
  return properties;
}

}  // namespace

struct JobRunner::Private {
  Private(Plan p, std::shared_ptr<Farm> f, Tell t)
      : plan(std::move(p)), farm(std::move(f)), tell(std::move(t)) {}
  ~Private() { g_main_context_unref(context); }

  std::optional<JobError> play();
  bool goes_on() const;
  std::optional<JobError> complete();
  std::optional<JobError> finish();
  bool handle(GstMessage* message);
  void handle_error(GstMessage* message);
  void handle(const message::Any& message);
  void note(const message::SegmentDamaged& damaged);
  void note(const message::WorkerJoined&) { ++workers; }
  void note(const message::WorkerLeft&) { workers -= std::min(workers, 1u); }
  void note(const message::ConnectionRefused& refusal);
  template <class Other>
  void note(const Other&) {}
  void tick(InputWatch& watch);
  void look_for_workers();
  void look_at_segments();
  void end(std::optional<JobError> with);
  static JobError cancelled_error() { return {Kind::kCancelled, "cancelled; nothing was written"}; }

  const Plan plan;
  const std::shared_ptr<Farm> farm;
  const Tell tell;
  GMainContext* const context = g_main_context_new();
  std::atomic<bool> cancelled = false;
  // Of those who may end it only one does.
  enum class Stage { kPlaying, kCommitting, kDiscarded };
  std::atomic<Stage> stage = Stage::kPlaying;

  FilmEnd film_end;
  std::optional<OutputFiles> files;
  std::optional<ThumbnailFiles> thumbnails;
  TranscodePipeline made;
  std::optional<JobRecord> record;
  std::optional<CaptionWatch> captions;

  bool ended = false;
  std::optional<JobError> error;
  Progressed progress;
  FilmDamage damage;
  bool idle = false;  // No segment is being worked on.
  unsigned workers = 0;
  double waiting_since = -1;  // For a worker, if there is none.
  std::string sent_away;      // Why the last stranger was.
};

JobRunner::JobRunner(Plan plan, std::shared_ptr<Farm> farm, Tell tell)
    : private_(std::make_unique<Private>(std::move(plan), std::move(farm), std::move(tell))) {}

JobRunner::~JobRunner() = default;

const Plan& JobRunner::plan() const {
  return private_->plan;
}

std::optional<JobError> JobRunner::prepare() {
  Private& p = *private_;
  const Plan& plan = p.plan;
  if (!p.farm && !plan.request.listen && plan.request.local_workers == 0)
    return JobError{Kind::kRequest,
                    "no workers of this process and none of others: nobody would "
                    "do the work"};
  std::optional<SigningKey> key;
  if (const std::string& file = plan.request.sign_key; !file.empty()) {
    auto read = SigningKey::read(file);
    if (!read)
      return JobError{Kind::kRequest, read.error()};
    key = std::move(*read);
  }
  auto files = OutputFiles::prepare(files_of(plan), plan.request.replace);
  if (!files)
    return files.failure();
  p.files.emplace(std::move(*files));
  const std::vector<std::string> paths = p.files->paths();
  if (plan.thumbnail_interval > 0)
    p.thumbnails.emplace(plan, paths);
  auto pipeline = make_pipeline(plan, properties_of_remote(plan, p.farm != nullptr),
                                locations_of(paths), p.film_end);
  if (!pipeline)
    return JobError{Kind::kFailed, pipeline.error()};
  p.made = std::move(*pipeline);
  if (const auto limit = plan.request.max_segment_duration) {
    g_object_set(p.made.cut.get(), "max-segment-duration",
                 static_cast<guint64>(*limit * static_cast<double>(GST_SECOND)), nullptr);
  }
  if (p.farm)
    set_farm(p.made.pipeline.get(), p.farm);
  if (p.thumbnails)
    p.thumbnails->attach(p.made);
  if (!plan.request.manifest.empty())
    p.record.emplace(plan, std::move(key), paths, p.made);
  p.captions.emplace(p.made.film.get());
  p.progress.duration = static_cast<double>(video_length(plan.film)) / GST_SECOND;
  return {};
}

std::optional<JobError> JobRunner::run() {
  if (auto error = private_->play())
    return error;
  return private_->finish();
}

void JobRunner::cancel() {
  private_->cancelled = true;
  g_main_context_wakeup(private_->context);
}

bool JobRunner::discard() const {
  auto stage = Private::Stage::kPlaying;
  if (!private_->stage.compare_exchange_strong(stage, Private::Stage::kDiscarded))
    return stage == Private::Stage::kDiscarded;
  if (private_->files)
    private_->files->discard();
  return true;
}

std::optional<JobError> JobRunner::Private::play() {
  g_main_context_push_thread_default(context);
  const auto bus = Ref<GstBus>::adopt(gst_element_get_bus(made.pipeline.get()));
  gst_bus_add_watch(
      bus.get(),
      [](GstBus*, GstMessage* message, gpointer self) -> gboolean {
        return static_cast<Private*>(self)->handle(message);
      },
      this);
  std::optional<InputWatch> watch(std::in_place, made.cut, made.join);
  std::pair<Private*, InputWatch*> both{this, &*watch};
  GSource* const ticks = g_timeout_source_new(kTick);
  g_source_set_callback(
      ticks,
      [](gpointer data) -> gboolean {
        const auto [self, input] = *static_cast<std::pair<Private*, InputWatch*>*>(data);
        self->tick(*input);
        return G_SOURCE_CONTINUE;
      },
      &both, nullptr);
  g_source_attach(ticks, context);
  // What goes wrong is on the bus.
  gst_element_set_state(made.pipeline.get(), GST_STATE_PLAYING);
  while (goes_on() && !cancelled)
    g_main_context_iteration(context, TRUE);
  look_at_segments();
  gst_element_set_state(made.pipeline.get(), GST_STATE_NULL);
  watch.reset();
  g_source_destroy(ticks);
  g_source_unref(ticks);
  gst_bus_remove_watch(bus.get());
  g_main_context_pop_thread_default(context);
  progress.last = true;
  tell(progress);
  if (goes_on())
    return cancelled_error();
  return error;
}

// The digest of a long film may take longer than its job.
bool JobRunner::Private::goes_on() const {
  return !ended || (!error && record && !record->knows_source());
}

// Writes what the outputs lack before they get their names.
std::optional<JobError> JobRunner::Private::complete() {
  // To a demuxer a playlist may end there.
  if (const auto link = plan.film.reach->refused())
    return error_of(*link, plan.request.input);
  if (!plan.film.unchanged())
    return JobError{Kind::kInput,
                    plan.request.input + ": changed while it was read, so nothing was written"};
  if (const Status status = write_details(plan, files->paths()); !status)
    return JobError{Kind::kOutput, status.error()};
  if (const Status status = thumbnails ? thumbnails->finish() : Status(); !status)
    return JobError{Kind::kOutput, status.error()};
  if (record)
    return record->finish(thumbnails ? thumbnails->pictures() : ThumbnailFiles::Pictures(),
                          cancelled);
  return {};
}

// All files get their names, or none does.
std::optional<JobError> JobRunner::Private::finish() {
  auto incomplete = complete();
  auto playing = Stage::kPlaying;
  // Who discards takes the files away, which may have made it fail.
  if (cancelled || stage == Stage::kDiscarded)
    return cancelled_error();
  if (incomplete)
    return incomplete;
  if (!stage.compare_exchange_strong(playing, Stage::kCommitting))
    return cancelled_error();
  if (auto failure = files->commit())
    return failure;
  for (const std::string& text : captions->losses(plan.outputs))
    tell(Remarked{text});
  std::set<std::size_t> taken;
  for (const CarriedStream& carried : plan.carried)
    taken.insert(carried.stream);
  for (const std::string& text : early_ends(plan.film, taken, film_end))
    tell(Remarked{text});
  if (const std::string text = damage.text(); !text.empty())
    tell(Remarked{text});
  tell(Finished{results_of(plan)});
  return {};
}

void JobRunner::Private::end(std::optional<JobError> with) {
  ended = true;
  error = std::move(with);
}

bool JobRunner::Private::handle(GstMessage* message) {
  switch (GST_MESSAGE_TYPE(message)) {
    case GST_MESSAGE_EOS:
      end({});
      return false;
    case GST_MESSAGE_ERROR:
      handle_error(message);
      return false;
    case GST_MESSAGE_WARNING: {
      const Report report = report_of(message);
      tell(
          Warned{report.text, report.debug, factory_name(GST_MESSAGE_SRC(message)) == "remoteenc"});
      return true;
    }
    case GST_MESSAGE_ELEMENT:
      // Others' messages, such as the tables of an MPEG transport stream, are no events of a job.
      if (const auto known = message::from_structure(gst_message_get_structure(message)))
        handle(*known);
      return true;
    default:
      return true;
  }
}

void JobRunner::Private::handle_error(GstMessage* message) {
  auto told = Ref<GstMessage>::share(message);
  const auto bus = Ref<GstBus>::adopt(gst_element_get_bus(made.pipeline.get()));
  // The element that stopped may say why only now.
  while (is_consequence(told.get())) {
    auto next = Ref<GstMessage>::adopt(gst_bus_pop_filtered(bus.get(), GST_MESSAGE_ERROR));
    if (!next)
      break;
    if (!is_consequence(next.get()))
      told = std::move(next);
  }
  const auto link = plan.film.reach->refused();
  JobError failure =
      link ? error_of(*link, plan.request.input)
           : error_of(made.pipeline.get(), told.get(), {plan.request.input, names_of(plan)});
  failure.details = report_of(told.get()).debug;
  end(std::move(failure));
}

void JobRunner::Private::handle(const message::Any& message) {
  std::visit(
      [this](const auto& m) {
        note(m);
        tell(m);
      },
      message);
}

void JobRunner::Private::note(const message::SegmentDamaged& damaged) {
  damage.add(damaged.segment, {.guessed = damaged.guessed,
                               .missing = damaged.missing,
                               .start = damaged.start,
                               .stop = damaged.stop});
}

void JobRunner::Private::note(const message::ConnectionRefused& refusal) {
  sent_away = refusal.address + " was sent away: " + refusal.reason;
}

void JobRunner::Private::tick(InputWatch& watch) {
  look_for_workers();
  look_at_segments();
  tell(progress);
  if (!ended && record)
    if (auto failure = record->error())
      end(std::move(failure));
  if (!ended && watch.is_silent(now(), idle))
    end(JobError{
        Kind::kInput,
        plan.request.input + ": nothing has come from it for a minute, and it is not at its end"});
}

// A farm of several jobs has its own patience.
void JobRunner::Private::look_for_workers() {
  if (farm || plan.request.local_workers != 0 || workers > 0) {
    waiting_since = -1;
    return;
  }
  if (waiting_since < 0)
    waiting_since = now();
  if (now() - waiting_since >= kPatience)
    end(JobError{Kind::kNoWorker, "no worker has been here for a minute" +
                                      (sent_away.empty() ? "" : " (" + sent_away + ")")});
}

// How far the segments are that workers have.
void JobRunner::Private::look_at_segments() {
  GstStructure* stats = nullptr;
  g_object_get(made.remote.get(), "stats", &stats, nullptr);
  if (!stats)
    return;
  const auto number = [&](const char* field) {
    guint64 value = 0;
    gst_structure_get_uint64(stats, field, &value);
    return static_cast<double>(value);
  };
  progress.done = number("done") / GST_SECOND;
  progress.begun = number("begun") / GST_SECOND;
  progress.begun_frames = number("begun-frames");
  idle = number("open") == 0;
  gst_structure_get_double(stats, "decoding", &progress.decoding);
  gboolean whole = FALSE;
  if (gst_structure_get_boolean(stats, "whole", &whole) && whole)
    progress.duration = number("submitted") / GST_SECOND;
  gst_structure_free(stats);
}

}  // namespace dist
