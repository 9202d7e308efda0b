// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// two_jobs FILM OTHER FOLDER: encodes both at the same time with one set of workers, the cores of
// this process, and cancels the other one after its first segment.
#include <gst/gst.h>

#include <cstdio>
#include <string>
#include <thread>

#include "gst/farm/farm_context.h"
#include "gst/job/job_runner.h"

using namespace dist;

struct Printer {
  std::string name;
  void operator()(const message::SegmentDone& done) const {
    std::printf("%s: segment %u by %s\n", name.c_str(), unsigned(done.segment), done.name.c_str());
  }
  void operator()(const message::LeaseFailed& failed) const {
    std::printf("%s: %s failed: %s\n", name.c_str(), failed.name.c_str(), failed.reason.c_str());
  }
  void operator()(const Finished& finished) const {
    std::printf("%s: wrote %s\n", name.c_str(), finished.files.front().c_str());
  }
  void operator()(const auto&) const {}  // What else there is stands in job_event.h.
};

static void run(const std::string& film, const std::string& out, std::shared_ptr<Farm> farm,
                bool cancels) {
  const auto fail = [&](const JobError& error) {
    std::printf("%s: %s\n", film.c_str(), error.message.c_str());
  };
  auto plan = make_plan({.input = film, .output = out});
  if (!plan)
    return fail(plan.failure());
  JobRunner* self = nullptr;
  JobRunner job(std::move(*plan), std::move(farm), [&](const JobEvent& event) {
    std::visit(Printer{film}, event);
    if (cancels && std::holds_alternative<message::SegmentDone>(event))
      self->cancel();
  });
  self = &job;
  if (const auto error = job.prepare())
    return fail(*error);
  if (const auto error = job.run())
    fail(*error);
}

int main(int argc, char** argv) {
  gst_init(&argc, &argv);
  GstElement* const worker = gst_element_factory_make("remoteencworker", nullptr);
  auto farm = Farm::open({.listens = false});
  if (argc != 4 || !worker || !farm) {
    std::fprintf(stderr, "usage: two_jobs FILM OTHER FOLDER, with GST_PLUGIN_PATH set\n");
    return 2;
  }
  GstElement* const workers = gst_pipeline_new(nullptr);
  gst_bin_add(GST_BIN(workers), worker);
  set_farm(workers, *farm);
  gst_element_set_state(workers, GST_STATE_PLAYING);
  const std::string folder = std::string(argv[3]) + "/";
  std::thread other(run, argv[2], folder + "other.mp4", *farm, true);
  run(argv[1], folder + "film.mp4", *farm, false);
  other.join();
  gst_element_set_state(workers, GST_STATE_NULL);
  gst_object_unref(workers);
  return 0;
}
