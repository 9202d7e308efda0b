// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_DIST_JOIN (gst_dist_join_get_type())
G_DECLARE_FINAL_TYPE(GstDistJoin, gst_dist_join, GST, DIST_JOIN, GstElement)

GST_ELEMENT_REGISTER_DECLARE(distjoin)

G_END_DECLS
