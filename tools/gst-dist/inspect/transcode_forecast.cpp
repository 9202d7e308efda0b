// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/gst-dist/inspect/transcode_forecast.h"

#include "gst/base/text.h"
#include "gst/gstx/stream_format.h"
#include "gst/io/ladder_file.h"
#include "gst/job/carried_streams.h"
#include "gst/job/film_details.h"
#include "gst/job/transcode_outputs.h"

namespace dist::tool {
namespace {

constexpr char kOutput[] = "out.mp4";

std::string carried_text(const Plan& plan, const CarriedStream& carried) {
  const std::string name = name_of(plan.film.streams[carried.stream]);
  return carried.encoder.empty() ? "copies the " + name
                                 : "encodes the " + name + " with " + carried.encoder;
}

}  // namespace

std::vector<std::string> forecast(const Inspection& inspection) {
  const auto specs = find_renditions(default_rendition(kOutput), "");
  const FilmStream* const video = inspection.film.first(StreamKind::kVideo);
  if (!specs || !video || inspection.facts.frames == 0)
    return {};
  const SourceFormat format{.width = video->width,
                            .height = video->height,
                            .pixel_aspect_ratio = video->pixel_aspect_ratio,
                            .framerate = {}};
  const auto resolved = resolve(*specs, format, false);
  if (!resolved)
    return {sentence("-o " + std::string(kOutput) + " is refused: " + resolved.error())};
  Plan plan;
  plan.film = inspection.film;
  if (plan_outputs(kOutput, *resolved, plan))
    return {};
  const Status planned = plan_carried_streams(plan, outputs_with_sound(kOutput, false, plan));
  if (!planned)
    return {sentence("-o " + std::string(kOutput) + " is refused: " + planned.error())};
  plan_details(plan);
  const RenditionSpec& spec = resolved->front();
  std::string text = "-o " + std::string(kOutput) + " makes " + spec.codec + " of " +
                     std::to_string(spec.width) + "x" + std::to_string(spec.height) + " in " +
                     count_text(inspection.survey.segments.size(), "segment");
  for (const CarriedStream& carried : plan.carried)
    text += ", " + carried_text(plan, carried);
  std::vector<std::string> sentences = {sentence(text)};
  for (const std::string& left_out : plan.left_out)
    sentences.push_back(sentence(left_out));
  return sentences;
}

}  // namespace dist::tool
