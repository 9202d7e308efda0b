// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// One primary does job after job while six workers are killed, stopped and ended at random:
//   soak [--minutes N | --jobs N] [--seed N]
// Fails where a job is lost or its output is not that of an undisturbed one, where a worker ends
// otherwise than it should, and where memory, threads or descriptors of the primary or of a worker
// grow after the 30th job. The seed decides what happens to whom and when; how far the jobs are by
// then is up to the machine.
#include <gst/gst.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include "tests/common/quiet_port.h"
#include "tests/soak/child.h"
#include "tests/soak/trail.h"
#include "tests/soak/workers.h"

namespace {

using namespace soak;
namespace fs = std::filesystem;

// A job takes seconds; one that takes so long is lost.
constexpr unsigned kLongestJob = 120;
constexpr unsigned kJobsInLine = 10;
// Frames of the film: a job of the long one takes a few seconds of two cores.
constexpr unsigned kLong = 300;
constexpr unsigned kShort = 100;

// As those of gst-check, for slow builds.
unsigned patience(unsigned seconds) {
  const char* factor = g_getenv("CK_TIMEOUT_MULTIPLIER");
  return factor ? seconds * static_cast<unsigned>(std::max(1, std::atoi(factor))) : seconds;
}

struct Options {
  unsigned minutes = 10;
  unsigned jobs = 0;  // In place of the minutes.
  std::uint32_t seed = 0;
};

// False where the command line is wrong.
bool parse(int argc, char** argv, Options& options) {
  options.seed = g_random_int();
  for (int i = 1; i < argc; i += 2) {
    const std::string name = argv[i];
    guint64 number = 0;
    if (i + 1 == argc ||
        !g_ascii_string_to_unsigned(argv[i + 1], 10, 0, G_MAXUINT32, &number, nullptr))
      return false;
    const auto value = static_cast<std::uint32_t>(number);
    if (name == "--seed")
      options.seed = value;
    else if (name == "--minutes" && value > 0)
      options.minutes = value;
    else if (name == "--jobs" && value > 0)
      options.jobs = value;
    else
      return false;
  }
  return true;
}

// Of all that is written; kept where the soak fails.
class Folder {
 public:
  explicit Folder(const fs::path& programs)
      : path_(programs / ("run-" + std::to_string(getpid()))) {
    fs::create_directories(path_);
  }
  std::string operator/(const std::string& name) const { return path_ / name; }
  std::string path() const { return path_; }
  void remove() { fs::remove_all(path_); }

 private:
  fs::path path_;
};

// With one keyframe; the job cuts it into segments of a second.
bool make_film(const std::string& path, unsigned frames) {
  const std::string line =
      "videotestsrc pattern=ball num-buffers=" + std::to_string(frames) +
      " ! video/x-raw,width=320,height=180,framerate=25/1"
      " ! x264enc key-int-max=1000 bframes=2 speed-preset=veryfast ! h264parse ! matroskamux"
      " ! filesink location=" +
      path;
  GstElement* pipeline = gst_parse_launch(line.c_str(), nullptr);
  if (!pipeline)
    return false;
  GstBus* bus = gst_element_get_bus(pipeline);
  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  GstMessage* end = gst_bus_timed_pop_filtered(
      bus, 60 * GST_SECOND, static_cast<GstMessageType>(GST_MESSAGE_EOS | GST_MESSAGE_ERROR));
  const bool good = end && GST_MESSAGE_TYPE(end) == GST_MESSAGE_EOS;
  if (end)
    gst_message_unref(end);
  gst_element_set_state(pipeline, GST_STATE_NULL);
  gst_object_unref(bus);
  gst_object_unref(pipeline);
  return good;
}

class Soak {
 public:
  Soak(const Options& options, const fs::path& programs, const Folder& folder, unsigned port)
      : options_(options),
        folder_(folder),
        primary_(
            Child::start({programs / "soak-primary", std::to_string(port), folder / "film.mkv"},
                         folder / "primary.log", Child::Talk::kLines)),
        workers_({.command = {programs / "../../tools/gst-dist-1.0", "worker", "--connect",
                              "127.0.0.1:" + std::to_string(port), "--slots", "1"},
                  .folder = folder.path(),
                  .seed = options.seed}) {}

  // Whether all went well.
  bool run();

 private:
  bool goes_on() const;
  bool do_job(const std::string& name);
  std::string output_of(const std::string& name) const;
  void tell(bool headline) const;
  bool complain(const std::string& text) const;
  bool conclude();

