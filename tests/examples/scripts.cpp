// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Scripts in pipelines/ that are not run by test-main_job.

// Before gstcheck.h, which has a macro "fail".
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

#include "tests/examples/command.h"

namespace {

using command::assert_refused;
using command::lines_of;
using command::output_of;
using test::bytes_of;
using tool::Folder;

void write(const std::string& path, const std::string& text) {
  std::ofstream(path) << text;
  std::filesystem::permissions(path, std::filesystem::perms::owner_all);
}

// Complete, no file longer than was promised, and each begins with a keyframe. Returns the
// durations.
std::vector<double> assert_playlist(const std::string& folder, const std::string& name) {
  const std::string playlist = bytes_of(folder + "/" + name);
  std::vector<double> durations;
  int target = 0;
  for (const std::string& line : lines_of(playlist)) {
    double duration = 0;
    if (std::sscanf(line.c_str(), "#EXTINF:%lf", &duration) == 1)
      durations.push_back(duration);
    std::sscanf(line.c_str(), "#EXT-X-TARGETDURATION:%d", &target);
    if (line.find(".ts") == std::string::npos)
      continue;
    const std::string first = output_of(
        "ffprobe -v warning -select_streams v -read_intervals %+#1 -show_entries "
        "packet=flags -of default=nw=1:nk=1 " +
        folder + "/" + line);
    ck_assert_msg(first.rfind("K", 0) == 0, "%s: %s", line.c_str(), first.c_str());
  }
  ck_assert_msg(playlist.find("#EXT-X-ENDLIST") != std::string::npos, "%s", playlist.c_str());
  for (const double duration : durations)
    ck_assert_msg(duration < target + 0.5, "%s", playlist.c_str());
  return durations;
}

// A namespace of the network, a machine as far as sockets can tell; gone with the object.
class Machine {
 public:
  Machine() : process_("unshare -n sh -c 'ip link set lo up && echo up && exec sleep infinity'") {
    works_ = tool::wait_for(process_, "up");
  }
  bool works() const { return works_; }
  std::string pid() const { return std::to_string(process_.pid()); }
  std::string here(const std::string& line) const { return "nsenter -t " + pid() + " -n " + line; }

 private:
  farm::Process process_;
  bool works_ = false;
};

bool succeeds(const std::string& line) {
  return command::run(line).code == 0;
}

// Two machines with a cable between them; false where this needs rights that we do not have.
bool connect(const Machine& a, const Machine& b) {
  return a.works() && b.works() &&
         succeeds(a.here("ip link add cable type veth peer name cable netns " + b.pid())) &&
         succeeds(a.here("ip address add 10.77.0.1/24 dev cable")) &&
         succeeds(b.here("ip address add 10.77.0.2/24 dev cable")) &&
         succeeds(a.here("ip link set cable up")) && succeeds(b.here("ip link set cable up"));
}

std::vector<std::string> element_messages(const std::string& output) {
  std::vector<std::string> messages;
  for (const std::string& line : lines_of(output))
    if (const std::size_t at = line.find("(element): "); at != std::string::npos)
      messages.push_back(line.substr(at + 11));
  return messages;
}

}  // namespace

GST_START_TEST(test_hls_ladder_plays_through) {
  const Folder folder;
  const std::string film = folder / "sound.mp4";
  const auto real = film::clips("h264-720p60-aac-longgop");
  output_of("ffmpeg -v error " +
            (real.empty()
                 ? "-f lavfi -i testsrc2=size=1280x720:rate=25:duration=6 -f lavfi -i "
                   "sine=duration=6 -c:v libx264 -preset veryfast -pix_fmt yuv420p -c:a aac "
                 : "-i " + real.front() + " -c copy -t 6 ") +
            film);
  const std::string out = folder / "hls";
  output_of("pipelines/ladder-hls.sh " + film + " " + out);
  const std::size_t frames = command::frames_in(film);
  // Of a track that ffmpeg encodes itself, qtdemux leaves out the last packet.
  const std::size_t sounds = command::count(film, "a") - (real.empty() ? 1 : 0);
  std::vector<double> cuts;
  for (const std::string size : {"720p", "360p"}) {
    const std::string playlist = out + "/" + size + ".m3u8";
    ck_assert_uint_eq(command::count(playlist, "v"), frames);
    ck_assert_uint_eq(command::count(playlist, "a"), sounds);
    const auto durations = assert_playlist(out, size + ".m3u8");
    ck_assert_uint_eq(durations.size(), 2);
    // Players change from one to another where files begin.
    ck_assert_msg(cuts.empty() || cuts == durations, "%s", size.c_str());
    cuts = durations;
  }
  const std::string master = bytes_of(out + "/master.m3u8");
  for (const char* text : {"RESOLUTION=1280x720\n720p.m3u8\n", "RESOLUTION=640x360\n360p.m3u8\n"})
    ck_assert_msg(master.find(text) != std::string::npos, "%s", master.c_str());
}
GST_END_TEST

