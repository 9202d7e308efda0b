// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include "gst/gstx/ref.h"
#include "plugins/lease_player.h"

namespace dist {

// The cores of a primary's own machine at work: a remoteencworker in a pipeline of its own, which
// has its leases without the network.
class LocalWorkers {
 public:
  // Begins. `element` posts what goes wrong as warnings; it outlives the object.
  LocalWorkers(GstElement* element, unsigned count, const MakeLink& make_link);
  // Stops; what they hold goes back.
  ~LocalWorkers();
  LocalWorkers(const LocalWorkers&) = delete;
  LocalWorkers& operator=(const LocalWorkers&) = delete;

 private:
  GstElement* const element_;
  const Ref<GstElement> pipeline_;
};

}  // namespace dist
