// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <glib.h>

#include <string>

namespace dist {

// What a function of GLib reports through its last argument, which is out().
class GLibError {
 public:
  GLibError() = default;
  ~GLibError() { g_clear_error(&error_); }
  GLibError(const GLibError&) = delete;
  GLibError& operator=(const GLibError&) = delete;

  GError** out() { return &error_; }
  explicit operator bool() const { return error_ != nullptr; }
  bool is(GQuark domain, gint code) const { return g_error_matches(error_, domain, code); }
  // The other text if nothing was reported.
  std::string message(const char* otherwise = "unknown error") const {
    return error_ ? error_->message : otherwise;
  }

 private:
  GError* error_ = nullptr;
};

}  // namespace dist
