// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// For ThreadSanitizer, which does not see the locks inside GLib: tells it that an object goes from
// one thread to another through GLib or GStreamer. Nothing in other builds.
#pragma once

#if defined(__SANITIZE_THREAD__)
#define DIST_THREAD_SANITIZER
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define DIST_THREAD_SANITIZER
#endif
#endif

#ifdef DIST_THREAD_SANITIZER
#include <sanitizer/tsan_interface.h>
#endif

namespace dist {

// Before the object is handed to GLib.
inline void hand_over([[maybe_unused]] void* object) {
#ifdef DIST_THREAD_SANITIZER
  __tsan_release(object);
#endif
}

// After it came back from GLib.
inline void take_over([[maybe_unused]] void* object) {
#ifdef DIST_THREAD_SANITIZER
  __tsan_acquire(object);
#endif
}

}  // namespace dist
