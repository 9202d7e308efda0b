// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// How elements get a farm: by a GstContext of type "dist.farm".
#pragma once

#include <gst/gst.h>

#include <memory>

#include "gst/farm/api.h"
#include "gst/farm/farm.h"

namespace dist {

inline constexpr char kFarmContext[] = "dist.farm";

// Hands the farm over to `element`, usually a pipeline, and to all that it holds: each remoteenc
// in it has its segments encoded by this farm, and each remoteencworker or remoteencsrc works for
// it without a network. The element holds a reference of the farm until it gets another context or
// ends. Before the element goes from NULL to READY. Any thread.
DIST_FARM_API void set_farm(GstElement* element, const std::shared_ptr<Farm>& farm);

// --- For the elements

// What a context holds: a farm that an application handed over, or one that an element of the same
// pipeline opened for itself, which does not live longer for that.
struct FarmOffer {
  std::shared_ptr<Farm> farm;  // Null: there is none, or not any more.
  bool handed_over = false;
};
// `context` may be null, or of another type.
DIST_FARM_API FarmOffer farm_offered(GstContext* context);
// Tells the pipeline of the element that the element has opened this farm.
DIST_FARM_API void announce_farm(GstElement* element, const std::shared_ptr<Farm>& farm);
// Asks the application and the pipeline for a farm: set_context() of the element is called if there
// is one.
DIST_FARM_API void ask_for_farm(GstElement* element);

}  // namespace dist
