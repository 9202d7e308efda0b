// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// gst-dist-1.0 transcode where something is wrong or goes wrong: it says what, ends with the code
// that is documented, and leaves no file under its final name that is not complete.

// Before gstcheck.h, which has a macro "fail".
#include "tests/tools/tool.h"

#include <sys/stat.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include <gst/check/gstcheck.h>
#include <json-glib/json-glib.h>

#include "config.h"
#include "tests/common/farm.h"
#include "tests/common/film.h"

namespace {

using namespace tool;

// A film so long that there is time to do something to it.
std::string long_film(const Folder& folder) {
  const std::string path = folder / "long.mp4";
  ffmpeg(
      "-f lavfi -i testsrc2=size=640x360:rate=25:duration=120 -c:v "
      "libx264 -preset ultrafast -pix_fmt yuv420p -g 25 " +
      path);
  return path;
}

// A second with sound.
std::string short_film(const Folder& folder) {
  const std::string path = folder / "film.mp4";
  ffmpeg(
      "-f lavfi -i testsrc2=size=160x120:rate=25:duration=1 -f lavfi "
      "-i sine=duration=1 -c:v libx264 -preset ultrafast -pix_fmt yuv420p -c:a aac " +
      path);
  return path;
}

// Writes the secret of a primary, and starts a worker at that port that knows another one.
farm::Process with_another_secret(const Folder& folder, unsigned port) {
  farm::write_secret(folder / "secret", "a secret that is long enough");
  farm::write_secret(folder / "other", "another secret, long enough too");
  return farm::Process("gst-launch-1.0 -q remoteencworker secret-file=" + (folder / "other") +
                       " port=" + std::to_string(port));
}

std::string clip() {
  return film::clips("h264-closed").front();
}

// The process ends with that code and has said that.
void expect_end(farm::Process& process, int code, const std::string& text, unsigned seconds = 90) {
  const int actual = process.exit_code(seconds);
  ck_assert_msg(actual == code, "exit code %d, not %d: %s", actual, code, process.output().c_str());
  ck_assert_msg(process.output().find(text) != std::string::npos, "'%s' does not say '%s'",
                process.output().c_str(), text.c_str());
  ck_assert_msg(process.output().find("..\n") == std::string::npos, "%s", process.output().c_str());
}

void expect_refusal(const std::string& arguments, int code, const std::string& text) {
  farm::Process process(command() + "transcode " + arguments);
  expect_end(process, code, text);
}

// A transcode to `out`, which has begun: a segment is done.
farm::Process begun(const std::string& film, const std::string& out) {
  farm::Process process(command() + "transcode --json " + film + " -o " + out);
  ck_assert(wait_for(process, "dist-segment-done"));
  return process;
}

}  // namespace

