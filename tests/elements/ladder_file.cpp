// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/io/ladder_file.h"

#include <glib/gstdio.h>
#include <gst/check/gstcheck.h>

#include <string>

namespace {

using namespace dist;

// A file of that content for as long as this lives.
class File {
 public:
  explicit File(const std::string& content) {
    gchar* name = nullptr;
    const int fd = g_file_open_tmp("ladder-XXXXXX.json", &name, nullptr);
    path_ = name;
    g_free(name);
    g_close(fd, nullptr);
    g_file_set_contents(path_.c_str(), content.data(), static_cast<gssize>(content.size()),
                        nullptr);
  }
  ~File() { g_unlink(path_.c_str()); }

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// Fills in what a test does not care about.
std::string with(const std::string& fields) {
  return "{\"renditions\": [{\"name\": \"a\", \"codec\": \"h264\", " + fields + "}]}";
}

}  // namespace

GST_START_TEST(test_ladder_file_reads) {
  const File file(R"({"renditions": [
      {"name": "720p", "codec": "h264", "width": 1280, "height": 720, "crf": 23.5, "maxrate": "3M"},
      {"crf": 60, "codec": "vp9", "name": "low", "fps": "30000/1001", "maxrate": 800000},
      {"name": "hevc", "codec": "hevc", "bitrate": "2.5M", "buffer": 500, "keyint": 48,
       "bframes": 2, "threads": 1, "speed": "slow"},
      {"name": "thumb", "codec": "jpeg", "width": 320, "fps": 0.1, "quality": 80}]})");
  const auto specs = read_ladder(file.path());
  fail_unless(static_cast<bool>(specs), "%s", specs ? "" : specs.error().c_str());
  const std::string text = to_string(*specs);
  fail_unless(text ==
                  "720p:h264:1280x720:crf=23.5:maxrate=3M,"
                  "low:vp9:fps=30000/1001:crf=60:maxrate=800k,"
                  "hevc:h265:bitrate=2500k:buffer=500:keyint=48:bframes=2:threads=1:speed=slow,"
                  "thumb:jpeg:width=320:fps=1/10:quality=80",
              "%s", text.c_str());
}
GST_END_TEST

