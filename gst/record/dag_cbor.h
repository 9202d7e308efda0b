// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// DAG-CBOR, strictly: every value has one encoding, and only that one is read.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "gst/base/result.h"
#include "gst/record/cid.h"

namespace dist::record {

// Lists and maps within each other, in what is written and read.
inline constexpr unsigned kMaxNesting = 64;

// All that CBOR's heads hold: -2^64 to 2^64 - 1.
struct Integer {
  bool negative = false;
  // The number; if it is negative, -1 minus the number.
  std::uint64_t argument = 0;

  bool operator==(const Integer&) const = default;
};

struct Value;
struct Entry;
using Data = std::vector<std::uint8_t>;
using List = std::vector<Value>;
// In any order when written, in that of DAG-CBOR when read.
using Map = std::vector<Entry>;

// A value of the IPLD data model. Records hold no floats; they are here because the blocks of
// others may.
struct Value {
  using Kind =
      std::variant<std::monostate, bool, Integer, double, std::string, Data, List, Map, Cid>;

  Value() = default;  // Null.
  Value(bool value);
  template <std::integral T>
  Value(T value)
      : kind(value < 0 ? Integer{true, ~static_cast<std::uint64_t>(value)}
                       : Integer{false, static_cast<std::uint64_t>(value)}) {}
  Value(Integer value);
  Value(double value);
  Value(const char* value);
  Value(std::string value);
  Value(Data value);
  Value(List value);
  Value(Map value);
  Value(const Cid& value);

  // Null if it is of another kind.
  template <class T>
  const T* as() const {
    return std::get_if<T>(&kind);
  }

  bool operator==(const Value& other) const;

  Kind kind;
};

struct Entry {
  std::string key;
  Value value;

  bool operator==(const Entry&) const = default;
};

// Fails for text that is not UTF-8, a key that a map has twice, a float that is no finite number,
// and more than kMaxNesting.
Result<Data> encode_dag_cbor(const Value& value);

// Appends the head of a list; the encodings of so many values belong behind it.
void append_list_head(Data& out, std::uint64_t count);

// The whole of `data` is one value. Takes up to about 100 times the memory of `data`: the caller
// limits its size.
Result<Value> decode_dag_cbor(std::span<const std::uint8_t> data);

}  // namespace dist::record
