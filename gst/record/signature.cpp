// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/record/signature.h"

#include <algorithm>
#include <string_view>

namespace dist::record {
namespace {

constexpr char kAlgorithm[] = "Ed25519";

template <std::size_t kSize>
bool read_bytes(const Value* value, std::array<std::uint8_t, kSize>& out) {
  const Data* const data = value ? value->as<Data>() : nullptr;
  if (!data || data->size() != kSize)
    return false;
  std::ranges::copy(*data, out.begin());
  return true;
}

}  // namespace

Result<Data> write_signature(const Signature& signature) {
  return encode_dag_cbor(
      Map{{"algorithm", kAlgorithm},
          {"key", Data(signature.key.begin(), signature.key.end())},
          {"record", signature.record},
          {"signature", Data(signature.signature.begin(), signature.signature.end())}});
}

Result<Signature> read_signature(std::span<const std::uint8_t> bytes) {
  const auto refuse = [](const std::string& why) { return Error{"signature: " + why}; };
  if (bytes.size() > kMaxSignature)
    return refuse("longer than " + std::to_string(kMaxSignature) + " bytes");
  const auto value = decode_dag_cbor(bytes);
  if (!value)
    return refuse(value.error());
  const Map* const map = value->as<Map>();
  if (!map || map->size() != 4)
    return refuse("not a map of four fields");
  const auto field = [map](std::string_view key) {
    const auto found = std::ranges::find(*map, key, &Entry::key);
    return found == map->end() ? nullptr : &found->value;
  };
  const Value* const algorithm = field("algorithm");
  const std::string* const name = algorithm ? algorithm->as<std::string>() : nullptr;
  if (!name || *name != kAlgorithm)
    return refuse("\"algorithm\" is not \"Ed25519\"");
  Signature signature;
  if (!read_bytes(field("key"), signature.key))
    return refuse("\"key\" is not 32 bytes");
  if (!read_bytes(field("signature"), signature.signature))
    return refuse("\"signature\" is not 64 bytes");
  const Value* const record = field("record");
  const Cid* const cid = record ? record->as<Cid>() : nullptr;
  if (!cid)
    return refuse("\"record\" is not a link");
  signature.record = *cid;
  return signature;
}

}  // namespace dist::record
