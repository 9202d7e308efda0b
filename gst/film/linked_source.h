// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Sources that open what a film leads to only as far as its reach goes.
#pragma once

#include <gst/gst.h>

#include <memory>

#include "gst/film/film_reach.h"

namespace dist {

// From now on no element of this process makes a source of a URI that may not be opened, or sets
// one of filesrc or souphttpsrc to such a URI, and souphttpsrc follows no redirect. Demuxers that
// make no elements of what they open are not used any more. Sources that set_reach() tells of a
// reach keep to that one; to other sources the reaches of all films that somebody holds are one.
// After gst_init(); a second call does nothing.
void guard_sources();

// Tells `element`, and all that it holds or will hold, how far it may go, by a GstContext. Before
// the element goes from NULL to READY. Any thread.
void set_reach(GstElement* element, const std::shared_ptr<FilmReach>& reach);

}  // namespace dist
