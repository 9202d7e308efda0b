# SPDX-FileCopyrightText: The gst-dist authors
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Tables of what tests/benchmarks/seams measured: of its files sizes and frames, in that order.

FILENAME == ARGV[1] {
  key = $1 " " $2 " " $3
  asked[key] += $4; size[key] += $5; duration[key] += $6
  next
}

# A step is between the mean of a segment's last five frames and that of the next one's first five.
{
  key = $2 " " $3 " " $4
  part = key ($6 < 5 ? " first" : " rest")
  n[part]++; psnr[part] += $8; ssim[part] += $9
  if ($6 == 0) {
    if ($5 > 0) {before = ending / 5} else {before = -1}
    opening = ending = 0
  }
  if ($6 < 5) opening += $8
  if ($6 == 4 && before >= 0) {
    step = opening / 5 - before
    steps[key] += step < 0 ? -step : step; seams[key]++
  }
  if ($6 >= $7 - 5) ending += $8
}

function row(control, seconds,    d, u, f, r) {
  d = control " " seconds " distributed"; u = control " " seconds " undistributed"
  f = psnr[d " first"] / n[d " first"] - psnr[u " first"] / n[u " first"]
  r = psnr[d " rest"] / n[d " rest"] - psnr[u " rest"] / n[u " rest"]
  printf "| %s, %d s | %.2f, %.2f | %.2f, %.2f | %+.2f | %.4f, %.4f | %.4f, %.4f | %.2f, %.2f |\n",
    control, seconds, psnr[d " first"] / n[d " first"], psnr[u " first"] / n[u " first"],
    psnr[d " rest"] / n[d " rest"], psnr[u " rest"] / n[u " rest"], f - r,
    ssim[d " first"] / n[d " first"], ssim[u " first"] / n[u " first"],
    ssim[d " rest"] / n[d " rest"], ssim[u " rest"] / n[u " rest"],
    steps[d] / seams[d], steps[u] / seams[u]
}

function rates(control, seconds,    d, u, wanted) {
  d = control " " seconds " distributed"; u = control " " seconds " undistributed"
  wanted = control == "bitrate" ? sprintf("%.0f", asked[d] / duration[d]) : "-"
  printf "| %s, %d s | %s | %d, %d | %.3f | %.0f, %.0f |\n", control, seconds, wanted, size[d], size[u],
    size[d] / size[u], size[d] * 8 / 1000 / duration[d], size[u] * 8 / 1000 / duration[u]
}

END {
  split("crf bitrate", controls, " "); split("1 2 4", lengths, " ")
  print "Distributed, undistributed:\n"
  print "| rate control, segments | first 5 frames, dB | rest, dB | seam, dB | first 5, SSIM | rest, SSIM | step, dB |"
  print "|---|---|---|---|---|---|---|"
  for (c = 1; c <= 2; c++) for (s = 1; s <= 3; s++) row(controls[c], lengths[s])
  print "\n| rate control, segments | asked, kbit/s | bytes | ratio | kbit/s |"
  print "|---|---|---|---|---|"
  for (c = 1; c <= 2; c++) for (s = 1; s <= 3; s++) rates(controls[c], lengths[s])
}
