// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Playlists of HTTP live streaming as films, from files and over HTTP.

// Before gstcheck.h, which has a macro "fail".
#include "tests/tools/film_probe.h"

#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>

#include <gst/check/gstcheck.h>

namespace {

using namespace tool;

// Gives the files of a folder to whoever asks for them, on loopback.
class FileServer {
 public:
  explicit FileServer(const Folder& folder) : folder_(folder) {
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
    const std::size_t name = request.find('/') + 1;
    std::ifstream file(self->folder_ / request.substr(name, request.find(' ', name) - name),
                       std::ios::binary);
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
  GSocketService* const service_ = g_threaded_socket_service_new(4);
  guint16 port_ = 0;
  GMainLoop* loop_ = nullptr;
  GThread* thread_ = nullptr;
};

constexpr char kSource[] =
    "-f lavfi -i testsrc2=size=320x240:rate=25:duration=6 -f lavfi -i sine=duration=6 ";
constexpr char kHls[] = "-c:a aac -f hls -hls_time 2 -hls_list_size 0 ";

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
  make(std::string(kSource) + kH264 + kHls + (folder / "plain.m3u8"));
  make(std::string(kSource) + kH264 + "-hls_segment_type fmp4 " + kHls + (folder / "mp4.m3u8"));
  make(std::string(kSource) +
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
  make(std::string(kSource) + kH264 + kHls + (folder / "in.m3u8"));
  for (const char* gone : {"in0.ts", "in1.ts", "in2.ts"})
    fs::remove(folder / gone);
  output_of(command() + "transcode " + (folder / "in.m3u8") + " -o " + (folder / "out.mp4"), 3);
  ck_assert(!fs::exists(folder / "out.mp4"));
}
GST_END_TEST

static Suite* transcode_playlists_suite() {
  Suite* const suite = suite_create("transcode-playlists");
  TCase* const tests = tcase_create("all");
  tcase_set_timeout(tests, 300);
  suite_add_tcase(suite, tests);
  tcase_add_test(tests, test_transcode_playlist);
  tcase_add_test(tests, test_transcode_playlist_without_segments);
  return suite;
}

GST_CHECK_MAIN(transcode_playlists)
