// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What an error of a job's pipeline means to people who do not write pipelines: what happened to
// which file, and the exit code.
#pragma once

#include <gst/gst.h>

#include <string>
#include <vector>

namespace dist::tool {

struct Trouble {
  int code = 0;      // An ExitCode.
  std::string text;  // A sentence.
};

// The names that people know. Elements "file0" and "mux0" write the first output.
struct JobNames {
  std::string input;
  std::vector<std::string> outputs;
};

// Of an error message of `pipeline`, or of an element in it.
Trouble trouble_of(GstElement* pipeline, GstMessage* message, const JobNames& names);

// Whether the error only says that another element stopped, which may have said why.
bool is_consequence(GstMessage* message);

}  // namespace dist::tool
