// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the tests of the core share.
#pragma once

#include <gst/check/gstcheck.h>

#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gst/base/bytes.h"

// Check's macro hides the functions of that name.
#undef fail

namespace dist::test {

using Data = std::vector<std::uint8_t>;

// "0a ff" as bytes; blanks and line ends do not count.
inline Data unhex(std::string_view text) {
  Data data;
  int high = -1;
  for (char c : text) {
    const int digit = g_ascii_xdigit_value(c);
    if (digit < 0)
      continue;
    if (high < 0) {
      high = digit;
      continue;
    }
    data.push_back(static_cast<std::uint8_t>(high << 4 | digit));
    high = -1;
  }
  return data;
}

inline std::string hex(std::span<const std::uint8_t> data) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (std::uint8_t byte : data) {
    if (!text.empty())
      text += ' ';
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

inline Data to_data(std::span<const std::uint8_t> span) {
  return {span.begin(), span.end()};
}

inline Data to_data(const BytesList& list) {
  Data data;
  for (const Bytes& piece : list)
    data.insert(data.end(), piece.span().begin(), piece.span().end());
  return data;
}

inline std::span<const std::uint8_t> as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

inline bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// The same numbers for the same seed with every standard library, unlike its distributions.
class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}

  std::uint64_t below(std::uint64_t limit) { return engine_() % limit; }
  std::uint64_t between(std::uint64_t low, std::uint64_t high) {
    return low + below(high - low + 1);
  }
  bool chance(unsigned percent) { return below(100) < percent; }

 private:
  std::mt19937_64 engine_;
};

}  // namespace dist::test

// For what is checked a million times: Check notes down every fail_unless.
#define require_often(condition, ...) \
  G_STMT_START {                      \
    if (!(condition))                 \
      ck_abort_msg(__VA_ARGS__);      \
  }                                   \
  G_STMT_END

#define fail_unless_equals_text(actual, expected)                                          \
  G_STMT_START {                                                                           \
    const std::string actual_text = (actual);                                              \
    const std::string expected_text = (expected);                                          \
    fail_unless(actual_text == expected_text, "'%s' instead of '%s'", actual_text.c_str(), \
                expected_text.c_str());                                                    \
  }                                                                                        \
  G_STMT_END

#define fail_unless_equals_hex(actual, expected) \
  fail_unless_equals_text(dist::test::hex(actual), dist::test::hex(expected))

// `result` has to be an error whose text contains `part`; `row` says which row of a table it was.
#define fail_unless_error(result, part, row)                                                    \
  G_STMT_START {                                                                                \
    const auto& checked = (result);                                                             \
    fail_if(static_cast<bool>(checked), "%s: no error", row);                                   \
    fail_unless(dist::test::contains(checked.error(), part), "%s: '%s' does not say '%s'", row, \
                checked.error().c_str(), std::string(part).c_str());                            \
  }                                                                                             \
  G_STMT_END

// `result` has to be a success.
#define fail_unless_ok(result)                                              \
  G_STMT_START {                                                            \
    const auto& checked = (result);                                         \
    fail_unless(static_cast<bool>(checked), "%s",                           \
                static_cast<bool>(checked) ? "" : checked.error().c_str()); \
  }                                                                         \
  G_STMT_END
