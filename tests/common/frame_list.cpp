// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/common/frame_list.h"

#include <glib.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <sstream>
#include <string_view>

#include "tests/common/farm.h"

namespace film {
namespace {

constexpr std::int64_t kMillisecond = 1000000;
constexpr std::int64_t kTolerance = kMillisecond;
constexpr std::int64_t kGuess = 100 * kMillisecond;

std::string quoted(const std::string& text) {
  gchar* const shell = g_shell_quote(text.c_str());
  const std::string result = shell;
  g_free(shell);
  return result;
}

std::string build_root() {
  const char* const root = g_getenv("DIST_BUILD_ROOT");
  return root ? root : "build";
}

std::string seconds_of(std::int64_t time) {
  std::ostringstream text;
  text << static_cast<double>(time) / 1e9 << " s";
  return text.str();
}

void read_line(FrameList& list, const std::string& line) {
  std::istringstream words(line);
  std::string kind;
  words >> kind;
  if (kind == "format") {
    words >> list.format;
  } else if (kind == "frame") {
    std::string time;
    Frame frame;
    words >> time >> frame.md5;
    if (time != "-")
      frame.time = std::strtoll(time.c_str(), nullptr, 10);
    list.frames.push_back(frame);
  } else if (kind == "error") {
    list.error = line.substr(kind.size() + 1);
  }
}

// Of the frames whose pixels occur as often in either list most are later by this.
std::int64_t shift_of(const FrameList& expected, const FrameList& list) {
  struct Seen {
    unsigned expected = 0;
    unsigned found = 0;
    std::int64_t later = 0;
  };
  std::map<std::string, Seen> seen;
  for (const Frame& frame : expected.frames) {
    ++seen[frame.md5].expected;
    seen[frame.md5].later -= frame.time.value_or(0);
  }
  for (const Frame& frame : list.frames) {
    ++seen[frame.md5].found;
    seen[frame.md5].later += frame.time.value_or(0);
  }
  std::map<std::int64_t, unsigned> votes;
  for (const auto& [md5, at] : seen)
    if (at.expected == at.found)
      ++votes[std::llround(static_cast<double>(at.later) / at.found / kMillisecond)];
  std::int64_t best = 0;
  unsigned most = 0;
  for (const auto& [later, count] : votes)
    if (count > most || (count == most && std::llabs(later) < std::llabs(best))) {
      best = later;
      most = count;
    }
  return best;
}

bool has_times(const FrameList& list) {
  return std::ranges::all_of(list.frames,
                             [](const Frame& frame) { return frame.time.has_value(); });
}

// Where pictures have no time in the film, decodebin shows some of them at the time of others.
bool has_guessed_times(const FrameList& list) {
  return std::ranges::adjacent_find(list.frames, {}, &Frame::time) != list.frames.end();
}

// Where decodebin goes from one stream to the next, times may go back.
bool has_times_in_order(const FrameList& list) {
  std::int64_t last = INT64_MIN;
  for (const Frame& frame : list.frames) {
    if (!frame.time || *frame.time < last)
      return false;
    last = *frame.time;
  }
  return true;
}

}  // namespace

FrameList list_frames(const std::string& path, const std::string& format, unsigned seconds,
                      unsigned threads) {
  farm::Process process(build_root() + "/tests/e2e/list-frames " + quoted(path) + " " +
                        (format.empty() ? "-" : format) +
                        (threads > 0 ? " " + std::to_string(threads) : ""));
  const int code = process.exit_code(seconds);
  FrameList list;
  list.hung = code < 0 && process.pid() != 0;
  list.crashed = code < 0 && !list.hung;
  std::istringstream lines(process.output());
  for (std::string line; std::getline(lines, line);)
    read_line(list, line);
  if (code != 0 && list.error.empty())
    list.error = list.hung ? "no end after " + std::to_string(seconds) + " s"
                           : "exit code " + std::to_string(code) + " without a word";
  return list;
}

FrameList list_frames_by_ffmpeg(const std::string& path, const std::string& format,
                                unsigned seconds) {
  const std::map<std::string, std::string> names = {
      {"I420", "yuv420p"}, {"Y42B", "yuv422p"}, {"Y444", "yuv444p"}};
  FrameList list;
  const auto name = names.find(format.substr(0, format.find(',')));
  if (name == names.end()) {
    list.error = "ffmpeg is not asked for " + format;
    return list;
  }
  list.format = format;
  farm::Process process("ffmpeg -nostdin -v quiet -i " + quoted(path) +
                        " -map 0:v:0 -fps_mode passthrough -pix_fmt " + name->second +
                        " -f framemd5 -");
  if (process.exit_code(seconds) != 0)
    list.error = "ffmpeg fails";
  // "#tb 0: 1/25", and for each frame "0, DTS, PTS, DURATION, SIZE, MD5".
  std::int64_t num = 1;
  std::int64_t den = 1;
  std::istringstream lines(process.output());
  for (std::string line; std::getline(lines, line);) {
    long long pts = 0;
    char md5[33] = "";
    if (std::sscanf(line.c_str(), "#tb 0: %" G_GINT64_FORMAT "/%" G_GINT64_FORMAT, &num, &den) !=
            2 &&
        std::sscanf(line.c_str(), "0, %*d, %lld, %*d, %*d, %32s", &pts, md5) == 2)
      list.frames.push_back({pts * num * 1000 * kMillisecond / den, md5});
  }
  return list;
}

namespace {

Transcoded transcode(const std::string& path, const std::string& result,
                     const std::string& rendition, unsigned seconds) {
  Transcoded made;
  farm::Process process(build_root() + "/tools/gst-dist-1.0 transcode --no-store " + quoted(path) +
                        " -o " + quoted(result) + " -r " + rendition + " --local-workers 3 --yes");
  made.code = process.exit_code(seconds);
  made.hung = made.code < 0 && process.pid() != 0;
  made.output = process.output();
  return made;
}

}  // namespace

Transcoded transcode_to_mp4(const std::string& path, const std::string& result, unsigned seconds) {
  Transcoded made = transcode(path, result, "48p:h264:speed=fast", seconds);
  if (made.code == 0) {
    farm::Process count(
        "ffprobe -v error -count_packets -select_streams v:0 -show_entries "
        "stream=nb_read_packets -of csv=p=0 " +
        quoted(result));
    if (count.exit_code(seconds) == 0)
      made.frames = std::strtoul(count.output().c_str(), nullptr, 10);
  }
  std::filesystem::remove(result);
  return made;
}

Transcoded transcode_losslessly(const std::string& path, const std::string& result,
                                unsigned seconds) {
  Transcoded made = transcode(path, result, "all:ffv1", seconds);
  if (made.code == 0)
    made.list = list_frames(result, "", seconds);
  made.frames = made.list.frames.size();
  std::filesystem::remove(result);
  return made;
}

std::string Transcoded::reason() const {
  std::istringstream lines(output);
  std::string last;
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with("gst-dist-1.0: "))
      last = line.substr(std::string_view("gst-dist-1.0: ").size());
  return last;
}

