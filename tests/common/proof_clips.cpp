// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/common/proof_clips.h"

#include <glib.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string_view>

#include "tests/common/farm.h"

namespace film {
namespace {

namespace fs = std::filesystem;

constexpr char kRefused[] = "refused: ";
constexpr char kPicture[] = "-f lavfi -i testsrc2=size=176x144:rate=25:duration=4 ";
constexpr char kTone[] = "-f lavfi -i sine=frequency=440:sample_rate=48000:duration=4 -ac 2 ";
// Each frame differs from all others.
constexpr char kVideo[] =
    "videotestsrc num-buffers=100 pattern=smpte horizontal-speed=3 ! "
    "video/x-raw,format=I420,width=176,height=144,framerate=25/1";
constexpr char kSound[] =
    "audiotestsrc num-buffers=188 samplesperbuffer=1024 ! audioconvert ! audioresample";

fs::path source_root() {
  const char* const root = g_getenv("DIST_SOURCE_ROOT");
  return root ? root : ".";
}

// Another one for another line, so that what has changed in the table is made again.
fs::path folder_of(const ProofClip& clip) {
  const char* const root = g_getenv("DIST_BUILD_ROOT");
  const std::string line = clip.maker + clip.line;
  gchar* const sum = g_compute_checksum_for_string(G_CHECKSUM_MD5, line.c_str(), -1);
  const fs::path path =
      fs::path(root ? root : "build") / "tests" / "proof" / std::string(sum).substr(0, 8);
  g_free(sum);
  fs::create_directories(path);
  return path;
}

// A table's lines without comments.
std::vector<std::string> lines_of(const char* table) {
  std::ifstream file(source_root() / "tests" / "e2e" / table);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);)
    if (!line.empty() && line.front() != '#')
      lines.push_back(line);
  return lines;
}

// What follows, without the spaces that put it into a column.
std::string rest_of(std::istringstream& words) {
  std::string rest;
  std::getline(words >> std::ws, rest);
  return rest;
}

void replace_all(std::string& text, std::string_view what, const std::string& by) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += by.size())
    text.replace(at, what.size(), by);
}

// By one thread, so that each machine makes the same bytes.
std::string by_ffmpeg(const std::string& options, const std::string& out) {
  const bool silent = options.starts_with("-an ");
  const bool has_format = options.find("-pix_fmt ") != std::string::npos ||
                          options.find("format=") != std::string::npos;
  return std::string("ffmpeg -nostdin -v error -y ") + kPicture + (silent ? "" : kTone) +
         (has_format ? "" : "-pix_fmt yuv420p ") + "-threads 1 " + options + " " + out;
}

std::string by_gstreamer(std::string line, const std::string& out) {
  replace_all(line, "VIDEO", kVideo);
  replace_all(line, "SOUND", kSound);
  replace_all(line, "OUT", "filesink location=" + out);
  return "gst-launch-1.0 -q " + line;
}

// Of the table.
dist::Result<std::string> make_named(const std::string& name) {
  const auto clips = proof_clips();
  const auto clip = std::ranges::find(clips, name, &ProofClip::name);
  if (clip == clips.end())
    return dist::Error{name + " is not in the table"};
  return make_clip(*clip);
}

dist::Result<std::string> concatenate(const std::string& names, const fs::path& out) {
  std::ofstream all(out, std::ios::binary);
  std::istringstream words(names);
  for (std::string name; words >> name;) {
    const auto path = make_named(name);
    if (!path)
      return path;
    all << std::ifstream(*path, std::ios::binary).rdbuf();
  }
  return out.string();
}

// The line names the film to copy as ffmpeg does, behind -i.
dist::Result<std::string> copy_line(const std::string& options, const std::string& out) {
  std::istringstream words(options);
  std::string line = "ffmpeg -nostdin -v error -y";
  for (std::string word, before; words >> word; before = word) {
    const auto path = before == "-i" ? make_named(word) : dist::Result<std::string>(word);
    if (!path)
      return path;
    line += " " + *path;
  }
  return line + " -c copy " + out;
}

// The command that makes it.
dist::Result<std::string> line_of(const ProofClip& clip, const std::string& out) {
  if (clip.maker == "copy")
    return copy_line(clip.line, out);
  return clip.maker == "gst" ? by_gstreamer(clip.line, out) : by_ffmpeg(clip.line, out);
}

// What tests/e2e/proof_known.txt says of it.
std::string known_of(const std::string& name) {
  for (const std::string& line : lines_of("proof_known.txt")) {
    std::istringstream words(line);
    std::string known;
    words >> known;
    if (known == name)
      return rest_of(words);
  }
  return "";
}

}  // namespace

std::vector<ProofClip> proof_clips() {
  std::vector<ProofClip> clips;
  for (const std::string& line : lines_of("proof_clips.txt")) {
    std::istringstream words(line);
    ProofClip clip;
    words >> clip.name >> clip.maker;
    clip.line = rest_of(words);
    clips.push_back(clip);
  }
  return clips;
}

dist::Result<std::string> make_clip(const ProofClip& clip) {
  const fs::path folder = folder_of(clip);
  const fs::path path = folder / clip.name;
  if (fs::exists(path))
    return path.string();
  // Under another name first: several tests may run at a time.
  const fs::path unfinished =
      folder / ("making-" + std::to_string(g_random_int()) + "-" + clip.name);
  if (clip.maker == "cat") {
    const auto made = concatenate(clip.line, unfinished);
    if (!made)
      return made;
  } else {
    const auto line = line_of(clip, unfinished);
    if (!line)
      return line;
    farm::Process process(*line);
    if (process.exit_code(60) != 0)
      return dist::Error{clip.name + " cannot be made: " + process.output()};
  }
  // The first one stays: it may be read already.
  std::error_code error;
  fs::create_hard_link(unfinished, path, error);
  fs::remove(unfinished);
  if (!fs::exists(path))
    return dist::Error{clip.name + " cannot be made: " + error.message()};
  return path.string();
}

std::vector<std::string> real_films() {
  std::vector<std::string> paths;
  for (const char* name : {"media", "media/hard"}) {
    const fs::path real = source_root() / ".." / "shared" / name;
    if (!fs::is_directory(real))
      continue;
    for (const auto& entry : fs::directory_iterator(real))
      if (entry.is_regular_file() && entry.path().extension() != ".md")
        paths.push_back(entry.path().lexically_normal());
  }
  std::ranges::sort(paths);
  return paths;
}

std::string known_fault(const std::string& name) {
  const std::string known = known_of(name);
  return known.starts_with(kRefused) ? "" : known;
}

std::string known_refusal(const std::string& name) {
  const std::string known = known_of(name);
  return known.starts_with(kRefused) ? known.substr(std::size(kRefused) - 1) : "";
}

}  // namespace film