// Without sound, and what is refused.
GST_START_TEST(test_hls_ladder_of_a_silent_film) {
  const Folder folder;
  const std::string film = folder / "silent.mp4";
  output_of(
      "ffmpeg -v error -f lavfi -i testsrc2=size=320x180:rate=25:duration=1 -pix_fmt yuv420p " +
      film);
  output_of("pipelines/ladder-hls.sh " + film + " " + (folder / "hls"));
  for (const char* size : {"hls/720p.m3u8", "hls/360p.m3u8", "hls/master.m3u8"})
    ck_assert_uint_eq(command::count(folder / size, "v:0"), command::frames_in(film));
  ck_assert_int_eq(command::run("pipelines/ladder-hls.sh /none/here " + (folder / "no")).code, 1);
  ck_assert(!std::filesystem::exists(folder / "no"));
  assert_refused("pipelines/ladder-hls.sh " + film, 2, "usage: ");
}
GST_END_TEST

GST_START_TEST(test_live_source_loses_no_frame) {
  const Folder folder;
  const std::string out = folder / "live.mp4";
  output_of("pipelines/live.sh " + out + " 3");
  const film::Recording seen =
      film::record("filesrc location=" + out + " ! decodebin ! appsink name=out");
  ck_assert_uint_eq(seen.items.size(), 75);
  for (std::size_t i = 0; i < seen.items.size(); ++i)
    ck_assert_uint_eq(seen.items[i].running_time / GST_MSECOND, 40 * i);
  assert_refused("pipelines/live.sh", 2, "usage: ");
}
GST_END_TEST

// On a machine with such an encoder it does a job, else it says that there is none.
GST_START_TEST(test_hardware_worker_works_or_says_why_not) {
  assert_refused("pipelines/worker-hardware.sh farm", 2, "usage: ");
  const std::string port = std::to_string(farm::free_port());
  farm::Process worker("pipelines/worker-hardware.sh 127.0.0.1 " + port);
  if (!tool::wait_for(worker, "encoders: ")) {
    ck_assert_int_eq(worker.exit_code(), 3);
    assert_refused("pipelines/worker-hardware.sh 127.0.0.1 " + port, 3,
                   "no hardware encoder works here");
    return;
  }
  farm::Job job;
  job.source = "videotestsrc num-buffers=50 ! video/x-raw,width=640,height=360,framerate=25/1";
  job.remote = "renditions=v:h264 local-workers=0 port=" + port;
  const film::Recording seen = film::record(farm::primary_new(job), 60);
  ck_assert_msg(seen.error.empty(), "%s", seen.error.c_str());
  ck_assert_uint_eq(seen.items.size(), 50);
  worker.signal(SIGINT);
  ck_assert_int_eq(worker.exit_code(), 0);
}
GST_END_TEST

// With stand-ins for the tools of a machine where one encoder is installed and broken, two work,
// and the others are not installed.
GST_START_TEST(test_hardware_worker_takes_what_works) {
  const Folder folder;
  write(folder / "gst-inspect-1.0",
        "#!/bin/sh\ncase $2 in nvh264enc | v4l2h264enc | vah265enc) exit 0 ;; esac\nexit 1\n");
  write(folder / "gst-launch-1.0",
        "#!/bin/sh\ncase \"$*\" in *'! nvh264enc !'*) exit 1 ;; *remoteencworker*) echo \"$@\" ;; "
        "esac\n");
  const std::string output = output_of("env PATH=" + (folder / "") + ":/usr/bin:/bin " +
                                       "pipelines/worker-hardware.sh farm 7701 3");
  ck_assert_msg(output.find("remoteencworker host=farm port=7701 slots=3 "
                            "encoders=v4l2h264enc,vah265enc\n") != std::string::npos,
                "%s", output.c_str());
}
GST_END_TEST

