// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_DIST_SEGMENTER (gst_dist_segmenter_get_type())
G_DECLARE_FINAL_TYPE(GstDistSegmenter, gst_dist_segmenter, GST, DIST_SEGMENTER, GstElement)

GST_ELEMENT_REGISTER_DECLARE(distsegmenter)

G_END_DECLS
