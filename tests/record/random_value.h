// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Values of every kind, from a seed.
#pragma once

#include <string>

#include "gst/record/dag_cbor.h"
#include "tests/common/support.h"

namespace dist::test {

inline std::string random_text(Random& random) {
  static const char* const kPieces[] = {"a", "film", "é", "日本", "\U0001f3ac", "\"", " ", "z"};
  std::string text;
  for (std::uint64_t i = random.below(random.chance(5) ? 90 : 6); i > 0; --i)
    text += kPieces[random.below(std::size(kPieces))];
  if (random.chance(3))
    text += '\0';
  return text;
}

inline record::Data random_data(Random& random) {
  record::Data data(random.below(random.chance(5) ? 70'000 : 40));
  for (std::uint8_t& byte : data)
    byte = static_cast<std::uint8_t>(random.below(256));
  return data;
}

// Near the borders at which the encoding grows.
inline record::Integer random_integer(Random& random) {
  const std::uint64_t around = std::uint64_t{1} << random.below(64);
  return {random.chance(50), around + random.below(5) - 2};
}

// `floats` that are no integers, which JavaScript could not tell apart.
inline record::Value random_value(Random& random, unsigned depth, bool floats) {
  using namespace record;
  switch (random.below(depth > 0 ? 10 : 8)) {
    case 0:
      return {};
    case 1:
      return random.chance(50);
    case 2:
    case 3:
      return random_integer(random);
    case 4:
      if (floats)
        return static_cast<double>(random.below(1'000'000)) + 0.5;
      return random_integer(random);
    case 5:
      return random_text(random);
    case 6:
      return random_data(random);
    case 7:
      return Cid::of(random.chance(50) ? Codec::kRaw : Codec::kDagCbor, random_data(random));
    case 8: {
      List list;
      for (std::uint64_t i = random.below(random.chance(5) ? 300 : 5); i > 0; --i)
        list.push_back(random_value(random, depth - 1, floats));
      return list;
    }
    default: {
      Map map;
      for (std::uint64_t i = random.below(random.chance(5) ? 40 : 5); i > 0; --i)
        map.push_back(
            {random_text(random) + std::to_string(i), random_value(random, depth - 1, floats)});
      return map;
    }
  }
}

}  // namespace dist::test
