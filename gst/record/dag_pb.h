// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// DAG-PB: the nodes that UnixFS consists of, and the fields of protobuf in which they are written.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "gst/base/result.h"
#include "gst/record/cid.h"

namespace dist::record {

struct PbLink {
  Cid cid;
  std::optional<std::string> name;
  // Bytes of all blocks below the link.
  std::optional<std::uint64_t> total;

  bool operator==(const PbLink&) const = default;
};

struct PbNode {
  std::vector<PbLink> links;
  std::optional<std::vector<std::uint8_t>> data;

  bool operator==(const PbNode&) const = default;
};

std::vector<std::uint8_t> encode_dag_pb(const PbNode& node);

// Refuses unknown fields, fields out of their order and fields that come twice. The data may stand
// before the links too, since older software wrote it there.
Result<PbNode> decode_dag_pb(std::span<const std::uint8_t> data);

// A field of a protobuf message: a number, or bytes that lie in the message.
struct PbField {
  enum Wire : std::uint8_t { kVarint = 0, kBytes = 2 };

  std::uint64_t number = 0;
  Wire wire = kVarint;
  std::uint64_t value = 0;
  std::span<const std::uint8_t> bytes = {};
};

// Takes a field from the beginning of `data`. Nothing if none stands there, or one of another wire
// type.
std::optional<PbField> take_field(std::span<const std::uint8_t>& data);
void append_number(std::vector<std::uint8_t>& out, unsigned field, std::uint64_t value);
void append_bytes(std::vector<std::uint8_t>& out, unsigned field,
                  std::span<const std::uint8_t> bytes);

}  // namespace dist::record