GST_START_TEST(test_transcode_refuses) {
  const Folder folder;
  const std::string out = folder / "out.mp4";
  std::ofstream(folder / "text.mp4") << "not a film\n";
  std::ofstream(folder / "there.mp4") << "mine\n";
  const std::string film = short_film(folder);
  const auto size = fs::file_size(film);
  ck_assert_int_eq(mkfifo((folder / "pipe").c_str(), 0600), 0);
  fs::create_directory(folder / "thumb");
  std::ofstream(folder / "thumb/letters") << "mine\n";
  const struct {
    std::string arguments;
    int code;
    const char* text;
  } rows[] = {
      {"", 2, "which film? Give one INPUT"},
      {clip(), 2, "where to? Give -o OUT"},
      {clip() + " -o ''", 2, "where to? Give -o OUT"},
      {clip() + " " + clip() + " -o " + out, 2, "one INPUT too many"},
      {clip() + " -o " + out + " --rendtion a:h264", 2, "did you mean --rendition?"},
      {clip() + " -o " + out + " -r a:h263", 2, "codec 'h263': unknown"},
      {clip() + " -o " + out + " -r a:h264 -r b:h264", 2, "is one file, for 2 renditions"},
      {clip() + " -o " + (folder / "out.webm") + " -r a:h264", 2,
       ".webm does not take h264; write .mkv, or give -r a:vp9"},
      {clip() + " -o " + (folder / "out.avi"), 2, "known files end in .mp4, .mkv, .webm, .ts"},
      {clip() + " -o " + out + " --listen 7700", 2, "write HOST:PORT"},
      {clip() + " -o " + out + " --wait", 2, "is for the port of --listen"},
      {clip() + " -o " + out + " --max-segment-duration=-3", 2, "write seconds from 0"},
      {clip() + " -o " + out + " --local-workers 0", 2, "leaves nobody to do the work"},
      {clip() + " -o " + out + " --listen localhost:7700", 2, "write HOST:PORT in numbers"},
      {clip() + " -o " + out + " --listen ::1:7700", 2, "write HOST:PORT in numbers"},
      {clip() + " -o " + out + " --listen 0.0.0.0:0", 5, "give --secret-file, or set GST_DIST"},
      {clip() + " -o " + out + " --listen [::]:0", 5, "give --secret-file, or set GST_DIST"},
      {"-o " + out + " -- -film.mp4", 3, ": -film.mp4: there is no such file."},
      {"foo://film -o " + out, 3, "nothing here reads 'foo:'"},
      {"'a\033[2Jb.mp4' -o " + out, 3, "a?[2Jb.mp4: there is no such file."},
      {(folder / "pipe") + " -o " + out, 3, "is no file that can be read twice"},
      {"file://" + (folder / "pipe") + " -o " + out, 3, "is no file that can be read twice"},
      {(folder / "none.mp4") + " -o " + out, 3, "there is no such file"},
      {(folder / "text.mp4") + " -o " + out, 3, "text.mp4: "},
      {"-v " + (folder / "text.mp4") + " -o " + out, 3, "/GstTypeFindElement:"},
      {clip() + " -o " + (folder / "there.mp4"), 4, "is there already; --yes replaces it"},
      {clip() + " -o " + (folder / "there.mp4/out.mp4"), 4, "cannot be"},
      {clip() + " -o " + (folder / (std::string(300, 'a') + ".mp4")), 4, "File name too long"},
      {film + " --yes -o " + film, 2, "is the input"},
      {film + " --yes -r film:h264 -o " + (folder / ""), 2, "is the input"},
      {film + " --audio separate -r audio:h264 -o " + (folder / "ladder"), 2, "two outputs"},
      {clip() + " --yes -r thumb:jpeg -o " + (folder / ""), 4, "holds other things"},
      {clip() + " -o /proc/nowhere/out.mp4", 4, "cannot be made"},
  };
  for (const auto& row : rows)
    expect_refusal(row.arguments, row.code, row.text);
  ck_assert_uint_eq(folder.size(), 6);
  ck_assert_uint_eq(fs::file_size(film), size);
  std::string kept;
  std::getline(std::ifstream(folder / "there.mp4"), kept);
  ck_assert_str_eq(kept.c_str(), "mine");
  expect_refusal(clip() + " --yes -o " + (folder / "there.mp4"), 0, "there.mp4");
  ck_assert_uint_gt(fs::file_size(folder / "there.mp4"), 1000);
}
GST_END_TEST

GST_START_TEST(test_transcode_into_a_folder_with_percent_signs) {
  const Folder folder;
  expect_refusal(short_film(folder) + " -r thumb:jpeg:fps=1 -o " + (folder / "50%s%n"), 0, "thumb");
  ck_assert(fs::exists(folder / "50%s%n/thumb/00000.jpg"));
}
GST_END_TEST

GST_START_TEST(test_transcode_port_in_use) {
  const Folder folder;
  GSocketListener* const listener = g_socket_listener_new();
  GSocketAddress* const any = g_inet_socket_address_new_from_string("127.0.0.1", 0);
  GSocketAddress* bound = nullptr;
  ck_assert(g_socket_listener_add_address(listener, any, G_SOCKET_TYPE_STREAM,
                                          G_SOCKET_PROTOCOL_TCP, nullptr, &bound, nullptr));
  const auto port = g_inet_socket_address_get_port(G_INET_SOCKET_ADDRESS(bound));
  farm::Process process(command() + "transcode " + clip() + " -o " + (folder / "new/out.mp4") +
                        " --listen 127.0.0.1:" + std::to_string(port));
  expect_end(process, 5, "Choose another address or port");
  // That nothing is done goes without saying.
  ck_assert_msg(process.output().find("frames/s") == std::string::npos, "%s",
                process.output().c_str());
  ck_assert_uint_eq(folder.size(), 0);
  g_object_unref(bound);
  g_object_unref(any);
  g_object_unref(listener);
}
GST_END_TEST

