// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Whether a store is whole: `store check`.
#pragma once

#include <string>

namespace dist::tool {

// Prints, and returns an exit code: kFailed if something is wrong and stays so. `repair` makes the
// index follow the blobs, makes a damaged index anew, and removes damaged blobs.
int check_store(const std::string& text, bool repair, bool json);

}  // namespace dist::tool
