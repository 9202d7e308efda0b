// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/record/dag_cbor.h"

#include <glib.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <string_view>

namespace dist::record {
namespace {

enum Major : std::uint8_t { kUnsigned, kNegative, kBytes, kText, kList, kMap, kTag, kSimple };

constexpr std::uint8_t kFalse = 20;
constexpr std::uint8_t kTrue = 21;
constexpr std::uint8_t kNull = 22;
constexpr std::uint8_t kFloat64 = 27;
constexpr std::uint64_t kCidTag = 42;
// What precedes a CID in its byte string: the multibase prefix for binary.
constexpr std::uint8_t kBinaryPrefix = 0;

// GLib takes no NUL for text, CBOR does.
bool is_utf8(std::string_view text) {
  while (true) {
    const std::size_t end = std::min(text.find('\0'), text.size());
    if (end > 0 && !g_utf8_validate_len(text.data(), end, nullptr))
      return false;
    if (end == text.size())
      return true;
    text.remove_prefix(end + 1);
  }
}

// The order of the encoded keys: their heads begin with the length.
bool comes_before(std::string_view a, std::string_view b) {
  return a.size() != b.size() ? a.size() < b.size() : a < b;
}

std::string quoted(std::string_view key) {
  constexpr std::size_t kShown = 40;
  const std::string text = "\"" + std::string(key.substr(0, kShown)) + "\"";
  gchar* const valid = g_utf8_make_valid(text.data(), static_cast<gssize>(text.size()));
  std::string copy = valid;
  g_free(valid);
  return copy;
}

void append_big_endian(Data& out, std::uint64_t value, unsigned bytes) {
  for (unsigned i = bytes; i-- > 0;)
    out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

void append_head(Data& out, Major major, std::uint64_t argument) {
  const auto first = [&](unsigned info) {
    out.push_back(static_cast<std::uint8_t>(major << 5 | info));
  };
  if (argument < 24) {
    first(static_cast<unsigned>(argument));
    return;
  }
  const unsigned width = argument <= 0xff         ? 0
                         : argument <= 0xffff     ? 1
                         : argument <= 0xffffffff ? 2
                                                  : 3;
  first(24 + width);
  append_big_endian(out, argument, 1u << width);
}

class Encoder {
 public:
  Status value(const Value& value, unsigned depth) {
    return std::visit([&](const auto& kind) { return write(kind, depth); }, value.kind);
  }

  Data take() { return std::move(out_); }

 private:
  void simple(std::uint8_t value) {
    out_.push_back(static_cast<std::uint8_t>(kSimple << 5 | value));
  }

  Status write(std::monostate, unsigned) {
    simple(kNull);
    return {};
  }
  Status write(bool value, unsigned) {
    simple(value ? kTrue : kFalse);
    return {};
  }
  Status write(Integer value, unsigned) {
    append_head(out_, value.negative ? kNegative : kUnsigned, value.argument);
    return {};
  }
  Status write(double value, unsigned) {
    if (!std::isfinite(value))
      return Error{"DAG-CBOR: a float is infinite or not a number"};
    simple(kFloat64);
    append_big_endian(out_, std::bit_cast<std::uint64_t>(value), 8);
    return {};
  }
  Status write(const std::string& text, unsigned) {
    if (!is_utf8(text))
      return Error{"DAG-CBOR: the text " + quoted(text) + " is not UTF-8"};
    append_head(out_, kText, text.size());
    out_.insert(out_.end(), text.begin(), text.end());
    return {};
  }
  Status write(const Data& data, unsigned) {
    append_head(out_, kBytes, data.size());
    out_.insert(out_.end(), data.begin(), data.end());
    return {};
  }
  Status write(const Cid& cid, unsigned) {
    append_head(out_, kTag, kCidTag);
    append_head(out_, kBytes, 1 + Cid::kSize);
    out_.push_back(kBinaryPrefix);
    const auto bytes = cid.bytes();
    out_.insert(out_.end(), bytes.begin(), bytes.end());
    return {};
  }
  Status write(const List& list, unsigned depth) {
    if (depth >= kMaxNesting)
      return too_deep();
    append_head(out_, kList, list.size());
    for (const Value& item : list)
      if (Status status = value(item, depth + 1); !status)
        return status;
    return {};
  }
  Status write(const Map& map, unsigned depth) {
    if (depth >= kMaxNesting)
      return too_deep();
    std::vector<const Entry*> entries;
    entries.reserve(map.size());
    for (const Entry& entry : map)
      entries.push_back(&entry);
    std::sort(entries.begin(), entries.end(),
              [](const Entry* a, const Entry* b) { return comes_before(a->key, b->key); });
    append_head(out_, kMap, entries.size());
    const Entry* previous = nullptr;
    for (const Entry* entry : entries) {
      if (previous && previous->key == entry->key)
        return Error{"DAG-CBOR: a map has the key " + quoted(entry->key) + " twice"};
      previous = entry;
      if (Status status = write(entry->key, depth); !status)
        return status;
      if (Status status = value(entry->value, depth + 1); !status)
        return status;
    }
    return {};
  }

  static Status too_deep() {
    return Error{"DAG-CBOR: nested more than " + std::to_string(kMaxNesting) + " deep"};
  }

  Data out_;
};

struct Head {
  Major major = kUnsigned;
  std::uint8_t info = 0;
  std::uint64_t argument = 0;
};

// Nothing is reserved for a length that was only announced: containers grow with what is there.
class Decoder {
 public:
  explicit Decoder(std::span<const std::uint8_t> data) : data_(data) {}

  Result<Value> whole() {
    Value result;
    if (read(result, 0) && at_ < data_.size())
      fail("something follows the value");
    if (!error_.empty())
      return Error{"DAG-CBOR: byte " + std::to_string(at_) + ": " + error_};
    return result;
  }

 private:
  bool fail(std::string why) {
    error_ = std::move(why);
    return false;
  }

  std::size_t left() const { return data_.size() - at_; }

  bool read_argument(Head& head) {
    const unsigned width = 1u << (head.info - 24);
    if (left() < width)
      return fail("the data ends within a value");
    for (unsigned i = 0; i < width; ++i)
      head.argument = head.argument << 8 | data_[at_ + i];
    // A float's bits may have any value.
    const bool shortest = width == 1 ? head.argument >= 24 : head.argument >> (4 * width) != 0;
    if (head.major != kSimple && !shortest)
      return fail("a number could be shorter");
    at_ += width;
    return true;
  }

  bool read_head(Head& head) {
    if (left() == 0)
      return fail("the data ends where a value is expected");
    const std::uint8_t first = data_[at_];
    head.major = static_cast<Major>(first >> 5);
    head.info = first & 31;
    if (head.info == 31)
      return fail("a length is indefinite, or a break without one");
    if (head.info > 27)
      return fail("a reserved byte");
    if (head.major == kSimple && head.info != kFalse && head.info != kTrue && head.info != kNull &&
        head.info != kFloat64)
      return fail("neither false, true, null nor a 64-bit float");
    ++at_;
    if (head.info >= 24)
      return read_argument(head);
    head.argument = head.info;
    return true;
  }

  bool read_string(std::uint64_t length, std::span<const std::uint8_t>& bytes) {
    if (length > left())
      return fail("a string is longer than the data");
    bytes = data_.subspan(at_, static_cast<std::size_t>(length));
    at_ += bytes.size();
    return true;
  }

  bool read_text(std::uint64_t length, std::string& text) {
    std::span<const std::uint8_t> bytes;
    if (!read_string(length, bytes))
      return false;
    const std::string_view view(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (!is_utf8(view))
      return fail("a text is not UTF-8");
    text = view;
    return true;
  }

  bool read_cid(std::uint64_t tag, Value& result) {
    if (tag != kCidTag)
      return fail("a tag other than 42");
    Head head;
    std::span<const std::uint8_t> bytes;
    if (!read_head(head))
      return false;
    if (head.major != kBytes)
      return fail("tag 42 is not before a byte string");
    if (!read_string(head.argument, bytes))
      return false;
    if (bytes.empty() || bytes[0] != kBinaryPrefix)
      return fail("a link does not begin with a zero byte");
    const auto cid = Cid::parse(bytes.subspan(1));
    if (!cid)
      return fail(cid.error());
    result = *cid;
    return true;
  }

  bool read_simple(const Head& head, Value& result) {
    if (head.info == kFloat64) {
      const double value = std::bit_cast<double>(head.argument);
      if (!std::isfinite(value))
        return fail("a float is infinite or not a number");
      result = value;
    } else if (head.info != kNull) {
      result = head.info == kTrue;
    }
    return true;
  }

  bool read_list(std::uint64_t count, Value& result, unsigned depth) {
    List list;
    for (std::uint64_t i = 0; i < count; ++i) {
      list.emplace_back();
      if (!read(list.back(), depth + 1))
        return false;
    }
    result = std::move(list);
    return true;
  }

  bool read_map(std::uint64_t count, Value& result, unsigned depth) {
    Map map;
    for (std::uint64_t i = 0; i < count; ++i) {
      Head head;
      Entry entry;
      if (!read_head(head))
        return false;
      if (head.major != kText)
        return fail("a map's key is not a text");
      if (!read_text(head.argument, entry.key))
        return false;
      if (!map.empty() && !comes_before(map.back().key, entry.key))
        return fail(map.back().key == entry.key
                        ? "a map has the key " + quoted(entry.key) + " twice"
                        : "the key " + quoted(entry.key) + " is not in its place");
      if (!read(entry.value, depth + 1))
        return false;
      map.push_back(std::move(entry));
    }
    result = std::move(map);
    return true;
  }

  bool read_container(const Head& head, Value& result, unsigned depth) {
    if (depth >= kMaxNesting)
      return fail("nested more than " + std::to_string(kMaxNesting) + " deep");
    // An item is one byte or more, an entry two.
    if (head.argument > left() / (head.major == kMap ? 2 : 1))
      return fail("a list or map is longer than the data");
    return head.major == kMap ? read_map(head.argument, result, depth)
                              : read_list(head.argument, result, depth);
  }

  bool read(Value& result, unsigned depth) {
    Head head;
    if (!read_head(head))
      return false;
    switch (head.major) {
      case kUnsigned:
      case kNegative:
        result = Integer{head.major == kNegative, head.argument};
        return true;
      case kBytes: {
        std::span<const std::uint8_t> bytes;
        if (!read_string(head.argument, bytes))
          return false;
        result = Data(bytes.begin(), bytes.end());
        return true;
      }
      case kText: {
        std::string text;
        if (!read_text(head.argument, text))
          return false;
        result = std::move(text);
        return true;
      }
      case kList:
      case kMap:
        return read_container(head, result, depth);
      case kTag:
        return read_cid(head.argument, result);
      case kSimple:
        break;
    }
    return read_simple(head, result);
  }

  std::span<const std::uint8_t> data_;
  std::size_t at_ = 0;
  std::string error_;
};

}  // namespace

// Here, where an Entry is complete.
Value::Value(bool value) : kind(value) {}
Value::Value(Integer value) : kind(value) {}
Value::Value(double value) : kind(value) {}
Value::Value(const char* value) : kind(std::string(value)) {}
Value::Value(std::string value) : kind(std::move(value)) {}
Value::Value(Data value) : kind(std::move(value)) {}
Value::Value(List value) : kind(std::move(value)) {}
Value::Value(Map value) : kind(std::move(value)) {}
Value::Value(const Cid& value) : kind(value) {}

bool Value::operator==(const Value& other) const {
  return kind == other.kind;
}

Result<Data> encode_dag_cbor(const Value& value) {
  Encoder encoder;
  if (Status status = encoder.value(value, 0); !status)
    return Error{status.error()};
  return encoder.take();
}

void append_list_head(Data& out, std::uint64_t count) {
  append_head(out, kList, count);
}

Result<Value> decode_dag_cbor(std::span<const std::uint8_t> data) {
  return Decoder(data).whole();
}

}  // namespace dist::record
