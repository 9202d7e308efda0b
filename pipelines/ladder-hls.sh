#!/bin/sh
# SPDX-FileCopyrightText: The gst-dist authors
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A ladder for HLS on the cores of this machine: two sizes of the video of IN, each with its playlist
# and a file for every four seconds, and DIR/master.m3u8, which is there once all is complete.
#
# Segments are as long as the files, cut inside of a GOP where they have to be: so each file begins
# with a keyframe, in all sizes at the same time, and hlssink2 need not ask for one. AAC audio goes into
# every size; its queues have no limits, as in primary-with-audio.sh. Other audio is left out.
#
# async-handling keeps to itself that hlssink2 starts a sink for each file; without it GStreamer 1.22 now
# and then takes the pipeline for one that is still starting, and never ends it.
if [ $# -ne 2 ]; then
  echo "usage: $0 IN DIR" >&2
  exit 2
fi
seconds=4
probed=$(ffprobe -v error -select_streams a -show_entries stream=codec_name -of csv=p=0 "$1") || exit 1
mkdir -p "$2" || exit 1
rm -f "$2/master.m3u8"

in=$1 dir=$2
set --
if echo "$probed" | grep -q aac; then
  unlimited='max-size-buffers=0 max-size-bytes=0 max-size-time=0'
  # shellcheck disable=SC2086
  set -- p. ! audio/mpeg,mpegversion=4 ! aacparse ! tee name=sound \
    sound. ! queue $unlimited ! large.audio sound. ! queue $unlimited ! small.audio
fi
gst-launch-1.0 -m filesrc location="$in" ! parsebin name=p \
  p. ! distsegmenter segment-duration="${seconds}000000000" max-segment-duration="${seconds}000000000" ! \
  remoteenc renditions="720p:h264, 360p:h264:640x360" ! distjoin name=j \
  j.src_720p ! h264parse ! large.video \
  j.src_360p ! h264parse ! small.video \
  "$@" \
  hlssink2 name=large async-handling=true target-duration="$seconds" send-keyframe-requests=false \
  playlist-length=0 max-files=0 location="$dir/720p-%05d.ts" playlist-location="$dir/720p.m3u8" \
  hlssink2 name=small async-handling=true target-duration="$seconds" send-keyframe-requests=false \
  playlist-length=0 max-files=0 location="$dir/360p-%05d.ts" playlist-location="$dir/360p.m3u8" ||
  exit

# Players choose by the bits per second of the file that needs most.
{
  printf '#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-INDEPENDENT-SEGMENTS\n'
  for size in 720p 360p; do
    peak=0
    while IFS=: read -r tag value; do
      case $tag in
        '#EXTINF') duration=${value%,} ;;
        *.ts)
          bytes=$(wc -c <"$dir/$tag")
          rate=$(awk "BEGIN { printf \"%d\", 8 * $bytes / $duration }")
          [ "$rate" -le "$peak" ] || peak=$rate
          ;;
      esac
    done <"$dir/$size.m3u8"
    resolution=$(ffprobe -v error -select_streams v -show_entries stream=width,height \
      -of csv=p=0:s=x "$dir/$size-00000.ts" | head -n 1)
    printf '#EXT-X-STREAM-INF:BANDWIDTH=%s,RESOLUTION=%s\n%s.m3u8\n' "$peak" "$resolution" "$size"
  done
} >"$dir/master.m3u8"
