// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// For fuzz targets that decode.
#pragma once

#include <gst/gst.h>

// What other libraries keep, or lose: GLib its tables, GStreamer its plugins, decoders what a
// broken picture left. Objects of GStreamer that this project leaks are not seen either: they are
// GLib's memory. What it allocates with new is, and the limit on memory bounds the rest.
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() {
  return "leak:g_malloc\nleak:g_realloc\nleak:av_malloc\nleak:libav\nleak:ld-linux\nleak:g_type_";
}

namespace dist::fuzz {

// GStreamer with all plugins, once. What elements say of broken video is not shown: there are
// thousands of such lines a second.
inline void load_plugins() {
  static const bool loaded = [] {
    gst_init(nullptr, nullptr);
    g_log_set_default_handler([](const gchar*, GLogLevelFlags, const gchar*, gpointer) {}, nullptr);
    return true;
  }();
  static_cast<void>(loaded);
}

}  // namespace dist::fuzz
