// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The file beside a CAR that signs its root (docs/design/record.md, "The signature"). This room
// neither makes nor checks signatures.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "gst/record/cid.h"
#include "gst/record/dag_cbor.h"

namespace dist::record {

// A longer file is none.
inline constexpr std::size_t kMaxSignature = 4096;

// By Ed25519, over the bytes of the CID.
struct Signature {
  std::array<std::uint8_t, 32> key = {};  // The public one.
  Cid record;
  std::array<std::uint8_t, 64> signature = {};

  bool operator==(const Signature&) const = default;
};

Result<Data> write_signature(const Signature& signature);
// Refuses whatever write_signature() would not have written.
Result<Signature> read_signature(std::span<const std::uint8_t> bytes);

}  // namespace dist::record
