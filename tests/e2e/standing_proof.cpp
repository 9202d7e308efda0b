// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The promise to whoever encodes a film: each frame of an undistributed decode, once, at its time,
// or an error; and an .mp4 with as many frames. The films are the real ones beside the source tree,
// where they are, and those of proof_clips.txt; proof_known.txt names those that are not whole yet,
// and why, and those that have to be refused. DIST_CLIP restricts them to names that contain it.

// Before gstcheck.h, which has a macro "fail".
#include <filesystem>
#include <functional>

#include <gst/check/gstcheck.h>

#include "tests/common/film.h"
#include "tests/common/frame_list.h"
#include "tests/common/parallel.h"
#include "tests/common/proof_clips.h"

namespace {

// Seconds for a program and a film. Real ones of 1080 lines take half a minute where nothing else
// runs.
constexpr unsigned kLimit = 60;
constexpr unsigned kRealLimit = 240;

struct Film {
  std::string name;
  std::function<dist::Result<std::string>()> path;  // Makes it, if need be.
  unsigned limit = kLimit;
};

struct Row {
  std::string name;
  std::string fault;  // Empty if the film is whole.
  std::string note;
};

std::vector<Film> films() {
  std::vector<Film> all;
  // Not where all takes ten times as long.
  if (!g_getenv("CK_TIMEOUT_MULTIPLIER"))
    for (const std::string& path : film::real_films())
      all.push_back(
          {film::base_name(path), [path] { return dist::Result<std::string>(path); }, kRealLimit});
  for (const film::ProofClip& clip : film::proof_clips())
    all.push_back({clip.name, [clip] { return film::make_clip(clip); }, kLimit});
  const char* const pattern = g_getenv("DIST_CLIP");
  std::erase_if(all, [pattern](const Film& film) {
    return pattern && film.name.find(pattern) == std::string::npos;
  });
  return all;
}

// Where the sound of a transport stream begins before the picture, decodebin leaves out what is
// before the first picture. Elsewhere no time moves.
std::string fault_of_shift(const std::string& name, std::int64_t shift) {
  const std::string extension = std::filesystem::path(name).extension();
  if (shift == 0 || extension == ".ts" || extension == ".m2ts" || extension == ".m3u8")
    return "";
  return "all frames are " + std::to_string(shift) + " ms later";
}

// A film that decodebin cannot decode at all ends with one error, or is as ffmpeg shows it; one
// that decodebin decodes in part may end with an error, too.
Row without_reference(const std::string& name, const std::string& path,
                      const film::FrameList& plain, const film::Transcoded& made) {
  Row row{name, "", "decodebin: " + plain.error};
  if (plain.frames.empty() && made.code == 0) {
    const auto shown = film::list_frames_by_ffmpeg(path, made.list.format);
    row.fault = shown.decodes() ? film::describe(film::compare(shown, made.list), shown, made.list)
                                : "exit code 0, and " + shown.error;
  } else if (made.code != 0 && made.output.empty()) {
    row.fault = "exit code " + std::to_string(made.code) + " without a word";
  }
  return row;
}

// MP4 is stricter with times than Matroska.
std::string fault_of_mp4(const std::string& path, const std::string& result, unsigned limit,
                         std::size_t frames) {
  const film::Transcoded made = film::transcode_to_mp4(path, result, limit);
  if (made.code != 0)
    return "exit code " + std::to_string(made.code) + " into .mp4: " + made.reason();
  if (made.frames != frames)
    return std::to_string(made.frames) + " frames in .mp4 for " + std::to_string(frames);
  return "";
}

// A film that a demuxer does not show whole must not seem done.
Row with_refusal(const std::string& name, const std::string& words, const film::Transcoded& made) {
  constexpr int kNoInput = 3;
  const bool refused = made.code == kNoInput && made.reason().find(words) != std::string::npos;
  return {
      name,
      refused ? "" : "not refused with '" + words + "', but exit code " + std::to_string(made.code),
      made.reason()};
}

Row prove(const std::string& name, const std::string& path, unsigned limit) {
  const std::filesystem::path folder = std::string(g_getenv("DIST_BUILD_ROOT")) + "/tests/proof";
  std::filesystem::create_directories(folder);
  const std::string result = folder / ("result-" + name);
  const film::Transcoded made = film::transcode_losslessly(path, result + ".mkv", limit);
  if (made.code < 0)
    return {name, made.hung ? "transcode hangs" : "transcode crashes", made.reason()};
  if (const std::string refusal = film::known_refusal(name); !refusal.empty())
    return with_refusal(name, refusal, made);
  const film::FrameList plain = film::list_frames(path, made.list.format, limit);
  if (plain.hung || plain.crashed)
    return {name, "decodebin does not end: " + plain.error, ""};
  if (!plain.decodes())
    return without_reference(name, path, plain, made);
  if (made.code != 0)
    return {name,
            "exit code " + std::to_string(made.code) + ", where decodebin shows " +
                std::to_string(plain.frames.size()) + " frames",
            made.reason()};
  if (!made.list.error.empty())
    return {name, "the result does not decode: " + made.list.error, ""};
  const film::Difference difference = film::compare(plain, made.list);
  // Of a damaged film a decoder of one thread, as workers have it, may show something else.
  if (!difference.none() &&
      film::compare(film::list_frames(path, made.list.format, limit, 1), made.list).none())
    return {name, "", "as by a decoder of one thread"};
  std::string fault = film::describe(difference, plain, made.list);
  if (fault.empty())
    fault = fault_of_shift(name, difference.shift);
  if (fault.empty())
    fault = fault_of_mp4(path, result + ".mp4", limit, made.frames);
  return {name, fault, difference.shift == 0 ? "" : std::to_string(difference.shift) + " ms later"};
}

std::vector<Row> prove_all(const std::vector<Film>& films) {
  std::vector<Row> rows(films.size());
  film::for_each_index(films.size(), [&](std::size_t at) {
    const auto path = films[at].path();
    rows[at] = path ? prove(films[at].name, *path, films[at].limit)
                    : Row{films[at].name, path.error(), ""};
  });
  return rows;
}

}  // namespace

GST_START_TEST(test_frames_are_those_of_an_undistributed_decode) {
  std::string failed;
  unsigned whole = 0;
  const std::vector<Row> rows = prove_all(films());
  for (const Row& row : rows) {
    const std::string known = film::known_fault(row.name);
    const char* const good = film::known_refusal(row.name).empty() ? "whole" : "refused";
    const std::string text = row.name + ": " + (row.fault.empty() ? good : row.fault) +
                             (row.note.empty() ? "" : "; " + row.note);
    if (row.fault.empty())
      ++whole;
    else if (known.empty())
      failed += "\n" + row.name + ": " + row.fault;
    g_print("%s%s\n", text.c_str(),
            known.empty()       ? ""
            : row.fault.empty() ? " (known as faulty, and is not any more)"
                                : (" (known: " + known + ")").c_str());
  }
  g_print("%u of %zu films are whole, or refused as they have to be\n", whole, rows.size());
  // libcheck ends without a word if a message is too long.
  ck_assert_msg(failed.empty(), "%s", failed.substr(0, 3000).c_str());
}
GST_END_TEST

static Suite* standing_proof_suite() {
  Suite* suite = suite_create("standing-proof");
  TCase* tests = tcase_create("standing-proof");
  tcase_set_timeout(tests, 1100);
  tcase_add_test(tests, test_frames_are_those_of_an_undistributed_decode);
  suite_add_tcase(suite, tests);
  return suite;
}

GST_CHECK_MAIN(standing_proof)
