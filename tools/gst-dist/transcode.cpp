// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later

#include <glib-unix.h>
#include <gst/gst.h>

#include <algorithm>
#include <csignal>
#include <memory>
#include <utility>

#include "gst/dist/gstx/stream_format.h"
#include "gst/dist/io/ladder_file.h"
#include "tools/gst-dist/command.h"
#include "tools/gst-dist/film_details.h"
#include "tools/gst-dist/job.h"
#include "tools/gst-dist/output_files.h"
#include "tools/gst-dist/transcode_pipeline.h"

namespace dist::tool {
namespace {

constexpr char kDefaultRendition[] = "video:h264";

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

struct Arguments {
  std::string input;
  std::string output;
  std::vector<std::string> renditions;
  std::string ladder;
  std::string listen;
  std::string secret_file;
  int local_workers = -1;
  bool separate_audio = false;
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
  gint local_workers = -1;
  gboolean json = FALSE;
  gboolean yes = FALSE;
  gboolean verbose = FALSE;

  ~Parsed() {
    for (gchar* text : {output, ladder, listen, secret_file, audio})
      g_free(text);
    g_strfreev(renditions);
  }
};

// "HOST:PORT" or "[::1]:PORT"; the parts are empty if it is none.
std::pair<std::string, std::string> host_and_port(const std::string& text) {
  const auto colon = text.rfind(':');
  if (colon == std::string::npos || colon == 0 || colon + 1 == text.size())
    return {};
  std::string host = text.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']')
    host = host.substr(1, host.size() - 2);
  const std::string port = text.substr(colon + 1);
  guint64 number = 0;
  if (!g_ascii_string_to_unsigned(port.c_str(), 10, 0, 65535, &number, nullptr))
    return {};
  return {host, port};
}

// An exit code if it ends here.
std::optional<int> read_arguments(std::vector<std::string> words, Arguments& arguments) {
  Parsed parsed;
  const GOptionEntry entries[] = {
      {"output", 'o', 0, G_OPTION_ARG_FILENAME, &parsed.output, "File, or folder", "OUT"},
      {"rendition", 'r', 0, G_OPTION_ARG_STRING_ARRAY, &parsed.renditions,
       "What to make; may come several times (default: h264 in the film's size)", "SPEC"},
      {"ladder", 0, 0, G_OPTION_ARG_STRING, &parsed.ladder,
       "A built-in ladder (h264, hevc, vp9, av1, mezzanine), or a JSON file", "NAME|FILE"},
      {"listen", 0, 0, G_OPTION_ARG_STRING, &parsed.listen,
       "Let workers of other machines take part", "HOST:PORT"},
      {"local-workers", 0, 0, G_OPTION_ARG_INT, &parsed.local_workers,
       "Workers on this machine (default: one for each core, less one with --listen)", "N"},
      {"secret-file", 0, 0, G_OPTION_ARG_FILENAME, &parsed.secret_file,
       "Holds the secret that workers need", "FILE"},
      {"audio", 0, 0, G_OPTION_ARG_STRING, &parsed.audio,
       "Where the sound goes: into 'each' file (default), or into a 'separate' one",
       "each|separate"},
      {"json", 0, 0, G_OPTION_ARG_NONE, &parsed.json, "Print progress as JSON, an object a line",
       nullptr},
      {"yes", 'y', 0, G_OPTION_ARG_NONE, &parsed.yes, "Replace files that are there already",
       nullptr},
      {"verbose", 'v', 0, G_OPTION_ARG_NONE, &parsed.verbose, "Say more about errors", nullptr},
      {}};
  Options options(kTranscode, "INPUT -o OUT", kHelp, entries);
  if (!options.parse(words))
    return kUsage;
  if (words.size() != 2)
    return options.refuse(words.size() < 2 ? "which film? Give one INPUT"
                                           : "'" + words[2] + "' is one INPUT too many");
  if (text_of(parsed.output).empty())
    return options.refuse("where to? Give -o OUT");
  const std::string audio = text_of(parsed.audio);
  if (!audio.empty() && audio != "each" && audio != "separate")
    return options.refuse("--audio=" + audio + ": write each or separate");
  if (parsed.local_workers < -1 || parsed.local_workers > 64)
    return options.refuse("--local-workers: write a number from 0 to 64");
  if (parsed.renditions && parsed.ladder)
    return options.refuse("--rendition and --ladder: give one of them");
  if (parsed.listen && host_and_port(parsed.listen).first.empty())
    return options.refuse(std::string("--listen=") + parsed.listen +
                          ": write HOST:PORT, such as 0.0.0.0:7700");
  if (parsed.local_workers == 0 && !parsed.listen)
    return options.refuse("--local-workers=0 leaves nobody to do the work; give --listen too");
  arguments = {.input = words[1],
               .output = parsed.output,
               .renditions = {},
               .ladder = text_of(parsed.ladder),
               .listen = text_of(parsed.listen),
               .secret_file = text_of(parsed.secret_file),
               .local_workers = parsed.local_workers,
               .separate_audio = audio == "separate",
               .json = parsed.json != FALSE,
               .yes = parsed.yes != FALSE,
               .verbose = parsed.verbose != FALSE};
  for (gchar** spec = parsed.renditions; spec && *spec; ++spec)
    arguments.renditions.emplace_back(*spec);
  return {};
}

int fail(ExitCode code, const std::string& text) {
  say_error(text);
  return code;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words)
    text += (text.empty() ? "" : ",") + word;
  return text;
}

