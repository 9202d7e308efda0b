// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/record/block.h"

#include <utility>

namespace dist::record {

Block make_block(Codec codec, Bytes bytes) {
  const Cid cid = Cid::of(codec, bytes.span());
  return {cid, std::move(bytes)};
}

Result<Bytes> get_verified(const GetBlock& get, const Cid& cid) {
  Result<std::optional<Bytes>> found = get(cid);
  const auto refuse = [&](const std::string& why) {
    return Error{"block " + cid.text() + ": " + why};
  };
  if (!found)
    return refuse(found.error());
  if (!*found)
    return refuse("missing");
  Bytes bytes = std::move(**found);
  if (bytes.size() > kMaxForeignBlock)
    return refuse("larger than 2 MiB");
  if (Cid::of(cid.codec, bytes.span()) != cid)
    return refuse("its bytes are not those that the CID names");
  return bytes;
}

}  // namespace dist::record
