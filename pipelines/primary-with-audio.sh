#!/bin/sh
# SPDX-FileCopyrightText: The gst-dist authors
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The primary, for a film with AAC audio: the audio goes past the segmenter, uncut. Its queue has no
# limit of its own because the muxer takes audio only as fast as video comes back; how far the
# demuxer runs ahead is limited by the window of remoteenc.
if [ $# -lt 2 ] || [ $# -gt 3 ]; then
  echo "usage: $0 IN OUT [PORT]   (PORT: default 7700)" >&2
  exit 2
fi
exec gst-launch-1.0 -m filesrc location="$1" ! parsebin name=p \
  p. ! distsegmenter ! remoteenc port="${3:-7700}" ! distjoin ! h264parse ! mux. \
  p. ! audio/mpeg,mpegversion=4 ! queue max-size-buffers=0 max-size-bytes=0 max-size-time=0 ! \
  aacparse ! mux. \
  mp4mux name=mux ! filesink location="$2"
