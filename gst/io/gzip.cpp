// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/io/gzip.h"

#include <gio/gio.h>

#include <vector>

#include "gst/base/glib_error.h"
#include "gst/io/object.h"

namespace dist {
namespace {

constexpr std::size_t kStep = 64u << 10;

// Nothing if the converter does not come to its end, or only with more than `max` bytes.
std::optional<Bytes> converted(GConverter* converter, const BytesList& content, std::uint64_t max) {
  const Bytes input = joined_slice(content, 0, total_size(content));
  std::vector<std::uint8_t> output;
  std::size_t taken = 0;
  for (;;) {
    const std::size_t filled = output.size();
    output.resize(filled + kStep);
    gsize read = 0;
    gsize written = 0;
    GLibError error;
    const GConverterResult result = g_converter_convert(
        converter, input.span().data() + taken, input.size() - taken, output.data() + filled, kStep,
        G_CONVERTER_INPUT_AT_END, &read, &written, error.out());
    taken += read;
    output.resize(filled + written);
    if (result == G_CONVERTER_ERROR || output.size() > max)
      return std::nullopt;
    if (result == G_CONVERTER_FINISHED)
      return Bytes::take(std::move(output));
  }
}

}  // namespace

Bytes gzip(const BytesList& content) {
  const Object<GConverter> converter(
      G_CONVERTER(g_zlib_compressor_new(G_ZLIB_COMPRESSOR_FORMAT_GZIP, -1)));
  return *converted(converter.get(), content, UINT64_MAX);
}

bool is_gzip(const BytesList& bytes) {
  const Bytes magic = joined_slice(bytes, 0, 2);
  return magic.size() == 2 && magic.span()[0] == 0x1f && magic.span()[1] == 0x8b;
}

std::optional<Bytes> gunzip(const BytesList& bytes, std::uint64_t max) {
  const Object<GConverter> converter(
      G_CONVERTER(g_zlib_decompressor_new(G_ZLIB_COMPRESSOR_FORMAT_GZIP)));
  return converted(converter.get(), bytes, max);
}

}  // namespace dist
