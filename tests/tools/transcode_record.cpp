// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// transcode --manifest, and what gst-dist-1.0 record says of its CAR.

// Before gstcheck.h, which has the macros "fail" and "mutex".
#include "gst/io/car_file.h"
#include "gst/io/signing_key.h"
#include "gst/record/car.h"
#include "gst/record/dag_pb.h"
#include "gst/record/manifest.h"
#include "gst/record/unixfs.h"
#include "tools/gst-dist/record/record_check.h"

#include <json-glib/json-glib.h>

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "tests/tools/stored_film.h"

namespace {

using namespace tool;

std::string record(const std::string& arguments) {
  return command() + "record " + arguments;
}

void expect(const std::string& run_line, int code, const std::string& text) {
  const Ran ran = run(run_line);
  ck_assert_msg(ran.code == code && ran.output.find(text) != std::string::npos,
                "%s: exit code %d, not %d with \"%s\"\n%s", run_line.c_str(), ran.code, code,
                text.c_str(), ran.output.c_str());
  // One sentence, or one table.
  if (code != 0)
    ck_assert_msg(std::ranges::count(ran.output, '\n') == 1, "%s", ran.output.c_str());
}

// What `record show --json` prints.
class Shown {
 public:
  explicit Shown(const std::string& car)
      : root_(json_from_string(output_of(record("show --json " + car)).c_str(), nullptr),
              json_node_unref) {
    ck_assert_ptr_ne(root_.get(), nullptr);
  }
  JsonObject* object() const { return json_node_get_object(root_.get()); }
  JsonArray* list(const char* name) const { return json_object_get_array_member(object(), name); }
  JsonObject* encoded(unsigned segment, unsigned rendition) const {
    return json_array_get_object_element(
        json_object_get_array_member(json_array_get_object_element(list("segments"), segment),
                                     "encoded"),
        rendition);
  }

 private:
  std::unique_ptr<JsonNode, void (*)(JsonNode*)> root_;
};

// The film with its ladder and its record, in the folder.
struct Recorded {
  explicit Recorded(const std::string& more = "") : film(film_of(folder)), car(folder / "job.car") {
    said = output_of(line(film, folder / "out", "--manifest " + car + " " + more));
  }

  const Folder folder;
  const std::string film;
  const std::string car;
  std::string said;
};

struct Section {
  std::size_t begin = 0;  // Its length.
  std::size_t cid = 0;
  std::size_t block = 0;
  std::size_t end = 0;
};

std::vector<Section> sections_of(const std::string& bytes) {
  std::vector<Section> sections;
  std::size_t at = 0;
  dist::record::CarReader reader([&](std::span<std::uint8_t> out) -> dist::Result<std::size_t> {
    const std::size_t count = std::min(out.size(), bytes.size() - at);
    std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), count, out.begin());
    at += count;
    return count;
  });
  ck_assert(static_cast<bool>(reader.read_root()));
  while (true) {
    const std::size_t begin = at;
    const auto block = reader.next();
    ck_assert(static_cast<bool>(block));
    if (!*block)
      return sections;
    const std::size_t data = at - (*block)->bytes.size();
    sections.push_back({begin, data - dist::record::Cid::kSize, data, at});
  }
}

// What record verify would say; empty if all is right.
std::string flaw_of(const std::string& path, const std::string& bytes) {
  write_file(path, bytes);
  const auto car = dist::CarFile::open(path);
  if (!car)
    return car.error();
  const auto checked = dist::tool::check_car(*car);
  return checked ? "" : checked.error();
}

