#!/bin/sh
# SPDX-FileCopyrightText: The gst-dist authors
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A live source, SECONDS of a test picture, encoded by the cores of this machine while it comes; put
# your camera in the place of videotestsrc.
#
# What was seen is in OUT a segment and its encoding later, so segments are short. No frame is dropped
# for being late: a file takes whatever time the encoders need. If they are slower than the camera,
# segments wait in remoteenc (max-bytes), and then ten seconds of frames in the queue; a camera that has
# to wait even longer drops frames itself.
if [ $# -lt 1 ] || [ $# -gt 2 ]; then
  echo "usage: $0 OUT [SECONDS]   (SECONDS: default 10)" >&2
  exit 2
fi
exec gst-launch-1.0 -m videotestsrc is-live=true num-buffers="$((25 * ${2:-10}))" ! \
  video/x-raw,width=640,height=360,framerate=25/1 ! \
  queue max-size-buffers=0 max-size-bytes=0 max-size-time=10000000000 ! \
  distsegmenter segment-duration=500000000 ! \
  remoteenc renditions="live:h264:speed=fast" ! distjoin ! h264parse ! mp4mux ! \
  filesink location="$1"
