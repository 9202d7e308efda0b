// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Playlists of HTTP live streaming as films, from files and over HTTP.

// Before gstcheck.h, which has a macro "fail".
#include "gst/job/job_runner.h"
#include "tests/tools/film_probe.h"

#include <sys/stat.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include <gst/check/gstcheck.h>

namespace {

using namespace tool;

// Gives the files of a folder to whoever asks for them, on loopback.
class FileServer {
 public:
  // `moved_to`: sends who asks for anything but a playlist there.
  explicit FileServer(const Folder& folder, std::string moved_to = "")
      : folder_(folder), moved_to_(std::move(moved_to)) {
    port_ = g_socket_listener_add_any_inet_port(G_SOCKET_LISTENER(service_), nullptr, nullptr);
    g_signal_connect(service_, "run", G_CALLBACK(answer), this);
    g_socket_service_start(G_SOCKET_SERVICE(service_));
    loop_ = g_main_loop_new(nullptr, FALSE);
    thread_ = g_thread_new("file-server", run_loop, loop_);
  }
  ~FileServer() {
    g_socket_service_stop(G_SOCKET_SERVICE(service_));
    g_main_loop_quit(loop_);
    g_thread_join(thread_);
    g_main_loop_unref(loop_);
    g_object_unref(service_);
  }
  std::string uri(const std::string& name) const {
    return "http://127.0.0.1:" + std::to_string(port_) + "/" + name;
  }
  // How often something was asked for.
  unsigned requests() const { return requests_; }

 private:
  static gpointer run_loop(gpointer loop) {
    g_main_loop_run(static_cast<GMainLoop*>(loop));
    return nullptr;
  }
  static gboolean answer(GThreadedSocketService*, GSocketConnection* connection, GObject*,
                         gpointer data) {
    auto* const self = static_cast<FileServer*>(data);
    GInputStream* const in = g_io_stream_get_input_stream(G_IO_STREAM(connection));
    std::string request;
    char bytes[4096];
    while (request.find("\r\n\r\n") == std::string::npos) {
      const gssize count = g_input_stream_read(in, bytes, sizeof bytes, nullptr, nullptr);
      if (count <= 0)
        return TRUE;
      request.append(bytes, static_cast<std::size_t>(count));
    }
    ++self->requests_;
    const std::size_t begin = request.find('/') + 1;
    const std::string name = request.substr(begin, request.find(' ', begin) - begin);
    if (!self->moved_to_.empty() && !name.ends_with(".m3u8")) {
      const std::string moved =
          "HTTP/1.1 302 Found\r\nConnection: close\r\nLocation: " + self->moved_to_ + name +
          "\r\nContent-Length: 0\r\n\r\n";
      g_output_stream_write_all(g_io_stream_get_output_stream(G_IO_STREAM(connection)),
                                moved.data(), moved.size(), nullptr, nullptr, nullptr);
      return TRUE;
    }
    std::ifstream file(self->folder_ / name, std::ios::binary);
    const std::string content{std::istreambuf_iterator<char>(file), {}};
    std::string reply = file.is_open() ? "HTTP/1.1 200 OK\r\n" : "HTTP/1.1 404 Not Found\r\n";
    reply += "Connection: close\r\nContent-Length: " + std::to_string(content.size()) + "\r\n\r\n";
    if (!request.starts_with("HEAD"))
      reply += content;
    g_output_stream_write_all(g_io_stream_get_output_stream(G_IO_STREAM(connection)), reply.data(),
                              reply.size(), nullptr, nullptr, nullptr);
    return TRUE;
  }

