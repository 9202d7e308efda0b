#!/bin/sh
# SPDX-FileCopyrightText: The gst-dist authors
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The primary: cuts the video of IN, has the segments encoded by whichever workers come, and writes
# them, in order, to OUT. Listens on loopback; PORT 0 takes any free port, and the dist-waiting
# message says which.
if [ $# -lt 2 ] || [ $# -gt 3 ]; then
  echo "usage: $0 IN OUT [PORT]   (PORT: default 7700)" >&2
  exit 2
fi
exec gst-launch-1.0 -m filesrc location="$1" ! parsebin ! distsegmenter ! \
  remoteenc port="${3:-7700}" ! distjoin ! h264parse ! mp4mux ! filesink location="$2"
