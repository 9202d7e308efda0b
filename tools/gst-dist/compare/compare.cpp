// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later

#include <gst/gst.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <memory>
#include <optional>
#include <utility>

#include "gst/base/text.h"
#include "gst/film/film_reach.h"
#include "gst/job/output_files.h"
#include "tools/gst-dist/advice.h"
#include "tools/gst-dist/command.h"
#include "tools/gst-dist/compare/comparison_report.h"
#include "tools/gst-dist/compare/film_frames.h"
#include "tools/gst-dist/compare/plot_files.h"
#include "tools/gst-dist/progress.h"
#include "tools/gst-dist/signals.h"

namespace dist::tool {
namespace {

constexpr char kHelp[] =
    "A and B are files or URIs, of any sizes, codecs and frame rates. Times are those of A, since\n"
    "its first frame. The distance of two frames is in how many of 256 bits their perceptual\n"
    "hashes differ: about 128 of unrelated ones. Up to the threshold frames are the same, up to\n"
    "twice that if their brightness is the same too. Colours are not compared. If B is later or\n"
    "earlier by up to ten seconds, and by no more than half of a film, it is moved.\n"
    "\n"
    "  gst-dist-1.0 compare in.mp4 out.webm\n"
    "  gst-dist-1.0 compare in.mp4 out.webm --plot distances.svg\n"
    "  gst-dist-1.0 compare in.mp4 out.webm --per-frame --csv > distances.csv\n"
    "\n"
    "Exit codes: 0 the same, 1 they differ, 2 wrong command line, 3 cannot read one of them,\n"
    "4 cannot write the plot, 130 interrupted.";

constexpr gint64 kShowInterval = G_USEC_PER_SEC / 4;

struct Arguments {
  std::array<std::string, 2> inputs;
  unsigned threshold = kSameHashDistance;
  bool remote = false;
  bool per_frame = false;
  bool csv = false;
  bool json = false;
  std::string plot;  // Empty: none.
};

// An exit code if it ends here.
std::optional<int> read_arguments(std::vector<std::string> words, Arguments& arguments) {
  gboolean per_frame = FALSE;
  gboolean per_second = FALSE;
  gboolean csv = FALSE;
  gboolean json = FALSE;
  gboolean remote = FALSE;
  gint threshold = kSameHashDistance;
  OptionText plot;
  const GOptionEntry entries[] = {
      {"per-second", 0, 0, G_OPTION_ARG_NONE, &per_second,
       "Tell the distances of each second (default)", nullptr},
      {"per-frame", 0, 0, G_OPTION_ARG_NONE, &per_frame, "Tell the distance of each frame",
       nullptr},
      {"threshold", 0, 0, G_OPTION_ARG_INT, &threshold,
       "Up to this distance two frames are the same (default: 31)", "BITS"},
      {"plot", 0, 0, G_OPTION_ARG_FILENAME, plot.place(),
       "Draw the distances, with the worst frames; .svg or .png", "FILE"},
      allow_remote_entry(remote),
      {"csv", 0, 0, G_OPTION_ARG_NONE, &csv, "Print comma-separated values", nullptr},
      {"json", 0, 0, G_OPTION_ARG_NONE, &json, "Print one JSON object", nullptr},
      {}};
  Options options(kCompare, "A B", kHelp, entries);
  if (!options.parse(words))
    return kUsage;
  arguments.plot = plot.text();
  if (words.size() != 3)
    return options.refuse(words.size() < 3 ? "which films? Give two, A and B"
                                           : "'" + words[3] + "' is one film too many");
  if (per_frame && per_second)
    return options.refuse("--per-frame and --per-second: give one of them");
  if (csv && json)
    return options.refuse("--csv and --json: give one of them");
  if (threshold < 0 || threshold > 256)
    return options.refuse("--threshold: write a number of bits, from 0 to 256");
  if (!arguments.plot.empty() && !arguments.plot.ends_with(".svg") && !is_png(arguments.plot))
    return options.refuse("--plot=" + arguments.plot + ": write a name that ends in .svg or .png");
  arguments.inputs = {words[1], words[2]};
  arguments.threshold = static_cast<unsigned>(threshold);
  arguments.remote = remote != FALSE;
  arguments.per_frame = per_frame != FALSE;
  arguments.csv = csv != FALSE;
  arguments.json = json != FALSE;
  return {};
}

// How far it is, on a terminal.
class Meter {
 public:
  explicit Meter(GstClockTime duration) : duration_(duration), shown_(isatty(STDERR_FILENO) == 1) {}
  ~Meter() {
    if (drawn_)
      std::fputs("\r\x1b[K", stderr);
  }
  void show(Time time) {
    const gint64 now = g_get_monotonic_time();
    if (!shown_ || now < next_)
      return;
    next_ = now + kShowInterval;
    const std::string of =
        duration_ > 0 ? " of " + clock_text(static_cast<double>(duration_) / 1e9) : "";
    std::fprintf(stderr, "\r\x1b[K%s%s", clock_text(static_cast<double>(time) / 1e9).c_str(),
                 of.c_str());
    drawn_ = true;
  }