  const Folder& folder_;
  const std::string moved_to_;
  std::atomic<unsigned> requests_ = 0;
  GSocketService* const service_ = g_threaded_socket_service_new(4);
  guint16 port_ = 0;
  GMainLoop* loop_ = nullptr;
  GThread* thread_ = nullptr;
};

constexpr char kSource[] =
    "-f lavfi -i testsrc2=size=320x240:rate=25:duration=6 -f lavfi -i sine=duration=6 ";
constexpr char kHls[] = "-c:a aac -f hls -hls_time 2 -hls_list_size 0 ";

// A playlist of HLS of that one piece.
std::string playlist_of(const std::string& uri) {
  return "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:6\n#EXTINF:6.0,\n" + uri +
         "\n#EXT-X-ENDLIST\n";
}

// That piece, and another one. Demuxers go on with the source of the piece before.
std::string playlist_of(const std::string& uri, const std::string& next) {
  return "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:6\n#EXTINF:6.0,\n" + uri +
         "\n#EXTINF:6.0,\n" + next + "\n#EXT-X-ENDLIST\n";
}

// A job of this process.
std::optional<dist::JobError> play(const dist::Request& request) {
  auto plan = dist::make_plan(request);
  if (!plan)
    return plan.failure();
  dist::JobRunner job(std::move(*plan), nullptr, [](const dist::JobEvent&) {});
  auto error = job.prepare();
  return error ? error : job.run();
}

void expect_refused(const Folder& folder, const std::string& film, const std::string& words) {
  for (const std::string& run :
       {"inspect " + film, "transcode " + film + " -o " + (folder / "out.mp4")}) {
    const std::string said = output_of(command() + run, 3);
    ck_assert_msg(said.find(words) != std::string::npos, "%s: %s", run.c_str(), said.c_str());
  }
  ck_assert(!fs::exists(folder / "out.mp4"));
}

// All of it, in that size, and the sound with it.
void expect_whole(const std::string& file, const std::string& width) {
  const std::string counted = output_of(
      "ffprobe -v error -count_packets -select_streams v -show_entries "
      "stream=width,nb_read_packets "
      "-of csv=p=0 " +
      file);
  ck_assert_msg(counted == width + ",150\n", "%s: %s", file.c_str(), counted.c_str());
  const double late = start_of(file, "a") - start_of(file, "v");
  ck_assert_msg(late > -0.05 && late < 0.05, "%s: sound is %.3f s late", file.c_str(), late);
  const double seconds = std::atof(output_of("ffprobe -v error -select_streams a -show_entries "
                                             "stream=duration -of csv=p=0 " +
                                             file)
                                       .c_str());
  ck_assert_msg(seconds > 5.9 && seconds < 6.1, "%s: %.3f s of sound", file.c_str(), seconds);
}

}  // namespace

GST_START_TEST(test_transcode_playlist) {
  const Folder folder;
  ffmpeg(std::string(kSource) + kH264 + kHls + (folder / "plain.m3u8"));
  ffmpeg(std::string(kSource) + kH264 + "-hls_segment_type fmp4 " + kHls + (folder / "mp4.m3u8"));
  ffmpeg(
      std::string(kSource) +
      "-filter_complex [0:v]split[a][b];[b]scale=160:120[c] -map [c] -map 1:a -map [a] -map 1:a " +
      kH264 + "-b:v:0 100k -b:v:1 800k " + kHls +
      "-master_pl_name master.m3u8 -var_stream_map 'v:0,a:0 v:1,a:1' " + (folder / "v%v.m3u8"));
  const FileServer server(folder);
  for (const char* name : {"plain.m3u8", "mp4.m3u8", "master.m3u8"})
    for (const std::string& film : {folder / name, server.uri(name)}) {
      transcode(film, folder / "out.mp4", "--yes -r v:h264:speed=fast");
      expect_whole(folder / "out.mp4", "320");
      expect_text(output_of(command() + "inspect " + film), "320x240");
    }
}
GST_END_TEST

// It ends, and says so.
GST_START_TEST(test_transcode_playlist_without_segments) {
  const Folder folder;
  ffmpeg(std::string(kSource) + kH264 + kHls + (folder / "in.m3u8"));
  for (const char* gone : {"in0.ts", "in1.ts", "in2.ts"})
    fs::remove(folder / gone);
  output_of(command() + "transcode " + (folder / "in.m3u8") + " -o " + (folder / "out.mp4"), 3);
  ck_assert(!fs::exists(folder / "out.mp4"));
}
GST_END_TEST

