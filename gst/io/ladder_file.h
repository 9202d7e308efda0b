// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <vector>

#include "gst/rendition/rendition.h"

namespace dist {

inline constexpr std::size_t kMaxLadderFile = 1u << 20;

// The renditions in a JSON file of at most kMaxLadderFile bytes; docs/design/ladder.md has its
// fields. The error names the file, the field's path in it, and what would be right. Blocks.
Result<std::vector<RenditionSpec>> read_ladder(const std::string& path);

// What a user asks for with either of these: renditions as text, or the name of a built-in ladder
// or of a file. None for neither. The error says what would be right. Blocks.
Result<std::vector<RenditionSpec>> find_renditions(const std::string& renditions,
                                                   const std::string& ladder);

}  // namespace dist
