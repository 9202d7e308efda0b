// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Which farm that was offered a remoteenc takes.
#pragma once

#include <glib.h>

#include <memory>
#include <set>

#include "gst/base/result.h"
#include "gst/farm/farm_context.h"

namespace dist {

// The farm that was offered, if it is one for an element that wants this and on which the
// properties `given`, ids of remoteenc_properties.h, were set. Null: none was offered, or one of
// another element with another port. An error names the property that asks for another farm.
Result<std::shared_ptr<Farm>> take_offer(const FarmOffer& offer, const Farm::Config& wanted,
                                         const std::set<guint>& given);

}  // namespace dist
