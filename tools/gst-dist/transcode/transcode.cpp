// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later

#include <gio/gio.h>
#include <gst/gst.h>

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "gst/base/text.h"
#include "gst/film/linked_source.h"
#include "gst/film/segment_limit.h"
#include "gst/film/unreadable.h"
#include "gst/film/video_length.h"
#include "gst/io/ladder_file.h"
#include "gst/io/secret.h"
#include "gst/job/film_captions.h"
#include "gst/job/film_details.h"
#include "gst/job/output_files.h"
#include "gst/job/thumbnail_files.h"
#include "gst/job/thumbnails.h"
#include "gst/job/transcode_outputs.h"
#include "gst/job/transcode_pipeline.h"
#include "tools/gst-dist/address.h"
#include "tools/gst-dist/command.h"
#include "tools/gst-dist/signals.h"
#include "tools/gst-dist/transcode/job.h"
#include "tools/gst-dist/transcode/port_wait.h"

namespace dist::tool {
namespace {

// Seconds.
constexpr double kStallTimeout = 1800;
constexpr double kMostSeconds = 1e9;
constexpr char kHelp[] =
    "INPUT is a file or a URI. OUT is a file that ends in .mp4, .mkv, .webm or .ts for one\n"
    "rendition, or a folder, which gets one file for each. A rendition is\n"
    "NAME:CODEC[:WIDTHxHEIGHT][:KEY=VALUE]…, such as 720p:h264:crf=22.\n"
    "\n"
    "Sound and subtitles go into each file, unchanged where it takes them.\n"
    "The input is never written over.\n"
    "\n"
    "  gst-dist-1.0 transcode in.mp4 -o out.mp4\n"
    "  gst-dist-1.0 transcode in.mp4 -o ladder --ladder h264 --listen 0.0.0.0:7700 \\\n"
    "    --secret-file secret\n"
    "\n"
    "Exit codes: 0 done, 1 failed, 2 wrong command line, 3 cannot read the input, 4 cannot\n"
    "write the output, 5 cannot listen, 6 no worker came, 130 interrupted.";

constexpr char kThumbnailsAlone[] = "--thumbnails";

struct Arguments {
  std::string input;
  std::string output;
  std::vector<std::string> renditions;
  std::string ladder;
  std::optional<Address> listen;
  std::string secret_file;
  int local_workers = -1;
  bool separate_audio = false;
  bool thumbnails = false;
  std::optional<unsigned> thumbnail_interval;  // Milliseconds; none: by the film's duration.
  bool wait = false;
  double stall_timeout = kStallTimeout;  // Seconds.
  SegmentLimit segment_limit;
  bool json = false;
  bool yes = false;
  bool verbose = false;
};

// Strings that GOption allocates.
struct Parsed {
  gchar* output = nullptr;
  gchar** renditions = nullptr;
  gchar* ladder = nullptr;
  gchar* listen = nullptr;
  gchar* secret_file = nullptr;
  gchar* audio = nullptr;
  gchar* thumbnails = nullptr;
  gint local_workers = -1;
  SegmentLimit segment_limit;
  gboolean wait = FALSE;
  gdouble stall_timeout = kStallTimeout;
  gboolean json = FALSE;
  gboolean yes = FALSE;
  gboolean verbose = FALSE;

