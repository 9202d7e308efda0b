// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What somebody wants of a film, and what will be done about it: plain data both.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "gst/base/address.h"
#include "gst/base/result.h"
#include "gst/film/film.h"
#include "gst/job/containers.h"
#include "gst/job/job_error.h"

namespace dist {

struct Request {
  std::string input = {};   // A path or a URI.
  bool remote = false;      // A playlist is followed to other hosts than its own.
  std::string output = {};  // A file, or a folder for a file of each rendition.
  // As parse_renditions() takes them; empty, and no ladder: what suits the output.
  std::vector<std::string> renditions = {};
  std::string ladder = {};      // The name of a built-in one, or a JSON file.
  bool separate_audio = false;  // Sound has a file of its own, and goes into no other.
  bool thumbnails = false;
  std::optional<unsigned> thumbnail_interval = {};  // Milliseconds; none: by the film's duration.
  bool replace = false;                             // Files that are there already.
  std::optional<double> max_segment_duration =
      {};                       // Seconds; 0: no cut inside a GOP. None: the usual.
  double stall_timeout = 1800;  // Seconds; 0: never.

  // Of a job that has a farm of its own.
  std::optional<Address> listen = {};  // Numeric; none: workers of this process only.
  std::string secret_file = {};        // Empty: GST_DIST_SECRET, if that is set.
  int local_workers = -1;              // -1: by the number of cores.

  // Of results, as remoteenc takes it; empty: none. 0: its folders have no limit.
  std::string store = {};
  std::uint64_t store_limit = 0;

  // A CAR that becomes the record of the job; empty: none.
  std::string manifest = {};
  bool manifest_only = false;  // Without the blobs.
  std::string sign_key = {};   // A private key, in PEM, that signs the record; empty: none does.
};

// One file that is written.
struct Output {
  std::string rendition;  // Empty: sound only.
  std::string codec;
  std::string path;                      // Or of a folder, for single pictures.
  const Container* container = nullptr;  // Null: single pictures.
  bool thumbnails = false;               // Their sheets and their track too.
  unsigned width = 0;                    // Of its picture.
  unsigned height = 0;
};

// A stream that goes past the workers, and into which outputs.
struct CarriedStream {
  std::size_t stream = 0;         // Of the film.
  std::string encoder;            // Empty: it is copied.
  std::vector<std::size_t> into;  // Outputs.
};

struct Plan {
  Request request;
  Film film;
  std::string renditions;  // What remoteenc is asked for; empty: the ladder.
  std::vector<Output> outputs;
  std::vector<CarriedStream> carried;
  std::vector<std::string> left_out;  // Sentences on what is in no output.
  unsigned thumbnail_interval = 0;    // Milliseconds; 0: no output is of thumbnails.
};

// Looks at the film, for half a minute at most, and decides everything. Writes nothing. Any thread.
Result<Plan, JobError> make_plan(const Request& request);

// What will be done, for people: lines. And for programs: one JSON object, on one line.
std::string plan_text(const Plan& plan);
std::string plan_json(const Plan& plan);

}  // namespace dist