GST_START_TEST(test_transcode_waits_for_its_port) {
  const Folder folder;
  GSocketListener* const listener = g_socket_listener_new();
  GSocketAddress* const any = g_inet_socket_address_new_from_string("127.0.0.1", 0);
  GSocketAddress* bound = nullptr;
  ck_assert(g_socket_listener_add_address(listener, any, G_SOCKET_TYPE_STREAM,
                                          G_SOCKET_PROTOCOL_TCP, nullptr, &bound, nullptr));
  const std::string at =
      "127.0.0.1:" + std::to_string(g_inet_socket_address_get_port(G_INET_SOCKET_ADDRESS(bound)));
  const std::string line = command() + "transcode " + short_film(folder) + " --wait --listen " +
                           at + " --local-workers 1 -o " + (folder / "out.mp4");
  farm::Process given_up(line);
  ck_assert(wait_for(given_up, "waits until nobody else listens at " + at));
  given_up.signal(SIGINT);
  ck_assert_int_eq(given_up.exit_code(), 130);
  ck_assert_uint_eq(folder.size(), 1);
  farm::Process process(line);
  ck_assert(wait_for(process, "waits until nobody else listens at " + at));
  g_socket_listener_close(listener);
  ck_assert_int_eq(process.exit_code(60), 0);
  ck_assert(fs::exists(folder / "out.mp4"));
  g_object_unref(bound);
  g_object_unref(any);
  g_object_unref(listener);
}
GST_END_TEST

// Names that mean something to somebody else.
GST_START_TEST(test_transcode_takes_any_name) {
  const Folder folder;
  const std::string film = short_film(folder);
  for (const char* name : {"-film.mp4", "part2:film.mp4"})
    fs::copy_file(film, folder / name);
  for (const char* arguments : {"-o U.MP4 -- -film.mp4", "-o U.Webm part2:film.mp4",
                                "-o part3:U.mp4 -- -film.mp4", "-o http:U.mkv part2:film.mp4"}) {
    farm::Process process("sh -c 'cd " + (folder / "") + " && exec " + command() + "transcode " +
                          arguments + "'");
    expect_end(process, 0, "U.");
  }
  for (const char* name : {"U.MP4", "U.Webm", "part3:U.mp4", "http:U.mkv"})
    ck_assert_uint_gt(fs::file_size(folder / name), 1000);
}
GST_END_TEST

GST_START_TEST(test_transcode_does_not_listen_unasked) {
  const Folder folder;
  auto process = begun(long_film(folder), folder / "out.mp4");
  farm::Process sockets("ss -Hltnp");
  ck_assert_int_eq(sockets.exit_code(), 0);
  const std::string own = "pid=" + std::to_string(process.pid()) + ",";
  ck_assert_msg(sockets.output().find(own) == std::string::npos, "%s", sockets.output().c_str());
  process.signal(SIGINT);
  ck_assert_int_eq(process.exit_code(), 130);
}
GST_END_TEST

GST_START_TEST(test_transcode_says_where_it_listens) {
  const Folder folder;
  farm::Process process(command() + "transcode " + short_film(folder) + " -o " +
                        (folder / "out.mp4") + " --local-workers 0 --listen 127.0.0.1:0");
  ck_assert(wait_for(process, {"listens at 127.0.0.1:", "waits for a worker at 127.0.0.1:"}));
  process.signal(SIGINT);
  ck_assert_int_eq(process.exit_code(), 130);
}
GST_END_TEST

GST_START_TEST(test_transcode_interrupted) {
  // Whoever runs the tests may have it ignored.
  std::signal(SIGHUP, SIG_DFL);
  for (int number : {SIGINT, SIGTERM, SIGHUP}) {
    const Folder folder;
    auto process = begun(long_film(folder), folder / "out.mp4");
    process.signal(number);
    ck_assert_int_eq(process.exit_code(), 130);
    ck_assert_uint_eq(folder.size(), 1);
  }
}
GST_END_TEST