 private:
  const GstClockTime duration_;
  const bool shown_;
  bool drawn_ = false;
  gint64 next_ = 0;
};

struct Reading {
  Film film;
  std::unique_ptr<FilmFrames> frames;  // Null at the end.
  FilmMarker marker;
};

Status open(const std::string& input, bool remote, Reading& reading) {
  auto film = look_at(input, remote);
  if (!film)
    return Error{advised(film.failure())};
  reading.film = std::move(*film);
  if (!reading.film.first(StreamKind::kVideo))
    return Error{input + ": there is no video in it"};
  auto frames = FilmFrames::open(reading.film);
  if (!frames)
    return Error{input + ": " + frames.error()};
  reading.frames = std::move(*frames);
  return {};
}

// To a demuxer a playlist may end where it is not followed.
Status check_links(const std::string& input, const Film& film) {
  if (const auto link = film.reach->refused())
    return Error{input + ": " + advised(*link)};
  return {};
}

// One frame more. The frame's time, none at the end.
Result<std::optional<Time>> step(Reading& reading) {
  auto frame = reading.frames->next();
  if (!frame)
    return Error{frame.error()};
  if (!*frame) {
    reading.frames.reset();
    return std::optional<Time>();
  }
  if (const Status status = reading.marker.add(**frame); !status)
    return Error{status.error()};
  return std::optional((*frame)->time);
}

// Both at once, so that each has a core while the other one is waited for. Ends early when it is
// interrupted.
Status read_both(const Arguments& arguments, const bool& interrupted,
                 std::array<Reading, 2>& readings) {
  Meter meter(std::max(readings[0].film.duration, readings[1].film.duration));
  while (readings[0].frames || readings[1].frames)
    for (std::size_t i = 0; i < readings.size(); ++i) {
      if (!readings[i].frames)
        continue;
      const auto time = step(readings[i]);
      if (Status status = check_links(arguments.inputs[i], readings[i].film); !status)
        return status;
      if (!time)
        return Error{arguments.inputs[i] + ": " + time.error()};
      if (*time)
        meter.show(**time);
      // Here signals are told.
      g_main_context_iteration(nullptr, FALSE);
      if (interrupted)
        return Error{"interrupted"};
    }
  return {};
}

ComparedFilm compared(const std::string& input, Reading& reading) {
  const FilmStream* video = reading.film.first(StreamKind::kVideo);
  ComparedFilm film{.input = input,
                    .uri = reading.film.uri,
                    .container = reading.film.container,
                    .codec = video->codec,
                    .width = video->width,
                    .height = video->height,
                    .start = 0,
                    .marks = reading.marker.finish()};
  film.start = reading.marker.start();
  return film;
}

// What is compared; an error says which film cannot be.
Result<CompareReport> compare_readings(const Arguments& arguments, const bool& interrupted,
                                       std::array<Reading, 2>& readings) {
  for (std::size_t i = 0; i < readings.size(); ++i)
    if (const Status status = open(arguments.inputs[i], arguments.remote, readings[i]); !status)
      return Error{status.error()};
  if (const Status status = read_both(arguments, interrupted, readings); !status)
    return Error{status.error()};
  CompareReport report{.a = compared(arguments.inputs[0], readings[0]),
                       .b = compared(arguments.inputs[1], readings[1]),
                       .comparison = {},
                       .per_frame = arguments.per_frame};
  for (const ComparedFilm* film : {&report.a, &report.b})
    if (film->marks.frames.empty())
      return Error{film->input + ": there is no frame in it"};
  report.comparison = compare(report.a.marks, report.b.marks, arguments.threshold);
  return report;
}

Status plot(const CompareReport& report, const std::array<Reading, 2>& readings,
            const std::string& name, OutputFiles& file) {
  const auto specimens = take_specimens(report, readings[0].film, readings[1].film,
                                        worst_pairs(report.comparison, kMaxSpecimens));
  if (Status status = write_plot(draw(report, specimens), name, file.paths().front()); !status)
    return status;
  if (const auto error = file.commit())
    return Error{advised(*error)};
  return {};
}

// Empty if it is no file.
std::string path_of(const std::string& input) {
  return input.find("://") == std::string::npos
             ? input
             : take_string(g_filename_from_uri(input.c_str(), nullptr, nullptr));
}

int fail(ExitCode code, const std::string& text) {
  say_error(sentence(text));
  return code;
}

int compare_films(std::vector<std::string> words) {
  Arguments arguments;
  if (const auto code = read_arguments(std::move(words), arguments))
    return *code;
  // Not kFailed, which would say that the films differ.
  if (!init_gstreamer())
    return kNoInput;
  std::optional<OutputFiles> file;
  bool interrupted = false;
  const Signals signals([&interrupted] { interrupted = true; },
                        [&file] {
                          if (file)
                            file->discard();
                          _exit(kInterrupted);
                        });
  if (!arguments.plot.empty()) {
    if (const Status status = check_plot(arguments.plot); !status)
      return fail(kNoOutput, status.error());
    for (const std::string& input : arguments.inputs)
      if (const Status status = check_names({arguments.plot}, path_of(input)); !status)
        return fail(kUsage, status.error());
    auto prepared = OutputFiles::prepare({arguments.plot}, true);
    if (!prepared)
      return fail(kNoOutput, advised(prepared.failure()));
    file.emplace(std::move(*prepared));
  }
  std::array<Reading, 2> readings;
  const auto report = compare_readings(arguments, interrupted, readings);
  if (interrupted)
    return fail(kInterrupted, "interrupted");
  if (!report)
    return fail(kNoInput, report.error());
  const std::string text = arguments.json  ? report_for_programs(*report) + "\n"
                           : arguments.csv ? report_as_csv(*report)
                                           : report_for_people(*report);
  std::fputs(text.c_str(), stdout);
  if (file)
    if (const Status status = plot(*report, readings, arguments.plot, *file); !status)
      return fail(kNoOutput, status.error());
  return report->comparison.same() ? kDone : kFailed;
}

}  // namespace

const Command kCompare = {
    "compare", "Tells whether two films show the same, and where they differ.", compare_films};

}  // namespace dist::tool
