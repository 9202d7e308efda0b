# SPDX-FileCopyrightText: The gst-dist authors
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Draws mean PSNR by the time within the segment, for the rate control `control`, as SVG: of the file frames
# of tests/benchmarks/seams. Films have different frame rates, so the positions are tenths of seconds.

$2 == control {
  key = $3 " " $4 " " int($6 * 10 * $3 / $7)
  n[key]++; sum[key] += $8
}

function y(value) {return sprintf("%.1f", top + height * (high - value) / (high - low))}

function curve(seconds, name, x0, width,    i, key, points) {
  for (i = 0; i < seconds * 10; i++) {
    key = seconds " " name " " i
    if (key in n)
      points = points sprintf("%.1f,%s ", x0 + width * (i + 0.5) / (seconds * 10), y(sum[key] / n[key]))
  }
  printf "<polyline class=\"%s\" points=\"%s\"/>\n", name, points
}

function panel(seconds, x0, width,    v, i) {
  for (v = low; v <= high; v++)
    printf "<path class=\"grid\" d=\"M%d %sh%d\"/>\n", x0, y(v), width
  for (i = 0; i <= seconds * 2; i++)
    if (seconds == 1 || i % 2 == 0)
      printf "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%g</text>\n",
        x0 + width * i / (seconds * 2), top + height + 16, i / 2
  printf "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">segments of %d s</text>\n", x0 + width / 2, top - 8, seconds
  curve(seconds, "undistributed", x0, width)
  curve(seconds, "distributed", x0, width)
}

END {
  top = 50; height = 240; low = 1000; high = 0
  for (key in n) {
    v = sum[key] / n[key]
    if (v < low) low = v
    if (v > high) high = v
  }
  low = int(low); high = int(high) + 1
  print "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"800\" height=\"340\" viewBox=\"0 0 800 340\">"
  print "<style>text{font:12px sans-serif;fill:#333}.grid{stroke:#ddd}polyline{fill:none;stroke-width:2}"
  print ".distributed{stroke:#c40}.undistributed{stroke:#07a;stroke-dasharray:5 3}</style>"
  print "<rect width=\"800\" height=\"340\" fill=\"#fff\"/>"
  printf "<text x=\"50\" y=\"18\">PSNR of luma in dB, %s; by seconds in the segment</text>\n",
    control == "crf" ? "capped quality" : "bitrate"
  print "<polyline class=\"distributed\" points=\"540,14 570,14\"/><text x=\"576\" y=\"18\">distributed</text>"
  print "<polyline class=\"undistributed\" points=\"660,14 690,14\"/><text x=\"696\" y=\"18\">undistributed</text>"
  for (v = low; v <= high; v++)
    if (high - low <= 12 || v % 2 == 0)
      printf "<text x=\"44\" y=\"%.1f\" text-anchor=\"end\">%d</text>\n", y(v) + 4, v
  panel(1, 50, 150); panel(2, 230, 220); panel(4, 480, 300)
  print "</svg>"
}
