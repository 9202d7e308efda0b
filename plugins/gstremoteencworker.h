// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_REMOTE_ENC_WORKER (gst_remote_enc_worker_get_type())
G_DECLARE_FINAL_TYPE(GstRemoteEncWorker, gst_remote_enc_worker, GST, REMOTE_ENC_WORKER, GstBin)

GST_ELEMENT_REGISTER_DECLARE(remoteencworker)

G_END_DECLS
