// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <string_view>

namespace dist {

// The words of a text in Pango's markup; as it is where it is none.
std::string plain_text(std::string_view markup);

}  // namespace dist
