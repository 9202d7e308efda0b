// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The name of a blob in a store.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace dist {

using BlobKey = std::array<std::uint8_t, 32>;

// 64 digits, a to f in lower case.
std::string key_text(const BlobKey& key);
// None if it is anything else than what key_text() writes.
std::optional<BlobKey> key_from_text(std::string_view text);

}  // namespace dist
