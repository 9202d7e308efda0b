// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

namespace dist {

// Which codec libraries a plugin calls, as in "libx264.so.164 5c3f0a1b9d2e4f68": for each its name
// and the first eight bytes of its build id, which another build of the library does not have;
// those of GStreamer, GLib and the C and C++ runtimes are left out. Empty if the file is not
// loaded.
std::string codec_libraries(const std::string& plugin_file);

}  // namespace dist