// A name that ends as files do is a file.
bool is_file(const std::string& output) {
  return container_of(output) != nullptr;
}

// As a part of what multifilesink reads as printf does.
std::string as_pattern(const std::string& path) {
  std::string pattern;
  for (char letter : path)
    pattern += letter == '%' ? "%%" : std::string(1, letter);
  return pattern;
}

// Where everything goes; an error belongs to the command line.
Status plan_outputs(const Arguments& arguments, const std::vector<RenditionSpec>& specs,
                    TranscodePlan& plan) {
  if (is_file(arguments.output)) {
    if (specs.size() > 1)
      return Error{arguments.output + ": is one file, for " + std::to_string(specs.size()) +
                   " renditions; give the name of a folder"};
    const Output output{specs[0].name, specs[0].codec, arguments.output,
                        container_of(arguments.output)};
    if (container_for(specs[0].codec) == nullptr)
      return Error{"single pictures go into a folder; give its name"};
    const auto caps =
        Ref<GstCaps>::adopt(gst_caps_from_string(find_codec(specs[0].codec)->media_type));
    if (!takes(*output.container, caps.get()))
      return Error{std::string(output.container->extension) + " does not take " + specs[0].codec +
                   "; write .mkv"};
    plan.outputs = {output};
    return {};
  }
  const auto dot = arguments.output.rfind('.');
  if (specs.size() == 1 && dot != std::string::npos &&
      arguments.output.find('/', dot) == std::string::npos && dot > 0)
    return Error{arguments.output + ": known files end in " + known_extensions()};
  const std::string folder = arguments.output + (arguments.output.ends_with('/') ? "" : "/");
  for (const RenditionSpec& spec : specs) {
    const Container* container = container_for(spec.codec);
    plan.outputs.push_back({spec.name, spec.codec,
                            folder + spec.name + (container ? container->extension : "/"),
                            container});
  }
  return {};
}

std::vector<std::size_t> outputs_with_sound(const Arguments& arguments, TranscodePlan& plan) {
  const bool separate = arguments.separate_audio && plan.film.first(StreamKind::kAudio);
  if (separate) {
    const bool file = is_file(arguments.output);
    const std::string folder = arguments.output + (arguments.output.ends_with('/') ? "" : "/");
    const Container* container = plan.outputs.front().container;
    if (!container)
      container = container_of(".mp4");
    const std::string path =
        file ? arguments.output.substr(
                   0, arguments.output.size() - std::string(container->extension).size()) +
                   "-audio" + container->extension
             : folder + "audio" + container->extension;
    plan.outputs.push_back({"", "", path, container});
    return {plan.outputs.size() - 1};
  }
  std::vector<std::size_t> with_sound;
  for (std::size_t i = 0; i < plan.outputs.size(); ++i)
    if (plan.outputs[i].container)
      with_sound.push_back(i);
  return with_sound;
}

