#!/usr/bin/env bash
# SPDX-FileCopyrightText: The gst-dist authors
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Writes the films from which fuzzing begins: tests/fuzz/film_seeds.sh tests/fuzz/corpus. Needs ffmpeg.
set -euo pipefail
folder=${1:?folder}/film_input
mkdir -p "$folder"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

picture=(-f lavfi -i 'testsrc2=size=32x32:rate=25:duration=0.12')
sound=(-f lavfi -i 'sine=sample_rate=8000:duration=0.2')
h264=(-c:v libx264 -preset ultrafast -x264-params 'log-level=none')
film() { ffmpeg -v error -y -fflags +bitexact "$@"; }

# The video is less than a fifth of the movie.
printf '1\n00:00:00,000 --> 00:00:09,000\nword\n' >"$scratch/words.srt"
film "${picture[@]}" -i "$scratch/words.srt" -map 0 -map 1 "${h264[@]}" -c:s mov_text "$folder/short-video.mp4"
# Raw sound in chunks of several sizes, whose table is lengthened.
film "${picture[@]}" "${sound[@]}" -map 0 -map 1 -c:v mjpeg -q:v 31 -c:a pcm_u8 -ar 2000 "$folder/raw-sound.mov"
film "${picture[@]}" "${h264[@]}" -movflags frag_keyframe+empty_moov "$folder/fragments.mp4"
film "${picture[@]}" "${sound[@]}" -map 0 -map 1 "${h264[@]}" -c:a libopus -b:a 6k "$folder/film.mkv"
for name in aac:aac ac3:ac3 dts:dca truehd:truehd; do
  film "${picture[@]}" "${sound[@]}" -map 0 -map 1 -c:v mpeg2video -q:v 31 -c:a "${name#*:}" -strict -2 -ar 48000 \
    "$scratch/${name%:*}.ts"
  head -c 7520 "$scratch/${name%:*}.ts" >"$folder/${name%:*}.ts"
done
# Packets of 192 bytes.
film "${picture[@]}" "${h264[@]}" -mpegts_m2ts_mode 1 "$folder/film.m2ts"
# Two recordings that were put together.
film "${picture[@]}" -c:v mpeg2video -q:v 31 "$scratch/first.ts"
film "${picture[@]}" "${h264[@]}" "$scratch/second.ts"
cat "$scratch/first.ts" "$scratch/second.ts" >"$folder/codec-change.ts"