// What it leaves is in nobody's way.
GST_START_TEST(test_transcode_killed) {
  const Folder folder;
  auto process = begun(long_film(folder), folder / "out.mp4");
  process.kill();
  ck_assert(!fs::exists(folder / "out.mp4"));
  expect_refusal(clip() + " -o " + (folder / "out.mp4"), 0, "out.mp4");
  ck_assert_uint_eq(folder.size(), 2);
}
GST_END_TEST

GST_START_TEST(test_transcode_input_cut_off) {
  const Folder folder;
  const std::string film = long_film(folder);
  auto process = begun(film, folder / "out.mp4");
  fs::resize_file(film, fs::file_size(film) / 10);
  ck_assert(wait_for(process, "long.mp4: changed while it was read"));
  ck_assert_int_eq(process.exit_code(60), 3);
  ck_assert_uint_eq(folder.size(), 1);
}
GST_END_TEST

GST_START_TEST(test_transcode_disk_full) {
  const Folder folder;
  const std::string disk = folder / "disk";
  fs::create_directory(disk);
  const std::string film = long_film(folder);
  // In a mount namespace of its own, which goes with it.
  farm::Process process("unshare -m sh -c 'mount -t tmpfs -o size=200k none " + disk + " && " +
                        command() + "transcode " + film + " -o " + disk +
                        "/out.mp4; code=$?; ls -A " + disk + " | sed \"s/^/left: /\"; exit $code'");
  expect_end(process, 4, "/out.mp4: cannot be written: No space left on device.");
  ck_assert(process.output().find("left: ") == std::string::npos);
}
GST_END_TEST

GST_START_TEST(test_transcode_nobody_takes_the_work) {
  const Folder folder;
  const unsigned port = farm::free_port();
  const farm::Process stranger = with_another_secret(folder, port);
  expect_refusal(clip() + " --local-workers 0 --secret-file " + (folder / "secret") +
                     " --listen 127.0.0.1:" + std::to_string(port) + " -o " + (folder / "out.mp4"),
                 6, "was sent away: the secret is wrong");
  ck_assert_uint_eq(folder.size(), 2);
}
GST_END_TEST

// Whoever started both sees it at once, not when nobody has come for a minute.
GST_START_TEST(test_transcode_says_who_was_sent_away) {
  const Folder folder;
  const unsigned port = farm::free_port();
  const farm::Process stranger = with_another_secret(folder, port);
  farm::Process process(command() + "transcode " + short_film(folder) +
                        " --local-workers 0 --secret-file " + (folder / "secret") +
                        " --listen 127.0.0.1:" + std::to_string(port) + " -o " +
                        (folder / "out.mp4"));
  ck_assert(wait_for(process, "was sent away: the secret is wrong.\n"));
  process.signal(SIGINT);
  ck_assert_int_eq(process.exit_code(), 130);
}
GST_END_TEST

// The only worker leaves in good order when much is written already, and one with another encoder
// comes: what was said of the stream once is said in it from there on.
GST_START_TEST(test_transcode_goes_on_with_another_encoder) {
  const Folder folder;
  const std::string film = folder / "film.mp4";
  ffmpeg(
      "-f lavfi -i testsrc2=size=320x180:rate=25:duration=32 -c:v "
      "libx264 -preset ultrafast -pix_fmt yuv420p -g 25 " +
      film);
  for (const char* name : {"out.mp4", "out.mkv"}) {
    const std::string out = folder / name;
    const std::string port = std::to_string(farm::free_port());
    const auto worker = [&](const std::string& encoder) {
      return farm::Process(command() + "worker --slots 1 --encoders " + encoder +
                           " --connect 127.0.0.1:" + port);
    };
    farm::Process process(command() + "transcode --json --local-workers 0 --listen 127.0.0.1:" +
                          port + " " + film + " -o " + out + " -r v:h264:speed=fast");
    ck_assert(wait_for(process, "dist-listening"));
    farm::Process first = worker("openh264enc");
    ck_assert(wait_for(process, "dist-segment-done\",\"segment\":9,"));
    first.signal(SIGTERM);
    ck_assert_int_eq(first.exit_code(), 0);
    farm::Process second = worker("x264enc");
    ck_assert(wait_for(process, "dist-segment-done\",\"segment\":20,"));
    second.signal(SIGTERM);
    ck_assert_int_eq(second.exit_code(), 0);
    const farm::Process again = worker("openh264enc");
    ck_assert_int_eq(process.exit_code(90), 0);
    farm::Process decoder("ffmpeg -v error -nostdin -i " + out + " -i " + film +
                          " -lavfi [0:v][1:v]ssim=stats_file=" + (folder / "ssim") + " -f null -");
    ck_assert_int_eq(decoder.exit_code(60), 0);
    ck_assert_str_eq(decoder.output().c_str(), "");
    std::ifstream stats(folder / "ssim");
    std::size_t frames = 0;
    for (std::string line; std::getline(stats, line); ++frames) {
      const std::size_t all = line.find("All:");
      ck_assert_msg(std::atof(line.c_str() + all + 4) > 0.9, "%s: %s", name, line.c_str());
    }
    ck_assert_uint_eq(frames, 800);
  }
}
GST_END_TEST

