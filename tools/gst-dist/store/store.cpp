// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "gst/base/text.h"
#include "gst/io/open_store.h"
#include "tools/gst-dist/command.h"
#include "tools/gst-dist/default_store.h"
#include "tools/gst-dist/store/store_car.h"
#include "tools/gst-dist/store/store_check.h"
#include "tools/gst-dist/store/store_list.h"

namespace dist::tool {
namespace {

constexpr char kHelp[] =
    "  ls      lists the results: key, bytes, last use, rendition and encoder\n"
    "  du      sums up blobs and bytes, and those of each rendition and encoder\n"
    "  check   compares the index with the blobs, and each blob with its key and checksum\n"
    "  gc      removes the least recently used results down to --limit, but none of a running job\n"
    "  export  writes all results into a CAR, which software for IPLD can read\n"
    "  import  takes the results of such a file, each checked\n"
    "\n"
    "STORE is as for transcode: a folder, http(s)://…, s3://BUCKET/PREFIX; without it the\n"
    "command takes the default store of transcode.\n"
    "\n"
    "  gst-dist-1.0 store check --repair\n"
    "  gst-dist-1.0 store gc --limit 5G /srv/results\n"
    "  gst-dist-1.0 store export results.car\n"
    "\n"
    "Exit codes: 0 done, 1 failed, check has found what is wrong and stays so, or the file of\n"
    "import is damaged, 2 wrong command line, 3 no such store or file, or nothing that can be\n"
    "read, 4 cannot write, 130 export was interrupted.";

struct Arguments {
  std::string action = {};
  std::string file = {};  // Of export and import.
  std::string store = {};
  std::string limit = {};
  bool repair = false;
  bool json = false;
  bool replace = false;
};

// What does not fit together, empty if all does.
std::string wrong_in(const Arguments& arguments) {
  const std::string& action = arguments.action;
  if (arguments.repair && action != "check")
    return "--repair: is for check";
  if (!arguments.limit.empty() && action != "gc")
    return "--limit: is for gc";
  if (action == "gc" && !parse_bytes(arguments.limit))
    return arguments.limit.empty()
               ? "down to which size? Give --limit SIZE"
               : "--limit=" + arguments.limit + ": write a size, such as 500M or 20G";
  if (arguments.replace && action != "export")
    return "--yes: is for export";
  if (arguments.json && action != "ls" && action != "du" && action != "check")
    return "--json: is for ls, du and check";
  return "";
}

// The words behind "store": the action, for some a file, and perhaps a store.
std::string read_words(const std::vector<std::string>& words, Arguments& arguments) {
  static const std::vector<std::string> kActions = {"ls", "du", "check", "gc", "export", "import"};
  if (words.size() < 2)
    return "what shall be done? Give ls, du, check, gc, export or import";
  arguments.action = words[1];
  if (std::ranges::find(kActions, words[1]) == kActions.end()) {
    const std::string meant = nearest(words[1], kActions);
    return "there is no 'store " + words[1] + "'" +
           (meant.empty() ? "" : "; did you mean '" + meant + "'?");
  }
  std::size_t next = 2;
  if (arguments.action == "export" || arguments.action == "import") {
    if (words.size() == next)
      return "which file? Give FILE.car";
    arguments.file = words[next++];
  }
  arguments.store = words.size() > next ? words[next++] : store_of_folder(default_store_folder());
  if (words.size() > next)
    return "'" + words[next] + "' is one argument too many";
  // Of a variable that is not set, perhaps: gc would empty a store that nobody named.
  if (arguments.store.empty())
    return "STORE is empty: name a store, or leave the argument out";
  return "";
}

int collect(const OpenedStore& store, std::uint64_t limit) {
  if (!store.folder) {
    say_error(store.name +
              ": a server does not tell when its blobs were last used; let it expire them.");
    return kNoInput;
  }
  const auto before = store.folder->bytes();
  if (!before)
    return fail(before.failure());
  if (const auto status = store.folder->evict(limit, nullptr); !status)
    return fail(status.failure());
  const auto after = store.folder->bytes();
  if (!after)
    return fail(after.failure());
  std::printf("%s: %" PRIu64 " bytes removed, %" PRIu64 " bytes left%s\n",
              printable(store.name).c_str(), *before - std::min(*before, *after), *after,
              *after > limit ? ", which running jobs hold" : "");
  return kDone;
}

std::optional<std::uint64_t> limit_of(const std::string& store) {
  const bool is_default = folder_of_store(store) == default_store_folder();
  return is_default ? std::optional(kDefaultStoreLimit) : std::nullopt;
}

int act(const Arguments& arguments) {
  if (arguments.action == "check")
    return check_store(arguments.store, arguments.repair, arguments.json);
  if (arguments.action == "import")
    return import_store(arguments.store, arguments.file, limit_of(arguments.store));
  const auto store = open_existing(arguments.store);
  if (!store)
    return fail(store.failure());
  if (arguments.action == "ls")
    return list_store(*store, arguments.json);
  if (arguments.action == "du")
    return sum_up_store(*store, arguments.json);
  if (arguments.action == "gc")
    return collect(*store, *parse_bytes(arguments.limit));
  return export_store(*store, arguments.file, arguments.replace);
}

int store(std::vector<std::string> words) {
  OptionText limit;
  gboolean repair = FALSE;
  gboolean json = FALSE;
  gboolean replace = FALSE;
  const GOptionEntry entries[] = {
      {"limit", 0, 0, G_OPTION_ARG_STRING, limit.place(), "Of gc: how much may stay", "SIZE"},
      {"repair", 0, 0, G_OPTION_ARG_NONE, &repair,
       "Of check: make the index follow the blobs, and remove damaged blobs", nullptr},
      {"json", 0, 0, G_OPTION_ARG_NONE, &json, "Print one JSON object, of ls an object a line",
       nullptr},
      {"yes", 'y', 0, G_OPTION_ARG_NONE, &replace,
       "Of export: replace a file that is there already", nullptr},
      {}};
  Options options(kStore, "ls|du|check|gc|export FILE|import FILE [STORE]", kHelp, entries);
  if (!options.parse(words))
    return kUsage;
  Arguments arguments{.limit = limit.text(),
                      .repair = repair != FALSE,
                      .json = json != FALSE,
                      .replace = replace != FALSE};
  if (const std::string wrong = read_words(words, arguments); !wrong.empty())
    return options.refuse(wrong);
  if (const std::string wrong = wrong_in(arguments); !wrong.empty())
    return options.refuse(wrong);
  return act(arguments);
}

}  // namespace

const Command kStore = {"store", "Looks after the results that transcode keeps.", store};

}  // namespace dist::tool
