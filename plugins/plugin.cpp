// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gst/gst.h>

#include "config.h"
#include "plugins/gstdistjoin.h"
#include "plugins/gstdistsegmenter.h"
#include "plugins/gstremoteenc.h"
#include "plugins/gstremoteencsink.h"
#include "plugins/gstremoteencsrc.h"
#include "plugins/gstremoteencworker.h"
#include "plugins/gstvisualhash.h"

static gboolean plugin_init(GstPlugin* plugin) {
  return GST_ELEMENT_REGISTER(distsegmenter, plugin) && GST_ELEMENT_REGISTER(remoteenc, plugin) &&
         GST_ELEMENT_REGISTER(remoteencsrc, plugin) &&
         GST_ELEMENT_REGISTER(remoteencsink, plugin) &&
         GST_ELEMENT_REGISTER(remoteencworker, plugin) && GST_ELEMENT_REGISTER(distjoin, plugin) &&
         GST_ELEMENT_REGISTER(visualhash, plugin);
}

GST_PLUGIN_DEFINE(GST_VERSION_MAJOR, GST_VERSION_MINOR, dist,
                  "Encodes one film on many machines, segment by segment", plugin_init, VERSION,
                  "LGPL", "gst-dist", PACKAGE_ORIGIN)
