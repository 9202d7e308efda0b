// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include "plugins/lease_player.h"

G_BEGIN_DECLS

#define GST_TYPE_REMOTE_ENC_WORKER (gst_remote_enc_worker_get_type())
G_DECLARE_FINAL_TYPE(GstRemoteEncWorker, gst_remote_enc_worker, GST, REMOTE_ENC_WORKER, GstBin)

GST_ELEMENT_REGISTER_DECLARE(remoteencworker)

G_END_DECLS

// For a primary that has its own workers, with so many slots. Floating.
GstElement* gst_remote_enc_worker_new_for(const dist::MakeLink& make_link, unsigned slots);
