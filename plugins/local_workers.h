// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <memory>

#include "gst/farm/farm.h"
#include "gst/gstx/ref.h"

namespace dist {

// The cores of a primary's own machine at work: a remoteencworker in a pipeline of its own, which
// has its leases without the network.
class LocalWorkers {
 public:
  // Begins. `element` posts what goes wrong as warnings; it outlives the object.
  LocalWorkers(GstElement* element, unsigned count, const std::shared_ptr<Farm>& farm);
  // Stops; what they hold goes back.
  ~LocalWorkers();
  LocalWorkers(const LocalWorkers&) = delete;
  LocalWorkers& operator=(const LocalWorkers&) = delete;

 private:
  GstElement* const element_;
  const Ref<GstElement> pipeline_;
};

}  // namespace dist
