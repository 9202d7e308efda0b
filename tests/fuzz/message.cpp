// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What is read as a message is written back as it came, so no two byte strings mean the same.
#include "tests/fuzz/fuzz.h"

namespace {

using namespace dist;
using namespace dist::fuzz;

}  // namespace

// The first two bytes are the type, the rest the body.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  const std::uint16_t type = input.u16();
  const auto body = input.rest();
  const auto message = wire::decode({type, body});
  if (!message || std::holds_alternative<std::monostate>(*message))
    return 0;
  const Bytes again = wire::encode(*message);
  REQUIRE(join({again}) == frame(type, body));
  return 0;
}
