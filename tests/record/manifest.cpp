// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/record/manifest.h"

#include "gst/record/dag_walk.h"
#include "gst/record/place_of.h"
#include "tests/record/some_manifest.h"

namespace {

using namespace dist;
using namespace dist::record;
using namespace dist::test;

// The map's field, which is there.
Value& field(Value& map, const char* key) {
  for (Entry& entry : std::get<Map>(map.kind))
    if (entry.key == key)
      return entry.value;
  ck_abort_msg("no field '%s'", key);
}

Value& item(Value& list, std::size_t at) {
  return std::get<List>(list.kind).at(at);
}

// The blocks of a manifest as values, which a test changes before they are read again.
struct Parts {
  Value root;
  Value segments;
  Value thumbnails;

  Result<Manifest> read() {
    MemoryStore store;
    const auto put = [&](const Value& value) {
      const auto bytes = encode_dag_cbor(value);
      fail_unless_ok(bytes);
      return store.add(Codec::kDagCbor, *bytes);
    };
    if (!root.as<Map>())
      return read_manifest(put(root), store.get());
    item(field(root, "segments"), 0) = put(segments);
    item(field(root, "thumbnails"), 0) = put(thumbnails);
    return read_manifest(put(root), store.get());
  }
};

Parts some_parts() {
  MemoryStore store;
  const auto root = write_manifest(some_manifest(3, 2), store.put());
  fail_unless_ok(root);
  const auto value = [&](const Cid& cid) {
    return *decode_dag_cbor(store.blocks().at(cid).span());
  };
  Parts parts{value(*root), {}, {}};
  parts.segments = value(*item(field(parts.root, "segments"), 0).as<Cid>());
  parts.thumbnails = value(*item(field(parts.root, "thumbnails"), 0).as<Cid>());
  return parts;
}

}  // namespace

GST_START_TEST(test_manifest_comes_back_whole) {
  for (std::size_t segments : {0u, 1u, 5u}) {
    for (std::size_t renditions : {0u, 1u, 3u}) {
      const Manifest manifest = some_manifest(segments, renditions);
      MemoryStore store;
      const auto root = write_manifest(manifest, store.put());
      fail_unless_ok(root);
      fail_unless(store.order().back() == *root);
      const auto read = read_manifest(*root, store.get());
      fail_unless_ok(read);
      fail_unless(*read == manifest);
    }
  }
}
GST_END_TEST

