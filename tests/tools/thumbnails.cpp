// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// gst-dist-1.0 transcode --thumbnails: pictures, sheets and track, as players find them.

// Before gstcheck.h, which has a macro "fail".
#include "tests/tools/tool.h"

#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

#include <gst/check/gstcheck.h>

#include "gst/picture/visual_hash.h"
#include "tests/common/farm.h"
#include "tests/common/film.h"

namespace {

using namespace tool;

constexpr char kH264[] = " -c:v libx264 -preset ultrafast -pix_fmt yuv420p -g 50 ";
constexpr char kMoving[] = "-f lavfi -i testsrc2=size=640x360:rate=25:duration=11 ";
// Each frame has a brightness of its own among those around it.
constexpr char kNumbered[] =
    "-f lavfi -i \"nullsrc=size=64x36:rate=25:duration=32,"
    "geq=lum='mod(N*37\\,220)+16':cb=128:cr=128\" ";
constexpr double kMillisecond = 0.001;

std::string transcode(const std::string& film, const std::string& out, const std::string& options) {
  return output_of(command() + "transcode '" + film + "' -o '" + out +
                   "' -r small:h264:160x90:speed=fast " + options);
}

void expect_refusal(const std::string& arguments, int code, const std::string& text) {
  const std::string said = output_of(command() + "transcode " + arguments, code);
  ck_assert_msg(said.find(text) != std::string::npos, "'%s' does not say '%s'", said.c_str(),
                text.c_str());
}

std::string content(const std::string& path) {
  std::ifstream file(path);
  ck_assert_msg(file.is_open(), "%s is missing", path.c_str());
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<double> numbers(const std::string& text) {
  std::vector<double> found;
  for (const char* at = text.c_str(); *at;) {
    char* end = nullptr;
    const double number = std::strtod(at, &end);
    if (end != at)
      found.push_back(number);
    at = end == at ? at + 1 : end;
  }
  return found;
}

std::vector<double> probe(const std::string& file, const std::string& what) {
  return numbers(output_of("ffprobe -v error " + what + " -of csv=p=0 '" + file + "'"));
}

// --- Pictures

struct Size {
  unsigned width = 0;
  unsigned height = 0;
};

Size size_of(const std::string& picture) {
  const auto found = probe(picture, "-show_entries stream=width,height");
  ck_assert_uint_eq(found.size(), 2);
  return {static_cast<unsigned>(found[0]), static_cast<unsigned>(found[1])};
}

using Luma = std::vector<std::uint8_t>;

// All frames, as they are to be looked at.
std::vector<Luma> frames_of(const std::string& film, const Size& size) {
  const Folder folder;
  const std::string scale =
      "scale=" + std::to_string(size.width) + ":" + std::to_string(size.height);
  output_of("ffmpeg -v fatal -nostdin -y -i '" + film + "' -map 0:v:0 -vf " + scale +
            " -vsync passthrough -pix_fmt gray -f rawvideo " + (folder / "gray"));
  const std::string bytes = content(folder / "gray");
  const std::size_t step = std::size_t{size.width} * size.height;
  std::vector<Luma> frames;
  for (std::size_t at = 0; at + step <= bytes.size(); at += step)
    frames.emplace_back(bytes.begin() + static_cast<std::ptrdiff_t>(at),
                        bytes.begin() + static_cast<std::ptrdiff_t>(at + step));
  return frames;
}

Luma picture_of(const std::string& path, const Size& size) {
  auto frames = frames_of(path, size);
  ck_assert_msg(frames.size() == 1, "%s: %zu pictures", path.c_str(), frames.size());
  return frames.front();
}

// Part of a picture of that width, as large as `size`.
Luma part_of(const Luma& picture, unsigned width, unsigned x, unsigned y, const Size& size) {
  Luma part;
  for (unsigned row = y; row < y + size.height; ++row) {
    const auto begin = picture.begin() + static_cast<std::ptrdiff_t>(row) * width + x;
    part.insert(part.end(), begin, begin + size.width);
  }
  return part;
}

// In dB, 60 at most.
double likeness(const Luma& a, const Luma& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    sum += (a[i] - b[i]) * (a[i] - b[i]);
  return sum == 0
             ? 60
             : std::min(60.0, 10 * std::log10(255 * 255 * static_cast<double>(a.size()) / sum));
}

dist::HashedPicture hash_of(const Luma& luma, const Size& size) {
  return dist::VisualHasher(size.width, size.height)
      .hash({.data = luma.data(),
             .stride = size.width,
             .width = size.width,
             .height = size.height,
             .full_range = true});
}

// --- The track

struct Cue {
  double begin = 0;
  double end = 0;
  std::string sheet;
  unsigned x = 0;
  unsigned y = 0;
  Size size;
};

double seconds(const std::smatch& match, std::size_t first) {
  return std::stod(match[first]) * 3600 + std::stod(match[first + 1]) * 60 +
         std::stod(match[first + 2]);
}

std::vector<Cue> cues_of(const std::string& folder) {
  const std::string text = content(folder + "/thumbnails.vtt");
  ck_assert_msg(text.starts_with("WEBVTT\n"), "%s", text.c_str());
  const std::string time = "(\\d{2,}):([0-5]\\d):([0-5]\\d\\.\\d{3})";
  const std::regex cue("\n" + time + " --> " + time +
                       "\n([a-z0-9-]+\\.jpg)#xywh=(\\d+),(\\d+),(\\d+),(\\d+)\n");
  std::vector<Cue> cues;
  std::size_t read = std::string("WEBVTT\n").size();
  for (std::sregex_iterator i(text.begin(), text.end(), cue), end; i != end; ++i) {
    const auto number = [&](std::size_t group) {
      return static_cast<unsigned>(std::stoul((*i)[group]));
    };
    cues.push_back({.begin = seconds(*i, 1),
                    .end = seconds(*i, 4),
                    .sheet = (*i)[7],
                    .x = number(8),
                    .y = number(9),
                    .size = {number(10), number(11)}});
    read += static_cast<std::size_t>(i->length());
  }
  ck_assert_msg(read == text.size() && !cues.empty(), "%s", text.c_str());
  return cues;
}

std::string picture_name(std::size_t index) {
  const std::string digits = std::to_string(index);
  return "/" + std::string(5 - std::min<std::size_t>(5, digits.size()), '0') + digits + ".jpg";
}

// When the last packet of those ends whose duration is known, and what the file announces, which is
// more in MP4s with reordered frames.
std::vector<double> ends_of(const std::string& file) {
  std::istringstream lines(output_of(
      "ffprobe -v error -show_entries packet=pts_time,duration_time -of csv=p=0 '" + file + "'"));
  double end = 0;
  for (std::string line; std::getline(lines, line);)
    if (const auto packet = numbers(line); packet.size() >= 2)
      end = std::max(end, packet[0] + packet[1]);
  const auto announced = probe(file, "-show_entries format=start_time,duration");
  return {end - announced[0], announced[1]};
}

// All pictures of a folder, in one go. To ffmpeg the name is a pattern.
std::vector<Luma> pictures_of(const std::string& folder, const Size& size) {
  return frames_of(std::regex_replace(folder, std::regex("%"), "%%") + "/%05d.jpg", size);
}

// The cues cover the film, and each tile is the picture of that number.
void check_sheets(const std::string& folder, const std::string& out) {
  const auto cues = cues_of(folder);
  struct Sheet {
    Size size;
    Luma luma;
  };
  std::map<std::string, Sheet> sheets;
  const Size size = size_of(folder + picture_name(0));
  const auto pictures = pictures_of(folder, size);
  ck_assert_uint_eq(pictures.size(), cues.size());
  ck_assert(cues.front().begin == 0);
  const auto ends = ends_of(out);
  // An MP4 counts samples where the film's sound has milliseconds.
  ck_assert_msg(std::ranges::any_of(
                    ends, [&](double end) { return std::abs(cues.back().end - end) < 0.005; }),
                "the last cue ends at %f, not %f or %f", cues.back().end, ends[0], ends[1]);
  for (std::size_t i = 0; i < cues.size(); ++i) {
    const Cue& cue = cues[i];
    ck_assert(cue.begin < cue.end);
    ck_assert(i == 0 || cue.begin == cues[i - 1].end);
    const std::string path = folder + "/" + cue.sheet;
    if (!sheets.contains(cue.sheet)) {
      const Size whole = size_of(path);
      sheets[cue.sheet] = {whole, picture_of(path, whole)};
    }
    const Sheet& sheet = sheets[cue.sheet];
    ck_assert_msg(
        cue.x + cue.size.width <= sheet.size.width && cue.y + cue.size.height <= sheet.size.height,
        "cue %zu is not on %s", i, cue.sheet.c_str());
    ck_assert_uint_eq(size.width, cue.size.width);
    ck_assert_uint_eq(size.height, cue.size.height);
    const double same =
        likeness(part_of(sheet.luma, sheet.size.width, cue.x, cue.y, size), pictures[i]);
    ck_assert_msg(same > 32, "picture %zu: %.1f dB on its sheet", i, same);
  }
}

// How many frames with those times are shown, or were, at that time.
std::size_t shown_until(const std::vector<double>& times, double time) {
  return static_cast<std::size_t>(std::ranges::upper_bound(times, time) - times.begin());
}

// Each picture is the frame of the film that is on screen when its cue begins. Cues are rounded to
// milliseconds, so that it may be the one before; not if the film's frames are at whole ones, and
// each has its own brightness: `exact`.
void check_pictures(const std::string& film, const std::string& out, const std::string& folder,
                    bool exact = false) {
  // One step of brightness is worth less than 17 dB, the wrong range 29.
  const double least = exact ? 34 : 20;
  const auto cues = cues_of(folder);
  const Size size = size_of(folder + picture_name(0));
  const auto frames = frames_of(film, size);
  const auto pictures = pictures_of(folder, size);
  ck_assert_uint_eq(pictures.size(), cues.size());
  auto times = probe(film, "-select_streams v:0 -show_entries frame=best_effort_timestamp_time");
  ck_assert_msg(times.size() == frames.size() && !frames.empty(), "%s: %zu times, %zu frames",
                film.c_str(), times.size(), frames.size());
  const double late = probe(out, "-select_streams v:0 -show_entries stream=start_time")[0] -
                      probe(out, "-show_entries format=start_time")[0] - times[0];
  for (double& time : times)
    time += late;
  for (std::size_t i = 0; i < cues.size(); ++i) {
    const Luma& picture = pictures[i];
    const std::size_t last =
        std::max<std::size_t>(1, shown_until(times, cues[i].begin + kMillisecond)) - 1;
    const std::size_t first =
        exact ? last
              : std::max<std::size_t>(1, shown_until(times, cues[i].begin - kMillisecond)) - 1;
    double best = 0;
    double right = 0;
    for (std::size_t f = first - std::min<std::size_t>(first, 2);
         f < std::min(frames.size(), last + 3); ++f) {
      const double like = likeness(picture, frames[f]);
      best = std::max(best, like);
      right = f >= first && f <= last ? std::max(right, like) : right;
    }
    ck_assert_msg(right > least && right >= best - 0.3,
                  "%s: picture %zu, of %.3f s: %.1f dB from its frame %zu, %.1f from others",
                  film.c_str(), i, cues[i].begin, right, last, best);
    const auto a = hash_of(picture, size);
    const auto b = hash_of(frames[last], size);
    if (a.quality >= 50 && b.quality >= 50)
      ck_assert_msg(dist::distance(a.hash, b.hash) <= 31, "%s: picture %zu: distance %u",
                    film.c_str(), i, dist::distance(a.hash, b.hash));
  }
}

}  // namespace

GST_START_TEST(test_thumbnails_of_films) {
  const char* const pattern = g_getenv("DIST_CLIP");
  for (const std::string& clip : film::clips(pattern ? pattern : "")) {
    const std::string name = film::base_name(clip);
    // To ffprobe the frames of a raw stream have no times.
    if (name.starts_with("corrupted") || name.find("-raw.") != std::string::npos)
      continue;
    const Folder folder;
    const std::string out = folder / "out.mp4";
    transcode(clip, out, "--thumbnails=1.5");
    check_sheets(folder / "out-thumbnails", out);
    check_pictures(clip, out, folder / "out-thumbnails");
  }
}
GST_END_TEST

// Where a wrong frame is another brightness.
GST_START_TEST(test_thumbnails_are_exact) {
  const struct {
    const char* arguments;
    const char* interval;
    std::size_t pictures;
  } rows[] = {
      {"", "", 32},
      {"", "=10", 4},
      {"", "=0.52", 62},
      // Frames at odd times.
      {"-vf setpts=PTS*1001/1000 -r 30000/1001 ", "=2", 16},
      // A frame that is shown for 19 s.
      {"-vf \"select='not(between(n\\,174\\,650))'\" -vsync vfr ", "=1", 32},
      // Sound that goes on for 8 s.
      {"-f lavfi -i sine=duration=40 -c:a aac ", "=2", 16},
      // Sound that begins 3.5 s before the picture.
      {"-f lavfi -i sine=duration=35 -vf setpts=PTS+3.5/TB -c:a aac ", "=2", 18},
  };
  const Folder folder;
  for (const auto& row : rows) {
    const std::string film =
        make(folder, "film.mp4", kNumbered + std::string(row.arguments) + kH264);
    const std::string out = folder / "out.mp4";
    transcode(film, out, "--yes --thumbnails" + std::string(row.interval));
    check_sheets(folder / "out-thumbnails", out);
    check_pictures(film, out, folder / "out-thumbnails", true);
    ck_assert_uint_eq(cues_of(folder / "out-thumbnails").size(), row.pictures);
  }
}
GST_END_TEST

GST_START_TEST(test_thumbnails_sizes) {
  const struct {
    const char* name;
    const char* arguments;
    Size size;
    const char* rotation = nullptr;
  } rows[] = {
      {"wide.mp4", "-vf scale=640:266,setsar=1", {320, 134}},
      {"upright.mp4", "-vf scale=360:640,setsar=1", {180, 320}},
      {"turned.mp4", "", {180, 320}, "90"},
      {"other.mp4", "", {180, 320}, "270"},
      {"head.mp4", "", {320, 180}, "180"},
      {"anamorphic.mp4", "-vf scale=352:288,setsar=16/11", {320, 180}},
      {"small.mp4", "-vf scale=96:54", {96, 54}},
      {"odd.webm", "-vf scale=161:121,setsar=1 -c:v libvpx -cpu-used 8", {160, 120}},
      {"still.mp4", "-frames:v 1", {320, 180}},
  };
  const Folder folder;
  for (const auto& row : rows) {
    const std::string arguments = row.arguments;
    const bool other = arguments.find("-c:v") != std::string::npos;
    std::string film =
        make(folder, row.name, kMoving + std::string(other ? "" : kH264) + arguments);
    if (row.rotation)
      film = make(folder, "turned-" + std::string(row.name),
                  "-i '" + film + "' -c copy -metadata:s:v rotate=" + row.rotation);
    const std::string out = folder / "out.mp4";
    transcode(film, out, "--yes --thumbnails=5");
    const Size size = size_of(folder / "out-thumbnails/00000.jpg");
    ck_assert_msg(size.width == row.size.width && size.height == row.size.height, "%s: %ux%u",
                  row.name, size.width, size.height);
    check_sheets(folder / "out-thumbnails", out);
    check_pictures(film, out, folder / "out-thumbnails");
  }
}
GST_END_TEST

GST_START_TEST(test_thumbnails_beside_renditions) {
  const Folder folder;
  const std::string film = make(folder, "film.mp4", kMoving + std::string(kH264));
  const std::string out = folder / "100%s of it";
  const std::string said = output_of(command() + "transcode --json " + film + " -o '" + out +
                                     "' --ladder h264 --thumbnails");
  for (const char* name : {"/360p.mp4", "/240p.mp4", "/thumbnails/thumbnails.vtt"}) {
    ck_assert_msg(fs::exists(out + name), "%s", name);
    ck_assert_msg(said.rfind("\"" + out + name + "\"") > said.rfind("\"done\""), "%s",
                  said.c_str());
  }
  check_sheets(out + "/thumbnails", out + "/360p.mp4");
  check_pictures(film, out + "/360p.mp4", out + "/thumbnails");
  const auto size = size_of(out + "/360p.mp4");
  ck_assert(size.width == 640 && size.height == 360);
  // The film, the folder, and in it two renditions and eleven pictures with sheet and track.
  ck_assert_uint_eq(folder.size(), 2 + 3 + 13);
}
GST_END_TEST

GST_START_TEST(test_thumbnails_refusals) {
  const Folder folder;
  const std::string film = make(folder, "film.mp4", kMoving + std::string(kH264));
  const std::string sound = make(folder, "sound.m4a", "-f lavfi -i sine=duration=1 -c:a aac");
  fs::create_directory(folder / "there-thumbnails");
  std::ofstream(folder / "there-thumbnails/thumbnails.vtt") << "mine\n";
  fs::create_directory(folder / "letters-thumbnails");
  std::ofstream(folder / "letters-thumbnails/letters.txt") << "mine\n";
  const std::string out = " -o " + (folder / "out.mp4");
  const struct {
    std::string arguments;
    int code;
    const char* text;
  } rows[] = {
      {film + out + " --thumbnails=often", 2, "write seconds from 0.01 to 1000"},
      {film + out + " --thumbnails=0", 2, "write seconds from 0.01 to 1000"},
      {film + out + " --thumbnails -r thumbnails:h264", 2, "--thumbnails makes one of that name"},
      {sound + out + " --thumbnails", 3, "there is no video in it"},
      {film + " --thumbnails -o " + (folder / "there.mp4"), 4, "is there already; --yes"},
      {film + " --yes --thumbnails -o " + (folder / "letters.mp4"), 4, "holds other things"},
  };
  for (const auto& row : rows)
    expect_refusal(row.arguments, row.code, row.text);
  ck_assert_str_eq(content(folder / "there-thumbnails/thumbnails.vtt").c_str(), "mine\n");
  ck_assert_uint_eq(folder.size(), 6);
}
GST_END_TEST

GST_START_TEST(test_thumbnails_replace) {
  const Folder folder;
  const std::string film = make(folder, "film.mp4", kMoving + std::string(kH264));
  const std::string out = folder / "out.mp4";
  transcode(film, out, "--thumbnails=0.2");
  ck_assert(fs::exists(folder / "out-thumbnails/sprite-002.jpg"));
  const std::string said = transcode(film, out, "--yes --thumbnails");
  ck_assert_msg(said.ends_with("out-thumbnails/thumbnails.vtt\n"), "%s", said.c_str());
  // Nothing of the others is left: eleven pictures, their sheet and track.
  ck_assert_uint_eq(folder.size(), 3 + 13);
  check_sheets(folder / "out-thumbnails", out);
}
GST_END_TEST

GST_START_TEST(test_thumbnails_interrupted) {
  for (const char* out : {"out.mp4", "out/"}) {
    const Folder folder;
    const std::string film =
        make(folder, "film.mp4",
             "-f lavfi -i testsrc2=size=640x360:rate=25:duration=120" + std::string(kH264));
    farm::Process process(command() + "transcode --json --thumbnails=0.1 " + film + " -o " +
                          (folder / out));
    ck_assert(wait_for(process, "dist-segment-done"));
    process.signal(SIGINT);
    ck_assert_int_eq(process.exit_code(), 130);
    ck_assert_uint_eq(folder.size(), 1);
  }
}
GST_END_TEST

GST_START_TEST(test_thumbnails_disk_full) {
  const Folder folder;
  const std::string film =
      make(folder, "film.mp4",
           "-f lavfi -i testsrc2=size=640x360:rate=25:duration=40" + std::string(kH264));
  const std::string disk = folder / "disk";
  fs::create_directory(disk);
  // In a mount namespace of its own, which goes with it; all but the pictures fits.
  const std::string said = output_of(
      "unshare -m sh -c 'mount -t tmpfs -o size=1500k none " + disk + " && " + command() +
          "transcode " + film + " --thumbnails=0.1 -r a:h264:32x18:speed=fast -o " + disk +
          "/out.mp4; code=$?; ls -A " + disk + " | sed \"s/^/left: /\"; exit $code'",
      4);
  ck_assert_msg(said.find("/out-thumbnails/") != std::string::npos &&
                    said.find("No space left") != std::string::npos &&
                    said.find(".part") == std::string::npos &&
                    said.find("left: ") == std::string::npos,
                "%s", said.c_str());
}
GST_END_TEST

static Suite* thumbnails_suite() {
  Suite* const suite = suite_create("thumbnails");
  TCase* const tests = tcase_create("all");
  tcase_set_timeout(tests, 900);
  suite_add_tcase(suite, tests);
  tcase_add_test(tests, test_thumbnails_of_films);
  tcase_add_test(tests, test_thumbnails_are_exact);
  tcase_add_test(tests, test_thumbnails_sizes);
  tcase_add_test(tests, test_thumbnails_beside_renditions);
  tcase_add_test(tests, test_thumbnails_refusals);
  tcase_add_test(tests, test_thumbnails_replace);
  tcase_add_test(tests, test_thumbnails_interrupted);
  tcase_add_test(tests, test_thumbnails_disk_full);
  return suite;
}

GST_CHECK_MAIN(thumbnails)
