// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Films whose video nothing here reads: names what it is.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "gst/film/film.h"

namespace dist {

// Why the film has no video to work on, as a part of a sentence; empty if it has.
std::string flaw_of_video(const Film& film);

// The same of the beginning of an MPEG transport stream of whose programs no video came out, which
// demuxers do not tell. Empty if it does not tell either. Pure.
std::string flaw_of_transport_stream(std::span<const std::uint8_t> bytes);

}  // namespace dist
