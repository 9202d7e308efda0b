// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/faults/jobs.h"

// Before gstcheck.h, which has a macro "fail".
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>

#include <gst/check/gstcheck.h>
#include <unistd.h>

#include "tests/common/files.h"
#include "tests/common/film.h"
#include "tests/faults/table.h"

namespace faults {
namespace {

constexpr std::size_t kLongestReason = 80;  // In the table.
// With a decoder, which looks at samples, and its frames.
constexpr std::uint64_t kMemoryBesidesWindowKib = 96 * 1024;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
// Their own memory is many times that of the program.
constexpr bool kMemoryIsBounded = false;
#else
constexpr bool kMemoryIsBounded = true;
#endif

std::filesystem::path scratch_folder;

std::filesystem::path faults_folder() {
  const char* root = g_getenv("DIST_BUILD_ROOT");
  return std::filesystem::path(root ? root : ".") / "tests" / "faults";
}

std::string primary_command(const Primary::Config& config) {
  const Job& job = config.job;
  return (config.environment.empty() ? "" : "env " + config.environment + " ") +
         "gst-launch-1.0 -m " + (config.source.empty() ? job.source : config.source) +
         " ! distsegmenter max-segment-duration=1000000000 ! remoteenc port=" +
         std::to_string(config.port) + " max-bytes=" + std::to_string(job.window_kib * 1024) + " " +
         config.remote + " ! distjoin ! " + job.output +
         " ! filesink location=" + scratch(config.output);
}

// What a process has had resident at most, or nothing if it is gone.
std::optional<std::uint64_t> peak_of(int pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  std::string word;
  std::uint64_t kib = 0;
  while (status >> word)
    if (word == "VmHWM:" && status >> kib)
      return kib;
  return std::nullopt;
}

std::size_t frames_in(const std::string& path, const Job& job) {
  return film::record("filesrc location=" + path + " ! " + job.read + " ! appsink name=out")
      .items.size();
}

// A camera's: beside the source tree, or the one that ./dev test fetches out of Debian's
// opencv-doc. Empty if there is neither.
std::filesystem::path real_clip() {
  const char* root = g_getenv("DIST_SOURCE_ROOT");
  const std::filesystem::path clips[] = {
      std::filesystem::path(root ? root : ".") / "../shared/media/h264-480p-3-keyframes.mp4",
      std::filesystem::path(g_get_user_cache_dir()) / "gst-dist/cup.mp4",
  };
  for (const auto& clip : clips)
    if (std::filesystem::exists(clip))
      return clip;
  return {};
}

// The film decoded, so that the primary of a large job needs no memory for a decoder.
std::string raw_film() {
  const std::string path = scratch("film.yuv");
  if (std::filesystem::exists(path))
    return path;
  farm::Process decoder("ffmpeg -nostdin -v error -y -i " + film() +
                        " -vf scale=640:360 -pix_fmt yuv420p -f rawvideo " + path);
  ck_assert_int_eq(decoder.exit_code(60), 0);
  return path;
}

// The output of the job without faults; made once in each program.
std::string reference(const Job& job) {
  const std::string path = scratch(std::string("reference-") + job.name);
  if (std::filesystem::exists(path))
    return path;
  Primary primary({.job = job, .output = "unfinished"});
  const farm::Process calm = worker(primary.port(), "", job);
  ck_assert_int_eq(primary.exit_code(), 0);
  ck_assert_uint_eq(frames_in(primary.output(), job), job.frames);
  std::filesystem::rename(primary.output(), path);
  return path;
}

std::string text_field(const std::string& message, const char* name) {
  GstStructure* structure = gst_structure_from_string(message.c_str(), nullptr);
  ck_assert_msg(structure != nullptr, "%s", message.c_str());
  const gchar* text = gst_structure_get_string(structure, name);
  const std::string result = text ? text : "";
  gst_structure_free(structure);
  return result;
}

// As in "lease failed: connection lost (2 times); worker left: connection lost".
std::string summarise(const Primary& primary, const Fault& fault) {
  std::vector<std::string> order;
  std::map<std::string, unsigned> times;
  for (const Said& said : primary.said()) {
    std::string reason = text_field(said.text, "reason");
    const std::string name = said.text.substr(0, said.text.find(','));
    const bool tells = (!reason.empty() && reason != "left") || name == "dist-lease-hedged";
    if (said.at < fault.at || !tells)
      continue;
    if (reason.size() > kLongestReason)
      reason = reason.substr(0, kLongestReason) + "…";
    std::string text = name.substr(name.find('-') + 1);
    std::replace(text.begin(), text.end(), '-', ' ');
    if (!reason.empty())
      text += ": " + reason;
    if (++times[text] == 1)
      order.push_back(text);
  }
  std::string result = fault.seen;
  for (const std::string& text : order) {
    result += (result.empty() ? "" : "; ") + text;
    if (times[text] > 1)
      result += " (" + std::to_string(times[text]) + " times)";
  }
  return result;
}

// From the fault to the first segment done of those it hit, or to the next one.
double seconds_to_recover(const Primary& primary, const Fault& fault) {
  std::set<std::uint64_t> affected = fault.affected;
  if (affected.empty())
    for (const Said& said : primary.said())
      if (said.at >= fault.at && said.text.rfind("dist-lease-failed,", 0) == 0)
        affected.insert(farm::field(said.text, "segment"));
  for (const Said& said : primary.said())
    if (said.at >= fault.at && said.text.rfind("dist-segment-done,", 0) == 0 &&
        (affected.empty() || affected.count(farm::field(said.text, "segment")) != 0))
      return static_cast<double>(said.at - fault.at) / G_USEC_PER_SEC;
  return -1;
}

}  // namespace

int run(Suite* suite, const char* name, const char* file) {
  scratch_folder = faults_folder() / ("run-" + std::to_string(getpid()));
  std::filesystem::create_directories(scratch_folder);
  const int code = gst_check_run_suite(suite, name, file);
  std::filesystem::remove_all(scratch_folder);
  return code;
}

std::string scratch(const std::string& name) {
  return scratch_folder / name;
}

std::string film() {
  const std::filesystem::path clip = real_clip();
  const std::filesystem::path path =
      faults_folder() / ("film-" + (clip.empty() ? "made" : clip.stem().string()) + ".mkv");
  if (std::filesystem::exists(path))
    return path;
  if (clip.empty())
    std::fprintf(stderr, "no clip of a camera, so the film is ffmpeg's test source\n");
  // Under another name first: several programs may make it at a time.
  const std::string unfinished = scratch("film.mkv");
  // A clip that is shorter is shown twice.
  const std::string source = clip.empty() ? "-f lavfi -i testsrc2=size=320x180:rate=30"
                                          : "-stream_loop 1 -i " + clip.string();
  farm::Process encoder("ffmpeg -nostdin -v error -y " + source +
                        " -an -vf fps=30,scale=320:180 -frames:v 300 -pix_fmt yuv420p -c:v libx264 "
                        "-preset veryfast -crf 14 -g 600 -keyint_min 600 -sc_threshold 0 -bf 3 " +
                        unfinished);
  ck_assert_int_eq(encoder.exit_code(60), 0);
  std::filesystem::rename(unfinished, path);
  return path;
}

// x264 reads memory that it did not write when mb-tree meets B-frames in a process that has encoded
// before; without it each segment's bytes are the same every time.
Job film_job() {
  return {.name = "film",
          .source = "filesrc location=" + film() + " ! parsebin",
          .encode =
              "decodebin ! videoconvert ! x264enc threads=1 speed-preset=slower "
              "mb-tree=false ! h264parse",
          .output = "h264parse ! mpegtsmux",
          .read = "tsdemux ! h264parse",
          .frames = 300,
          .window_kib = 1024};
}

Job large_job() {
  return {.name = "large",
          .source = "filesrc location=" + raw_film() +
                    " blocksize=345600 ! rawvideoparse width=640 height=360 framerate=30/1",
          .encode = "jpegenc ! jpegparse",
          .output = "jpegparse",
          .read = "jpegparse",
          .frames = 300,
          .window_kib = 32 * 1024};
}

void wake() {
  g_main_context_wakeup(nullptr);
}

// --- Primary

Primary::Primary() : Primary(Config()) {}

Primary::Primary(const Config& config)
    : job_(config.job), output_(scratch(config.output)), process_(primary_command(config)) {
  lines_ = g_data_input_stream_new(process_.stream());
  g_filter_input_stream_set_close_base_stream(G_FILTER_INPUT_STREAM(lines_), FALSE);
  read_line();
  await_message("dist-listening");
  port_ = static_cast<unsigned>(farm::field(said_.back().text, "port"));
}

Primary::~Primary() {
  // Ends the read that is in flight, which has a pointer to this object.
  process_.kill();
  iterate_until([this] { return ended_; }, "end of the primary's output", 20);
  g_object_unref(lines_);
}

void Primary::read_line() {
  g_data_input_stream_read_line_async(
      lines_, G_PRIORITY_DEFAULT, nullptr,
      [](GObject*, GAsyncResult* result, gpointer data) {
        auto* self = static_cast<Primary*>(data);
        gchar* line = g_data_input_stream_read_line_finish(self->lines_, result, nullptr, nullptr);
        self->ended_ = line == nullptr;
        if (self->ended_)
          return;
        self->handle(line);
        g_free(line);
        self->read_line();
      },
      this);
}

void Primary::handle(const std::string& line) {
  peak_kib_ = std::max(peak_kib_, peak_of(process_.pid()).value_or(0));
  log_.push_back(line);
  constexpr char kMark[] = "(element): ";
  const std::size_t mark = line.find(kMark);
  if (mark == std::string::npos)
    return;
  const std::string text = line.substr(mark + sizeof(kMark) - 1);
  if (text.rfind("dist-", 0) == 0)
    said_.push_back({g_get_monotonic_time(), text});
}

void Primary::iterate_until(const std::function<bool()>& condition, const char* what,
                            unsigned seconds) {
  bool late = false;
  GSource* timer = g_timeout_source_new_seconds(film::patience(seconds));
  g_source_set_callback(
      timer,
      [](gpointer data) -> gboolean {
        *static_cast<bool*>(data) = true;
        return G_SOURCE_REMOVE;
      },
      &late, nullptr);
  g_source_attach(timer, nullptr);
  while (!late && !condition())
    g_main_context_iteration(nullptr, TRUE);
  g_source_destroy(timer);
  g_source_unref(timer);
  if (!late)
    return;
  for (std::size_t i = log_.size() - std::min<std::size_t>(log_.size(), 40); i < log_.size(); ++i)
    std::fprintf(stderr, "primary: %s\n", log_[i].c_str());
  ck_abort_msg("not within %u s: %s", film::patience(seconds), what);
}

void Primary::await(const std::function<bool()>& condition, const char* what, unsigned seconds) {
  bool held = false;
  iterate_until([&] { return (held = condition()) || ended_; }, what, seconds);
  if (held)
    return;
  for (const std::string& line : log_)
    if (line.find("ERROR") != std::string::npos || line.find("dist-") != std::string::npos)
      std::fprintf(stderr, "primary: %s\n", line.c_str());
  ck_abort_msg("the primary ended before: %s", what);
}

void Primary::await_message(const std::string& name, std::size_t number) {
  await([&] { return count(name) >= number; }, name.c_str());
}

void Primary::pass_time(unsigned seconds) {
  bool passed = false;
  GSource* timer = g_timeout_source_new_seconds(seconds);
  g_source_set_callback(
      timer,
      [](gpointer data) -> gboolean {
        *static_cast<bool*>(data) = true;
        return G_SOURCE_REMOVE;
      },
      &passed, nullptr);
  g_source_attach(timer, nullptr);
  await([&] { return passed; }, "time passes", seconds + 20);
  g_source_unref(timer);
}

std::size_t Primary::count(const std::string& name) const {
  return static_cast<std::size_t>(std::count_if(said_.begin(), said_.end(), [&](const Said& said) {
    return said.text.rfind(name + ",", 0) == 0;
  }));
}

gint64 Primary::when(const std::string& name) const {
  for (const Said& said : said_)
    if (said.text.rfind(name + ",", 0) == 0)
      return said.at;
  ck_abort_msg("the primary has not said %s", name.c_str());
}

void Primary::interrupt() {
  process_.signal(SIGINT);
}

int Primary::exit_code(unsigned seconds) {
  iterate_until([this] { return ended_; }, "end of the primary", seconds);
  return process_.exit_code();
}

// --- Workers

farm::Process worker(unsigned port, const std::string& properties, const Job& job) {
  return farm::Process("gst-launch-1.0 remoteencsrc port=" + std::to_string(port) + " " +
                       properties + " ! " + job.encode + " ! remoteencsink");
}

BadWorker::BadWorker(unsigned port, const std::string& mode)
    : command_((faults_folder() / "bad-worker").string() + " " + std::to_string(port) + " " +
               mode) {
  start();
}

void BadWorker::start() {
  running_ = true;
  process_ = std::make_unique<farm::Process>(command_);
  process_->on_end([this] { ended(); });
}

void BadWorker::ended() {
  running_ = false;
  if (starts_left_ == 0)
    return;
  --starts_left_;
  start();
}

void BadWorker::keep_starting(unsigned times) {
  starts_left_ = times;
  if (!running_)
    ended();
}

// --- The end of a job

void conclude(Primary& primary, const Fault& fault) {
  const Job& job = primary.job();
  const int code = primary.exit_code(90);
  const std::size_t frames = frames_in(primary.output(), job);
  const std::uint64_t peak_kib = std::max(primary.peak_kib(), fault.peak_kib);
  record({.fault = fault.name,
          .happened = summarise(primary, fault),
          .seconds = seconds_to_recover(primary, fault),
          .frames_lost = static_cast<std::int64_t>(job.frames) - static_cast<std::int64_t>(frames),
          .peak_mib = static_cast<double>(peak_kib) / 1024});
  if (code != 0)
    for (const Said& said : primary.said())
      std::fprintf(stderr, "primary: %s\n", said.text.c_str());
  ck_assert_msg(code == 0, "the primary ended with exit code %d", code);
  ck_assert_uint_eq(frames, job.frames);
  ck_assert_msg(test::bytes_of(primary.output()) == test::bytes_of(reference(job)),
                "the output is not that of a job without faults");
  ck_assert_uint_gt(peak_kib, 0);
  if (kMemoryIsBounded)
    ck_assert_uint_le(peak_kib, job.window_kib + kMemoryBesidesWindowKib);
}

}  // namespace faults
