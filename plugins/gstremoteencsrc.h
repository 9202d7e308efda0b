// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include "plugins/lease_player.h"

G_BEGIN_DECLS

#define GST_TYPE_REMOTE_ENC_SRC (gst_remote_enc_src_get_type())
G_DECLARE_FINAL_TYPE(GstRemoteEncSrc, gst_remote_enc_src, GST, REMOTE_ENC_SRC, GstElement)

GST_ELEMENT_REGISTER_DECLARE(remoteencsrc)

G_END_DECLS

// For remoteencworker: one that has the settings which the other has now, whose pipeline the
// adapter makes, and whose worker's name ends with the suffix. The adapter outlives it. Floating.
GstElement* gst_remote_enc_src_new_for(dist::PipelineAdapter* adapter, GstRemoteEncSrc* settings,
                                       const char* name_suffix);