  ~Parsed() {
    for (gchar* text : {output, ladder, listen, secret_file, audio, thumbnails})
      g_free(text);
    g_strfreev(renditions);
  }
};

// One of this machine's, as remoteenc wants it: in numbers.
enum class Reach { kNone, kLoopback, kBeyond };

Reach reach_of(const Address& address) {
  GInetAddress* number = g_inet_address_new_from_string(address.host.c_str());
  if (!number)
    return Reach::kNone;
  const Reach reach = g_inet_address_get_is_loopback(number) ? Reach::kLoopback : Reach::kBeyond;
  g_object_unref(number);
  return reach;
}

// What does not fit together, empty if all does.
std::string wrong_in(const Parsed& parsed, const std::vector<std::string>& words) {
  if (words.size() < 2)
    return "which film? Give one INPUT";
  if (words.size() > 2)
    return "'" + words[2] + "' is one INPUT too many";
  if (text_of(parsed.output).empty())
    return "where to? Give -o OUT";
  const std::string audio = text_of(parsed.audio);
  if (!audio.empty() && audio != "each" && audio != "separate")
    return "--audio=" + audio + ": write each or separate";
  if (parsed.local_workers < -1 || parsed.local_workers > 64)
    return "--local-workers: write a number from 0 to 64";
  if (parsed.renditions && parsed.ladder)
    return "--rendition and --ladder: give one of them";
  const auto listen = parse_address(text_of(parsed.listen));
  if (parsed.listen && (!listen || reach_of(*listen) == Reach::kNone))
    return std::string("--listen=") + parsed.listen +
           ": write HOST:PORT in numbers, such as 0.0.0.0:7700 or [::]:7700";
  if (parsed.wait && !parsed.listen)
    return "--wait: is for the port of --listen; give that too";
  if (!(parsed.stall_timeout >= 0 && parsed.stall_timeout <= kMostSeconds))
    return "--stall-timeout: write seconds, such as 600, or 0 for never";
  if (const std::string wrong = parsed.segment_limit.wrong(); !wrong.empty())
    return wrong;
  const std::string seconds = text_of(parsed.thumbnails);
  if (!seconds.empty() && !parse_interval(seconds))
    return "--thumbnails=" + seconds + ": write seconds from 0.01 to 1000, such as 10 or 2.5";
  if (parsed.local_workers == 0 && !parsed.listen)
    return "--local-workers=0 leaves nobody to do the work; give --listen too";
  return "";
}

// An exit code if it ends here.
std::optional<int> read_arguments(std::vector<std::string> words, Arguments& arguments) {
  Parsed parsed;
  const GOptionEntry entries[] = {
      {"output", 'o', 0, G_OPTION_ARG_FILENAME, &parsed.output, "File, or folder", "OUT"},
      {"rendition", 'r', 0, G_OPTION_ARG_STRING_ARRAY, &parsed.renditions,
       "What to make; may come several times (default: h264, or vp9 for .webm)", "SPEC"},
      {"ladder", 0, 0, G_OPTION_ARG_STRING, &parsed.ladder,
       "A built-in ladder (h264, hevc, vp9, av1, mezzanine), or a JSON file", "NAME|FILE"},
      {"listen", 0, 0, G_OPTION_ARG_STRING, &parsed.listen,
       "Let workers of other machines take part, at this address", "HOST:PORT"},
      {"local-workers", 0, 0, G_OPTION_ARG_INT, &parsed.local_workers,
       "Workers on this machine (default: one for each core, less one with --listen)", "N"},
      {"secret-file", 0, 0, G_OPTION_ARG_FILENAME, &parsed.secret_file,
       "Holds the secret that workers need", "FILE"},
      {"wait", 0, 0, G_OPTION_ARG_NONE, &parsed.wait,
       "Wait while another job of this machine has the port of --listen", nullptr},
      {"stall-timeout", 0, 0, G_OPTION_ARG_DOUBLE, &parsed.stall_timeout,
       "Give up when no segment was done for so long, though workers are there (1800); 0: never",
       "SECONDS"},
      parsed.segment_limit.entry(),
      allow_remote_entry(),
      {"audio", 0, 0, G_OPTION_ARG_STRING, &parsed.audio,
       "Where the sound goes: into 'each' file (default), or into a 'separate' one",
       "each|separate"},
      {kThumbnails, 0, 0, G_OPTION_ARG_STRING, &parsed.thumbnails,
       "Pictures for the seek bar of players: JPEGs, sheets of them, a WebVTT track", "[SECONDS]"},
      {"json", 0, 0, G_OPTION_ARG_NONE, &parsed.json, "Print progress as JSON, an object a line",
       nullptr},
      {"yes", 'y', 0, G_OPTION_ARG_NONE, &parsed.yes, "Replace files that are there already",
       nullptr},
      {"verbose", 'v', 0, G_OPTION_ARG_NONE, &parsed.verbose, "Say more about errors", nullptr},
      {}};
  // To GOption an option without its value is a mistake.
  std::ranges::replace(words.begin(), std::ranges::find(words, "--"), kThumbnailsAlone,
                       std::string(kThumbnailsAlone) + "=");
  Options options(kTranscode, "INPUT -o OUT", kHelp, entries);
  if (!options.parse(words))
    return kUsage;
  if (const std::string wrong = wrong_in(parsed, words); !wrong.empty())
    return options.refuse(wrong);
  arguments = {.input = words[1],
               .output = parsed.output,
               .renditions = {},
               .ladder = text_of(parsed.ladder),
               .listen = parse_address(text_of(parsed.listen)),
               .secret_file = text_of(parsed.secret_file),
               .local_workers = parsed.local_workers,
               .separate_audio = text_of(parsed.audio) == "separate",
               .thumbnails = parsed.thumbnails != nullptr,
               .thumbnail_interval = parse_interval(text_of(parsed.thumbnails)),
               .wait = parsed.wait != FALSE,
               .stall_timeout = parsed.stall_timeout,
               .segment_limit = parsed.segment_limit,
               .json = parsed.json != FALSE,
               .yes = parsed.yes != FALSE,
               .verbose = parsed.verbose != FALSE};
  for (gchar** spec = parsed.renditions; spec && *spec; ++spec)
    arguments.renditions.emplace_back(*spec);
  return {};
}

int fail(ExitCode code, const std::string& text) {
  say_error(sentence(text));
  return code;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words)
    text += (text.empty() ? "" : ",") + word;
  return text;
}

Properties properties_of_remote(const Arguments& arguments, const std::string& renditions) {
  Properties properties;
  const bool ladder = !arguments.ladder.empty() && !arguments.thumbnails;
  properties.emplace_back(ladder ? "ladder" : "renditions", ladder ? arguments.ladder : renditions);
  if (arguments.listen) {
    properties.emplace_back("address", arguments.listen->host);
    properties.emplace_back("port", std::to_string(arguments.listen->port));
  }
  if (!arguments.secret_file.empty())
    properties.emplace_back("secret-file", arguments.secret_file);
  properties.emplace_back("local-workers", std::to_string(arguments.local_workers));
  const auto stall = static_cast<std::uint64_t>(arguments.stall_timeout * GST_SECOND);
  properties.emplace_back("stall-timeout", std::to_string(stall));
  return properties;
}

std::string wanted_of(const Arguments& arguments) {
  return arguments.renditions.empty() ? default_rendition(arguments.output)
                                      : joined(arguments.renditions);
}

// As remoteenc would find, which tells it in terms of its properties.
std::optional<int> refuse_strangers(const Arguments& arguments) {
  const auto secret = find_secret("", arguments.secret_file);
  if (!secret)
    return fail(kUsage, secret.error());
  if (!arguments.listen || reach_of(*arguments.listen) != Reach::kBeyond)
    return {};
  const std::string place = "--listen=" + address_text(*arguments.listen);
  if (secret->empty())
    return fail(kNoPeer, place +
                             ": beyond this machine workers need a secret; give --secret-file, or "
                             "set GST_DIST_SECRET");
  if (const std::string flaw = flaw_of_secret(*secret); !flaw.empty())
    return fail(kNoPeer, place + ": " + flaw);
  return {};
}

// Adds thumbnails to what is made of the film, `renditions` as text.
Status plan_thumbnails(const Arguments& arguments, const std::vector<RenditionSpec>& specs,
                       const SourceFormat& film, TranscodePlan& plan, std::string& renditions) {
  const unsigned interval =
      arguments.thumbnail_interval.value_or(default_interval(plan.film.duration));
  const auto all =
      with_thumbnails(specs, thumbnail_rendition(film, interval), film, !arguments.ladder.empty());
  if (!all)
    return Error{all.error()};
  renditions = *all;
  add_thumbnails(arguments.output, interval, plan);
  return {};
}

// What is in the film and what becomes of it, and what is asked of remoteenc, as text; an exit code
// if nothing can.
std::optional<int> make_plan(const Arguments& arguments, TranscodePlan& plan,
                             std::string& renditions) {
  const auto specs =
      find_renditions(arguments.ladder.empty() ? wanted_of(arguments) : "", arguments.ladder);
  if (!specs)
    return fail(kUsage, specs.error());
  if (const auto code = refuse_strangers(arguments))
    return code;
  std::string details;
  auto film = look_at(arguments.input, &details);
  if (!film) {
    fail(kNoInput, film.error());
    if (arguments.verbose)
      say_details(details);
    return kNoInput;
  }
  plan.film = std::move(*film);
  const FilmStream* video = plan.film.first(StreamKind::kVideo);
  if (const std::string flaw = flaw_of_video(plan.film); !flaw.empty())
    return fail(kNoInput, arguments.input + ": " + flaw);
  const SourceFormat format{.width = video->width,
                            .height = video->height,
                            .pixel_aspect_ratio = video->pixel_aspect_ratio,
                            .framerate = {}};
  const auto resolved = resolve(*specs, format, !arguments.ladder.empty());
  if (!resolved)
    return fail(kUsage, resolved.error());
  if (const Status status = plan_outputs(arguments.output, *resolved, plan); !status)
    return fail(kUsage, status.error());
  renditions = wanted_of(arguments);
  if (arguments.thumbnails)
    if (const Status status = plan_thumbnails(arguments, *specs, format, plan, renditions); !status)
      return fail(kUsage, status.error());
  const auto sound = outputs_with_sound(arguments.output, arguments.separate_audio, plan);
  if (const Status status = plan_carried_streams(plan, sound); !status)
    return fail(kFailed, status.error());
  plan_details(plan);
  const std::string input =
      take_string(g_filename_from_uri(plan.film.uri.c_str(), nullptr, nullptr));
  if (const Status status = check_names(names_of(plan), input); !status)
    return fail(kUsage, status.error());
  return {};
}

int transcode(std::vector<std::string> words) {
  Arguments arguments;
  if (const auto code = read_arguments(std::move(words), arguments))
    return *code;
  if (!init_gstreamer())
    return kFailed;
  TranscodePlan plan;
  std::string renditions;
  if (const auto code = make_plan(arguments, plan, renditions))
    return *code;

  auto files = OutputFiles::prepare(names_of(plan), arguments.yes);
  if (!files)
    return fail(kNoOutput, files.error());
  std::optional<ThumbnailFiles> thumbnails;
  if (arguments.thumbnails)
    thumbnails.emplace(plan, files->paths());
  const FilmEnd end;
  auto pipeline = make_pipeline(plan, properties_of_remote(arguments, renditions),
                                locations_of(files->paths()), end);
  if (!pipeline)
    return fail(kFailed, pipeline.error());
  if (thumbnails)
    thumbnails->attach(pipeline->get());
  const auto film = Ref<GstElement>::adopt(gst_bin_get_by_name(GST_BIN(pipeline->get()), "film"));
  const CaptionWatch captions(film.get());
  arguments.segment_limit.apply(pipeline->get());
  for (const std::string& text : plan.left_out)
    say_error(sentence(text));

  // Once Job has not ended with them, all files get their names, or none does.
  const Signals no_end([] {}, [] {});
  const auto abandon = [&files] { files->discard(); };
  if (arguments.wait && !wait_for_port(*arguments.listen, abandon)) {
    say_error("interrupted; nothing was written.");
    return kInterrupted;
  }
  Job job({.duration = video_length(plan.film),
           .json = arguments.json,
           .verbose = arguments.verbose,
           .listens = arguments.listen.has_value(),
           .waits_for_workers = arguments.local_workers == 0,
           .names = {arguments.input, names_of(plan)},
           .abandon = abandon});
  const int code = job.run(pipeline->get());
  if (code != kDone)
    return code;
  // To a demuxer a playlist may end there.
  if (const std::string link = refused_link(); !link.empty())
    return fail(kNoInput, arguments.input + ": " + link);
  if (!plan.film.unchanged())
    return fail(kNoInput, arguments.input + ": changed while it was read, so nothing was written");
  if (const Status status = write_details(plan, files->paths()); !status)
    return fail(kNoOutput, status.error());
  if (const Status status = thumbnails ? thumbnails->finish() : Status(); !status)
    return fail(kNoOutput, status.error());
  if (const Status status = files->commit(); !status)
    return fail(kNoOutput, status.error());
  for (const std::string& text : captions.losses(plan.outputs))
    say_error(sentence(text));
  std::set<std::size_t> taken;
  for (const CarriedStream& carried : plan.carried)
    taken.insert(carried.stream);
  for (const std::string& text : early_ends(plan.film, taken, end))
    say_error(sentence(text));
  job.say_done(results_of(plan));
  return kDone;
}

}  // namespace

const Command kTranscode = {"transcode", "Encodes a film on this machine and on others.",
                            transcode};

}  // namespace dist::tool
