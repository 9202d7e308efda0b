// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/record/store_export.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "gst/record/dag_cbor.h"

namespace dist::record {
namespace {

// One takes at most 101 bytes, so that a list of them fits into a block.
constexpr std::size_t kEntriesInBlock = 10'000;

// Null unless the map has the fields, in their order, and no others.
const Map* map_with(const Value& value, std::initializer_list<std::string_view> keys) {
  const Map* const map = value.as<Map>();
  const bool fits = map && std::ranges::equal(*map, keys, {}, &Entry::key);
  return fits ? map : nullptr;
}

std::optional<std::uint64_t> number_of(const Value& value) {
  const Integer* const integer = value.as<Integer>();
  if (!integer || integer->negative || integer->argument > kMaxNumber)
    return {};
  return integer->argument;
}

Value entry_value(const Exported& entry) {
  return Map{{"key", Data(entry.key.begin(), entry.key.end())},
             {"data", entry.blob.cid},
             {"bytes", entry.blob.bytes}};
}

std::optional<Exported> entry_of(const Value& value) {
  const Map* const map = map_with(value, {"key", "data", "bytes"});
  const Data* const key = map ? (*map)[0].value.as<Data>() : nullptr;
  const Cid* const data = map ? (*map)[1].value.as<Cid>() : nullptr;
  const auto bytes = map ? number_of((*map)[2].value) : std::nullopt;
  Exported entry;
  if (!key || key->size() != entry.key.size() || !data || data->codec == Codec::kDagCbor || !bytes)
    return {};
  std::ranges::copy(*key, entry.key.begin());
  entry.blob = {*data, *bytes};
  return entry;
}

Result<Value> get_value(const Cid& cid, const GetBlock& get) {
  if (cid.codec != Codec::kDagCbor)
    return Error{"export: " + cid.text() + " is not DAG-CBOR"};
  const auto block = get_verified(get, cid);
  if (!block)
    return Error{"export: " + block.error()};
  auto value = decode_dag_cbor(block->span());
  if (!value)
    return Error{"export: " + cid.text() + ": " + value.error()};
  return value;
}

// The blocks with the entries.
Result<List> lists_of(const Cid& root, const GetBlock& get) {
  const auto value = get_value(root, get);
  if (!value)
    return Error{value.error()};
  const Map* const map = map_with(*value, {"format", "entries", "version"});
  const std::string* const format = map ? (*map)[0].value.as<std::string>() : nullptr;
  const List* const lists = map ? (*map)[1].value.as<List>() : nullptr;
  const auto version = map ? number_of((*map)[2].value) : std::nullopt;
  if (!format || *format != kExportFormat || !lists || !version)
    return Error{"export: the root is that of something else"};
  if (*version != kExportVersion)
    return Error{"export: of version " + std::to_string(*version) + ", only version " +
                 std::to_string(kExportVersion) + " is read"};
  return *lists;
}

Status put_value(const Value& value, const PutBlock& put, List& links) {
  auto bytes = encode_dag_cbor(value);
  if (!bytes)
    return Error{"export: " + bytes.error()};
  if (bytes->size() > kMaxBlock)
    return Error{"export: too many blobs"};
  const Block block = make_block(Codec::kDagCbor, Bytes::take(std::move(*bytes)));
  links.emplace_back(block.cid);
  return put(block);
}

}  // namespace

Result<Cid> write_export(const std::vector<Exported>& entries, const PutBlock& put) {
  List lists;
  for (std::size_t begin = 0; begin < entries.size(); begin += kEntriesInBlock) {
    List list;
    for (std::size_t i = begin; i < std::min(begin + kEntriesInBlock, entries.size()); ++i)
      list.push_back(entry_value(entries[i]));
    if (Status status = put_value(list, put, lists); !status)
      return Error{status.error()};
  }
  List root;
  if (Status status = put_value(Map{{"format", kExportFormat},
                                    {"version", kExportVersion},
                                    {"entries", std::move(lists)}},
                                put, root);
      !status)
    return Error{status.error()};
  return *root.front().as<Cid>();
}

Result<std::vector<Exported>> read_export(const Cid& root, const GetBlock& get) {
  const auto lists = lists_of(root, get);
  if (!lists)
    return Error{lists.error()};
  std::vector<Exported> entries;
  for (const Value& link : *lists) {
    const Cid* const cid = link.as<Cid>();
    if (!cid)
      return Error{"export: the root links to no list"};
    const auto list = get_value(*cid, get);
    if (!list)
      return Error{list.error()};
    const List* const items = list->as<List>();
    if (!items || items->size() > kEntriesInBlock || items->size() > kMaxExported - entries.size())
      return Error{"export: " + cid->text() + ": no list, or one that is too long"};
    for (const Value& item : *items) {
      const auto entry = entry_of(item);
      if (!entry)
        return Error{"export: blob " + std::to_string(entries.size()) +
                     ": not written as it should be"};
      entries.push_back(*entry);
    }
  }
  return entries;
}

}  // namespace dist::record
