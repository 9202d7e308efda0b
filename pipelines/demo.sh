#!/usr/bin/env bash
# SPDX-FileCopyrightText: The gst-dist authors
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The main job on one machine: primary.sh and two workers, worker-720p.sh, over TCP on loopback. Then
# says what each worker did, and has ffprobe decode the result. The elements must be installed, or
# GST_PLUGIN_PATH must point to them.
set -euo pipefail
export LC_ALL=C.UTF-8

if [[ $# -ne 2 ]]; then
  echo "usage: $0 IN OUT" >&2
  exit 2
fi
in=$1 out=$2
here=$(dirname "${BASH_SOURCE[0]}")
logs=$(mktemp -d)
primary='' workers=()

cleanup() {
  local pid
  for pid in $primary "${workers[@]}"; do
    kill "$pid" 2>/dev/null || true
  done
  wait
  rm -rf "$logs"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# fail MESSAGE [LOG]: shows the end of LOG too, errors first.
fail() {
  if [[ -n ${2:-} ]]; then
    grep -A4 '^ERROR' "$logs/$2" >&2 || tail -n 15 "$logs/$2" >&2
  fi
  echo "demo: $1" >&2
  exit 1
}

alive() { kill -0 "$1" 2>/dev/null; }

# value LINE FIELD: a field of a message as gst-launch-1.0 -m prints it.
value() { sed -nE "s/.*, $2=\\([A-Za-z0-9]+\\)\"?([^,;\"]*).*/\\1/p" <<<"$1"; }

# probe FILE ENTRIES [OPTION...]
probe() { ffprobe -v error -show_entries "$2" -of csv=p=0 "${@:3}" "$1"; }

[[ -r $in ]] || fail "$in: cannot be read"
audio=$(probe "$in" stream=codec_name -select_streams a) || fail "$in: ffprobe cannot read it"
script=primary.sh
if grep -qw aac <<<"$audio"; then
  script="primary-with-audio.sh"
fi

echo "primary: $script $in $out"
mkdir -p "$(dirname "$out")"
"$here/$script" "$in" "$out" 0 >"$logs/primary" 2>&1 </dev/null &
primary=$!

# The primary listens on a free port, and says on which when it has a segment and nobody to give it to.
for ((i = 0; ; i++)); do
  waiting=$(grep -m1 'dist-waiting' "$logs/primary" || true)
  [[ -z $waiting ]] || break
  alive "$primary" || fail 'the primary ended before it had a segment' primary
  ((i < 600)) || fail 'the primary had no segment within 60 s' primary
  sleep 0.1
done
port=$(value "$waiting" port)

for n in 1 2; do
  echo "worker $n: worker-720p.sh 127.0.0.1 $port"
  "$here/worker-720p.sh" 127.0.0.1 "$port" >"$logs/worker-$n" 2>&1 </dev/null &
  workers+=($!)
done

idle=0
while alive "$primary"; do
  if alive "${workers[0]}" || alive "${workers[1]}"; then
    idle=0
  else
    ((++idle < 150)) || fail 'both workers have ended, the primary has not' worker-1
  fi
  if [[ -t 1 ]]; then
    printf '\r%s segments done' "$(grep -c 'dist-segment-done' "$logs/primary" || true)"
  fi
  sleep 0.2
done
[[ ! -t 1 ]] || printf '\r\033[K'
pid=$primary primary=''
wait "$pid" || fail "the primary ended with exit code $?" primary
for n in 1 2; do
  pid=${workers[n - 1]}
  timeout 20 tail --pid="$pid" -f /dev/null || fail "worker $n does not end" "worker-$n"
  wait "$pid" || fail "worker $n ended with exit code $?" "worker-$n"
done
workers=()

echo
awk '
  function value(key,   text) {
    if (!match($0, ", " key "=\\([A-Za-z0-9]+\\)[^,;]*")) return ""
    text = substr($0, RSTART, RLENGTH)
    sub(/^[^)]*\)/, "", text)
    gsub(/["\\]/, "", text)
    return text
  }
  BEGIN { format = "%-7s %-24s %9s %8s %11s %8s\n"
          printf format, "worker", "name", "segments", "frames", "bytes", "seconds" }
  /dist-segment-done/ {
    w = value("worker")
    if (!(w in segments)) order[++workers] = w
    name[w] = value("name")
    segments[w]++
    frames[w] += value("frames"); bytes[w] += value("bytes"); seconds[w] += value("seconds")
  }
  END { for (i = 1; i <= workers; i++) {
          w = order[i]
          printf format, w, name[w], segments[w], frames[w], bytes[w], sprintf("%.1f", seconds[w]) } }
' "$logs/primary"

summary=$(grep -m1 'dist-summary' "$logs/primary") || fail 'the primary gave no summary' primary
done_count=$(grep -c 'dist-segment-done' "$logs/primary" || true)
segments=$(value "$summary" segments) frames=$(value "$summary" frames)
printf 'in all: %s segments, %s frames, %s bytes in %.1f s; %s leases failed\n' \
  "$segments" "$frames" "$(value "$summary" bytes)" "$(value "$summary" seconds)" \
  "$(value "$summary" failed-leases)"
[[ $done_count == "$segments" ]] ||
  fail "the summary counts $segments segments, but $done_count were reported done"

# Decodes all of it: what cannot be played shows here.
seen=$(probe "$out" stream=nb_read_frames -count_frames -select_streams v:0 2>"$logs/ffprobe") ||
  fail "$out: ffprobe cannot read it" ffprobe
[[ ! -s $logs/ffprobe ]] || fail "$out: ffprobe found errors" ffprobe
[[ $seen == "$frames" ]] || fail "$out: $seen frames decoded, $frames were encoded"
length=$(probe "$out" format=duration)
[[ $length =~ ^[0-9.]+$ ]] || fail "$out: has no duration"
printf '\n%s: plays, %s frames, %.2f s (%s: %.2f s)\n' \
  "$out" "$seen" "$length" "$(basename "$in")" "$(probe "$in" format=duration)"
