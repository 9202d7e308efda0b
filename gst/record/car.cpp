// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/record/car.h"

#include <utility>
#include <vector>

#include "gst/record/dag_cbor.h"
#include "gst/record/varint.h"

namespace dist::record {
namespace {

constexpr std::uint64_t kVersion = 1;

const Value* find(const Map& map, const char* key) {
  for (const Entry& entry : map)
    if (entry.key == key)
      return &entry.value;
  return nullptr;
}

Result<Cid> root_of(const Value& header) {
  const Map* const map = header.as<Map>();
  const Value* const version = map ? find(*map, "version") : nullptr;
  const Integer* const number = version ? version->as<Integer>() : nullptr;
  if (!number || number->negative)
    return Error{"not a header with a version"};
  if (number->argument != kVersion)
    return Error{"of version " + std::to_string(number->argument) + ", only version 1 is read"};
  const Value* const roots = find(*map, "roots");
  const List* const list = roots ? roots->as<List>() : nullptr;
  if (!list || map->size() != 2)
    return Error{"not a header with a version, roots and nothing else"};
  if (list->size() != 1)
    return Error{std::to_string(list->size()) + " roots instead of one"};
  const Cid* const root = list->front().as<Cid>();
  if (!root)
    return Error{"the root is no link"};
  return *root;
}

}  // namespace

Bytes car_header(const Cid& root) {
  const auto header = encode_dag_cbor(Map{{"roots", List{root}}, {"version", kVersion}});
  Data bytes;
  append_varint(bytes, header->size());
  bytes.insert(bytes.end(), header->begin(), header->end());
  return Bytes::take(std::move(bytes));
}

BytesList car_section(const Block& block) {
  Data prefix;
  append_varint(prefix, Cid::kSize + block.bytes.size());
  const auto cid = block.cid.bytes();
  prefix.insert(prefix.end(), cid.begin(), cid.end());
  return {Bytes::take(std::move(prefix)), block.bytes};
}

Error CarReader::fault(const std::string& why) const {
  const std::string where = section_ == 0 ? "header" : "section " + std::to_string(section_);
  return {"CAR: " + where + ": " + why};
}

Result<std::size_t> CarReader::fill(std::span<std::uint8_t> out) {
  std::size_t filled = 0;
  while (filled < out.size()) {
    const auto got = source_(out.subspan(filled));
    if (!got)
      return fault(got.error());
    if (*got == 0)
      break;
    filled += *got;
  }
  return filled;
}

Result<std::optional<std::uint64_t>> CarReader::read_length() {
  std::vector<std::uint8_t> bytes;
  while (bytes.empty() || bytes.back() >= 0x80) {
    if (bytes.size() == kMaxVarint)
      return fault("its length has too many bytes");
    bytes.push_back(0);
    const auto got = fill(std::span(bytes).last(1));
    if (!got)
      return Error{got.error()};
    if (*got == 0 && bytes.size() == 1)
      return std::optional<std::uint64_t>();
    if (*got == 0)
      return fault("the file ends within its length");
  }
  std::span<const std::uint8_t> rest = bytes;
  const auto length = take_varint(rest);
  if (!length)
    return fault("its length is not written as it should be");
  if (*length == 0)
    return fault("it has no bytes");
  return length;
}

Result<Cid> CarReader::read_root() {
  const auto length = read_length();
  if (!length)
    return Error{length.error()};
  if (!*length)
    return fault("the file is empty");
  if (**length > kMaxCarHeader)
    return fault("longer than " + std::to_string(kMaxCarHeader) + " bytes; is this a CAR?");
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(**length));
  const auto got = fill(bytes);
  if (!got)
    return Error{got.error()};
  if (*got < bytes.size())
    return fault("the file ends within it");
  const auto header = decode_dag_cbor(bytes);
  if (!header)
    return fault(header.error());
  auto root = root_of(*header);
  if (!root)
    return fault(root.error());
  section_ = 1;
  return root;
}

Result<std::optional<Block>> CarReader::next() {
  const auto length = read_length();
  if (!length)
    return Error{length.error()};
  if (!*length)
    return std::optional<Block>();
  if (**length < Cid::kSize)
    return fault("too short for a CID");
  if (**length > Cid::kSize + kMaxForeignBlock)
    return fault("larger than 2 MiB");
  std::vector<std::uint8_t> data(static_cast<std::size_t>(**length));
  const auto got = fill(data);
  if (!got)
    return Error{got.error()};
  if (*got < data.size())
    return fault("the file ends within it");
  const Bytes section = Bytes::take(std::move(data));
  const auto cid = Cid::parse(section.span().first(Cid::kSize));
  if (!cid)
    return fault(cid.error());
  Block block{*cid, section.slice(Cid::kSize, section.size() - Cid::kSize)};
  if (Cid::of(cid->codec, block.bytes.span()) != *cid)
    return fault("its bytes are not those that " + cid->text() + " names");
  ++section_;
  return std::optional(std::move(block));
}

}  // namespace dist::record
