// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// later_job PORT FOLDER FILM FILM LATER: encodes two films at the same time for whoever dials PORT,
// such as "gst-dist-1.0 worker --connect 127.0.0.1:PORT", and when both are done a third one. The
// workers stay connected meanwhile.
#include <gst/gst.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

#include "gst/job/job_runner.h"

using namespace dist;

static bool run(const std::string& film, const std::string& out, std::shared_ptr<Farm> farm) {
  const auto tell = [&](const JobEvent& event) {
    if (const auto* worker = std::get_if<message::WorkerJoined>(&event))
      std::printf("%s: worker %s joined\n", out.c_str(), worker->name.c_str());
    else if (const auto* left = std::get_if<message::WorkerLeft>(&event))
      std::printf("%s: worker %s left\n", out.c_str(), left->name.c_str());
    else if (const auto* done = std::get_if<message::SegmentDone>(&event))
      std::printf("%s: segment %u by %s\n", out.c_str(), unsigned(done->segment),
                  done->name.c_str());
  };
  auto plan = make_plan({.input = film, .output = out});
  if (!plan) {
    std::printf("%s\n", plan.failure().message.c_str());
    return false;
  }
  JobRunner job(std::move(*plan), std::move(farm), tell);
  auto error = job.prepare();
  if (!error)
    error = job.run();
  std::printf("%s: %s\n", out.c_str(), error ? error->message.c_str() : "done");
  return !error;
}

int main(int argc, char** argv) {
  gst_init(&argc, &argv);
  if (argc != 6) {
    std::fprintf(stderr, "usage: later_job PORT FOLDER FILM FILM LATER\n");
    return 2;
  }
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  const auto farm =
      Farm::open({.port = static_cast<std::uint16_t>(std::strtoul(argv[1], nullptr, 10))});
  if (!farm) {
    std::fprintf(stderr, "%s\n", farm.error().c_str());
    return 1;
  }
  const std::string folder = std::string(argv[2]) + "/";
  std::atomic<bool> well = true;
  std::thread first([&] {
    if (!run(argv[3], folder + "0.mp4", *farm))
      well = false;
  });
  std::thread second([&] {
    if (!run(argv[4], folder + "1.mp4", *farm))
      well = false;
  });
  first.join();
  second.join();
  std::printf("%zu workers wait for the next job\n", (*farm)->status().workers.size());
  if (!run(argv[5], folder + "2.mp4", *farm))
    well = false;
  return well ? 0 : 1;
}