Difference compare(const FrameList& expected, const FrameList& list) {
  Difference difference;
  const bool timed = has_times_in_order(expected) && has_times(list);
  const bool guessed = timed && has_guessed_times(expected);
  if (timed)
    difference.shift = shift_of(expected, list);
  const std::int64_t shift = difference.shift * kMillisecond;
  std::size_t a = 0;
  std::size_t b = 0;
  while (a < expected.frames.size() && b < list.frames.size()) {
    const bool same_pixels = expected.frames[a].md5 == list.frames[b].md5;
    const std::int64_t later = timed ? *list.frames[b].time - *expected.frames[a].time - shift : 0;
    const std::int64_t tolerance = guessed && same_pixels ? kGuess : kTolerance;
    if (later > tolerance) {
      difference.missing.push_back(a++);
    } else if (later < -tolerance) {
      difference.extra.push_back(b++);
    } else {
      if (!same_pixels)
        difference.other.push_back(a);
      ++a;
      ++b;
    }
  }
  for (; a < expected.frames.size(); ++a)
    difference.missing.push_back(a);
  for (; b < list.frames.size(); ++b)
    difference.extra.push_back(b);
  return difference;
}

std::string describe(const Difference& difference, const FrameList& expected,
                     const FrameList& list) {
  if (difference.none())
    return "";
  std::string text =
      std::to_string(list.frames.size()) + " frames for " + std::to_string(expected.frames.size());
  const auto add = [&text](const std::vector<std::size_t>& indices, const FrameList& of,
                           const char* what) {
    if (indices.empty())
      return;
    text += ", " + std::to_string(indices.size()) + " " + what + " from frame " +
            std::to_string(indices.front());
    if (of.frames[indices.front()].time)
      text += " at " + seconds_of(*of.frames[indices.front()].time);
  };
  add(difference.missing, expected, "missing");
  add(difference.other, expected, "with other pixels");
  add(difference.extra, list, "too many");
  if (difference.shift != 0)
    text += ", all " + std::to_string(difference.shift) + " ms later";
  return text;
}

}  // namespace film
