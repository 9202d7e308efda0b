// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A primary that does one job after another in one process, always on the same port:
//   soak-primary PORT FILM
// Reads the name of an output from each line, encodes FILM into OUTPUT.ts and OUTPUT.jpegs, and
// answers with a line: "done FAILED HEDGED", the leases of which that is true, or "failed WHY".
// Nothing of a job is left when it answers.
#include <gst/gst.h>

#include <iostream>
#include <string>

namespace {

struct Outcome {
  std::string error;
  guint64 failed = 0;
  guint64 hedged = 0;
};

std::string describe(const std::string& port, const std::string& film, const std::string& output) {
  return "filesrc location=" + film +
         " ! parsebin ! distsegmenter max-segment-duration=1000000000 ! remoteenc local-workers=0"
         " port=" +
         port +
         " renditions=\"video:h264:bframes=0,small:jpeg:160x90\""
         " ! distjoin name=join"
         " join.src_video ! h264parse ! mpegtsmux ! filesink location=" +
         output +
         ".ts"
         " join.src_small ! filesink location=" +
         output + ".jpegs";
}

std::string text_of(GstMessage* message) {
  GError* error = nullptr;
  gchar* debug = nullptr;
  gst_message_parse_error(message, &error, &debug);
  std::string text = std::string(error->message) + " (" + (debug ? debug : "") + ")";
  for (char& c : text)
    c = c == '\n' ? ' ' : c;
  g_error_free(error);
  g_free(debug);
  return text;
}

// Whether the job goes on.
bool handle(GstMessage* message, Outcome& outcome) {
  if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR)
    outcome.error = text_of(message);
  const GstStructure* told = gst_message_get_structure(message);
  if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ELEMENT &&
      gst_structure_has_name(told, "dist-summary"))
    gst_structure_get(told, "failed-leases", G_TYPE_UINT64, &outcome.failed, "hedged-leases",
                      G_TYPE_UINT64, &outcome.hedged, nullptr);
  return GST_MESSAGE_TYPE(message) == GST_MESSAGE_ELEMENT;
}

Outcome run(const std::string& description) {
  Outcome outcome;
  GError* error = nullptr;
  GstElement* pipeline = gst_parse_launch(description.c_str(), &error);
  if (error) {
    outcome.error = error->message;
    g_error_free(error);
    return outcome;
  }
  GstBus* bus = gst_element_get_bus(pipeline);
  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  bool goes_on = true;
  while (goes_on) {
    GstMessage* message = gst_bus_timed_pop_filtered(
        bus, GST_CLOCK_TIME_NONE,
        static_cast<GstMessageType>(GST_MESSAGE_ELEMENT | GST_MESSAGE_ERROR | GST_MESSAGE_EOS));
    goes_on = handle(message, outcome);
    gst_message_unref(message);
  }
  gst_element_set_state(pipeline, GST_STATE_NULL);
  gst_object_unref(bus);
  gst_object_unref(pipeline);
  return outcome;
}

}  // namespace

int main(int argc, char** argv) {
  gst_init(&argc, &argv);
  if (argc != 3)
    return 2;
  std::string output;
  while (std::getline(std::cin, output)) {
    const Outcome outcome = run(describe(argv[1], argv[2], output));
    if (outcome.error.empty())
      std::cout << "done " << outcome.failed << " " << outcome.hedged << std::endl;
    else
      std::cout << "failed " << outcome.error << std::endl;
  }
  return 0;
}
