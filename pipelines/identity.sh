#!/bin/sh
# SPDX-FileCopyrightText: The gst-dist authors
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Cuts the video of IN and joins it again, and prints each access unit: they are those of
# `filesrc ! parsebin ! fakesink`.
if [ $# -ne 1 ]; then
  echo "usage: $0 IN" >&2
  exit 2
fi
exec gst-launch-1.0 -v filesrc location="$1" ! parsebin ! distsegmenter ! distjoin ! \
  fakesink silent=false
