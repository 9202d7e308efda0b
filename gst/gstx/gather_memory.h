// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A GstMemory that stands for many buffers in a row. A GstBuffer holds at most 16 memories and
// copies them together beyond that; a second of raw film is too much to copy. Only mapping one
// merges it.
#pragma once

#include <gst/gst.h>

#include <span>
#include <vector>

#include "gst/gstx/ref.h"

namespace dist {

// The bytes of `parts` in order; the buffers are held, not copied. Owned by the caller.
GstMemory* gather_memory_new(std::vector<Ref<GstBuffer>> parts);

// The buffers it stands for, borrowed, or empty if `memory` is of another kind or a part of one.
std::span<const Ref<GstBuffer>> gather_memory_parts(GstMemory* memory);

}  // namespace dist
