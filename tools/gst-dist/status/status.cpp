// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later

#include <glib.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <utility>

#include "gst/base/address.h"
#include "gst/base/text.h"
#include "gst/gstx/ref.h"
#include "gst/io/open_store.h"
#include "gst/io/secret.h"
#include "gst/io/status_link.h"
#include "gst/io/store_jobs.h"
#include "gst/wire/default_port.h"
#include "tools/gst-dist/command.h"
#include "tools/gst-dist/status/status_report.h"

namespace dist::tool {
namespace {

constexpr gulong kInterval = gulong{2} * G_USEC_PER_SEC;
// Of terminals: to the upper left corner, and nothing below it.
constexpr char kClear[] = "\033[H\033[J";

constexpr char kHelp[] =
    "HOST:PORT is where a primary listens for its workers: transcode with --listen, or a\n"
    "pipeline with remoteenc; without a port it is 7700. It asks for the same secret as of a\n"
    "worker. Without --secret-file that of the environment variable GST_DIST_SECRET is taken.\n"
    "\n"
    "With --store the command tells of the jobs that use the store of a folder, and what happened\n"
    "to their segments: waiting, found, leased, done, failed.\n"
    "\n"
    "  gst-dist-1.0 status 192.168.1.5:7700 --secret-file secret --watch\n"
    "  gst-dist-1.0 status --store ~/.cache/gst-dist/results\n"
    "\n"
    "Exit codes: 0 done, 2 wrong command line, 3 no such store, 5 nobody there, or the secret is\n"
    "wrong, 130 interrupted.";

struct Arguments {
  StatusLink::Config primary;
  bool watch = false;
  bool json = false;
};

void print(const Arguments& arguments, const std::string& text) {
  const bool again = arguments.watch && !arguments.json;
  const bool clears = again && isatty(STDOUT_FILENO) != 0;
  std::fputs(((clears ? kClear : "") + text + (again && !clears ? "\n" : "")).c_str(), stdout);
  std::fflush(stdout);
}

int fail(const std::string& text) {
  // A primary of before there were observers takes this one for a worker.
  const bool old = text.find("wants 0 leases") != std::string::npos;
  const bool secret = text.find("secret") != std::string::npos;
  say_error(text + (old      ? "; it is too old to tell its status."
                    : secret ? "; give --secret-file the one of the primary."
                             : "."));
  return kNoPeer;
}

int watch(const Arguments& arguments, const std::string& place) {
  const auto link = StatusLink::dial(arguments.primary);
  if (!link)
    return fail(link.error());
  while (true) {
    const auto status = (*link)->ask();
    if (!status)
      return fail(status.error());
    if (!*status)
      return kDone;
    print(arguments, arguments.json ? status_for_programs(**status, !arguments.watch) + "\n"
                                    : status_for_people(place, **status));
    if (!arguments.watch)
      return kDone;
    g_usleep(kInterval);
  }
}

// Until no job runs.
int watch_store(const Arguments& arguments, const std::string& folder) {
  for (;;) {
    const auto jobs = jobs_of_store(folder);
    if (!jobs) {
      say_error(sentence(jobs.error()));
      return kNoInput;
    }
    print(arguments, arguments.json ? jobs_for_programs(folder, *jobs, !arguments.watch) + "\n"
                                    : jobs_for_people(folder, *jobs));
    if (!arguments.watch || std::ranges::none_of(*jobs, &StoreJob::runs))
      return kDone;
    g_usleep(kInterval);
  }
}

// What does not fit together, empty if all does.
std::string wrong_in(const std::vector<std::string>& words, const OptionText& store,
                     const OptionText& secret_file) {
  if (!store && words.size() != 2)
    return words.size() < 2 ? "of which primary? Give its HOST:PORT, or --store DIR"
                            : "'" + words[2] + "' is one argument too many";
  if (store && words.size() > 1)
    return "--store and HOST:PORT: give one of them";
  if (store && secret_file)
    return "--secret-file: is for HOST:PORT";
  if (store && !folder_of_store(store.text()))
    return "--store=" + shown_store(store.text()) + ": write the path of a folder";
  return "";
}

int status(std::vector<std::string> words) {
  gboolean repeats = FALSE;
  gboolean as_json = FALSE;
  OptionText secret_file;
  OptionText store;
  const GOptionEntry entries[] = {
      {"watch", 'w', 0, G_OPTION_ARG_NONE, &repeats, "Say it again every 2 s until the job ends",
       nullptr},
      {"json", 0, 0, G_OPTION_ARG_NONE, &as_json,
       "Print one JSON object, or with --watch one in each line", nullptr},
      {"secret-file", 0, 0, G_OPTION_ARG_FILENAME, secret_file.place(),
       "Holds the secret that the primary wants", "FILE"},
      {"store", 0, 0, G_OPTION_ARG_FILENAME, store.place(),
       "Tell of the jobs that use the store of this folder", "DIR"},
      {}};
  Options options(kStatus, "HOST:PORT | --store DIR", kHelp, entries);
  if (!options.parse(words))
    return kUsage;
  if (const std::string wrong = wrong_in(words, store, secret_file); !wrong.empty())
    return options.refuse(wrong);
  Arguments arguments{.primary = {}, .watch = repeats != FALSE, .json = as_json != FALSE};
  // There is nothing to be put in order.
  std::signal(SIGINT, [](int) { _exit(kInterrupted); });
  if (store)
    return watch_store(arguments, *folder_of_store(store.text()));
  const auto primary = parse_address(words[1], kDefaultPort);
  if (!primary || primary->port == 0)
    return options.refuse("'" + words[1] + "': write HOST:PORT, such as 192.168.1.5:7700");
  arguments.primary.host = primary->host;
  arguments.primary.port = primary->port;
  auto secret = find_secret("", secret_file.text());
  if (!secret)
    return options.refuse(secret.error());
  arguments.primary.secret = std::move(*secret);
  return watch(arguments, address_text(*primary));
}

}  // namespace

const Command kStatus = {"status", "Tells how a running job and its workers do.", status};

}  // namespace dist::tool
