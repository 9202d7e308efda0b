// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/record/dag_pb.h"

#include <glib.h>

#include <string_view>

#include "gst/record/varint.h"

namespace dist::record {
namespace {

constexpr unsigned kNodeData = 1;
constexpr unsigned kNodeLink = 2;
constexpr unsigned kLinkHash = 1;
constexpr unsigned kLinkName = 2;
constexpr unsigned kLinkTotal = 3;

Result<PbLink> decode_link(std::span<const std::uint8_t> data) {
  PbLink link;
  std::uint64_t last = 0;
  while (!data.empty()) {
    const auto field = take_field(data);
    if (!field)
      return Error{"a link that is no message"};
    if (last == 0 && field->number != kLinkHash)
      return Error{"a link without a CID"};
    if (field->number <= last)
      return Error{"a link's fields are out of order"};
    last = field->number;
    if (last == kLinkHash && field->wire == PbField::kBytes) {
      const auto cid = Cid::parse(field->bytes);
      if (!cid)
        return Error{cid.error()};
      link.cid = *cid;
    } else if (last == kLinkName && field->wire == PbField::kBytes) {
      const std::string_view name(reinterpret_cast<const char*>(field->bytes.data()),
                                  field->bytes.size());
      if (!name.empty() && !g_utf8_validate_len(name.data(), name.size(), nullptr))
        return Error{"a link's name is not UTF-8"};
      link.name = name;
    } else if (last == kLinkTotal && field->wire == PbField::kVarint) {
      link.total = field->value;
    } else {
      return Error{"a link has an unknown field"};
    }
  }
  if (last == 0)
    return Error{"a link without a CID"};
  return link;
}

}  // namespace

std::optional<PbField> take_field(std::span<const std::uint8_t>& data) {
  std::span<const std::uint8_t> rest = data;
  const auto key = take_varint(rest);
  const auto value = key ? take_varint(rest) : std::nullopt;
  if (!value)
    return std::nullopt;
  PbField field{.number = *key >> 3, .value = *value};
  const unsigned wire = *key & 7;
  if (wire == PbField::kBytes) {
    if (*value > rest.size())
      return std::nullopt;
    field.bytes = rest.first(static_cast<std::size_t>(*value));
    rest = rest.subspan(field.bytes.size());
  } else if (wire != PbField::kVarint) {
    return std::nullopt;
  }
  field.wire = static_cast<PbField::Wire>(wire);
  data = rest;
  return field;
}

void append_number(std::vector<std::uint8_t>& out, unsigned field, std::uint64_t value) {
  append_varint(out, field << 3 | PbField::kVarint);
  append_varint(out, value);
}

void append_bytes(std::vector<std::uint8_t>& out, unsigned field,
                  std::span<const std::uint8_t> bytes) {
  append_varint(out, field << 3 | PbField::kBytes);
  append_varint(out, bytes.size());
  out.insert(out.end(), bytes.begin(), bytes.end());
}

std::vector<std::uint8_t> encode_dag_pb(const PbNode& node) {
  std::vector<std::uint8_t> out;
  for (const PbLink& link : node.links) {
    std::vector<std::uint8_t> message;
    append_bytes(message, kLinkHash, link.cid.bytes());
    if (link.name)
      append_bytes(message, kLinkName,
                   {reinterpret_cast<const std::uint8_t*>(link.name->data()), link.name->size()});
    if (link.total)
      append_number(message, kLinkTotal, *link.total);
    append_bytes(out, kNodeLink, message);
  }
  if (node.data)
    append_bytes(out, kNodeData, *node.data);
  return out;
}

Result<PbNode> decode_dag_pb(std::span<const std::uint8_t> data) {
  PbNode node;
  bool data_ends_links = false;
  while (!data.empty()) {
    const auto field = take_field(data);
    if (!field || field->wire != PbField::kBytes)
      return Error{"DAG-PB: not a message of links and data"};
    if (field->number == kNodeLink) {
      if (data_ends_links)
        return Error{"DAG-PB: links on both sides of the data"};
      auto link = decode_link(field->bytes);
      if (!link)
        return Error{"DAG-PB: " + link.error()};
      node.links.push_back(std::move(*link));
    } else if (field->number == kNodeData) {
      if (node.data)
        return Error{"DAG-PB: data twice"};
      data_ends_links = !node.links.empty();
      node.data.emplace(field->bytes.begin(), field->bytes.end());
    } else {
      return Error{"DAG-PB: an unknown field"};
    }
  }
  return node;
}

}  // namespace dist::record
