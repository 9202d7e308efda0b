#!/bin/sh
# SPDX-FileCopyrightText: The gst-dist authors
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A worker that decodes once and makes two renditions, 720p and 360p, for
# primary-two-renditions.sh.
if [ $# -ne 2 ]; then
  echo "usage: $0 HOST PORT" >&2
  exit 2
fi
exec gst-launch-1.0 remoteencsrc host="$1" port="$2" ! decodebin ! tee name=t \
  t. ! queue ! videoconvertscale ! video/x-raw,width=1280,height=720 ! \
  x264enc threads=1 ! h264parse ! sink.sink_720p \
  t. ! queue ! videoconvertscale ! video/x-raw,width=640,height=360 ! \
  x264enc threads=1 ! h264parse ! sink.sink_360p \
  remoteencsink name=sink