// A CAR without a film: its only rendition has that name, and a result of 1 PiB in six blocks.
std::string hostile_car(const std::string& rendition) {
  using namespace dist::record;
  std::string sections;
  const auto keep = [&sections](const Block& block) {
    for (const dist::Bytes& piece : car_section(block))
      sections.append(piece.span().begin(), piece.span().end());
    return dist::Status();
  };
  Block block = make_block(Codec::kRaw, dist::Bytes::take({1}));
  ck_assert(static_cast<bool>(keep(block)));
  Segment segment{.payload = block.cid, .encoded = std::vector<Encoded>(1)};
  std::uint64_t size = 1;
  for (int level = 0; level < 5; ++level, size *= kNodeWidth) {
    std::vector<std::uint8_t> data = {8, 2};
    append_number(data, 3, size * kNodeWidth);
    for (std::size_t i = 0; i < kNodeWidth; ++i)
      append_number(data, 4, size);
    const std::vector<PbLink> links(kNodeWidth, {block.cid, {}, {}});
    block =
        make_block(Codec::kDagPb, dist::Bytes::take(encode_dag_pb({.links = links, .data = data})));
    ck_assert(static_cast<bool>(keep(block)));
  }
  segment.encoded[0].data = {block.cid, size};
  Manifest manifest;
  manifest.workers = {"box"};
  manifest.renditions.push_back(
      {.name = rendition, .text = {}, .encoder = {}, .configurations = {{}}});
  manifest.segments.push_back(segment);
  const auto root = write_manifest(manifest, keep);
  ck_assert_msg(static_cast<bool>(root), "%s", root ? "" : root.error().c_str());
  const dist::Bytes header = car_header(*root);
  return std::string(header.span().begin(), header.span().end()) + sections;
}

std::string make_key(const Folder& folder, const std::string& name) {
  output_of("openssl genpkey -algorithm ed25519 -out " + (folder / (name + ".pem")));
  output_of("openssl pkey -in " + (folder / (name + ".pem")) + " -pubout -out " +
            (folder / (name + ".pub")));
  return folder / (name + ".pem");
}

}  // namespace

GST_START_TEST(test_transcode_record_tells_the_job) {
  const Recorded job;
  const std::string table = output_of(record("show " + job.car));
  const std::string pictures = std::to_string(kSegments) + " pictures";
  for (const char* text : {"film.mp4", "x264enc", "jpegenc", pictures.c_str(), "local",
                           "max-segment-duration=4000000000", "video/x-h264, 320x180, 25/1"})
    ck_assert_msg(table.find(text) != std::string::npos, "%s:\n%s", text, table.c_str());

  const Shown shown(job.car);
  ck_assert_uint_eq(json_array_get_length(shown.list("segments")), kSegments);
  ck_assert_uint_eq(json_array_get_length(shown.list("renditions")), kRungs);
  ck_assert_uint_eq(json_array_get_length(shown.list("thumbnails")), kSegments);
  JsonObject* const source = json_object_get_object_member(shown.object(), "source");
  const std::string sha256 = output_of("sha256sum " + job.film).substr(0, 64);
  ck_assert_str_eq(json_object_get_string_member(source, "sha256"), sha256.c_str());
  ck_assert_int_eq(json_object_get_int_member(source, "bytes"),
                   static_cast<gint64>(fs::file_size(job.film)));
  JsonObject* const big = json_array_get_object_element(shown.list("renditions"), 0);
  ck_assert_str_eq(json_object_get_string_member(big, "name"), "big");
  ck_assert_int_eq(
      json_object_get_int_member(json_object_get_object_member(big, "output"), "bytes"),
      static_cast<gint64>(fs::file_size(job.folder / "out/big.mp4")));
  // The track of the thumbnails, and a sheet.
  ck_assert_uint_eq(json_array_get_length(shown.list("files")), 2);
  for (unsigned i = 0; i < kSegments; ++i) {
    JsonObject* const encoded = shown.encoded(i, 0);
    ck_assert_int_eq(json_object_get_int_member(encoded, "frames"), 25);
    ck_assert_int_ge(json_object_get_int_member(encoded, "attempts"), 1);
    ck_assert_int_le(json_object_get_int_member(shown.object(), "begun"),
                     json_object_get_int_member(encoded, "leased"));
    ck_assert_int_lt(json_object_get_int_member(encoded, "leased"),
                     json_object_get_int_member(encoded, "answered"));
    ck_assert_int_le(json_object_get_int_member(encoded, "answered"),
                     json_object_get_int_member(shown.object(), "ended"));
    ck_assert(json_object_has_member(encoded, "head"));
  }
  expect(record("verify " + job.car + " --source " + job.film), 0, job.film + " is its film.");
}
GST_END_TEST