// A film that somebody gives must not choose what else is read.
GST_START_TEST(test_transcode_playlist_leads_nowhere_else) {
  const Folder folder;
  const Folder other;
  ffmpeg(std::string(kSource) + kH264 + "-c:a aac " + (folder / "here.ts"));
  for (const char* name : {"here.ts", "there.ts"})
    fs::copy_file(folder / "here.ts", other / name);
  const FileServer elsewhere(other);
  const std::string remote = elsewhere.uri("there.ts");
  const std::string file = "file://" + (other / "there.ts");
  fs::create_symlink(other / "there.ts", folder / "link.ts");
  ck_assert_int_eq(mkfifo((folder / "pipe.ts").c_str(), 0600), 0);
  const FileServer server(folder);
  const FileServer sender(folder, elsewhere.uri(""));
  write_file(folder / "here.m3u8", playlist_of("here.ts"));
  transcode(folder / "here.m3u8", folder / "whole.mp4", "-r v:h264:speed=fast");
  for (const std::string& link :
       {remote, file,
        std::string("../") + fs::path(other / "").parent_path().filename().string() + "/there.ts",
        std::string("link.ts"), std::string("pipe.ts"), std::string("appsrc://"),
        std::string("rtsp://127.0.0.1:9/x")}) {
    write_file(folder / "film.m3u8", playlist_of(link));
    expect_refused(folder, folder / "film.m3u8", "which does not lie where the film does");
  }
  for (const auto& [good, link] : {std::pair(std::string("here.ts"), file),
                                   std::pair(std::string("here.ts"), std::string("link.ts")),
                                   std::pair(server.uri("here.ts"), remote)}) {
    write_file(folder / "film.m3u8", playlist_of(good, link));
    expect_refused(folder, good == "here.ts" ? folder / "film.m3u8" : server.uri("film.m3u8"),
                   "which does not lie where the film does");
  }
  for (const std::string& link : {remote, file}) {
    write_file(folder / "film.m3u8", playlist_of(link));
    expect_refused(folder, server.uri("film.m3u8"), "which does not lie where the film does");
  }
  expect_refused(folder, sender.uri("here.m3u8"), "with --allow-remote it is followed");
  expect_refused(folder, sender.uri("here.ts"), "with --allow-remote it is followed");
  write_file(folder / "film.m3u8",
             "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1000\n" + elsewhere.uri("variant.m3u8") + "\n");
  expect_refused(folder, folder / "film.m3u8", "with --allow-remote it is followed");
  ck_assert_uint_eq(elsewhere.requests(), 0);

  write_file(folder / "film.m3u8", playlist_of(remote));
  transcode(folder / "film.m3u8", folder / "out.mp4", "--allow-remote -r v:h264:speed=fast");
  expect_whole(folder / "out.mp4", "320");
  transcode(sender.uri("here.m3u8"), folder / "out.mp4",
            "--yes --allow-remote -r v:h264:speed=fast");
  expect_whole(folder / "out.mp4", "320");
  ck_assert_uint_gt(elsewhere.requests(), 0);
}
GST_END_TEST

// What one film may lead to is nothing that another film of the process may lead to.
GST_START_TEST(test_transcode_playlists_beside_each_other) {
  using Remedy = dist::JobError::Remedy;
  const Folder folder;
  const Folder other;
  ffmpeg(std::string(kSource) + kH264 + "-c:a aac " + (folder / "here.ts"));
  fs::copy_file(folder / "here.ts", other / "there.ts");
  const FileServer elsewhere(other);
  const FileServer server(folder);
  const FileServer sender(folder, elsewhere.uri(""));
  const std::string file = "file://" + (other / "there.ts");
  const std::string remote = elsewhere.uri("there.ts");
  // This one may lead to all that the others lead to, and lives as long as they do.
  write_file(other / "far.m3u8", playlist_of(remote));
  const dist::Request far{.input = other / "far.m3u8",
                          .remote = true,
                          .output = folder / "far.mp4",
                          .renditions = {"v:h264:speed=fast"}};
  const auto held = dist::make_plan(far);
  ck_assert_msg(static_cast<bool>(held), "%s", held ? "" : held.error().c_str());
  std::optional<dist::JobError> beside;
  std::thread job([&] { beside = play(far); });
  write_file(folder / "here.m3u8", playlist_of("here.ts"));
  write_file(folder / "file.m3u8", playlist_of(file));
  write_file(folder / "next_file.m3u8", playlist_of("here.ts", file));
  write_file(folder / "remote.m3u8", playlist_of(remote));
  write_file(folder / "next_remote.m3u8", playlist_of(server.uri("here.ts"), remote));
  write_file(folder / "variant.m3u8",
             "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1000\n" + elsewhere.uri("variant.m3u8") + "\n");
  const struct {
    std::string film;
    Remedy remedy;
  } rows[] = {
      {folder / "file.m3u8", Remedy::kNone},      {folder / "next_file.m3u8", Remedy::kNone},
      {folder / "remote.m3u8", Remedy::kRemote},  {server.uri("next_remote.m3u8"), Remedy::kRemote},
      {folder / "variant.m3u8", Remedy::kRemote}, {sender.uri("here.m3u8"), Remedy::kRemote}};
  for (const auto& row : rows) {
    const auto error = play({.input = row.film, .output = folder / "out.mp4"});
    ck_assert_msg(error && error->kind == dist::JobError::Kind::kInput, "%s: %s", row.film.c_str(),
                  error ? error->message.c_str() : "is encoded");
    ck_assert_msg(error->remedy == row.remedy, "%s: %s", row.film.c_str(), error->message.c_str());
  }
  job.join();
  ck_assert_msg(!beside, "%s", beside ? beside->message.c_str() : "");
  ck_assert(!fs::exists(folder / "out.mp4"));
  ck_assert(fs::exists(folder / "far.mp4"));
}
GST_END_TEST

