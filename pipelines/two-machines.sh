#!/bin/sh
# SPDX-FileCopyrightText: The gst-dist authors
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# One film, two machines or more, with a secret that they share:
#
#   (umask 077; openssl rand -hex 32 >secret)   on one of them; copy the file to the others
#   two-machines.sh primary IN OUT        on the machine with the film
#   two-machines.sh worker HOST           on the others, HOST being the first one
#
# The secret is in GST_DIST_SECRET, or in the file that GST_DIST_SECRET_FILE names, by default `secret` in
# this folder. The primary encodes too, on all cores but one; LOCAL_WORKERS=0 leaves all to the others.
# They may start before it, and stay for the next film until Ctrl-C.
usage() {
  echo "usage: $0 primary IN OUT [PORT]" >&2
  echo "       $0 worker HOST [PORT]   (PORT: default 7700)" >&2
  exit 2
}

role=${1:-}
case $role in
  primary) if [ $# -lt 3 ] || [ $# -gt 4 ]; then usage; fi ;;
  worker) if [ $# -lt 2 ] || [ $# -gt 3 ]; then usage; fi ;;
  *) usage ;;
esac

file=''
if [ -z "${GST_DIST_SECRET:-}" ]; then
  file=${GST_DIST_SECRET_FILE:-secret}
  if [ ! -r "$file" ]; then
    echo "$0: no secret: set GST_DIST_SECRET, or make a file with: (umask 077; openssl rand -hex 32 >$file)" >&2
    exit 2
  fi
fi

# Without the file the elements take the secret out of the environment.
if [ "$role" = worker ]; then
  exec gst-launch-1.0 -m -e remoteencworker host="$2" port="${3:-7700}" ${file:+"secret-file=$file"}
fi
exec gst-launch-1.0 -m filesrc location="$2" ! parsebin ! distsegmenter ! \
  remoteenc address=0.0.0.0 port="${4:-7700}" ${file:+"secret-file=$file"} renditions="720p:h264" \
  local-workers="${LOCAL_WORKERS:--1}" ! \
  distjoin ! h264parse ! mp4mux ! filesink location="$3"
