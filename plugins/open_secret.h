// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <string>

namespace dist {

// Posts a warning, once in this process, if the secret can be read by every user of this machine.
void warn_of_open_secret(GstElement* element, const std::string& secret);

}  // namespace dist
