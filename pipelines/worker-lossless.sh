#!/bin/sh
# SPDX-FileCopyrightText: The gst-dist authors
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A worker whose output decodes to exactly the frames it was given. x264enc looks at quantizer only
# with pass=quant.
if [ $# -ne 2 ]; then
  echo "usage: $0 HOST PORT" >&2
  exit 2
fi
exec gst-launch-1.0 remoteencsrc host="$1" port="$2" ! decodebin ! videoconvert ! \
  x264enc threads=1 pass=quant quantizer=0 speed-preset=ultrafast ! h264parse ! remoteencsink
