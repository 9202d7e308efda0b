// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/base/gstbasetransform.h>

G_BEGIN_DECLS

#define GST_TYPE_VISUAL_HASH (gst_visual_hash_get_type())
G_DECLARE_FINAL_TYPE(GstVisualHash, gst_visual_hash, GST, VISUAL_HASH, GstBaseTransform)

GST_ELEMENT_REGISTER_DECLARE(visualhash)

G_END_DECLS
