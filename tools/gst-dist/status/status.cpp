// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later

#include <glib.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <utility>

#include "gst/base/address.h"
#include "gst/base/text.h"
#include "gst/gstx/ref.h"
#include "gst/io/secret.h"
#include "gst/io/status_link.h"
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
    "  gst-dist-1.0 status 192.168.1.5:7700 --secret-file secret --watch\n"
    "\n"
    "Exit codes: 0 done, 2 wrong command line, 5 nobody there, or the secret is wrong,\n"
    "130 interrupted.";

struct Arguments {
  StatusLink::Config primary;
  bool watch = false;
  bool json = false;
};

void print(const Arguments& arguments, const std::string& place, const FarmStatus& status) {
  if (arguments.json) {
    std::fputs((status_for_programs(status, !arguments.watch) + "\n").c_str(), stdout);
  } else {
    const bool again = arguments.watch && isatty(STDOUT_FILENO) != 0;
    std::fputs(((again ? kClear : "") + status_for_people(place, status)).c_str(), stdout);
    if (arguments.watch && !again)
      std::fputs("\n", stdout);
  }
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
    print(arguments, place, **status);
    if (!arguments.watch)
      return kDone;
    g_usleep(kInterval);
  }
}

int status(std::vector<std::string> words) {
  gboolean repeats = FALSE;
  gboolean as_json = FALSE;
  OptionText secret_file;
  const GOptionEntry entries[] = {
      {"watch", 'w', 0, G_OPTION_ARG_NONE, &repeats, "Say it again every 2 s until the job ends",
       nullptr},
      {"json", 0, 0, G_OPTION_ARG_NONE, &as_json,
       "Print one JSON object, or with --watch one in each line", nullptr},
      {"secret-file", 0, 0, G_OPTION_ARG_FILENAME, secret_file.place(),
       "Holds the secret that the primary wants", "FILE"},
      {}};
  Options options(kStatus, "HOST:PORT", kHelp, entries);
  if (!options.parse(words))
    return kUsage;
  if (words.size() != 2)
    return options.refuse(words.size() < 2 ? "of which primary? Give its HOST:PORT"
                                           : "'" + words[2] + "' is one argument too many");
  Arguments arguments{.primary = {}, .watch = repeats != FALSE, .json = as_json != FALSE};
  const auto primary = parse_address(words[1], kDefaultPort);
  if (!primary || primary->port == 0)
    return options.refuse("'" + words[1] + "': write HOST:PORT, such as 192.168.1.5:7700");
  arguments.primary.host = primary->host;
  arguments.primary.port = primary->port;
  auto secret = find_secret("", secret_file.text());
  if (!secret)
    return options.refuse(secret.error());
  arguments.primary.secret = std::move(*secret);
  // There is nothing to be put in order.
  std::signal(SIGINT, [](int) { _exit(kInterrupted); });
  return watch(arguments, address_text(*primary));
}

}  // namespace

const Command kStatus = {"status", "Tells how a running job and its workers do.", status};

}  // namespace dist::tool
