// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later

#include <gst/gst.h>

#include <cstdio>
#include <utility>

#include "gst/base/text.h"
#include "gst/film/film_reach.h"
#include "gst/film/unsupported_video.h"
#include "gst/gstx/encoder_choice.h"
#include "gst/gstx/stream_format.h"
#include "tools/gst-dist/advice.h"
#include "tools/gst-dist/command.h"
#include "tools/gst-dist/inspect/inspect_report.h"
#include "tools/gst-dist/inspect/transcode_forecast.h"

namespace dist::tool {
namespace {

constexpr char kHelp[] =
    "INPUT is a file or a URI. All of it is read, nothing of it is decoded or written.\n"
    "\n"
    "  gst-dist-1.0 inspect in.mp4\n"
    "  gst-dist-1.0 inspect in.mp4 --json | jq '.cut.segments | length'\n"
    "\n"
    "Exit codes: 0 done, 2 wrong command line, 3 cannot read the input, or it has no video\n"
    "that can be cut.";

// Those that work here for each codec, the preferred one first.
std::vector<CodecEncoders> encoders_here(const SourceFormat& film) {
  SourceFormat source = film;
  if (source.width == 0 || source.height == 0) {
    source.width = 1280;
    source.height = 720;
  }
  std::vector<CodecEncoders> result;
  for (const CodecInfo& codec : codecs()) {
    RenditionSpec spec;
    spec.name = "video";
    spec.codec = codec.name;
    const auto specs = resolve({spec}, source, false);
    CodecEncoders found{codec.name, {}};
    std::string tried;
    while (specs) {
      const Ability ability = EncoderChoice::parse(tried)->choose((*specs)[0]);
      if (!ability.able)
        break;
      found.encoders.push_back(ability.encoder);
      tried += (tried.empty() ? "-" : ",-") + ability.encoder;
    }
    result.push_back(std::move(found));
  }
  return result;
}

int inspect(std::vector<std::string> words) {
  gboolean as_json = FALSE;
  gboolean remote = FALSE;
  gboolean verbose = FALSE;
  SegmentLimit segment_limit;
  const GOptionEntry entries[] = {
      {"json", 0, 0, G_OPTION_ARG_NONE, &as_json, "Print one JSON object", nullptr},
      segment_limit.entry(),
      allow_remote_entry(remote),
      {"verbose", 'v', 0, G_OPTION_ARG_NONE, &verbose, "Say more about errors", nullptr},
      {}};
  Options options(kInspect, "INPUT", kHelp, entries);
  if (!options.parse(words))
    return kUsage;
  if (words.size() != 2)
    return options.refuse(words.size() < 2 ? "which film? Give one INPUT"
                                           : "'" + words[2] + "' is one INPUT too many");
  if (const std::string wrong = segment_limit.wrong(); !wrong.empty())
    return options.refuse(wrong);
  if (!init_gstreamer())
    return kFailed;
  auto film = look_at(words[1], remote != FALSE);
  if (!film) {
    say_error(sentence(advised(film.failure())));
    if (verbose)
      say_details(film.failure().details);
    return kNoInput;
  }

  Inspection inspection;
  inspection.input = words[1];
  inspection.film = std::move(*film);
  inspection.flaw = flaw_of_video(inspection.film);
  if (inspection.flaw.empty())
    inspection.survey = survey_cuts(inspection.film, segment_limit);
  if (const auto link = inspection.film.reach->refused()) {
    say_error(sentence(words[1] + ": " + advised(*link)));
    return kNoInput;
  }
  inspection.facts = facts_of(inspection.survey);
  inspection.encoders = encoders_here(source_format(inspection.survey.caps));
  inspection.transcode = forecast(inspection);
  inspection.problems =
      problems_of(inspection.film, inspection.flaw, inspection.survey, inspection.facts);
  const std::string report =
      as_json ? report_for_programs(inspection) + "\n" : report_for_people(inspection);
  std::fputs(report.c_str(), stdout);
  if (inspection.facts.frames > 0 && inspection.survey.flaw.empty())
    return kDone;
  say_error(inspection.input + ": " +
            (inspection.flaw.empty() ? inspection.problems.front() : sentence(inspection.flaw)));
  return kNoInput;
}

}  // namespace

const Command kInspect = {"inspect", "Tells what is in a film and how it would be cut.", inspect};

}  // namespace dist::tool
