#!/bin/sh
# SPDX-FileCopyrightText: The gst-dist authors
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A ladder on the cores of this machine: two sizes of the video of IN, and a picture a second, in DIR.
if [ $# -ne 2 ]; then
  echo "usage: $0 IN DIR" >&2
  exit 2
fi
mkdir -p "$2"
# It is read as printf does.
pattern=$(printf '%s' "$2" | sed 's/%/%%/g')
exec gst-launch-1.0 -m filesrc location="$1" ! parsebin ! distsegmenter ! \
  remoteenc renditions="720p:h264, 360p:h264:640x360, thumb:jpeg:320x180:fps=1" ! distjoin name=j \
  j.src_720p ! h264parse ! mp4mux ! filesink location="$2/720p.mp4" \
  j.src_360p ! h264parse ! mp4mux ! filesink location="$2/360p.mp4" \
  j.src_thumb ! multifilesink location="$pattern/thumb-%03d.jpg"
