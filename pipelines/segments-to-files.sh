#!/bin/sh
# SPDX-FileCopyrightText: The gst-dist authors
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Cuts the video of IN into segments, a file each: DIR/00000.seg, DIR/00001.seg, …
if [ $# -ne 2 ]; then
  echo "usage: $0 IN DIR" >&2
  exit 2
fi
mkdir -p "$2" || exit 1
# It is read as printf does.
pattern=$(printf '%s' "$2" | sed 's/%/%%/g')
exec gst-launch-1.0 filesrc location="$1" ! parsebin ! distsegmenter ! \
  multifilesink location="$pattern/%05d.seg"
