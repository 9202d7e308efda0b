#!/bin/sh
# SPDX-FileCopyrightText: The gst-dist authors
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The primary for worker-two-renditions.sh: each rendition goes into a file of its own.
if [ $# -lt 3 ] || [ $# -gt 4 ]; then
  echo "usage: $0 IN OUT_720P OUT_360P [PORT]   (PORT: default 7700)" >&2
  exit 2
fi
exec gst-launch-1.0 -m filesrc location="$1" ! parsebin ! distsegmenter ! \
  remoteenc port="${4:-7700}" ! distjoin name=j \
  j.src_720p ! h264parse ! mp4mux ! filesink location="$2" \
  j.src_360p ! h264parse ! mp4mux ! filesink location="$3"