GST_START_TEST(test_ladder_file_says_what_is_wrong) {
  const std::string known =
      "unknown; known are name, codec, width, height, fps, crf, quality, bitrate, maxrate, buffer, "
      "keyint, bframes, threads, speed";
  const std::string object =
      "write an object with a list of renditions, such as "
      "{\"renditions\": [{\"name\": \"720p\", \"codec\": \"h264\"}]}";
  std::string many = "{\"renditions\": [";
  for (unsigned i = 0; i <= kMaxRenditions; ++i)
    many += (i > 0 ? ",{}" : "{}");
  many += "]}";
  const struct {
    std::string content;
    std::string error;
  } rows[] = {
      {"[]", object},
      {"3", object},
      {"", object},
      {"{}", "renditions: missing; write a list of objects"},
      {"{\"renditions\": {}}", "renditions: an object: write a list of objects"},
      {"{\"renditions\": [], \"x\": 1}", "renditions is all that the object may have"},
      {"{\"renditions\": []}", "renditions: empty; write at least one"},
      {"{\"renditions\": [3]}", "renditions[0]: 3: write an object"},
      {many, "renditions: more than 32"},
      {"{\"renditions\": [{}]}",
       "renditions[0].name: missing; each rendition has a name and a codec"},
      {"{\"renditions\": [{\"name\": \"a\"}]}",
       "renditions[0].codec: missing; each rendition has a name and a codec"},
      {"{\"renditions\": [{\"name\": \"a\", \"codec\": \"h264\"}, "
       "{\"name\": \"a\", \"codec\": \"h264\"}]}",
       "renditions[1].name: \"a\": the name comes twice"},
      {"{\"renditions\": [{\"name\": \"a b\", \"codec\": \"h264\"}]}",
       "renditions[0].name: \"a b\": a name has letters, digits, '-' and '_' only"},
      {"{\"renditions\": [{\"name\": 720, \"codec\": \"h264\"}]}",
       "renditions[0].name: 720: write text in quotes"},
      {"{\"renditions\": [{\"name\": \"a\", \"codec\": \"h263\"}]}",
       "renditions[0].codec: \"h263\": unknown; known are h264, h265, vp8, vp9, av1, mpeg4, jpeg, "
       "ffv1"},
      {with("\"crf\": \"high\""), "renditions[0].crf: \"high\": write a number from 0 to 51"},
      {with("\"crf\": \"23\""), "renditions[0].crf: \"23\": write the number without quotes"},
      {with("\"crf\": 52"), "renditions[0].crf: 52: write a number from 0 to 51"},
      {with("\"crf\": true"), "renditions[0].crf: true: write a number"},
      {with("\"crf\": [1]"), "renditions[0].crf: a list: write a number"},
      {with("\"crf\": null"), "renditions[0].crf: null: write a number"},
      {with("\"quality\": 3"), "renditions[0].quality: 3: h264 has crf instead, from 0 to 51"},
      {with("\"width\": 641"), "renditions[0].width: 641: must be even"},
      {with("\"width\": 640.5"),
       "renditions[0].width: 640.5: write a number of pixels from 1 to 16384"},
      {with("\"width\": -2"), "renditions[0].width: -2: write a number of pixels from 1 to 16384"},
      {with("\"fps\": \"fast\""),
       "renditions[0].fps: \"fast\": write frames a second above 0, such as 25, 29.97 or "
       "30000/1001"},
      {with("\"maxrate\": \"3Mbps\""),
       "renditions[0].maxrate: \"3Mbps\": write bits a second, such as 3M or 2500k"},
      {with("\"maxrate\": {}"),
       "renditions[0].maxrate: an object: write a number, or text in quotes"},
      {with("\"speed\": 3"), "renditions[0].speed: 3: write text in quotes"},
      {with("\"preset\": \"slow\""), "renditions[0].preset: " + known},
      {with("\"in-band\": 1"), "renditions[0].in-band: " + known},
      {with("\"crf\": 3, \"bitrate\": \"1M\""),
       "renditions[0]: crf and bitrate exclude each other; write crf with maxrate for quality with "
       "a limit"},
      {"{\"renditions\": [{\"name\": \"a\", \"codec\": \"jpeg\", \"bitrate\": 1000000}]}",
       "renditions[0].bitrate: 1000000: jpeg has none; leave it out"},
      {"\xff", "not UTF-8 text"},
      {std::string(2000, '['), "more than 1000 brackets, which no ladder has"},
      {std::string(kMaxLadderFile + 1, ' '), "larger than 1 MiB, which no ladder is"},
  };
  for (const auto& row : rows) {
    const File file(row.content);
    const auto specs = read_ladder(file.path());
    fail_if(static_cast<bool>(specs), "%s", row.content.c_str());
    fail_unless(specs.error() == file.path() + ": " + row.error, "%s instead of %s",
                specs.error().c_str(), row.error.c_str());
  }
}
GST_END_TEST

GST_START_TEST(test_ladder_file_names_the_line) {
  const File file("{\n\"renditions\": [\n{\"name\": \"a\",, }\n]}");
  const auto specs = read_ladder(file.path());
  fail_if(static_cast<bool>(specs));
  fail_unless(specs.error().starts_with(file.path() + ": line 3: not JSON: "), "%s",
              specs.error().c_str());
  const auto none = read_ladder("/nonexistent/ladder.json");
  fail_if(static_cast<bool>(none));
  fail_unless(none.error().starts_with("/nonexistent/ladder.json: "), "%s", none.error().c_str());
}
GST_END_TEST

static Suite* ladder_file_suite() {
  Suite* suite = suite_create("ladder_file");
  TCase* tests = tcase_create("ladder_file");
  tcase_add_test(tests, test_ladder_file_reads);
  tcase_add_test(tests, test_ladder_file_says_what_is_wrong);
  tcase_add_test(tests, test_ladder_file_names_the_line);
  suite_add_tcase(suite, tests);
  return suite;
}

GST_CHECK_MAIN(ladder_file)