// The film's one segment is told of while it is made, and the sound that goes on is no part of it.
GST_START_TEST(test_transcode_progress) {
  const Folder folder;
  const std::string film = folder / "film.mp4";
  ffmpeg(
      "-f lavfi -i testsrc2=size=1280x720:rate=25:duration=4 -f lavfi "
      "-i sine=duration=6 -c:v libx264 -preset ultrafast -pix_fmt yuv420p -g 1000 -c:a aac " +
      film);
  farm::Process process(command() +
                        "transcode --json --local-workers 1 -r a:h264:speed=slow:crf=10 " + film +
                        " -o " + (folder / "out.mp4"));
  ck_assert_int_eq(process.exit_code(90), 0);
  std::vector<double> percents;
  bool within = false;
  gchar** const lines = g_strsplit(process.output().c_str(), "\n", -1);
  for (gchar** line = lines; *line && **line; ++line) {
    JsonNode* const node = json_from_string(*line, nullptr);
    JsonObject* const object = json_node_get_object(node);
    if (std::string(json_object_get_string_member(object, "event")) == "progress") {
      percents.push_back(json_object_get_double_member(object, "percent"));
      within = within || (percents.back() > 0 && percents.back() < 100 &&
                          json_object_get_int_member(object, "segments") == 0);
    }
    json_node_unref(node);
  }
  g_strfreev(lines);
  ck_assert(within);
  ck_assert(std::is_sorted(percents.begin(), percents.end()));
  ck_assert(percents.back() == 100);
}
GST_END_TEST

GST_START_TEST(test_transcode_says_what_it_has_done) {
  const Folder folder;
  farm::Process process(command() + "transcode " + short_film(folder) + " -o " +
                        (folder / "out.mp4"));
  expect_end(process, 0, ": 25 frames in 1 segment by 1 worker, ");
}
GST_END_TEST

// Without being installed, and without a variable of GStreamer's that says where.
GST_START_TEST(test_transcode_finds_the_elements_where_it_was_built) {
  const Folder folder;
  farm::Process process("env -u GST_PLUGIN_PATH -u GST_PLUGIN_PATH_1_0 GST_REGISTRY=" +
                        (folder / "registry") + " GST_REGISTRY_1_0=" + (folder / "registry") + " " +
                        command() + "transcode " + clip() + " -o " + (folder / "out.mp4"));
  expect_end(process, 0, "out.mp4");
}
GST_END_TEST

// In whatever folder -Dplugindir names, also if what was installed was moved since.
GST_START_TEST(test_transcode_finds_the_elements_where_they_were_installed) {
  const Folder folder;
  const fs::path program = folder / "prefix/a/b/c/d/bin";
  const fs::path plugins =
      (program / fs::path(PLUGIN_DIR).lexically_relative(BIN_DIR)).lexically_normal();
  ck_assert(plugins.string().starts_with(folder / ""));
  fs::create_directories(program);
  fs::create_directories(plugins);
  std::string built = command();
  built.pop_back();
  fs::copy_file(built, program / "gst-dist-1.0");
  fs::copy_file(std::string(g_getenv("DIST_BUILD_ROOT")) + "/plugins/libgstdist.so",
                plugins / "libgstdist.so");
  farm::Process process(
      "env -u GST_PLUGIN_PATH -u GST_PLUGIN_PATH_1_0 GST_REGISTRY=" + (folder / "registry") +
      " GST_REGISTRY_1_0=" + (folder / "registry") + " " + (program / "gst-dist-1.0").string() +
      " transcode " + short_film(folder) + " -o " + (folder / "out.mp4"));
  expect_end(process, 0, "out.mp4");
}
GST_END_TEST

