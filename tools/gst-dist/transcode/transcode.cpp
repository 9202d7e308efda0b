// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later

#include <gio/gio.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <optional>
#include <thread>
#include <utility>

#include "gst/base/address.h"
#include "gst/base/text.h"
#include "gst/gstx/ref.h"
#include "gst/io/blob_store.h"
#include "gst/job/job_runner.h"
#include "gst/job/plan.h"
#include "gst/job/thumbnails.h"
#include "tools/gst-dist/advice.h"
#include "tools/gst-dist/command.h"
#include "tools/gst-dist/default_store.h"
#include "tools/gst-dist/segment_limit.h"
#include "tools/gst-dist/signals.h"
#include "tools/gst-dist/transcode/job_display.h"
#include "tools/gst-dist/transcode/port_wait.h"

namespace dist::tool {
namespace {

// Seconds.
const double kStallTimeout = Request().stall_timeout;
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
  Request request;
  bool default_store = false;
  bool dry_run = false;
  bool wait = false;
  bool json = false;
  bool verbose = false;
};

// What GOption stores.
struct Parsed {
  OptionText output;
  OptionTexts renditions;
  OptionText ladder;
  OptionText listen;
  OptionText secret_file;
  OptionText audio;
  OptionText thumbnails;
  OptionText store;
  OptionText store_limit;
  gboolean no_store = FALSE;
  OptionText manifest;
  gboolean manifest_only = FALSE;
  OptionText sign;
  gint local_workers = -1;
  SegmentLimit segment_limit;
  gboolean remote = FALSE;
  gboolean wait = FALSE;
  gboolean dry_run = FALSE;
  gdouble stall_timeout = kStallTimeout;
  gboolean json = FALSE;
  gboolean yes = FALSE;
  gboolean verbose = FALSE;
};

// As remoteenc wants it.
bool is_numeric(const Address& address) {
  return static_cast<bool>(
      Ref<GInetAddress>::adopt(g_inet_address_new_from_string(address.host.c_str())));
}

// What does not fit together, empty if all does.
std::string wrong_in(const Parsed& parsed, const std::vector<std::string>& words) {
  if (words.size() < 2)
    return "which film? Give one INPUT";
  if (words.size() > 2)
    return "'" + words[2] + "' is one INPUT too many";
  if (parsed.output.text().empty())
    return "where to? Give -o OUT";
  const std::string audio = parsed.audio.text();
  if (!audio.empty() && audio != "each" && audio != "separate")
    return "--audio=" + audio + ": write each or separate";
  if (parsed.local_workers < -1 || parsed.local_workers > 64)
    return "--local-workers: write a number from 0 to 64";
  if (parsed.renditions && parsed.ladder)
    return "--rendition and --ladder: give one of them";
  const auto listen = parse_address(parsed.listen.text());
  if (parsed.listen && (!listen || !is_numeric(*listen)))
    return "--listen=" + parsed.listen.text() +
           ": write HOST:PORT in numbers, such as 0.0.0.0:7700 or [::]:7700";
  if (parsed.wait && !parsed.listen)
    return "--wait: is for the port of --listen; give that too";
  if (!(parsed.stall_timeout >= 0 && parsed.stall_timeout <= kMostSeconds))
    return "--stall-timeout: write seconds, such as 600, or 0 for never";
  if (const std::string wrong = parsed.segment_limit.wrong(); !wrong.empty())
    return wrong;
  const std::string seconds = parsed.thumbnails.text();
  if (!seconds.empty() && !parse_interval(seconds))
    return "--thumbnails=" + seconds + ": write seconds from 0.01 to 1000, such as 10 or 2.5";
  if (parsed.no_store && parsed.store)
    return "--store and --no-store: give one of them";
  if (parsed.store_limit && !parsed.store)
    return "--store-limit: is for the folders of --store; give that too";
  if (parsed.store_limit && !parse_bytes(parsed.store_limit.text()))
    return "--store-limit=" + parsed.store_limit.text() + ": write a size, such as 500M or 20G";
  if ((parsed.manifest_only || parsed.sign) && parsed.manifest.text().empty())
    return std::string(parsed.sign ? "--sign" : "--manifest-only") +
           ": is for the file of --manifest; give that too";
  if (parsed.local_workers == 0 && !parsed.listen)
    return "--local-workers=0 leaves nobody to do the work; give --listen too";
  return "";
}

// An exit code if it ends here.
std::optional<int> read_arguments(std::vector<std::string> words, Arguments& arguments) {
  Parsed parsed;
  const GOptionEntry entries[] = {
      {"output", 'o', 0, G_OPTION_ARG_FILENAME, parsed.output.place(), "File, or folder", "OUT"},
      {"rendition", 'r', 0, G_OPTION_ARG_STRING_ARRAY, parsed.renditions.place(),
       "What to make; may come several times (default: h264, or vp9 for .webm)", "SPEC"},
      {"ladder", 0, 0, G_OPTION_ARG_STRING, parsed.ladder.place(),
       "A built-in ladder (h264, hevc, vp9, av1, mezzanine), or a JSON file", "NAME|FILE"},
      {"listen", 0, 0, G_OPTION_ARG_STRING, parsed.listen.place(),
       "Let workers of other machines take part, at this address", "HOST:PORT"},
      {"local-workers", 0, 0, G_OPTION_ARG_INT, &parsed.local_workers,
       "Workers on this machine (default: one for each core, less one with --listen)", "N"},
      {"secret-file", 0, 0, G_OPTION_ARG_FILENAME, parsed.secret_file.place(),
       "Holds the secret that workers need", "FILE"},
      {"wait", 0, 0, G_OPTION_ARG_NONE, &parsed.wait,
       "Wait while another job of this machine has the port of --listen", nullptr},
      {"stall-timeout", 0, 0, G_OPTION_ARG_DOUBLE, &parsed.stall_timeout,
       "Give up when no segment was done for so long, though workers are there (1800); 0: never",
       "SECONDS"},
      parsed.segment_limit.entry(),
      allow_remote_entry(parsed.remote),
      {"audio", 0, 0, G_OPTION_ARG_STRING, parsed.audio.place(),
       "Where the sound goes: into 'each' file (default), or into a 'separate' one",
       "each|separate"},
      {kThumbnails, 0, 0, G_OPTION_ARG_STRING, parsed.thumbnails.place(),
       "Pictures for the seek bar of players: JPEGs, sheets of them, a WebVTT track", "[SECONDS]"},
      {"store", 0, 0, G_OPTION_ARG_STRING, parsed.store.place(),
       "Keep what is encoded, and look there before: a folder, http(s)://…, s3://BUCKET/PREFIX "
       "(default: in the user's cache, up to 10 GiB)",
       "STORE[,STORE]"},
      {"store-limit", 0, 0, G_OPTION_ARG_STRING, parsed.store_limit.place(),
       "Folders of --store hold no more than this; what was not used for longest goes first",
       "SIZE"},
      {"no-store", 0, 0, G_OPTION_ARG_NONE, &parsed.no_store, "Keep no results, and look for none",
       nullptr},
      {"manifest", 0, 0, G_OPTION_ARG_FILENAME, parsed.manifest.place(),
       "Write the record of the job: what was encoded, by whom, and all of its data", "JOB.CAR"},
      {"manifest-only", 0, 0, G_OPTION_ARG_NONE, &parsed.manifest_only,
       "Leave the data out of the record", nullptr},
      {"sign", 0, 0, G_OPTION_ARG_FILENAME, parsed.sign.place(),
       "Sign the record, in JOB.CAR.sig, with this private key (Ed25519, PEM)", "FILE"},
      {"dry-run", 0, 0, G_OPTION_ARG_NONE, &parsed.dry_run,
       "Say what would be done, and do nothing of it", nullptr},
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
  arguments.request = {.input = words[1],
                       .remote = parsed.remote != FALSE,
                       .output = parsed.output.text(),
                       .renditions = parsed.renditions.texts(),
                       .ladder = parsed.ladder.text(),
                       .separate_audio = parsed.audio.text() == "separate",
                       .thumbnails = static_cast<bool>(parsed.thumbnails),
                       .thumbnail_interval = parse_interval(parsed.thumbnails.text()),
                       .replace = parsed.yes != FALSE,
                       .max_segment_duration = parsed.segment_limit.seconds(),
                       .stall_timeout = parsed.stall_timeout,
                       .listen = parse_address(parsed.listen.text()),
                       .secret_file = parsed.secret_file.text(),
                       .local_workers = parsed.local_workers,
                       .store = parsed.store.text(),
                       .store_limit = parse_bytes(parsed.store_limit.text()).value_or(0),
                       .manifest = parsed.manifest.text(),
                       .manifest_only = parsed.manifest_only != FALSE,
                       .sign_key = parsed.sign.text()};
  arguments.default_store = !parsed.store && !parsed.no_store;
  arguments.dry_run = parsed.dry_run != FALSE;
  arguments.wait = parsed.wait != FALSE;
  arguments.json = parsed.json != FALSE;
  arguments.verbose = parsed.verbose != FALSE;
  return {};
}

ExitCode code_of(JobError::Kind kind) {
  using Kind = JobError::Kind;
  switch (kind) {
    case Kind::kRequest:
      return kUsage;
    case Kind::kInput:
      return kNoInput;
    case Kind::kOutput:
      return kNoOutput;
    case Kind::kPortInUse:
    case Kind::kNetwork:
      return kNoPeer;
    case Kind::kNoWorker:
      return kNoWorker;
    case Kind::kCancelled:
      return kInterrupted;
    case Kind::kFailed:
      break;
  }
  return kFailed;
}

int fail(const JobError& error, bool verbose) {
  if (error.kind == JobError::Kind::kCancelled)
    say_error("interrupted; nothing was written.");
  else
    say_error(advised(error));
  if (verbose)
    say_details(error.details);
  return code_of(error.kind);
}

// Signals come from the default main context.
std::optional<JobError> play_beside_signals(JobRunner& runner) {
  std::optional<JobError> error;
  std::atomic<bool> over = false;
  std::thread player([&] {
    error = runner.run();
    over = true;
    g_main_context_wakeup(nullptr);
  });
  while (!over)
    g_main_context_iteration(nullptr, TRUE);
  player.join();
  return error;
}

int play(const Arguments& arguments, Plan plan) {
  const Request request = plan.request;
  std::optional<JobDisplay> display;
  JobRunner runner(std::move(plan), nullptr,
                   [&display](const JobEvent& event) { display->show(event); });
  if (const auto error = runner.prepare())
    return fail(*error, arguments.verbose);
  for (const std::string& text : runner.plan().left_out)
    say_error(sentence(text));
  const Signals signals([&runner] { runner.cancel(); },
                        [&runner] {
                          if (runner.discard())
                            _exit(kInterrupted);
                        });
  if (arguments.wait && !wait_for_port(*request.listen, [&runner] { runner.discard(); }))
    return fail({JobError::Kind::kCancelled, ""}, false);
  // From now on time counts.
  display.emplace(JobDisplay::Settings{
      .json = arguments.json, .verbose = arguments.verbose, .listens = request.listen.has_value()});
  const auto error = play_beside_signals(runner);
  display->clear();
  return error ? fail(*error, arguments.verbose) : kDone;
}

// A home that cannot be written is how things are there, and no fault of this job.
void use_default_store(const Arguments& arguments, Request& request) {
  if (!arguments.default_store)
    return;
  auto store = prepare_default_store();
  if (store) {
    request.store = std::move(store->name);
    request.store_limit = store->limit;
  } else if (arguments.verbose || store.failure().fault != StoreFault::kRefused) {
    say_error("Results are not kept: " + advised(store.failure()));
  }
}

int transcode(std::vector<std::string> words) {
  Arguments arguments;
  if (const auto code = read_arguments(std::move(words), arguments))
    return *code;
  if (!init_gstreamer())
    return kFailed;
  auto plan = make_plan(arguments.request);
  if (!plan)
    return fail(plan.failure(), arguments.verbose);
  if (!arguments.dry_run) {
    use_default_store(arguments, plan->request);
    return play(arguments, std::move(*plan));
  }
  std::fputs((arguments.json ? plan_json(*plan) + "\n" : plan_text(*plan)).c_str(), stdout);
  return kDone;
}

}  // namespace

const Command kTranscode = {"transcode", "Encodes a film on this machine and on others.",
                            transcode};

}  // namespace dist::tool
