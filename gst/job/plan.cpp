// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/job/plan.h"

#include <gio/gio.h>

#include <algorithm>
#include <utility>

#include "gst/base/text.h"
#include "gst/film/unsupported_video.h"
#include "gst/film/video_length.h"
#include "gst/gstx/json_writer.h"
#include "gst/io/ladder_file.h"
#include "gst/io/secret.h"
#include "gst/job/carried_streams.h"
#include "gst/job/film_details.h"
#include "gst/job/output_files.h"
#include "gst/job/thumbnails.h"
#include "gst/job/transcode_outputs.h"

namespace dist {
namespace {

using Kind = JobError::Kind;
using Remedy = JobError::Remedy;

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words)
    text += (text.empty() ? "" : ",") + word;
  return text;
}

std::string wanted_of(const Request& request) {
  return request.renditions.empty() ? default_rendition(request.output)
                                    : joined(request.renditions);
}

// What does not fit together, empty if all does.
std::string wrong_in(const Request& request) {
  constexpr double kMostSeconds = 1e9;
  const auto is_time = [](double seconds) { return seconds >= 0 && seconds <= kMostSeconds; };
  if (request.input.empty() || request.output.empty())
    return "a request needs an input and an output";
  if (!request.renditions.empty() && !request.ladder.empty())
    return "renditions and a ladder: only one of them can be made";
  if (request.manifest.empty() && (request.manifest_only || !request.sign_key.empty()))
    return "there is no record to be signed, or to be written without its data";
  if (!is_time(request.stall_timeout) || !is_time(request.max_segment_duration.value_or(0)))
    return "a time is negative, or no time";
  return "";
}

bool is_loopback(const Address& address) {
  const auto number =
      Ref<GInetAddress>::adopt(g_inet_address_new_from_string(address.host.c_str()));
  return number && g_inet_address_get_is_loopback(number.get());
}

// As remoteenc would find, which tells it in terms of its properties.
std::optional<JobError> refuse_strangers(const Request& request) {
  const auto secret = find_secret("", request.secret_file);
  if (!secret)
    return JobError{Kind::kRequest, secret.error()};
  if (!request.listen || is_loopback(*request.listen))
    return {};
  const std::string place = address_text(*request.listen);
  if (secret->empty())
    return JobError{.kind = Kind::kNetwork,
                    .message = place + ": beyond this machine workers need a secret",
                    .remedy = Remedy::kSecret};
  if (const std::string flaw = flaw_of_secret(*secret); !flaw.empty())
    return JobError{
        .kind = Kind::kNetwork, .message = place + ": " + flaw, .remedy = Remedy::kBetterSecret};
  return {};
}

SourceFormat format_of(const Film& film) {
  const FilmStream& video = *film.first(StreamKind::kVideo);
  return {.width = video.width,
          .height = video.height,
          .pixel_aspect_ratio = video.pixel_aspect_ratio,
          .framerate = {}};
}

// Adds thumbnails to what is made of the film.
std::optional<JobError> plan_thumbnails(const std::vector<RenditionSpec>& specs, Plan& plan) {
  const Request& request = plan.request;
  const unsigned interval =
      request.thumbnail_interval.value_or(default_interval(plan.film.duration));
  const SourceFormat film = format_of(plan.film);
  const auto all =
      with_thumbnails(specs, thumbnail_rendition(film, interval), film, !request.ladder.empty());
  if (!all)
    return all.failure();
  plan.renditions = *all;
  add_thumbnails(request.output, interval, plan);
  return {};
}

// All that is made of the film.
std::optional<JobError> plan_all(const std::vector<RenditionSpec>& specs, Plan& plan) {
  const Request& request = plan.request;
  const bool ladder = !request.ladder.empty();
  const auto resolved = resolve(specs, format_of(plan.film), ladder);
  if (!resolved)
    return JobError{Kind::kRequest, resolved.error()};
  if (auto error = plan_outputs(request.output, *resolved, plan))
    return error;
  plan.renditions = ladder ? "" : wanted_of(request);
  if (request.thumbnails)
    if (auto error = plan_thumbnails(specs, plan))
      return error;
  const auto sound = outputs_with_sound(request.output, request.separate_audio, plan);
  if (const Status status = plan_carried_streams(plan, sound); !status)
    return JobError{Kind::kFailed, status.error()};
  plan_details(plan);
  const std::string input =
      take_string(g_filename_from_uri(plan.film.uri.c_str(), nullptr, nullptr));
  if (const Status status = check_names(files_of(plan), input); !status)
    return JobError{Kind::kRequest, status.error()};
  return {};
}

