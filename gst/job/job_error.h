// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Why a job did not come to its end, in words for people who do not write pipelines.
#pragma once

#include <gst/gst.h>

#include <string>
#include <vector>

namespace dist {

struct RefusedLink;

struct JobError {
  enum class Kind {
    kRequest,    // What is asked for does not fit together, or cannot be made of this film.
    kInput,      // The film cannot be read, or is nothing to work on.
    kOutput,     // An output cannot be written.
    kPortInUse,  // Another one listens there.
    kNetwork,    // Else it cannot be listened for workers.
    kNoWorker,   // No worker came.
    kFailed,     // The work failed.
    kCancelled,
  };
  // What the caller can do about it, beside what the message says.
  enum class Remedy {
    kNone,
    kRepairStore,   // Make the index of the store anew.
    kRemote,        // Let the film lead to other hosts.
    kReplace,       // Let it replace what is there.
    kClear,         // Take away what stands in the way, which is never replaced.
    kSecret,        // Give a secret.
    kBetterSecret,  // Give another secret.
    kVp9,           // Have `rendition` made with VP9.
    kRename,        // Give `rendition`, which has the name of the thumbnails, another one.
  };
  Kind kind = Kind::kFailed;
  std::string message;    // A sentence, or most of one.
  std::string details{};  // What GStreamer tells programmers; may be empty.
  Remedy remedy = Remedy::kNone;
  std::string rendition{};  // Of the remedy.
};

// The names that people know. Elements "file0" and "mux0" write the first output.
struct JobNames {
  std::string input;
  std::vector<std::string> outputs;
};

// Of an error message of `pipeline`, or of an element in it.
JobError error_of(GstElement* pipeline, GstMessage* message, const JobNames& names);
// Of a link of the film that was not opened.
JobError error_of(const RefusedLink& link, const std::string& input);

// Whether the error only says that another element stopped, which may have said why.
bool is_consequence(GstMessage* message);

}  // namespace dist
