// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_REMOTE_ENC_SINK (gst_remote_enc_sink_get_type())
G_DECLARE_FINAL_TYPE(GstRemoteEncSink, gst_remote_enc_sink, GST, REMOTE_ENC_SINK, GstElement)

GST_ELEMENT_REGISTER_DECLARE(remoteencsink)

G_END_DECLS
