// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/gstx/decoder_errors.h"

#include <gst/gst.h>

#include <algorithm>
#include <string_view>

#include "gst/base/mutex.h"

namespace dist {
namespace {

thread_local unsigned errors = 0;
GstDebugCategory* libav = nullptr;
GstDebugLevel shown = GST_LEVEL_NONE;  // Of libav's log, as it was.

// Bookkeeping of references that streams get wrong without harm to a picture.
constexpr std::string_view kHarmless[] = {"mmco", "co located", "illegal"};

void count(GstDebugLevel level, GstDebugMessage* message) {
  if (level > GST_LEVEL_ERROR)
    return;
  const gchar* const text = gst_debug_message_get(message);
  const std::string_view said = text ? text : "";
  if (std::ranges::none_of(kHarmless, [&](std::string_view harmless) {
        return said.find(harmless) != std::string_view::npos;
      }))
    ++errors;
}

void on_log(GstDebugCategory* category, GstDebugLevel level, const gchar*, const gchar*, gint,
            GObject*, GstDebugMessage* message, gpointer) {
  if (category == libav)
    count(level, message);
}

// In the place of the default, which would print what is only to be counted.
void log_others(GstDebugCategory* category, GstDebugLevel level, const gchar* file,
                const gchar* function, gint line, GObject* object, GstDebugMessage* message,
                gpointer) {
  if (category != libav || level <= shown)
    gst_debug_log_default(category, level, file, function, line, object, message, nullptr);
}

}  // namespace

void count_decoder_errors() {
  static Mutex lock;
  const MutexLock guard(lock);
  GstDebugCategory* const found = libav ? nullptr : _gst_debug_get_category("libav");
  if (!found)
    return;
  shown = gst_debug_category_get_threshold(found);
  libav = found;
  // In parentheses the functions are meant: the macros of these names compare a function with a
  // void*.
  (gst_debug_add_log_function)(on_log, nullptr, nullptr);
  if (shown >= GST_LEVEL_ERROR)
    return;
  // With GST_DEBUG_FILE the default knows where to write to; nobody minds a line more there.
  if (!g_getenv("GST_DEBUG_FILE") && (gst_debug_remove_log_function)(gst_debug_log_default) > 0)
    (gst_debug_add_log_function)(log_others, nullptr, nullptr);
  gst_debug_category_set_threshold(found, GST_LEVEL_ERROR);
}

unsigned decoder_errors() {
  return errors;
}

}  // namespace dist
