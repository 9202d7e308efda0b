// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The pictures in a plot, and the file it goes into.
#pragma once

#include <string>
#include <vector>

#include "gst/base/result.h"
#include "gst/film/film.h"
#include "tools/gst-dist/compare/comparison_plot.h"

namespace dist::tool {

// Decodes both films once more, up to the last of these pairs. Where that fails, pictures are
// missing: the plot is worth something without them.
std::vector<Specimen> take_specimens(const CompareReport& report, const Film& a, const Film& b,
                                     const std::vector<std::size_t>& pairs);

bool is_png(const std::string& name);
// Fails if the elements for a PNG are not installed.
Status check_plot(const std::string& name);
// As SVG, or rendered if `name` ends in .png. `path` is where to write.
Status write_plot(const std::string& svg, const std::string& name, const std::string& path);

}  // namespace dist::tool