GST_START_TEST(test_two_machines_share_a_film) {
  const Folder folder;
  const std::string film = command::film_like("h264-480p-3-keyframes");
  farm::write_secret(folder / "secret", "an owl in the film");
  farm::write_secret(folder / "wrong", "a bear in the film");
  const Machine a;
  const Machine b;
  const bool two = connect(a, b);
  if (!two)
    g_printerr("no network namespaces here; tested over loopback\n");
  const auto on = [&](const Machine& machine, const std::string& secret, const std::string& line) {
    const std::string command = "env GST_DIST_SECRET_FILE=" + (folder / secret) +
                                " LOCAL_WORKERS=0 pipelines/two-machines.sh " + line;
    return two ? machine.here(command) : command;
  };
  const std::string host = two ? "10.77.0.1 " : "127.0.0.1 ";
  const std::string port = std::to_string(farm::free_port());
  farm::Process stranger(on(b, "wrong", "worker " + host + port));
  farm::Process primary(
      on(a, "secret", "primary " + film + " " + (folder / "out.mp4") + " " + port));
  // Somebody who does not know the secret gets no work.
  ck_assert(tool::wait_for(primary, "dist-connection-refused"));
  farm::Process worker(on(b, "secret", "worker " + host + port));
  ck_assert_msg(primary.exit_code(120) == 0, "%s", primary.output().c_str());
  ck_assert_uint_eq(command::frames_in(folder / "out.mp4"), command::frames_in(film));
  for (farm::Process* process : {&worker, &stranger})
    process->signal(SIGINT);
  ck_assert_msg(worker.exit_code() == 0, "%s", worker.output().c_str());
  stranger.exit_code();

  const auto messages = element_messages(primary.output());
  ck_assert_uint_eq(farm::named(messages, "dist-summary").size(), 1);
  ck_assert_uint_eq(farm::named(messages, "dist-lease-failed").size(), 0);
  const auto joined = farm::named(messages, "dist-worker-joined");
  ck_assert_uint_ge(joined.size(), 1);
  for (const std::string& message : joined)
    ck_assert_msg(
        message.find(two ? "(string)10.77.0.2:" : "(string)127.0.0.1:") != std::string::npos, "%s",
        message.c_str());
  ck_assert(stranger.output().find("dist-connected") == std::string::npos);
  ck_assert(worker.output().find("dist-connected") != std::string::npos);
}
GST_END_TEST

GST_START_TEST(test_two_machines_take_the_secret_from_the_environment) {
  const Folder folder;
  const std::string film = folder / "film.mp4";
  output_of(
      "ffmpeg -v error -f lavfi -i testsrc2=size=320x180:rate=25:duration=1 -pix_fmt yuv420p " +
      film);
  const std::string script =
      "env -u GST_DIST_SECRET_FILE GST_DIST_SECRET=an-owl-in-the-film LOCAL_WORKERS=0 "
      "pipelines/two-machines.sh ";
  const std::string port = std::to_string(farm::free_port());
  farm::Process worker(script + "worker 127.0.0.1 " + port);
  farm::Process primary(script + "primary " + film + " " + (folder / "out.mp4") + " " + port);
  ck_assert_msg(primary.exit_code(120) == 0, "%s", primary.output().c_str());
  ck_assert_uint_eq(command::frames_in(folder / "out.mp4"), 25);
  worker.signal(SIGINT);
  ck_assert_msg(worker.exit_code() == 0, "%s", worker.output().c_str());
}
GST_END_TEST

GST_START_TEST(test_two_machines_want_a_secret) {
  const Folder folder;
  const std::string script = "env -u GST_DIST_SECRET GST_DIST_SECRET_FILE=" + (folder / "none") +
                             " pipelines/two-machines.sh ";
  assert_refused(script + "worker farm", 2, "openssl rand -hex 32");
  assert_refused(script + "primary in.mp4 out.mp4", 2, "openssl rand -hex 32");
  for (const char* wrong : {"", "worker", "primary in.mp4", "both in.mp4 out.mp4"}) {
    const command::Ran result = command::run(script + wrong);
    ck_assert_int_eq(result.code, 2);
    ck_assert_msg(result.output.rfind("usage: ", 0) == 0, "%s", result.output.c_str());
  }
}
GST_END_TEST

static Suite* scripts_suite() {
  Suite* suite = suite_create("scripts");
  TCase* tests = tcase_create("scripts");
  tcase_set_timeout(tests, 300);
  tcase_add_test(tests, test_hls_ladder_plays_through);
  tcase_add_test(tests, test_hls_ladder_of_a_silent_film);
  tcase_add_test(tests, test_live_source_loses_no_frame);
  tcase_add_test(tests, test_hardware_worker_works_or_says_why_not);
  tcase_add_test(tests, test_hardware_worker_takes_what_works);
  tcase_add_test(tests, test_two_machines_share_a_film);
  tcase_add_test(tests, test_two_machines_take_the_secret_from_the_environment);
  tcase_add_test(tests, test_two_machines_want_a_secret);
  suite_add_tcase(suite, tests);
  return suite;
}

GST_CHECK_MAIN(scripts)
