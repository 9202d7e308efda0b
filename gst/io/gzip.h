// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <optional>

#include "gst/base/bytes.h"

namespace dist {

// The same bytes for the same content, without time and name.
Bytes gzip(const BytesList& content);

bool is_gzip(const BytesList& bytes);
// Nothing if it is none, is damaged, or holds more than `max` bytes.
std::optional<Bytes> gunzip(const BytesList& bytes, std::uint64_t max);

}  // namespace dist