GST_START_TEST(test_transcode_prints_json) {
  const Folder folder;
  // Its demuxer posts messages of its own.
  farm::Process copy("ffmpeg -v error -nostdin -i " + clip() + " -c copy " + (folder / "film.ts"));
  ck_assert_int_eq(copy.exit_code(60), 0);
  farm::Process process(command() + "transcode --json " + (folder / "film.ts") + " -o " +
                        (folder / "out.mp4"));
  ck_assert_int_eq(process.exit_code(60), 0);
  gchar** const lines = g_strsplit(process.output().c_str(), "\n", -1);
  std::size_t count = 0;
  std::string last;
  for (gchar** line = lines; *line; ++line) {
    if (!**line)
      continue;
    JsonNode* const node = json_from_string(*line, nullptr);
    ck_assert_msg(node && JSON_NODE_HOLDS_OBJECT(node) &&
                      json_object_has_member(json_node_get_object(node), "event"),
                  "%s", *line);
    const std::string event = json_object_get_string_member(json_node_get_object(node), "event");
    ck_assert_msg(event == "progress" || event == "done" || event.starts_with("dist-"), "%s",
                  *line);
    json_node_unref(node);
    last = *line;
    ++count;
  }
  g_strfreev(lines);
  ck_assert_uint_gt(count, 5);
  ck_assert_msg(last.find("\"done\"") != std::string::npos &&
                    last.find(folder / "out.mp4") != std::string::npos,
                "%s", last.c_str());
}
GST_END_TEST

// Every user of the machine sees the command line of gst-launch-1.0.
GST_START_TEST(test_worker_secret_in_the_list_of_processes) {
  const Folder folder;
  farm::write_secret(folder / "secret", "owl");
  const std::string line =
      "gst-launch-1.0 -m remoteencworker port=" + std::to_string(farm::free_port()) + " ";
  for (const bool open : {true, false}) {
    farm::Process process(line + (open ? "secret=owl" : "secret-file=" + (folder / "secret")));
    ck_assert(wait_for(process, open ? "list of processes" : "dist-connecting"));
    process.signal(SIGINT);
    process.exit_code();
    ck_assert(open || process.output().find("list of processes") == std::string::npos);
  }
}
GST_END_TEST

static Suite* transcode_faults_suite() {
  Suite* const suite = suite_create("transcode-faults");
  TCase* const tests = tcase_create("all");
  tcase_set_timeout(tests, 300);
  suite_add_tcase(suite, tests);
  tcase_add_test(tests, test_worker_secret_in_the_list_of_processes);
  tcase_add_test(tests, test_transcode_refuses);
  tcase_add_test(tests, test_transcode_into_a_folder_with_percent_signs);
  tcase_add_test(tests, test_transcode_port_in_use);
  tcase_add_test(tests, test_transcode_waits_for_its_port);
  tcase_add_test(tests, test_transcode_takes_any_name);
  tcase_add_test(tests, test_transcode_does_not_listen_unasked);
  tcase_add_test(tests, test_transcode_says_where_it_listens);
  tcase_add_test(tests, test_transcode_interrupted);
  tcase_add_test(tests, test_transcode_killed);
  tcase_add_test(tests, test_transcode_input_cut_off);
  tcase_add_test(tests, test_transcode_disk_full);
  tcase_add_test(tests, test_transcode_nobody_takes_the_work);
  tcase_add_test(tests, test_transcode_says_who_was_sent_away);
  tcase_add_test(tests, test_transcode_progress);
  tcase_add_test(tests, test_transcode_says_what_it_has_done);
  tcase_add_test(tests, test_transcode_finds_the_elements_where_it_was_built);
  tcase_add_test(tests, test_transcode_finds_the_elements_where_they_were_installed);
  tcase_add_test(tests, test_transcode_goes_on_with_another_encoder);
  tcase_add_test(tests, test_transcode_prints_json);
  return suite;
}

GST_CHECK_MAIN(transcode_faults)
