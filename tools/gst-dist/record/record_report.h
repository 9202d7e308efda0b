// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A job's record as text.
#pragma once

#include <string>

#include "gst/record/manifest.h"

namespace dist::tool {

// Lines, each with its end.
std::string record_for_people(const record::Cid& root, const record::Manifest& manifest);
// One JSON object. Links are texts, bytes hexadecimal.
std::string record_for_programs(const record::Cid& root, const record::Manifest& manifest);

}  // namespace dist::tool