Properties properties_of_remote(const Arguments& arguments, const std::string& renditions) {
  Properties properties;
  properties.emplace_back(arguments.ladder.empty() ? "renditions" : "ladder",
                          arguments.ladder.empty() ? renditions : arguments.ladder);
  if (!arguments.listen.empty()) {
    const auto [host, port] = host_and_port(arguments.listen);
    properties.emplace_back("address", host);
    properties.emplace_back("port", port);
  }
  if (!arguments.secret_file.empty())
    properties.emplace_back("secret-file", arguments.secret_file);
  properties.emplace_back("local-workers", std::to_string(arguments.local_workers));
  return properties;
}

int transcode(std::vector<std::string> words) {
  Arguments arguments;
  if (const auto code = read_arguments(std::move(words), arguments))
    return *code;
  if (!init_gstreamer())
    return kFailed;

  const std::string wanted =
      arguments.renditions.empty() ? kDefaultRendition : joined(arguments.renditions);
  const auto specs = find_renditions(arguments.ladder.empty() ? wanted : "", arguments.ladder);
  if (!specs)
    return fail(kUsage, specs.error() + ".");
  auto film = look_at(arguments.input);
  if (!film)
    return fail(kNoInput, film.error() + ".");
  TranscodePlan plan;
  plan.film = std::move(*film);
  const FilmStream* video = plan.film.first(StreamKind::kVideo);
  if (!video)
    return fail(kNoInput, arguments.input + ": there is no video in it.");
  const auto resolved = resolve(*specs,
                                {.width = video->width,
                                 .height = video->height,
                                 .pixel_aspect_ratio = video->pixel_aspect_ratio,
                                 .framerate = {}},
                                !arguments.ladder.empty());
  if (!resolved)
    return fail(kUsage, resolved.error() + ".");
  if (const Status status = plan_outputs(arguments, *resolved, plan); !status)
    return fail(kUsage, status.error() + ".");
  const auto with_sound = outputs_with_sound(arguments, plan);
  if (const Status status = plan_passengers(plan, with_sound); !status)
    return fail(kFailed, status.error() + ".");

  plan_details(plan);

  std::vector<std::string> names;
  for (const Output& output : plan.outputs)
    names.push_back(output.path);
  const std::string input =
      take_string(g_filename_from_uri(plan.film.uri.c_str(), nullptr, nullptr));
  if (const Status status = check_names(names, input); !status)
    return fail(kUsage, status.error() + ".");
  auto files = OutputFiles::prepare(names, arguments.yes);
  if (!files)
    return fail(kNoOutput, files.error() + ".");
  std::vector<std::string> paths = files->paths();
  for (std::string& path : paths)
    if (path.ends_with('/'))
      path = as_pattern(path) + "%05d.jpg";
  auto pipeline = make_pipeline(plan, properties_of_remote(arguments, wanted), paths);
  if (!pipeline)
    return fail(kFailed, pipeline.error() + ".");
  for (const std::string& sentence : plan.left_out)
    say_error(sentence + ".");

  Job job({.duration = plan.film.duration,
           .json = arguments.json,
           .verbose = arguments.verbose,
           .waits_for_workers = arguments.local_workers == 0});
  const int code = job.run(pipeline->get());
  if (code != kDone)
    return code;
  if (!plan.film.unchanged())
    return fail(kNoInput, arguments.input + ": changed while it was read, so nothing was written.");
  if (const Status status = write_details(plan, files->paths()); !status)
    return fail(kNoOutput, status.error() + ".");
  if (const Status status = files->commit(); !status)
    return fail(kNoOutput, status.error() + ".");
  job.say_done(names);
  return kDone;
}

}  // namespace

const Command kTranscode = {"transcode", "Encodes a film on this machine and on others.",
                            transcode};

}  // namespace dist::tool