GST_START_TEST(test_transcode_manifest) {
  const Folder folder;
  const Folder other;
  ffmpeg(std::string(kSource) + kH264 + "-c:a aac -f dash -seg_duration 2 -single_file 1 " +
         (folder / "film.mpd"));
  const FileServer elsewhere(other);
  // The demuxer of GStreamer 1.22 waits for itself once in some hundred films.
  Ran ran;
  for (int tries = 0; tries < 3 && ran.code != 0; ++tries) {
    ran = run(command() + "transcode " + (folder / "film.mpd") + " -r v:h264:speed=fast -o " +
              (folder / "whole.mp4"));
    if (ran.code != 0)
      expect_text(ran.output, "nothing has come from it for a minute");
  }
  ck_assert_int_eq(ran.code, 0);
  expect_whole(folder / "whole.mp4", "320");
  std::string manifest = bytes_of(folder / "film.mpd");
  for (std::size_t at = 0; (at = manifest.find("<BaseURL>", at)) != std::string::npos; at += 9)
    manifest.insert(at + 9, elsewhere.uri(""));
  write_file(folder / "leads.mpd", manifest);
  expect_refused(folder, folder / "leads.mpd", "with --allow-remote it is followed");
  ck_assert_uint_eq(elsewhere.requests(), 0);
}
GST_END_TEST

// A QuickTime movie of nothing but where the movie is (QuickTime File Format, reference movies).
GST_START_TEST(test_transcode_movie_reference) {
  const Folder folder;
  const Folder other;
  const FileServer elsewhere(other);
  const auto box = [](const std::string& type, const std::string& content) {
    const auto size = static_cast<std::uint32_t>(content.size() + 8);
    std::string bytes;
    for (const unsigned shift : {24u, 16u, 8u, 0u})
      bytes += static_cast<char>(size >> shift & 0xff);
    return bytes + type + content;
  };
  const std::string link = elsewhere.uri("film.mov") + std::string(1, '\0');
  const std::string reference =
      std::string(4, '\0') + "url " + std::string(3, '\0') + static_cast<char>(link.size()) + link;
  write_file(folder / "film.mov",
             box("ftyp", "qt  " + std::string(4, '\0') + "qt  ") +
                 box("moov", box("rmra", box("rmda", box("rdrf", reference)))));
  expect_refused(folder, folder / "film.mov", "film.mov");
  ck_assert_uint_eq(elsewhere.requests(), 0);
}
GST_END_TEST

static Suite* transcode_playlists_suite() {
  Suite* const suite = suite_create("transcode-playlists");
  TCase* const tests = tcase_create("all");
  tcase_set_timeout(tests, 300);
  suite_add_tcase(suite, tests);
  tcase_add_test(tests, test_transcode_playlist);
  tcase_add_test(tests, test_transcode_playlist_leads_nowhere_else);
  tcase_add_test(tests, test_transcode_playlists_beside_each_other);
  tcase_add_test(tests, test_transcode_manifest);
  tcase_add_test(tests, test_transcode_movie_reference);
  tcase_add_test(tests, test_transcode_playlist_without_segments);
  return suite;
}

GST_CHECK_MAIN(transcode_playlists)
