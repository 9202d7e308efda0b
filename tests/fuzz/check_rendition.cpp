// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What a worker says of its answer: the caps, as text, and the first access unit. The caps have
// come out of a segment's header, as they do at the primary.
//
// An input is one byte (whether encoders may be mixed), the caps up to a zero, and the access unit.
#include <gst/gst.h>

#include <string>

#include "gst/cut/segment.h"
#include "gst/gstx/ref.h"
#include "gst/gstx/stream_format.h"
#include "tests/fuzz/fuzz.h"

// GStreamer 1.22 loses memory when it parses a list or an array that is malformed, and GLib its
// table of names whenever that grows: what they allocate is not looked at.
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() {
  return "leak:g_malloc";
}

namespace {

using namespace dist;
using namespace dist::fuzz;

constexpr std::size_t kLongestError = 300;

// Whether a header with these caps gets past the parser.
bool parses(const std::string& caps) {
  SegmentHeader header;
  header.stream_id = "film";
  header.stop = kSecond;
  header.caps = caps;
  const Bytes bytes = serialize(header);
  return static_cast<bool>(parse_header(bytes.span(), bytes.size()));
}

// No plugin is needed, so none is looked for.
const bool kInitialized = [] {
  g_setenv("GST_REGISTRY_UPDATE", "no", TRUE);
  gst_init(nullptr, nullptr);
  return true;
}();

bool is_fixed(const std::string& text) {
  const auto caps = Ref<GstCaps>::adopt(gst_caps_from_string(text.c_str()));
  return caps && gst_caps_is_fixed(caps.get());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  REQUIRE(kInitialized);
  Input in(data, size);
  const bool mixed_encoders = (in.byte() & 1) != 0;
  std::string caps;
  while (!in.empty()) {
    const std::uint8_t byte = in.byte();
    if (byte == 0)
      break;
    caps.push_back(static_cast<char>(byte));
  }
  const auto unit = in.rest();
  if (!parses(caps))
    return 0;
  SegmentHeader rendition;
  rendition.caps = caps;
  rendition.units = {{.size = unit.size()}};
  const auto checked = check_rendition(rendition, unit, mixed_encoders);
  if (!checked) {
    REQUIRE(!checked.error().empty() && checked.error().size() <= kLongestError);
    return 0;
  }
  REQUIRE(is_fixed(*checked));
  if (!mixed_encoders) {
    REQUIRE(*checked == caps);
    return 0;
  }
  // What is good among different encoders is good for one.
  REQUIRE(check_rendition(rendition, unit, false));
  // The caps in common are put into the header, and have nothing more to lose.
  REQUIRE(parses(*checked));
  rendition.caps = *checked;
  const auto again = check_rendition(rendition, unit, true);
  REQUIRE(again && *again == *checked);
  return 0;
}
