# SPDX-FileCopyrightText: The gst-dist authors
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Tables of what picture-check writes: for honest renditions a row for each encoder and size, with the
# worst value of each measure; with -v lies=1 how many segments of each lie are found, and as what.

function low(array, key, value) { if (!(key in array) || value < array[key]) array[key] = value }
function high(array, key, value) { if (!(key in array) || value > array[key]) array[key] = value }
function worst(array, key, format) { return key in array ? sprintf(format, array[key]) : "-" }

# The distance that so large a part of the frames keeps.
function quantile(key, part,   bits, seen) {
  for (bits = 0; bits <= 256; ++bits)
    if ((seen += count[key, bits]) >= part * hashed[key] && seen > 0)
      return bits
  return "-"
}

{ key = $2 }
!lies { sub(/-[0-9]+$/, "", key) }
$1 == "frame" {
  keys[key]
  for (i = 3; i < NF; i += 2)
    m[$i] = $(i + 1)
  if (m["quality"] >= 50) {
    ++hashed[key]
    ++count[key, m["distance"]]
    if (m["distance"] > 31) { ++over[key]; low(likeness, key, m["likeness"]) }
  }
  if (m["contrast"] >= 8) low(alone, key, m["likeness"])
  high(luma, key, m["luma"]); high(patch, key, m["patch"])
  if (m["patch"] > 24 && m["rest"] > 0) high(rest, key, m["patch"] / m["rest"])
  low(elsewhere, key, m["elsewhere"])
  if (m["detail"] >= 0) { detail_sum += m["detail"]; ++details }
  if (m["motion"] >= 8 && m["contrast"] >= 8) { follows_sum += m["follows"]; ++moving }
  if (m["colour"] >= 0) { colour_sum += m["colour"]; source_sum += m["source-colour"]; ++coloured }
}
# Medians decide; means are near.
$1 == "segment" {
  keys[key]
  ++segments[key]
  if ($3 != "good") {
    ++found[key]; ++as[key, $3]; kinds[$3]
    for (n = 1; n <= 16; n = n == 1 ? 4 : 2 * n)
      within[key, n] += $4 <= n
  }
  if (details) low(detail, key, detail_sum / details)
  if (moving >= 8) low(follows, key, follows_sum / moving)
  if (coloured) {
    high(colour, key, colour_sum / coloured)
    if (source_sum > 5 * coloured) high(part, key, colour_sum / source_sum)
  }
  details = detail_sum = moving = follows_sum = coloured = colour_sum = source_sum = 0
}
$1 == "failed" { print "failed: " $2 > "/dev/stderr" }

END {
  sort = "sort"
  if (lies) {
    print "| lie | segments | found | from 1 frame | 4 | 8 | 16 | as |\n|---|---|---|---|---|---|---|---|"
    for (key in keys) {
      text = ""
      for (kind in kinds)
        if ((key, kind) in as)
          text = text (text == "" ? "" : ", ") kind " " as[key, kind]
      printf "| %s | %d | %d | %d | %d | %d | %d | %s |\n", key, segments[key], found[key], within[key, 1],
        within[key, 4], within[key, 8], within[key, 16], text | sort
    }
  } else {
    print "| renditions | segments | false alarms | frames | median | 99 % | max | likeness beyond 31 | likeness | luma | patch | by rest | elsewhere | follows | detail | colour | of source's |"
    print "|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|"
    for (key in keys)
      printf "| %s | %d | %d | %d | %s | %s | %s | %s | %s | %s | %s | %s | %s | %s | %s | %s | %s |\n", key,
        segments[key], found[key], hashed[key], quantile(key, 0.5), quantile(key, 0.99), quantile(key, 1),
        worst(likeness, key, "%.2f"), worst(alone, key, "%.2f"), worst(luma, key, "%.1f"),
        worst(patch, key, "%.1f"), worst(rest, key, "%.1f"), worst(elsewhere, key, "%.2f"),
        worst(follows, key, "%.2f"), worst(detail, key, "%.2f"), worst(colour, key, "%.1f"),
        worst(part, key, "%.2f") | sort
  }
  close(sort)
}
