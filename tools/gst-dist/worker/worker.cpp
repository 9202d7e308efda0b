// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later

#include <gst/gst.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gst/base/address.h"
#include "gst/gstx/ref.h"
#include "gst/gstx/segment_kind.h"
#include "gst/wire/default_port.h"
#include "tools/gst-dist/command.h"
#include "tools/gst-dist/worker/machine.h"
#include "tools/gst-dist/worker/worker_service.h"

namespace dist::tool {
namespace {

constexpr int kMaxSlots = 64;
constexpr double kNever = -G_MAXDOUBLE;  // Of --pause-when-busy, if it is not there.

constexpr char kHelp[] =
    "Works for the primary at HOST, one job after another, until a signal ends it. It may start\n"
    "before there is a primary, and dials again when one is lost. Of several primaries it works "
    "for\n"
    "one at a time, and turns to the next one when that has no work. On machines that somebody\n"
    "uses:\n"
    "\n"
    "  gst-dist-1.0 worker --connect farm:7700 --secret-file secret --idle-priority \\\n"
    "    --pause-when-busy 1 --max-memory 2G\n"
    "\n"
    "SIGTERM and Ctrl-C let it finish the segments it has begun, for 30 s at most; a second one\n"
    "hands them back. Then it ends with exit code 0. Others: 1 failed, 2 wrong command line.";

// What GOption stores.
struct Parsed {
  OptionTexts connect;
  OptionText encoders;
  OptionText max_memory;
  OptionText name;
  OptionText secret_file;
  gdouble pause_above = kNever;
  gint slots = -1;
  gint64 max_pixels = kMaxPixels;
  gboolean idle_priority = FALSE;
  gboolean verbose = FALSE;
};

// An exit code if it ends here.
std::optional<int> read_arguments(std::vector<std::string> words, WorkerService::Settings& settings,
                                  bool& idle_priority) {
  Parsed parsed;
  const GOptionEntry entries[] = {
      {"connect", 0, 0, G_OPTION_ARG_STRING_ARRAY, parsed.connect.place(),
       "The primary to work for (port 7700); may come several times", "HOST:PORT"},
      {"slots", 0, 0, G_OPTION_ARG_INT, &parsed.slots,
       "Segments at a time (default: one for each core)", "N"},
      {"encoders", 0, 0, G_OPTION_ARG_STRING, parsed.encoders.place(),
       "Use only these encoders, or with - before each name all but these", "NAME,…"},
      {"name", 0, 0, G_OPTION_ARG_STRING, parsed.name.place(),
       "What the primary calls it (default: host name and process id)", "NAME"},
      {"secret-file", 0, 0, G_OPTION_ARG_FILENAME, parsed.secret_file.place(),
       "Holds the primary's secret (default: GST_DIST_SECRET)", "FILE"},
      {"idle-priority", 0, 0, G_OPTION_ARG_NONE, &parsed.idle_priority,
       "Take of processors and disks only what nobody else wants", nullptr},
      {"pause-when-busy", 0, 0, G_OPTION_ARG_DOUBLE, &parsed.pause_above,
       "Give way while others use more than so many cores", "LOAD"},
      {"max-memory", 0, 0, G_OPTION_ARG_STRING, parsed.max_memory.place(),
       "Begin anew when it occupies more than this, such as 2G", "M"},
      {"max-pixels", 0, 0, G_OPTION_ARG_INT64, &parsed.max_pixels,
       "Refuse larger pictures (default: 67108864, 8192x8192)", "N"},
      {"verbose", 'v', 0, G_OPTION_ARG_NONE, &parsed.verbose,
       "Print all messages, and more about errors", nullptr},
      {}};
  Options options(kWorker, "--connect HOST:PORT", kHelp, entries);
  if (!options.parse(words))
    return kUsage;
  if (words.size() > 1)
    return options.refuse("'" + words[1] + "' is not an option");
  if (!parsed.connect)
    return options.refuse("for whom? Give --connect HOST:PORT");
  for (const std::string& place : parsed.connect.texts()) {
    const auto primary = parse_address(place, kDefaultPort);
    if (!primary || primary->port == 0)
      return options.refuse("--connect=" + place + ": write HOST:PORT, such as farm:7700");
    settings.primaries.push_back(*primary);
  }
  if (parsed.slots < -1 || parsed.slots == 0 || parsed.slots > kMaxSlots)
    return options.refuse("--slots: write a number from 1 to 64");
  // Nor is it "nan".
  if (parsed.pause_above != kNever && !(parsed.pause_above > 0))
    return options.refuse("--pause-when-busy: write a number of cores, such as 1 or 0.5");
  if (parsed.max_memory) {
    const auto bytes = parse_bytes(parsed.max_memory.text());
    if (!bytes)
      return options.refuse("--max-memory=" + parsed.max_memory.text() +
                            ": write a number with its unit, such as 800M or 2G");
    settings.max_memory = *bytes;
  }
  if (parsed.max_pixels < 1)
    return options.refuse("--max-pixels: write a number of pixels, width times height");
  settings.max_pixels = static_cast<std::uint64_t>(parsed.max_pixels);
  settings.name = parsed.name.text();
  settings.encoders = parsed.encoders.text();
  settings.secret_file = parsed.secret_file.text();
  settings.slots = parsed.slots > 0 ? parsed.slots
                                    : std::min(static_cast<int>(g_get_num_processors()), kMaxSlots);
  settings.pause_above = std::max(parsed.pause_above, 0.0);
  settings.verbose = parsed.verbose != FALSE;
  idle_priority = parsed.idle_priority != FALSE;
  return {};
}

int work(std::vector<std::string> words) {
  WorkerService::Settings settings;
  bool idle_priority = false;
  if (const auto code = read_arguments(std::move(words), settings, idle_priority))
    return *code;
  // Threads have the priority of the one that makes them, so before there are any.
  if (const Status status = idle_priority ? take_idle_priority() : Status(); !status) {
    say_error("no idle priority here (" + status.error() + "). Leave --idle-priority out.");
    return kFailed;
  }
  if (!init_gstreamer())
    return kFailed;
  GstElement* const worker = gst_element_factory_make("remoteencworker", nullptr);
  auto pipeline = Ref<GstElement>::sink(gst_pipeline_new(nullptr));
  gst_bin_add(GST_BIN(pipeline.get()), worker);
  WorkerService service(settings, std::move(pipeline), worker);
  return service.run();
}

}  // namespace

const Command kWorker = {"worker", "Encodes for the jobs of other machines.", work};

}  // namespace dist::tool
