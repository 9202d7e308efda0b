// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Tells what is in segment files, such as `… ! distsegmenter ! multifilesink` writes them.

#include <glib.h>

#include <cstdio>
#include <cstdlib>

#include "gst/base/bytes.h"
#include "gst/base/glib_error.h"
#include "gst/cut/segment.h"

namespace {

double seconds(dist::Time time) {
  return static_cast<double>(time) / static_cast<double>(dist::kSecond);
}

bool print_file(const char* path) {
  gchar* data = nullptr;
  gsize size = 0;
  dist::GLibError error;
  if (!g_file_get_contents(path, &data, &size, error.out())) {
    std::fprintf(stderr, "%s\n", error.message().c_str());
    return false;
  }
  const dist::Bytes bytes = dist::Bytes::adopt(g_bytes_new_take(data, size));
  const auto header = dist::parse_header(bytes.span(), bytes.size());
  if (!header) {
    std::fprintf(stderr, "%s: %s\n", path, header.error().c_str());
    return false;
  }
  std::printf("%s: segment %" G_GUINT64_FORMAT "%s of %s\n", path, header->index,
              header->last ? " (last)" : "", header->stream_id.c_str());
  std::printf("  %s%s\n", header->is_source() ? "source" : "rendition ", header->rendition.c_str());
  std::printf("  %.9f s to %.9f s, %zu units, %zu presented, %zu bytes\n", seconds(header->start),
              seconds(header->stop), header->units.size(), header->presentation_times().size(),
              bytes.size());
  std::printf("  %s\n", header->caps.c_str());
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: %s FILE…\n", argv[0]);
    return 2;
  }
  bool ok = true;
  for (int i = 1; i < argc; ++i)
    ok = print_file(argv[i]) && ok;
  return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