  const Options options_;
  const Folder& folder_;
  const std::unique_ptr<Child> primary_;
  Workers workers_;
  Trail trail_;  // Of the primary.
  const gint64 began_ = g_get_monotonic_time();
  unsigned jobs_ = 0;
  unsigned failed_leases_ = 0;
  unsigned hedged_leases_ = 0;
};

bool Soak::complain(const std::string& text) const {
  std::printf("soak: %s\n", text.c_str());
  return false;
}

// All renditions, one after the other.
std::string Soak::output_of(const std::string& name) const {
  std::string bytes;
  for (const char* ending : {".ts", ".jpegs"}) {
    std::ifstream file(folder_ / (name + ending), std::ios::binary);
    bytes.append(std::istreambuf_iterator<char>(file), {});
  }
  return bytes;
}

bool Soak::do_job(const std::string& name) {
  const auto answer = primary_->ask(folder_ / name, patience(kLongestJob));
  if (!answer)
    return complain(name + " is lost: no answer within " + std::to_string(patience(kLongestJob)) +
                    " s");
  unsigned failed = 0;
  unsigned hedged = 0;
  if (std::sscanf(answer->c_str(), "done %u %u", &failed, &hedged) != 2)
    return complain(name + " is lost: " + *answer);
  failed_leases_ += failed;
  hedged_leases_ += hedged;
  return true;
}

void Soak::tell(bool headline) const {
  if (headline)
    std::printf("%5s %6s | %6s %7s %5s | %6s %6s | %9s %7s %5s | %9s %7s %5s\n", "jobs", "s",
                "killed", "stopped", "ended", "failed", "hedged", "primary", "threads", "files",
                "worker1", "threads", "files");
  const Workers::Tally& tally = workers_.tally();
  const Sample primary = trail_.empty() ? Sample() : trail_.last();
  const Sample worker = workers_.oldest().empty() ? Sample() : workers_.oldest().last();
  std::printf("%5u %6.0f | %6u %7u %5u | %6u %6u | %5.1f MiB %7.0f %5.0f | %5.1f MiB %7.0f %5.0f\n",
              jobs_, static_cast<double>(g_get_monotonic_time() - began_) / G_USEC_PER_SEC,
              tally.killed, tally.stopped, tally.ended, failed_leases_, hedged_leases_, primary.mib,
              primary.threads, primary.descriptors, worker.mib, worker.threads, worker.descriptors);
  std::fflush(stdout);
}

bool Soak::goes_on() const {
  if (options_.jobs > 0)
    return jobs_ < options_.jobs;
  return g_get_monotonic_time() - began_ < gint64{options_.minutes} * 60 * G_USEC_PER_SEC;
}

bool Soak::run() {
  if (!primary_)
    return false;
  // Twice, for it would say nothing if honest workers made this in one way and that in another.
  if (!do_job("calm") || !do_job("calm-again"))
    return false;
  const std::string calm = output_of("calm");
  if (calm.empty() || calm != output_of("calm-again"))
    return complain("two undisturbed jobs differ");
  workers_.begin_trouble();
  while (goes_on()) {
    const std::string name = "job" + std::to_string(jobs_ + 1);
    if (!do_job(name))
      return false;
    ++jobs_;
    if (output_of(name) != calm)
      return complain(name + " is not what an undisturbed one is");
    fs::remove(folder_ / (name + ".ts"));
    fs::remove(folder_ / (name + ".jpegs"));
    if (const auto sample = sample_of(primary_->pid()))
      trail_.add(*sample);
    workers_.sample();
    if (jobs_ % kJobsInLine == 0)
      tell(jobs_ == kJobsInLine);
  }
  return conclude();
}

bool Soak::conclude() {
  if (jobs_ % kJobsInLine != 0)
    tell(jobs_ < kJobsInLine);
  workers_.judge();
  std::string faults = workers_.faults();
  if (const std::string growth = trail_.growth(); !growth.empty())
    faults += "the primary has grown: " + growth + "\n";
  std::printf("soak: %u jobs, none lost, none different\n", jobs_);
  if (trail_.is_long()) {
    const Sample then = trail_.settled();
    const Sample now = trail_.latest();
    std::printf(
        "soak: primary by job %zu: %.1f MiB, %.0f threads, %.0f descriptors; at the end "
        "%.1f MiB, %.0f, %.0f\n",
        Trail::kSettled, then.mib, then.threads, then.descriptors, now.mib, now.threads,
        now.descriptors);
  } else {
    std::printf("soak: too few jobs to say whether anything grows\n");
  }
  return faults.empty() || complain(faults);
}

}  // namespace

int main(int argc, char** argv) {
  gst_init(&argc, &argv);
  Options options;
  if (!parse(argc, argv, options)) {
    std::fprintf(stderr, "usage: soak [--minutes N | --jobs N] [--seed N]\n");
    return 2;
  }
  const fs::path programs = fs::read_symlink("/proc/self/exe").parent_path();
  Folder folder(programs);
  std::printf("soak: seed %u\n", options.seed);
  std::fflush(stdout);
  const unsigned port = test::quiet_port();
  if (port == 0 || !make_film(folder / "film.mkv", options.jobs > 0 ? kShort : kLong)) {
    std::fprintf(stderr, "soak: no free port, or no film\n");
    return 1;
  }
  const bool good = Soak(options, programs, folder, port).run();
  if (!good) {
    std::printf("soak: FAILED, see %s\n", folder.path().c_str());
    return 1;
  }
  folder.remove();
  return 0;
}