// A worker of the network is looked at, and what was seen is told.
GST_START_TEST(test_transcode_record_tells_what_was_seen) {
  const Folder folder;
  const std::string film = film_of(folder);
  const std::string port = std::to_string(farm::free_port());
  farm::Process worker(command() + "worker --connect 127.0.0.1:" + port + " --name far");
  output_of(command() + "transcode " + film + " -o " + (folder / "out.mp4") +
            " --local-workers=0 --listen 127.0.0.1:" + port +
            " -r a:h264:160x90:speed=fast --manifest " + (folder / "job.car"));
  const Shown shown(folder / "job.car");
  ck_assert(
      std::string(json_array_get_string_element(shown.list("workers"), 0)).starts_with("far"));
  guint seen = 0;
  for (unsigned i = 0; i < kSegments; ++i)
    seen += json_array_get_length(json_object_get_array_member(shown.encoded(i, 0), "hashes"));
  ck_assert_uint_gt(seen, 0);
  expect(record("verify " + (folder / "job.car")), 0, "all as their names say");
}
GST_END_TEST

GST_START_TEST(test_transcode_record_of_another_film) {
  const Recorded job;
  const std::string other =
      make(job.folder, "other.mp4",
           "-f lavfi -i testsrc=size=320x180:rate=25:duration=12 -c:v libx264 -g 25 -an");
  const std::string shorter = make(job.folder, "shorter.mp4", "-i " + job.film + " -c copy -t 6");
  const std::string titled =
      make(job.folder, "titled.mp4", "-i " + job.film + " -c copy -metadata title=other");
  const std::string verify = record("verify " + job.car + " --source ");
  expect(verify + other, 1, "is not the film of the record: segment 0 has other bytes");
  expect(verify + shorter, 1, "is not the film of the record: segment ");
  expect(verify + titled, 1, "is another file: the SHA-256 differs");
  const unsigned seed = std::random_device()();
  std::mt19937 random(seed);
  for (unsigned i = 0; i < 4; ++i) {
    std::string bytes = bytes_of(job.film);
    // In the sound or in the video, whose data take most of the file.
    const std::size_t at = bytes.size() / 10 + random() % (bytes.size() / 10 * 8);
    bytes[at] ^= 1;
    write_file(job.folder / "changed.mp4", bytes);
    g_print("seed %u: byte %zu\n", seed, at);
    expect(verify + (job.folder / "changed.mp4"), 1, "changed.mp4: ");
  }
  expect(verify + (job.folder / "none.mp4"), 3, "No such file");
  expect(verify + job.car, 3, job.car);
  fs::rename(job.film, job.folder / "renamed.mp4");
  expect(verify + (job.folder / "renamed.mp4"), 0, "is its film");
}
GST_END_TEST

GST_START_TEST(test_transcode_record_with_damage_in_any_section) {
  const Recorded job;
  const std::string whole = bytes_of(job.car);
  const std::string copy = job.folder / "copy.car";
  const auto sections = sections_of(whole);
  ck_assert_uint_gt(sections.size(), 2 * kSegments * kRungs);
  ck_assert_str_eq(flaw_of(copy, whole).c_str(), "");
  const unsigned seed = std::random_device()();
  std::mt19937 random(seed);
  const auto flip = [&](std::size_t at) {
    std::string bytes = whole;
    bytes[at] ^= static_cast<char>(1u << random() % 8);
    return bytes;
  };
  for (std::size_t at = 0; at < sections.front().begin; ++at)
    ck_assert_msg(!flaw_of(copy, flip(at)).empty(), "seed %u: header, byte %zu", seed, at);
  for (const Section& section : sections) {
    for (const std::size_t at :
         {section.begin, section.cid + random() % 36,
          section.block + random() % std::max<std::size_t>(1, section.end - section.block)})
      if (at < section.end)
        ck_assert_msg(!flaw_of(copy, flip(at)).empty(), "seed %u: byte %zu", seed, at);
    ck_assert_msg(!flaw_of(copy, whole.substr(0, section.begin)).empty(), "cut off at %zu",
                  section.begin);
  }
  write_file(copy, flip(sections[1].block));
  expect(record("verify " + copy), 1, "CAR: section 2: its bytes are not those that b");
  write_file(copy, whole.substr(0, sections.back().begin));
  expect(record("verify " + copy), 1, ": missing");
  expect(record("show " + copy), 1, ": missing");
  write_file(copy, "not a CAR");
  expect(record("verify " + copy), 1, copy + ": CAR: header");
}
GST_END_TEST

