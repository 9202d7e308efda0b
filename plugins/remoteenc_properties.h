// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What can be set of remoteenc.
#pragma once

#include <gst/gst.h>

#include <cstdint>

namespace dist {

enum RemoteEncProperty : guint {
  PROP_0,
  PROP_ADDRESS,
  PROP_PORT,
  PROP_MAX_SEGMENTS,
  PROP_MAX_BYTES,
  PROP_MAX_ATTEMPTS,
  PROP_SECRET,
  PROP_SECRET_FILE,
  PROP_ALLOW_ANONYMOUS,
  PROP_MAX_CONNECTIONS_PER_ADDRESS,
  PROP_DEADLINE_FLOOR,
  PROP_DEADLINE_FACTOR,
  PROP_MIXED_ENCODERS,
  PROP_RENDITIONS,
  PROP_LADDER,
  PROP_LOCAL_WORKERS,
  PROP_VERIFY,
  PROP_VERIFY_RATIO,
  PROP_VERIFY_THRESHOLD,
  PROP_VERIFY_FOLDER,
  PROP_VERIFY_GOLDEN,
  PROP_STALL_TIMEOUT,
  PROP_STORE,
  PROP_STORE_LIMIT,
  PROP_STATS
};
constexpr char kDefaultAddress[] = "127.0.0.1";
constexpr guint kDefaultMaxSegments = 64;
constexpr guint64 kDefaultMaxBytes = 256 * 1024 * 1024;
constexpr guint kDefaultMaxAttempts = 3;
constexpr guint kDefaultMaxConnectionsPerAddress = 256;
constexpr guint64 kDefaultDeadlineFloor = 2 * GST_SECOND;
constexpr gdouble kDefaultDeadlineFactor = 3;
constexpr guint64 kDefaultStallTimeout = 1800 * GST_SECOND;
constexpr gint kLocalWorkersByCores = -1;
constexpr gint kMaxLocalWorkers = 64;
constexpr gdouble kDefaultVerifyRatio = 0.05;

void install_remote_enc_properties(GObjectClass* object_class);

}  // namespace dist
