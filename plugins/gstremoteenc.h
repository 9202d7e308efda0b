// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_REMOTE_ENC (gst_remote_enc_get_type())
G_DECLARE_FINAL_TYPE(GstRemoteEnc, gst_remote_enc, GST, REMOTE_ENC, GstElement)

GST_ELEMENT_REGISTER_DECLARE(remoteenc)

G_END_DECLS