std::string text_of(const Plan& plan, std::size_t output) {
  const Output& out = plan.outputs[output];
  std::string text = out.path + ": ";
  if (out.thumbnails)
    text += "thumbnails, one each " +
            format("%g", static_cast<double>(plan.thumbnail_interval) / 1000) + " s";
  else if (out.rendition.empty())
    text += "sound only";
  else
    text += out.codec + " " + std::to_string(out.width) + "x" + std::to_string(out.height);
  for (const CarriedStream& carried : plan.carried)
    if (std::ranges::find(carried.into, output) != carried.into.end())
      text += ", " + name_of(plan.film.streams[carried.stream]) +
              (carried.encoder.empty() ? " as it is" : " encoded with " + carried.encoder);
  return text;
}

std::string workers_text(const Request& request) {
  const std::string here = request.local_workers < 0 ? "as many as there are cores"
                                                     : std::to_string(request.local_workers);
  return "on this machine " + here +
         (request.listen ? ", and others at " + address_text(*request.listen) : "");
}

}  // namespace

Result<Plan, JobError> make_plan(const Request& request) {
  Plan plan;
  plan.request = request;
  if (const std::string wrong = wrong_in(request); !wrong.empty())
    return JobError{Kind::kRequest, wrong};
  const auto specs =
      find_renditions(request.ladder.empty() ? wanted_of(request) : "", request.ladder);
  if (!specs)
    return JobError{Kind::kRequest, specs.error()};
  if (auto error = refuse_strangers(request))
    return std::move(*error);
  auto film = look_at(request.input, request.remote);
  if (!film)
    return JobError{.kind = Kind::kInput,
                    .message = film.error(),
                    .details = film.failure().details,
                    .remedy = film.failure().remote_follows ? Remedy::kRemote : Remedy::kNone};
  plan.film = std::move(*film);
  if (const std::string flaw = flaw_of_video(plan.film); !flaw.empty())
    return JobError{Kind::kInput, request.input + ": " + flaw};
  if (auto error = plan_all(*specs, plan))
    return std::move(*error);
  return plan;
}

std::string plan_text(const Plan& plan) {
  const FilmStream& video = *plan.film.first(StreamKind::kVideo);
  const auto seconds = static_cast<double>(video_length(plan.film)) / GST_SECOND;
  std::string text = plan.request.input + ": " + video.codec + " " + std::to_string(video.width) +
                     "x" + std::to_string(video.height) +
                     (seconds > 0 ? ", " + clock_text(seconds) : "") + "\n";
  for (std::size_t i = 0; i < plan.outputs.size(); ++i)
    text += "  " + text_of(plan, i) + "\n";
  if (!plan.request.manifest.empty())
    text += "  " + plan.request.manifest + ": the record of the job" +
            (plan.request.manifest_only ? ", without its data" : "") + "\n";
  for (const std::string& left_out : plan.left_out)
    text += "  " + left_out + "\n";
  return text + "  workers: " + workers_text(plan.request) + "\n";
}

std::string plan_json(const Plan& plan) {
  const FilmStream& video = *plan.film.first(StreamKind::kVideo);
  JsonWriter json;
  json.text("event", "plan");
  json.text("input", plan.request.input);
  json.text("codec", video.codec);
  json.count("width", video.width);
  json.count("height", video.height);
  if (const GstClockTime length = video_length(plan.film); length > 0)
    json.number("seconds", static_cast<double>(length) / GST_SECOND);
  json.begin_array("outputs");
  for (std::size_t i = 0; i < plan.outputs.size(); ++i) {
    const Output& output = plan.outputs[i];
    json.begin_object(nullptr);
    json.text("path", output.path);
    if (!output.rendition.empty()) {
      json.text("rendition", output.rendition);
      json.text("codec", output.codec);
    }
    if (output.width > 0) {
      json.count("width", output.width);
      json.count("height", output.height);
    }
    json.begin_array("carried");
    for (const CarriedStream& carried : plan.carried) {
      if (std::ranges::find(carried.into, i) == carried.into.end())
        continue;
      const FilmStream& stream = plan.film.streams[carried.stream];
      json.begin_object(nullptr);
      json.text("kind", stream.kind == StreamKind::kAudio ? "audio" : "subtitles");
      json.text("codec", stream.codec);
      if (!stream.language.empty())
        json.text("language", stream.language);
      if (!carried.encoder.empty())
        json.text("encoder", carried.encoder);
      json.end_object();
    }
    json.end_array();
    json.end_object();
  }
  json.end_array();
  if (!plan.request.manifest.empty())
    json.text("manifest", plan.request.manifest);
  json.texts("left-out", plan.left_out);
  if (plan.thumbnail_interval > 0)
    json.number("thumbnail-interval", static_cast<double>(plan.thumbnail_interval) / 1000);
  json.difference("local-workers", plan.request.local_workers);
  if (plan.request.listen)
    json.text("listen", address_text(*plan.request.listen));
  return json.finish(false);
}

}  // namespace dist