GST_START_TEST(test_transcode_record_from_an_attacker) {
  const Folder folder;
  const std::string car = folder / "job.car";
  ck_assert_str_eq(flaw_of(car, hostile_car("\x1b[2Jred")).c_str(), "");
  expect(record("verify " + car), 0, "all as their names say");
  const std::string table = output_of(record("show " + car));
  ck_assert_msg(
      table.find('\x1b') == std::string::npos && table.find("\n?[2Jred") != std::string::npos, "%s",
      table.c_str());
}
GST_END_TEST

GST_START_TEST(test_transcode_record_without_its_data) {
  const Recorded job("--manifest-only");
  ck_assert_uint_lt(fs::file_size(job.car), 100'000);
  expect(record("verify " + job.car + " --source " + job.film), 0, "the data is not in it");
  expect(record("import " + job.car + " --store " + (job.folder / "store")), 1,
         "was run with --manifest-only, so it has no data for a store");
  const std::string whole = bytes_of(job.car);
  const std::string copy = job.folder / "copy.car";
  for (const Section& section : sections_of(whole))
    ck_assert(!flaw_of(copy, whole.substr(0, section.begin)).empty());
}
GST_END_TEST

GST_START_TEST(test_transcode_record_that_is_signed) {
  const Folder keys;
  const std::string key = make_key(keys, "mine");
  make_key(keys, "other");
  const Recorded job("--sign " + key);
  const std::string signature = job.car + ".sig";
  ck_assert_msg(job.said.find(signature) != std::string::npos, "%s", job.said.c_str());
  const std::string verify = record("verify " + job.car + " --key ");
  expect(verify + (keys / "mine.pub"), 0, "signed by the key of " + (keys / "mine.pub"));
  expect(verify + (keys / "other.pub"), 1, "was made with another key than that of ");
  expect(verify + key, 1, "is no public key of Ed25519 in PEM");
  expect(verify + (keys / "none.pub"), 3, "No such file");

  const std::string good = bytes_of(signature);
  for (std::size_t at = 0; at < good.size(); ++at) {
    std::string bytes = good;
    bytes[at] ^= 4;
    write_file(signature, bytes);
    const auto car = dist::CarFile::open(job.car);
    ck_assert_msg(!dist::check_signature(signature, car->root(), keys / "mine.pub"), "byte %zu",
                  at);
  }
  std::string bytes = good;
  bytes.back() ^= 1;
  write_file(signature, bytes);
  expect(verify + (keys / "mine.pub"), 1, "the signature does not fit the record");
  const Recorded again("--sign " + key);
  fs::copy_file(again.car + ".sig", signature, fs::copy_options::overwrite_existing);
  expect(verify + (keys / "mine.pub"), 1, "signs another record, b");
  fs::remove(signature);
  expect(verify + (keys / "mine.pub"), 1, ".sig: cannot be read: No such file");

  const std::string out = line(job.film, job.folder / "more", "--manifest x.car --sign ");
  expect(out + (keys / "mine.pub"), 2, "is no private key of Ed25519 in PEM");
  expect(out + (keys / "none"), 2, "No such file");
}
GST_END_TEST

GST_START_TEST(test_transcode_record_of_a_run_that_does_not_end) {
  const Folder folder;
  const std::string film = film_of(folder);
  const std::string run_line =
      line(film, folder / "out", "--yes --manifest " + (folder / "job.car"));
  for (const unsigned segments : {0u, 3u, kSegments - 1}) {
    killed_after(run_line, segments);
    ck_assert(!fs::exists(folder / "job.car"));
  }
  // One that cannot be written to its end: the film is away.
  std::string half = bytes_of(film);
  half.resize(half.size() / 2);
  write_file(folder / "half.mp4", half);
  run(line(folder / "half.mp4", folder / "half", "--manifest " + (folder / "half.car")));
  ck_assert_int_eq(fs::exists(folder / "half.car"), fs::exists(folder / "half/big.mp4"));
  output_of(run_line);
  expect(record("verify " + (folder / "job.car")), 0, "all as their names say");
  for (const auto& entry : fs::directory_iterator(fs::path(film).parent_path()))
    ck_assert_msg(entry.path().filename().string().find(".gst-dist.part") == std::string::npos,
                  "%s", entry.path().c_str());
}
GST_END_TEST

GST_START_TEST(test_transcode_record_fills_a_store) {
  const Recorded job;
  const std::string store = job.folder / "store";
  const std::string import = record("import " + job.car + " --store " + store);
  expect(import, 0, std::to_string(kSegments * kRungs) + " results in " + store + ".");
  expect(import, 0, std::to_string(kSegments * kRungs) + " results");
  const std::string found = job.folder / "found.car";
  const std::string said =
      output_of(line(job.film, job.folder / "again", "--store " + store + " --manifest " + found));
  ck_assert_uint_eq(encoded(said), 0);
  expect_same(job.folder / "out", job.folder / "again");

  // The record of a run that encoded nothing.
  const Shown shown(found);
  const Shown first(job.car);
  ck_assert_str_eq(json_array_get_string_element(shown.list("workers"), 0), "the store");
  ck_assert_int_eq(json_object_get_int_member(shown.encoded(3, 1), "attempts"), 0);
  ck_assert_str_eq(json_object_get_string_member(shown.encoded(3, 1), "data"),
                   json_object_get_string_member(first.encoded(3, 1), "data"));
  expect(record("import " + found + " --store " + (job.folder / "store2")), 0,
         std::to_string(kSegments * kRungs) + " results");
  ck_assert_uint_eq(encoded(output_of(line(job.film, job.folder / "third",
                                           "--store " + (job.folder / "store2")))),
                    0);
  expect(record("import " + job.car + " --store " + job.film), 4, "--store: ");
}
GST_END_TEST

// A server may give other bytes the next time.
GST_START_TEST(test_transcode_record_of_a_film_from_a_server) {
  const Folder folder;
  const std::string film = make(folder, "film.ts",
                                "-f lavfi -i testsrc2=size=160x90:rate=25:duration=4 "
                                "-pix_fmt yuv420p -c:v libx264 -g 25 -bf 0");
  const std::string port = std::to_string(farm::free_port());
  const farm::Process server("python3 -u -m http.server " + port +
                             " --bind 127.0.0.1 --directory " +
                             fs::path(film).parent_path().string());
  ck_assert(wait_for(server, "Serving HTTP"));
  output_of(command() + "transcode http://user:word@127.0.0.1:" + port + "/film.ts?token=x -o " +
            (folder / "out.mkv") + " -r a:vp8:64x36:speed=fast --manifest " + (folder / "job.car"));
  const Shown shown(folder / "job.car");
  JsonObject* const source = json_object_get_object_member(shown.object(), "source");
  ck_assert_str_eq(json_object_get_string_member(source, "name"), "http://127.0.0.1/film.ts");
  ck_assert(!json_object_has_member(source, "sha256"));
  expect(record("verify " + (folder / "job.car") + " --source " + film), 0, " has its video");
}
GST_END_TEST

// Guessed frames depend on the decoder, so a store does not keep them.
GST_START_TEST(test_transcode_record_of_a_damaged_film) {
  const Folder folder;
  make(folder, "in.ts",
       "-f lavfi -i testsrc2=duration=4:rate=25 -pix_fmt yuv420p -c:v libx264 -g 25 -bf 0 "
       "-x264-params slices=1");
  const std::string whole = bytes_of(folder / "in.ts");
  constexpr std::size_t kPacket = 188;
  const std::size_t at = whole.size() / kPacket * 6 / 10 * kPacket;
  write_file(folder / "lost.ts", whole.substr(0, at) + whole.substr(at + 12 * kPacket));
  output_of(command() + "transcode " + (folder / "lost.ts") + " -o " + (folder / "lost.mkv") +
            " -r a:vp8:64x36:speed=fast --manifest " + (folder / "job.car"));
  expect(record("verify " + (folder / "job.car") + " --source " + (folder / "lost.ts")), 0,
         "is its film");
  expect(record("import " + (folder / "job.car") + " --store " + (folder / "store")), 0,
         " left out, which a store would not keep.");
}
GST_END_TEST

GST_START_TEST(test_transcode_record_that_cannot_be) {
  const Folder folder;
  const std::string film = film_of(folder);
  write_file(folder / "there.car", "mine");
  const std::string out = line(film, folder / "out", "");
  const struct {
    std::string run;
    int code;
    const char* text;
  } rows[] = {
      {out + "--manifest-only", 2, "--manifest-only: is for the file of --manifest"},
      {out + "--sign key", 2, "--sign: is for the file of --manifest"},
      {out + "--manifest " + (folder / "there.car"), 4, "is there already"},
      {out + "--yes --manifest " + film, 2, "is the input, which would be lost"},
      {out + "--manifest " + (folder / "out/big.mp4"), 2, "would be two outputs"},
      {out + "--manifest /proc/none/job.car", 4, "/proc/none"},
      {record(""), 2, "Write show, verify or import"},
      {record("look job.car"), 2, "write show, verify or import"},
      {record("show"), 2, "which record"},
      {record("show a b"), 2, "'b' is one argument too many"},
      {record("show " + (folder / "none.car")), 3, "No such file"},
      {record("verify a --json"), 2, "--json: is for show"},
      {record("show a --key b"), 2, "are for verify"},
      {record("show a --store b"), 2, "are for import"},
      {record("import a"), 2, "into which store"},
      {record("import a --store b --store-limit x"), 2, "write a size"},
  };
  for (const auto& row : rows) {
    const Ran ran = run(row.run);
    ck_assert_msg(ran.code == row.code && ran.output.find(row.text) != std::string::npos,
                  "%s: exit code %d\n%s", row.run.c_str(), ran.code, ran.output.c_str());
  }
  ck_assert_str_eq(bytes_of(folder / "there.car").c_str(), "mine");
}
GST_END_TEST

static Suite* transcode_record_suite() {
  Suite* const suite = suite_create("transcode_record");
  TCase* const tests = tcase_create("all");
  tcase_set_timeout(tests, 300);
  suite_add_tcase(suite, tests);
  tcase_add_test(tests, test_transcode_record_tells_the_job);
  tcase_add_test(tests, test_transcode_record_tells_what_was_seen);
  tcase_add_test(tests, test_transcode_record_of_another_film);
  tcase_add_test(tests, test_transcode_record_with_damage_in_any_section);
  tcase_add_test(tests, test_transcode_record_from_an_attacker);
  tcase_add_test(tests, test_transcode_record_without_its_data);
  tcase_add_test(tests, test_transcode_record_that_is_signed);
  tcase_add_test(tests, test_transcode_record_of_a_run_that_does_not_end);
  tcase_add_test(tests, test_transcode_record_fills_a_store);
  tcase_add_test(tests, test_transcode_record_of_a_film_from_a_server);
  tcase_add_test(tests, test_transcode_record_of_a_damaged_film);
  tcase_add_test(tests, test_transcode_record_that_cannot_be);
  return suite;
}

GST_CHECK_MAIN(transcode_record)
