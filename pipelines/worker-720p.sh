#!/bin/sh
# SPDX-FileCopyrightText: The gst-dist authors
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A worker that makes 720p H.264. Start as many as there are cores, on any machine that reaches HOST.
if [ $# -ne 2 ]; then
  echo "usage: $0 HOST PORT" >&2
  exit 2
fi
exec gst-launch-1.0 remoteencsrc host="$1" port="$2" ! decodebin ! \
  videoconvertscale ! video/x-raw,width=1280,height=720 ! \
  x264enc threads=1 ! h264parse ! remoteencsink