// Ten hours in segments of 1 s, five renditions, a thumbnail each 10 s.
GST_START_TEST(test_manifest_of_a_long_film_fits_into_blocks) {
  const Manifest manifest = some_manifest(36'000, 5);
  MemoryStore store;
  const auto root = write_manifest(manifest, store.put());
  fail_unless_ok(root);
  std::uint64_t bytes = 0;
  for (const auto& [cid, block] : store.blocks()) {
    fail_unless(block.size() <= kMaxBlock, "%zu bytes", block.size());
    bytes += block.size();
  }
  g_print("%zu blocks, %" G_GUINT64_FORMAT " bytes, the root %zu\n", store.blocks().size(), bytes,
          store.blocks().at(*root).size());
  fail_unless(store.blocks().size() > 10);
  fail_unless(store.blocks().at(*root).size() < 16'384);
  const auto read = read_manifest(*root, store.get());
  fail_unless_ok(read);
  fail_unless(*read == manifest);
  const auto size =
      walk_dag(*root, Scope::kManifest, store.get(), [](const Block&) { return Status(); });
  fail_unless_ok(size);
  fail_unless_equals_uint64(size->blocks, store.blocks().size());
}
GST_END_TEST

GST_START_TEST(test_manifest_reduces_fractions) {
  Manifest manifest = some_manifest(0, 0);
  manifest.source.streams[0].frame_rate = Rational{50, 2};
  MemoryStore store;
  const auto root = write_manifest(manifest, store.put());
  fail_unless_ok(root);
  const auto read = read_manifest(*root, store.get());
  fail_unless_ok(read);
  fail_unless(read->source.streams[0].frame_rate == Rational({25, 1}));
}
GST_END_TEST

// It comes from a server, so nobody knows which bytes the next reader would get.
GST_START_TEST(test_manifest_of_a_film_that_is_no_file) {
  Manifest manifest = some_manifest(1, 1);
  manifest.source.bytes.reset();
  manifest.source.sha256.reset();
  MemoryStore store;
  const auto root = write_manifest(manifest, store.put());
  fail_unless_ok(root);
  const auto read = read_manifest(*root, store.get());
  fail_unless_ok(read);
  fail_unless(*read == manifest);
}
GST_END_TEST

GST_START_TEST(test_manifest_that_could_not_be_read_is_not_written) {
  const struct {
    const char* error;
    void (*change)(Manifest&);
  } rows[] = {
      {"manifest: \"begun\" is not an integer from 0 to 9007199254740991",
       [](Manifest& m) { m.begun = kMaxNumber + 1; }},
      {"manifest: DAG-CBOR: the text", [](Manifest& m) { m.source.name = "a\xff"; }},
      {"manifest: source: \"name\" is not a text of at most 4096 bytes",
       [](Manifest& m) { m.source.name = std::string(kMaxText + 1, 'a'); }},
      {"manifest: source: stream 0: \"frame_rate\"",
       [](Manifest& m) {
         m.source.streams[0].frame_rate = Rational{1, 0};
       }},
      {"manifest: segment 2: \"index\" is not above",
       [](Manifest& m) { m.segments[2].index = m.segments[1].index; }},
      {"manifest: segment 1: \"encoded\" is not as long as the list of renditions",
       [](Manifest& m) { m.segments[1].encoded.pop_back(); }},
      {"manifest: segment 1: rendition 0: \"worker\" is not one of the manifest's",
       [](Manifest& m) { m.segments[1].encoded[0].worker = m.workers.size(); }},
      {"manifest: segment 0: rendition 1: \"configuration\" is not one of the rendition's",
       [](Manifest& m) { m.segments[0].encoded[1].configuration = 9; }},
      {"manifest: segment 0: rendition 0: \"hashes\" is not a list of times",
       [](Manifest& m) { m.segments[0].encoded[0].hashes[0].quality = 101; }},
      {"manifest: the root needs ",
       [](Manifest& m) { m.workers.assign(1000, std::string(2000, 'w')); }},
      {"manifest: \"workers\" is not a list of at most 4096 items",
       [](Manifest& m) { m.workers.resize(kMaxItems + 1); }},
  };
  for (const auto& row : rows) {
    Manifest manifest = some_manifest(3, 2);
    row.change(manifest);
    MemoryStore store;
    fail_unless_error(write_manifest(manifest, store.put()), row.error, row.error);
    fail_unless(store.blocks().empty());
  }
}
GST_END_TEST

GST_START_TEST(test_manifest_says_what_is_wrong) {
  const struct {
    const char* error;
    void (*change)(Parts&);
  } rows[] = {
      {"manifest: not a map",
       [](Parts& p) {
         p.root = List{Map{{"segments", 1}}};
       }},
      {"manifest: \"format\" is not \"gst-dist manifest\"",
       [](Parts& p) { field(p.root, "format") = "another"; }},
      {"manifest: \"version\" is not 1", [](Parts& p) { field(p.root, "version") = 2; }},
      {"manifest: \"begun\" is not an integer", [](Parts& p) { field(p.root, "begun") = 25.5; }},
      {"manifest: \"ended\" is not an integer", [](Parts& p) { field(p.root, "ended") = -1; }},
      {"manifest: \"x\" is an unknown field",
       [](Parts& p) {
         std::get<Map>(p.root.kind).push_back({"x", 1});
       }},
      {"manifest: \"workers\" is missing",
       [](Parts& p) {
         std::erase_if(std::get<Map>(p.root.kind),
                       [](const Entry& e) { return e.key == "workers"; });
       }},
      {"manifest: \"software\" is not a map of texts",
       [](Parts& p) {
         field(p.root, "software") = Map{{"gst-dist", 2}};
       }},
      {"manifest: source: \"sha256\" is not 32 bytes",
       [](Parts& p) { field(field(p.root, "source"), "sha256") = Data(31); }},
      {"manifest: \"cutting\" is missing",
       [](Parts& p) {
         std::erase_if(std::get<Map>(p.root.kind),
                       [](const Entry& e) { return e.key == "cutting"; });
       }},
      {"manifest: segment 0: rendition 0: \"head\" is not a link",
       [](Parts& p) { field(item(field(item(p.segments, 0), "encoded"), 0), "head") = 1; }},
      {"manifest: source: stream 1: \"x\" is an unknown field",
       [](Parts& p) {
         std::get<Map>(item(field(field(p.root, "source"), "streams"), 1).kind).push_back({"x", 1});
       }},
      {"manifest: source: stream 0: \"frame_rate\" is not a fraction in lowest terms",
       [](Parts& p) {
         field(item(field(field(p.root, "source"), "streams"), 0), "frame_rate") = List{50, 2};
       }},
      {"manifest: rendition 1: \"configurations\" is not a list of byte strings",
       [](Parts& p) { field(item(field(p.root, "renditions"), 1), "configurations") = List{"a"}; }},
      {"manifest: rendition 0: output: \"data\" is not a link",
       [](Parts& p) { field(field(item(field(p.root, "renditions"), 0), "output"), "data") = 1; }},
      {"manifest: worker 0: not a text", [](Parts& p) { item(field(p.root, "workers"), 0) = 1; }},
      {"manifest: segment 0: its block is not a list", [](Parts& p) { p.segments = Map{}; }},
      {"manifest: segment 0: its block is not a list", [](Parts& p) { p.segments = List{}; }},
      {"manifest: segment 1: not a map", [](Parts& p) { item(p.segments, 1) = 1; }},
      {"manifest: segment 2: \"payload\" is not a link to a raw block or UnixFS",
       [](Parts& p) { field(item(p.segments, 2), "payload") = Cid{.codec = Codec::kDagCbor}; }},
      {"manifest: segment 2: rendition 1: \"frames\" is not an integer from 0 to 9007199254740991",
       [](Parts& p) { field(item(field(item(p.segments, 2), "encoded"), 1), "frames") = "25"; }},
      {"manifest: segment 0: rendition 0: \"hashes\" is not a list of times",
       [](Parts& p) {
         field(item(field(item(p.segments, 0), "encoded"), 0), "hashes") = List{List{1}};
       }},
      {"manifest: file 0: \"name\" is not a text",
       [](Parts& p) { field(item(field(p.root, "files"), 0), "name") = 1; }},
      {"manifest: thumbnail 0: \"time\" is not an integer",
       [](Parts& p) { field(item(p.thumbnails, 0), "time") = Value(); }},
  };
  for (const auto& row : rows) {
    Parts parts = some_parts();
    row.change(parts);
    fail_unless_error(parts.read(), row.error, row.error);
  }
}
GST_END_TEST

// Whatever names and configurations workers tell, the record can be written.
GST_START_TEST(test_manifest_has_room_for_what_workers_tell) {
  for (const std::size_t length : {1u, 100u, 4000u}) {
    Manifest manifest = some_manifest(1, 1);
    manifest.workers.clear();
    manifest.segments[0].encoded[0].worker = 0;
    std::uint64_t rest = 0;
    for (std::uint64_t i = 0; i < 6000; ++i) {
      std::string name = std::to_string(i);
      name.resize(std::max(length, name.size()), '.');
      const std::uint64_t place =
          place_of<std::string>(manifest.workers, name, "others", kMaxBlock / 8);
      if (manifest.workers.at(place) != name) {
        rest = place;
        continue;
      }
      fail_unless_equals_uint64(place_of<std::string>(manifest.workers, name, "others", 0), place);
    }
    fail_unless(rest > 30 && rest + 1 == manifest.workers.size(), "%zu", length);
    fail_unless_equals_text(manifest.workers[rest], "others");
    auto& configurations = manifest.renditions[0].configurations;
    for (std::uint8_t i = 0; i < 9; ++i)
      place_of(configurations, Data(kMaxConfiguration - 1, i), {}, kMaxBlock / 8);
    // Two of the manifest's own, one that fits beside them, and the empty one.
    fail_unless_equals_uint64(configurations.size(), 4);
    fail_unless(configurations.back().empty());
    MemoryStore store;
    fail_unless_ok(write_manifest(manifest, store.put()));
  }
}
GST_END_TEST

GST_START_TEST(test_manifest_names_the_block_that_is_missing) {
  MemoryStore store;
  const auto root = write_manifest(some_manifest(3, 2), store.put());
  fail_unless_ok(root);
  const Cid segments = store.order().front();
  store.remove(segments);
  fail_unless_error(read_manifest(*root, store.get()),
                    "manifest: segment 0: block " + segments.text() + ": missing", "segments");
  store.remove(*root);
  fail_unless_error(read_manifest(*root, store.get()),
                    "manifest: block " + root->text() + ": missing", "root");
  fail_unless_error(read_manifest(Cid{}, store.get()), "is not DAG-CBOR", "raw");
}
GST_END_TEST

// Under the CID of the damaged block, so that the reader gets to see the damage.
GST_START_TEST(test_manifest_bears_any_damaged_byte) {
  MemoryStore good;
  const auto root = write_manifest(some_manifest(1, 1), good.put());
  fail_unless_ok(root);
  const Data bytes = to_data(good.blocks().at(*root).span());
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    for (std::uint8_t change : unhex("01 20 80 ff")) {
      MemoryStore store = good;
      Data damaged = bytes;
      damaged[at] ^= change;
      const Cid cid = store.add(Codec::kDagCbor, damaged);
      const auto read = read_manifest(cid, store.get());
      if (!read)
        require_often(read.error().starts_with("manifest: "), "%s", read.error().c_str());
      else
        require_often(*write_manifest(*read, store.put()) == cid, "byte %zu", at);
    }
  }
}
GST_END_TEST

static Suite* manifest_suite() {
  Suite* const suite = suite_create("manifest");
  TCase* const tests = tcase_create("all");
  suite_add_tcase(suite, tests);
  tcase_add_test(tests, test_manifest_comes_back_whole);
  tcase_add_test(tests, test_manifest_of_a_long_film_fits_into_blocks);
  tcase_add_test(tests, test_manifest_reduces_fractions);
  tcase_add_test(tests, test_manifest_of_a_film_that_is_no_file);
  tcase_add_test(tests, test_manifest_that_could_not_be_read_is_not_written);
  tcase_add_test(tests, test_manifest_says_what_is_wrong);
  tcase_add_test(tests, test_manifest_has_room_for_what_workers_tell);
  tcase_add_test(tests, test_manifest_names_the_block_that_is_missing);
  tcase_add_test(tests, test_manifest_bears_any_damaged_byte);
  return suite;
}

GST_CHECK_MAIN(manifest)
