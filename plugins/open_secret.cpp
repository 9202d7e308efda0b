// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/open_secret.h"

#include <atomic>

#include "gst/io/secret.h"

namespace dist {

void warn_of_open_secret(GstElement* element, const std::string& secret) {
  static std::atomic<bool> told = false;
  if (secret.empty() || !is_in_command_line(secret) || told.exchange(true))
    return;
  GST_ELEMENT_WARNING(element, RESOURCE, SETTINGS,
                      ("Every user of this machine can read the secret in the list of processes. "
                       "Use secret-file, or the environment variable GST_DIST_SECRET."),
                      (NULL));
}

}  // namespace dist
