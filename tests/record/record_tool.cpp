// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the tests in tests/record/interop compare with the software of other authors:
//
//   record_tool values SEED COUNT CAR   writes so many random values as blocks
//   record_tool recode CAR              whether each DAG-CBOR block is written back as it was read
//   record_tool pattern SIZE            prints so many bytes
//   record_tool cid SIZE                prints the CID of these bytes as a file
//   record_tool pack FILE CAR           writes FILE as UnixFS, and prints its CID
//   record_tool record CAR BYTES        writes a record with its blobs, and the bytes of its output
//   record_tool verify CAR              walks the DAG of the root and prints its size
//   record_tool cat CAR                 prints the file that is the root
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>

#include "gst/record/car.h"
#include "gst/record/dag_walk.h"
#include "gst/record/unixfs.h"
#include "tests/record/random_value.h"
#include "tests/record/some_manifest.h"

namespace {

using namespace dist;
using namespace dist::record;
using namespace dist::test;

constexpr std::size_t kMiB = 1u << 20;

[[noreturn]] void stop(const std::string& why) {
  std::fprintf(stderr, "record_tool: %s\n", why.c_str());
  std::exit(1);
}

template <class T>
T value_of(Result<T> result) {
  if (!result)
    stop(result.error());
  return std::move(*result);
}

void require(const Status& status) {
  if (!status)
    stop(status.error());
}

void write(std::ostream& out, std::span<const std::uint8_t> bytes) {
  out.write(reinterpret_cast<const char*>(bytes.data()),
            static_cast<std::streamsize>(bytes.size()));
  if (!out)
    stop("cannot write");
}

// Each mebibyte begins with its number and goes on with the number's lowest byte.
Bytes pattern(std::uint64_t number, std::size_t size) {
  Data data(size, static_cast<std::uint8_t>(number));
  for (std::size_t i = 0; i < std::min<std::size_t>(4, size); ++i)
    data[i] = static_cast<std::uint8_t>(number >> (8 * i));
  return Bytes::take(std::move(data));
}

template <class Function>
void each_piece(std::uint64_t size, Function take) {
  for (std::uint64_t at = 0; at < size; at += kMiB)
    take(pattern(at / kMiB, static_cast<std::size_t>(std::min<std::uint64_t>(kMiB, size - at))));
}

void write_car(const char* path, const Cid& root, const MemoryStore& store) {
  std::ofstream file(path, std::ios::binary);
  write(file, car_header(root).span());
  value_of(walk_dag(root, Scope::kAll, store.get(), [&](const Block& block) {
    for (const Bytes& piece : car_section(block))
      write(file, piece.span());
    return Status();
  }));
}

Cid read_car(const char* path, MemoryStore& store) {
  std::ifstream file(path, std::ios::binary);
  CarReader reader([&](std::span<std::uint8_t> out) -> Result<std::size_t> {
    file.read(reinterpret_cast<char*>(out.data()), static_cast<std::streamsize>(out.size()));
    return static_cast<std::size_t>(file.gcount());
  });
  const Cid root = value_of(reader.read_root());
  while (const auto block = value_of(reader.next()))
    require(store.put()(*block));
  return root;
}

Cid add_file(MemoryStore& store, const Bytes& bytes) {
  FileBuilder builder(store.put());
  require(builder.write(bytes));
  return value_of(builder.finish());
}

void values(std::uint64_t seed, std::uint64_t count, const char* car) {
  Random random(seed);
  MemoryStore store;
  List links;
  for (std::uint64_t i = 0; i < count; ++i) {
    const Data bytes = value_of(encode_dag_cbor(random_value(random, 4, true)));
    links.emplace_back(store.add(Codec::kDagCbor, bytes));
  }
  std::ofstream file(car, std::ios::binary);
  const Cid root = store.add(Codec::kDagCbor, value_of(encode_dag_cbor(links)));
  write(file, car_header(root).span());
  for (const auto& [cid, bytes] : store.blocks())
    for (const Bytes& piece : car_section({cid, bytes}))
      write(file, piece.span());
}

void recode(const char* car) {
  MemoryStore store;
  read_car(car, store);
  std::size_t count = 0;
  for (const auto& [cid, bytes] : store.blocks()) {
    if (cid.codec != Codec::kDagCbor)
      continue;
    const Value value = value_of(decode_dag_cbor(bytes.span()));
    if (value_of(encode_dag_cbor(value)) != to_data(bytes.span()))
      stop(cid.text() + ": written otherwise");
    ++count;
  }
  std::cout << count << " values\n";
}

void pack(const char* path, const char* car) {
  std::ifstream file(path, std::ios::binary);
  Data data{std::istreambuf_iterator<char>(file), {}};
  MemoryStore store;
  const Cid root = add_file(store, Bytes::take(std::move(data)));
  write_car(car, root, store);
  std::cout << root.text() << '\n';
}

// The output of the first rendition has several nodes' worth of leaves, the blobs one or two.
void write_record(const char* car, const char* output) {
  MemoryStore store;
  Manifest manifest = some_manifest(12, 2);
  std::vector<Bytes> pieces;
  std::uint64_t number = 0;
  for (Segment& segment : manifest.segments) {
    segment.payload = add_file(store, pattern(++number, 3 * kMiB / 2));
    for (Encoded& encoded : segment.encoded) {
      ++number;
      const Bytes bytes = pattern(number, 500'000 + number);
      encoded.data = {add_file(store, bytes), bytes.size()};
      if (encoded.head)
        encoded.head = add_file(store, pattern(++number, 500));
      if (&encoded == &segment.encoded.front())
        pieces.push_back(bytes);
    }
  }
  for (Thumbnail& thumbnail : manifest.thumbnails)
    thumbnail.image = {add_file(store, pattern(++number, 9000)), 9000};
  for (File& other : manifest.files)
    other.data = {add_file(store, pattern(++number, 70'000)), 70'000};
  FileBuilder joined(store.put());
  std::ofstream file(output, std::ios::binary);
  for (const Bytes& bytes : pieces) {
    require(joined.write(bytes));
    write(file, bytes.span());
  }
  manifest.renditions[0].output =
      Blob{value_of(joined.finish()), total_size(BytesList(pieces.begin(), pieces.end()))};
  const Cid root = value_of(write_manifest(manifest, store.put()));
  write_car(car, root, store);
  std::cout << root.text() << '\n';
}

int run(const std::vector<std::string>& args) {
  const auto is = [&](const char* name, std::size_t count) {
    return args.size() == count + 1 && args[0] == name;
  };
  if (is("values", 3)) {
    values(std::stoull(args[1]), std::stoull(args[2]), args[3].c_str());
  } else if (is("recode", 1)) {
    recode(args[1].c_str());
  } else if (is("pattern", 1)) {
    each_piece(std::stoull(args[1]), [](const Bytes& bytes) { write(std::cout, bytes.span()); });
  } else if (is("cid", 1)) {
    FileBuilder builder([](const Block&) { return Status(); });
    each_piece(std::stoull(args[1]), [&](const Bytes& bytes) { require(builder.write(bytes)); });
    std::cout << value_of(builder.finish()).text() << '\n';
  } else if (is("pack", 2)) {
    pack(args[1].c_str(), args[2].c_str());
  } else if (is("record", 2)) {
    write_record(args[1].c_str(), args[2].c_str());
  } else if (is("verify", 1)) {
    MemoryStore store;
    const Cid root = read_car(args[1].c_str(), store);
    const DagSize size =
        value_of(walk_dag(root, Scope::kAll, store.get(), [](const Block&) { return Status(); }));
    std::cout << root.text() << ' ' << size.blocks << ' ' << size.bytes << '\n';
  } else if (is("cat", 1)) {
    MemoryStore store;
    const Cid root = read_car(args[1].c_str(), store);
    require(read_file(root, UINT64_MAX, store.get(), [](const Bytes& bytes) {
      write(std::cout, bytes.span());
      return Status();
    }));
  } else {
    stop("see the top of tests/record/record_tool.cpp");
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  return run({argv + 1, argv + argc});
}
