// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A CAR that is read to its end is written back as it came; whatever is wrong with one, the walk
// from its root ends. The first byte says in what pieces the rest arrives.
#include "gst/record/car.h"

#include <map>

#include "gst/record/dag_walk.h"
#include "tests/fuzz/fuzz.h"

namespace {

using namespace dist;
using namespace dist::fuzz;
using namespace dist::record;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  const std::size_t piece = 1 + std::size_t{input.byte()};
  const auto file = input.rest();
  Input rest(file.data(), file.size());
  CarReader reader([&](std::span<std::uint8_t> out) -> Result<std::size_t> {
    const auto bytes = rest.take(std::min(piece, out.size()));
    std::copy(bytes.begin(), bytes.end(), out.begin());
    return bytes.size();
  });
  const auto root = reader.read_root();
  if (!root)
    return 0;
  BytesList written = {car_header(*root)};
  std::map<Cid, Bytes> store;
  while (true) {
    const auto block = reader.next();
    if (!block)
      return 0;
    if (!*block)
      break;
    REQUIRE(Cid::of((*block)->cid.codec, (*block)->bytes.span()) == (*block)->cid);
    for (Bytes& bytes : car_section(**block))
      written.push_back(std::move(bytes));
    store[(*block)->cid] = (*block)->bytes;
  }
  const auto again = join(written);
  REQUIRE(std::equal(again.begin(), again.end(), file.begin(), file.end()));
  std::uint64_t visited = 0;
  const auto walked = walk_dag(
      *root, Scope::kAll,
      [&](const Cid& cid) {
        const auto found = store.find(cid);
        return found == store.end() ? std::optional<Bytes>() : std::optional(found->second);
      },
      [&](const Block&) {
        ++visited;
        return Status();
      });
  REQUIRE(visited <= store.size());
  REQUIRE(!walked || walked->blocks == visited);
  return 0;
}
