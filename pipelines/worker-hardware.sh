#!/bin/sh
# SPDX-FileCopyrightText: The gst-dist authors
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A worker that uses the hardware encoders of this machine and no others, for primaries that say what
# shall be made: ladder.sh, and all with renditions= or ladder=. The driver of a graphics card limits how
# many streams it encodes at a time; SLOTS is that.
#
# Exit code 3: there is no hardware encoder here that works.
if [ $# -lt 2 ] || [ $# -gt 3 ]; then
  echo "usage: $0 HOST PORT [SLOTS]   (SLOTS: default 2)" >&2
  exit 2
fi
# Installed is not enough: the device, or its driver, may be missing or too old.
works() {
  gst-inspect-1.0 --exists "$1" && gst-launch-1.0 -q videotestsrc num-buffers=5 ! \
    video/x-raw,width=640,height=360,framerate=25/1 ! videoconvert ! "$1" ! fakesink >/dev/null 2>&1
}
encoders=''
for encoder in nvh264enc vah264enc qsvh264enc v4l2h264enc nvh265enc vah265enc; do
  if works "$encoder"; then
    encoders=${encoders:+$encoders,}$encoder
  fi
done
if [ -z "$encoders" ]; then
  echo "$0: no hardware encoder works here; use remoteencworker without it." >&2
  exit 3
fi
echo "encoders: $encoders"
exec gst-launch-1.0 -m -e remoteencworker host="$1" port="$2" slots="${3:-2}" encoders="$encoders"
