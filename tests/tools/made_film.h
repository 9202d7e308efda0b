// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Films that ffmpeg makes for a test, what gst-dist-1.0 transcode makes of them, and what ffprobe
// says of that.
#pragma once

#include "tests/tools/tool.h"

#include <string>

#include <gst/check/gstcheck.h>

namespace tool {

// What it said.
inline std::string transcoded(const std::string& film, const std::string& out,
                              const std::string& arguments) {
  return output_of(command() + "transcode --yes " + film + " -o " + out + " " + arguments);
}

// Fields of the first video stream, such as "pix_fmt,color_range", as lines "NAME=VALUE"; of a
// transport stream twice.
inline std::string video_fields(const std::string& file, const std::string& names) {
  return output_of("ffprobe -v error -select_streams v:0 -show_entries stream=" + names +
                   " -of default=noprint_wrappers=1 " + file);
}

// In dB, between two films of the same size; `component` is y, u, v or average, `format` that of
// ffmpeg in which they are compared. 1000 where they are equal.
inline double psnr(const std::string& a, const std::string& b, const std::string& format,
                   const std::string& component) {
  const std::string printed = output_of("ffmpeg -nostdin -hide_banner -i " + a + " -i " + b +
                                        " -lavfi '[0:v]format=" + format +
                                        "[a];[1:v]format=" + format + "[b];[a][b]psnr' -f null -");
  const std::size_t line = printed.rfind("PSNR ");
  const std::size_t at = printed.find(" " + component + ":", line);
  ck_assert_msg(line != std::string::npos && at != std::string::npos, "%s", printed.c_str());
  const std::string value = printed.substr(at + component.size() + 2);
  return value.starts_with("inf") ? 1000 : g_ascii_strtod(value.c_str(), nullptr);
}

}  // namespace tool
