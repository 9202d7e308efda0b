// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later

#include <glib.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <optional>

#include "gst/base/text.h"
#include "gst/io/car_file.h"
#include "gst/io/open_store.h"
#include "gst/io/signing_key.h"
#include "gst/store/stored_result.h"
#include "tools/gst-dist/advice.h"
#include "tools/gst-dist/command.h"
#include "tools/gst-dist/record/record_check.h"
#include "tools/gst-dist/record/record_import.h"
#include "tools/gst-dist/record/record_report.h"

namespace dist::tool {
namespace {

constexpr char kHelp[] =
    "JOB.CAR is what transcode --manifest has written.\n"
    "\n"
    "  show    prints the record\n"
    "  verify  compares every block with its name, and says which one is missing or wrong; with\n"
    "          --source it also cuts FILM as the job did and compares each segment, and with\n"
    "          --key it checks the signature JOB.CAR.sig\n"
    "  import  puts the results into a store, where transcode --store finds them\n"
    "\n"
    "  gst-dist-1.0 transcode film.mp4 -o film.webm --manifest job.car\n"
    "  gst-dist-1.0 record verify job.car --source film.mp4\n"
    "  gst-dist-1.0 record import job.car --store results\n"
    "\n"
    "Exit codes: 0 done, 1 something is missing or wrong, 2 wrong command line, 3 a file cannot\n"
    "be read, 4 the store cannot be written, 130 interrupted.";

struct Arguments {
  std::string action;
  std::string car;
  bool json = false;
  std::string source;
  std::string key;
  std::string store;
  std::uint64_t store_limit = 0;
};

int fail(const std::string& text, ExitCode code = kFailed) {
  say_error(sentence(text));
  return code;
}

// --- The actions

int show(const Arguments& arguments, const CarFile& car) {
  const auto manifest = record::read_manifest(car.root(), car.get());
  if (!manifest)
    return fail(arguments.car + ": " + manifest.error());
  const std::string text = arguments.json ? record_for_programs(car.root(), *manifest) + "\n"
                                          : record_for_people(car.root(), *manifest);
  std::fputs(text.c_str(), stdout);
  return kDone;
}

// What was found to be right.
std::string verdict(const Arguments& arguments, const CheckedCar& checked) {
  const std::string blocks =
      count_text(checked.size.blocks, "block") + " with " + count_text(checked.size.bytes, "byte");
  if (!checked.manifest)
    return arguments.car + ": " + blocks + ", all as their names say; it is no job's record";
  std::string text = arguments.car + ": the record of " + checked.manifest->source.name + ", " +
                     count_text(checked.manifest->segments.size(), "segment") + ", " +
                     count_text(checked.manifest->renditions.size(), "rendition") + "; " + blocks +
                     ", all as their names say";
  if (!checked.has_blobs)
    text += "; the data is not in it";
  if (!arguments.key.empty())
    text += "; signed by the key of " + arguments.key;
  if (!arguments.source.empty())
    text += "; " + arguments.source +
            (checked.manifest->source.sha256 ? " is its film" : " has its video");
  return text;
}

int check_source(const Arguments& arguments, const record::Manifest& manifest) {
  if (!init_gstreamer())
    return kFailed;
  const auto film = look_at(arguments.source);
  if (!film)
    return fail(advised(film.failure()), kNoInput);
  if (!film->first(StreamKind::kVideo))
    return fail(arguments.source + ": has no video", kNoInput);
  const Status status = check_film(manifest, *film, arguments.source);
  return status ? kDone : fail(status.error());
}

int verify(const Arguments& arguments, const CarFile& car) {
  if (!arguments.key.empty())
    if (const Status status = check_signature(arguments.car + ".sig", car.root(), arguments.key);
        !status)
      return fail(status.error());
  const auto checked = check_car(car);
  if (!checked)
    return fail(arguments.car + ": " + checked.error());
  if (!arguments.source.empty()) {
    if (!checked->manifest)
      return fail(arguments.car + ": is no job's record, so no film belongs to it");
    if (const int code = check_source(arguments, *checked->manifest); code != kDone)
      return code;
  }
  std::puts(printable(sentence(verdict(arguments, *checked))).c_str());
  return kDone;
}

int import(const Arguments& arguments, const CarFile& car) {
  const auto manifest = record::read_manifest(car.root(), car.get());
  if (!manifest)
    return fail(arguments.car + ": " + manifest.error());
  if (!car.has_blobs())
    return fail(arguments.car +
                ": its job was run with --manifest-only, so it has no data for a store");
  const auto store = open_store({arguments.store},
                                {.check = check_stored_result,
                                 .warn = [](const std::string& text) { say_error(sentence(text)); },
                                 .folder_limit = arguments.store_limit});
  if (!store)
    return fail(advised(StoreError{"--store: " + store.error(), store.failure().fault}), kNoOutput);
  const auto imported = import_results(*manifest, car, **store);
  if (!imported) {
    const auto fault = imported.failure().fault;
    return fault ? fail(advised(StoreError{imported.error(), *fault}), kNoOutput)
                 : fail(arguments.car + ": " + imported.error());
  }
  std::printf("%s: %s in %s%s\n", arguments.car.c_str(),
              count_text(imported->results, "result").c_str(), shown_store(arguments.store).c_str(),
              imported->left_out == 0 ? "."
                                      : ("; " + std::to_string(imported->left_out) +
                                         " left out, which a store would not keep.")
                                            .c_str());
  return kDone;
}

constexpr struct {
  const char* name;
  int (*run)(const Arguments& arguments, const CarFile& car);
} kActions[] = {{"show", show}, {"verify", verify}, {"import", import}};

// --- The command line

struct Parsed {
  gboolean json = FALSE;
  OptionText source;
  OptionText key;
  OptionText store;
  OptionText store_limit;
};

// What does not fit together, empty if all does.
std::string wrong_in(const Parsed& parsed, const std::vector<std::string>& words) {
  if (words.size() < 2)
    return "what shall be done? Write show, verify or import";
  const std::string& action = words[1];
  if (action != "show" && action != "verify" && action != "import")
    return "'" + action + "': write show, verify or import";
  if (words.size() < 3)
    return "which record? Give its JOB.CAR";
  if (words.size() > 3)
    return "'" + words[3] + "' is one argument too many";
  if (parsed.json && action != "show")
    return "--json: is for show";
  if ((parsed.source || parsed.key) && action != "verify")
    return "--source and --key: are for verify";
  if ((parsed.store || parsed.store_limit) && action != "import")
    return "--store and --store-limit: are for import";
  if (action == "import" && parsed.store.text().empty())
    return "into which store? Give --store STORE";
  if (parsed.store_limit && !parse_bytes(parsed.store_limit.text()))
    return "--store-limit=" + parsed.store_limit.text() + ": write a size, such as 500M or 20G";
  return "";
}

int record_command(std::vector<std::string> words) {
  Parsed parsed;
  const GOptionEntry entries[] = {
      {"json", 0, 0, G_OPTION_ARG_NONE, &parsed.json, "show: print one JSON object", nullptr},
      {"source", 0, 0, G_OPTION_ARG_FILENAME, parsed.source.place(),
       "verify: the film that the record should be of", "FILM"},
      {"key", 0, 0, G_OPTION_ARG_FILENAME, parsed.key.place(),
       "verify: the public key, in PEM, that should have signed JOB.CAR.sig", "FILE"},
      {"store", 0, 0, G_OPTION_ARG_STRING, parsed.store.place(),
       "import: where to, as transcode takes it", "STORE[,STORE]"},
      {"store-limit", 0, 0, G_OPTION_ARG_STRING, parsed.store_limit.place(),
       "import: folders of --store hold no more than this", "SIZE"},
      {}};
  Options options(kRecord, "show|verify|import JOB.CAR", kHelp, entries);
  if (!options.parse(words))
    return kUsage;
  if (const std::string wrong = wrong_in(parsed, words); !wrong.empty())
    return options.refuse(wrong);
  const Arguments arguments{.action = words[1],
                            .car = words[2],
                            .json = parsed.json != FALSE,
                            .source = parsed.source.text(),
                            .key = parsed.key.text(),
                            .store = parsed.store.text(),
                            .store_limit = parse_bytes(parsed.store_limit.text()).value_or(0)};
  for (const std::string& file : {arguments.car, arguments.source, arguments.key})
    if (!file.empty() && ::access(file.c_str(), R_OK) != 0)
      return fail(file + ": cannot be read: " + std::strerror(errno), kNoInput);
  // What is half done may stay so: a store has whole results only.
  std::signal(SIGINT, [](int) { _exit(kInterrupted); });
  const auto car = CarFile::open(arguments.car);
  if (!car)
    return fail(car.error());
  for (const auto& action : kActions)
    if (arguments.action == action.name)
      return action.run(arguments, *car);
  return kUsage;
}

}  // namespace

const Command kRecord = {"record", "Shows, checks and imports what a job wrote about itself.",
                         record_command};

}  // namespace dist::tool
