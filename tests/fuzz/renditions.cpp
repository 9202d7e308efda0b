// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A worker reads renditions that anybody may have sent. What is read is written as text that means
// the same; what is refused is refused in words that can be shown.
#include <glib.h>

#include <string_view>

#include "gst/rendition/encoder_table.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace dist;
  const auto specs = parse_renditions({reinterpret_cast<const char*>(data), size});
  if (!specs) {
    REQUIRE(!specs.error().empty() && specs.error().size() < 1000);
    REQUIRE(g_utf8_validate(specs.error().c_str(), -1, nullptr));
    return 0;
  }
  const std::string text = to_string(*specs);
  const auto again = parse_renditions(text);
  REQUIRE(again && *again == *specs && to_string(*again) == text);
  // Any source, and any encoder of theirs.
  const SourceFormat source{static_cast<unsigned>(1 + size % 4096), 1080, {4, 3}, {}};
  const auto resolved = resolve(*specs, source, size % 2 == 0);
  REQUIRE(resolved && !resolved->empty());
  for (const RenditionSpec& spec : *resolved) {
    REQUIRE(spec.width >= 1 && spec.width <= kMaxSize && spec.height >= 1 &&
            spec.height <= kMaxSize);
    for (const EncoderInfo& info : encoders())
      if (spec.codec == info.codec)
        REQUIRE(!setup_encoder(info.element, spec, 1, {}, 8).final_caps.empty());
  }
  REQUIRE(check_renditions(*resolved));
  return 0;
}
