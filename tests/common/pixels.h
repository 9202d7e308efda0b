// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/video/video.h>

#include <string>

namespace film {

// MD5 of the visible pixels of a raw frame; empty if it cannot be mapped.
std::string md5_of_pixels(GstBuffer* buffer, const GstVideoInfo& info);

}  // namespace film
