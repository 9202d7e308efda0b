// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Writes the corpus from which fuzzing begins: `seeds tests/fuzz/corpus`. To be run again when the
// protocol changes.
#include <filesystem>
#include <fstream>
#include <string>

#include "gst/cut/segment.h"
#include "gst/record/car.h"
#include "gst/record/dag_cbor.h"
#include "gst/record/dag_pb.h"
#include "gst/record/manifest.h"
#include "gst/record/signature.h"
#include "gst/record/store_export.h"
#include "gst/rendition/rendition.h"
#include "gst/store/job_journal.h"
#include "gst/store/stored_result.h"
#include "tests/fuzz/fuzz.h"

namespace {

using namespace dist;
using namespace dist::fuzz;
using Data = std::vector<std::uint8_t>;

class Corpus {
 public:
  explicit Corpus(std::filesystem::path root) : root_(std::move(root)) {}

  void write(const std::string& target, const std::string& name, const Data& data) const {
    std::filesystem::create_directories(root_ / target);
    std::ofstream file(root_ / target / name, std::ios::binary);
    file.write(reinterpret_cast<const char*>(data.data()),
               static_cast<std::streamsize>(data.size()));
    if (!file)
      std::exit(1);
  }

 private:
  std::filesystem::path root_;
};

Data operator+(Data a, const Data& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

Data text(const std::string& text) {
  return {text.begin(), text.end()};
}

Data encoded(const wire::Message& message) {
  return join({wire::encode(message)});
}

// Type and body, as the targets take them: without the rest of the header.
Data body(const wire::Message& message) {
  const Data bytes = encoded(message);
  return {bytes.begin() + wire::kFrameHeader, bytes.end()};
}

// A step of the session targets: a frame of that type.
Data frame_step(const wire::Message& message) {
  const Data bytes = encoded(message);
  return Data{1, bytes[0], static_cast<std::uint8_t>(bytes.size() - wire::kFrameHeader)} +
         body(message);
}

FarmStatus some_status() {
  FarmStatus status;
  status.jobs.push_back({.id = 1, .done = 2, .renditions = {{"720p", "x264enc"}}});
  status.workers.push_back(
      {.id = 3, .name = "box", .address = "[::1]:9", .capacity = 2, .leases = {{1, 4, 1, 5}}});
  status.all_workers = 1;
  status.failures.push_back({1, 4, 1, 6, "box", "stuck"});
  return status;
}

void write_wire(const Corpus& corpus) {
  const Data bytes = {1, 2, 3};
  const std::pair<const char*, wire::Message> messages[] = {
      {"hello", wire::Hello{.capacity = 2, .nonce = {1}, .name = "box"}},
      {"challenge", wire::Challenge{1, true, {2}}},
      {"proof", wire::Proof{{3}}},
      {"welcome", wire::Welcome{{4}}},
      {"refuse", wire::Refuse{1, 1, "no"}},
      {"lease", wire::Grant{7, 41, 2, 1500000, {}, "a:h264"}},
      {"result-part", wire::ResultPart{7, 0, 2, 90000, {5}}},
      {"fail", wire::Fail{7, "stuck"}},
      {"cancel", wire::Cancel{7}},
      {"done", wire::Done{"bye"}},
      {"leave", wire::Leave{}},
      {"retire", wire::Retire{{7, 8}}},
      {"data", wire::Data{7, bytes}},
      {"heartbeat", wire::Heartbeat{}},
      {"progress", wire::Progress{7, 1500000, 25, 24}},
      {"job", wire::Want{3, "a:h264:64x36,b:vp9"}},
      {"status-request", wire::StatusRequest{}},
      {"status-report", wire::StatusReport{some_status()}},
      {"offer", wire::Offer{3, {{true, "x264enc", ""}, {false, "", "no encoder"}}}},
  };
  Data stream;
  for (const auto& [name, message] : messages) {
    corpus.write("message", name, Data{encoded(message)[0], 0} + body(message));
    stream = stream + encoded(message);
  }
  corpus.write("frame", "bytewise", Data{0} + stream);
  corpus.write("frame", "pieces", Data{3, 7, 0, 40} + stream);
  corpus.write("frame", "browser", Data{0} + text("GET / HTTP/1.1\r\n\r\n"));
}

void write_sessions(const Corpus& corpus) {
  const Data grant = {4, 4, 9, 8, 7, 6};
  const Data answer = {3, 0, 0, 0, 0, 5, 1, 2, 3, 4, 5};
  const Data two_parts = Data{3, 0, 1, 0, 0, 2, 1, 2} + Data{3, 0, 1, 1, 0, 2, 3, 4};
  const Data time = {6, 50};
  const Data write = {7};
  for (std::uint8_t secret : {std::uint8_t{0}, std::uint8_t{1}}) {
    const std::string suffix = secret ? "-secret" : "";
    corpus.write("primary_session", "result" + suffix, Data{secret} + grant + write + answer);
    corpus.write("primary_session", "parts" + suffix, Data{secret} + grant + time + two_parts);
  }
  corpus.write("primary_session", "too-long", Data{0} + grant + Data{3, 0, 0, 0, 1, 3, 1, 2, 3});
  corpus.write("primary_session", "too-large",
               Data{0} + grant + Data{3, 0, 1, 0, 0, 250} + Data(250) + Data{3, 0, 1, 1, 0, 250} +
                   Data(250));
  corpus.write("primary_session", "progress",
               Data{0} + grant + frame_step(wire::Progress{1, 4, 1, 0}) +
                   frame_step(wire::Progress{1, 4, 1, 1}) + frame_step(wire::Heartbeat{}));
  corpus.write("primary_session", "fail",
               Data{0} + grant + frame_step(wire::ResultPart{1, 0, 2, 10, {}}) +
                   frame_step(wire::Fail{1, "stuck"}) + frame_step(wire::Leave{}));
  corpus.write("primary_session", "retire",
               Data{0} + grant + grant + frame_step(wire::Retire{{2}}) + write + Data{5, 0} +
                   Data{3, 1, 0, 0, 0, 5, 1, 2, 3, 4, 5} + frame_step(wire::Leave{}));
  corpus.write("primary_session", "cancel",
               Data{0} + grant + frame_step(wire::ResultPart{1, 0, 2, 10, {}}) + Data{5, 0});
  corpus.write("primary_session", "greeting",
               Data{2} + frame_step(wire::Hello{.capacity = 2, .name = "box"}) +
                   frame_step(wire::Proof{}) + grant + answer);

  corpus.write("primary_session", "observer",
               Data{4} + frame_step(wire::StatusRequest{}) + write +
                   frame_step(wire::StatusRequest{}) + frame_step(wire::Leave{}));

  // Here each step begins with a number of a lease.
  const Data lease = {0, 3, 4, 9, 8, 7, 6, 0};
  const auto said = [](const wire::Message& message) { return Data{0} + frame_step(message); };
  corpus.write("worker_session", "lease", Data{0} + lease + Data{0, 5, 3, 2} + Data{0, 7});
  corpus.write("worker_session", "result-secret", Data{1} + lease + Data{0, 4, 1, 3, 1, 2, 3});
  corpus.write("worker_session", "cancel",
               Data{0} + lease + said(wire::Grant{2, 2, 1, 100, {}}) + said(wire::Cancel{2}) +
                   said(wire::Done{"bye"}));
  corpus.write("worker_session", "greeting",
               Data{2} + said(wire::Challenge{1, false, {}}) + said(wire::Welcome{}) + lease);
  corpus.write("worker_session", "observer",
               Data{4} + said(wire::StatusReport{some_status()}) + said(wire::Done{"bye"}));
  corpus.write("worker_session", "refused",
               Data{2} + said(wire::Refuse{1, 1, "no"}) + said(wire::Challenge{1, false, {}}));
}

void write_coordinator(const Corpus& corpus) {
  const Data connect = {0, 1, 15};
  const Data submit = {8, 0, 15};
  const Data answer = {4, 0, 4, 15};
  corpus.write("coordinator", "done", connect + submit + answer + Data{10, 0});
  corpus.write("coordinator", "fails",
               connect + submit + Data{4, 0, 8, 15, 4, 0, 8, 15, 7, 100, 15, 4, 0, 1, 15});
  corpus.write("coordinator", "hung", connect + submit + Data{7, 40, 15, 7, 40, 15, 7, 100, 15});
  corpus.write("coordinator", "two-jobs",
               connect + connect + Data{11, 0} + submit + Data{8, 1, 15} + answer +
                   Data{4, 1, 4, 15} + Data{11, 1} + Data{11, 2} + Data{11, 4});
  corpus.write("coordinator", "large",
               connect + connect + submit + submit + submit + Data{4, 1, 255, 15, 4, 0, 255, 15});
  corpus.write("coordinator", "flood", Data{0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 15});
  // A job that wants three renditions: made by one worker, by two in parts, of different encoders,
  // and by nobody.
  const Data ladder = {11, 5, 0};
  const Data submit_ladder = {8, 2, 15};
  const auto offer = [](std::uint8_t worker, std::uint8_t how) {
    return Data{12, worker, how, 15};
  };
  corpus.write("coordinator", "renditions",
               connect + ladder + Data{15} + submit_ladder + offer(0, 0x3f) + submit_ladder +
                   Data{4, 0, 4, 15, 4, 0, 4, 15, 10, 2});
  corpus.write("coordinator", "parts",
               connect + connect + ladder + Data{15} + offer(0, 3) + offer(1, 0x3c) +
                   submit_ladder + Data{4, 0, 4, 15, 4, 1, 4, 15, 10, 2, 11, 8});
  corpus.write("coordinator", "encoders",
               connect + connect + ladder + Data{15} + offer(0, 0x3f) + offer(1, 0x2a) +
                   submit_ladder + submit_ladder + Data{4, 0, 4, 15, 4, 1, 4, 15, 11, 7});
  corpus.write("coordinator", "by-hand",
               connect + Data{11, 5, 1, 15} + offer(0, 0x15) + submit_ladder + submit_ladder +
                   Data{4, 0, 68, 15, 4, 0, 36, 15, 7, 250, 7, 250});
  corpus.write("coordinator", "nobody-can",
               connect + ladder + Data{15} + offer(0, 0) + submit_ladder + Data{7, 250, 7, 250});
  corpus.write("coordinator", "lost", connect + submit + Data{6, 0} + connect + answer);
}

void write_segments(const Corpus& corpus) {
  SegmentHeader header;
  header.stream_id = "film";
  header.index = 1;
  header.start = kSecond;
  header.stop = 2 * kSecond;
  header.caps = "video/x-vp8";
  corpus.write("segment_header", "empty", join({serialize(header)}));
  header.units = {{.pts = kSecond, .dts = 0, .duration = 40, .show = kSecond, .size = 3},
                  {.pts = kSecond + 40, .show = kSecond + 40, .flags = kFlagDeltaUnit, .size = 2},
                  {.size = 1}};
  const Data payload = {1, 2, 3, 4, 5, 6};
  corpus.write("segment_header", "source", join({serialize(header)}) + payload);
  // Their sum is right only if it wraps around.
  SegmentHeader wraps = header;
  wraps.units[0].size = wraps.units[1].size = std::uint64_t{1} << 63;
  wraps.units[2].size = 6;
  corpus.write("segment_header", "wraps", join({serialize(wraps)}) + payload);
  header.rendition = "hd";
  header.last = true;
  header.reorder_depth = 1;
  corpus.write("segment_header", "rendition", join({serialize(header)}));
}

// Without the checksum, which the target adds.
void write_stored_results(const Corpus& corpus) {
  SegmentHeader source;
  source.stream_id = "film";
  source.stop = 3 * kSecond;
  source.caps = "video/x-vp8";
  for (Time i = 0; i < 3; ++i)
    source.units.push_back(
        {.pts = i * kSecond, .duration = kSecond, .show = i * kSecond, .size = 1});
  SegmentHeader result = source;
  result.rendition = "hd";
  result.caps = "video/x-h264, codec_data=(buffer)01";
  result.reorder_depth = 1;
  std::swap(result.units[1], result.units[2]);
  const Data head = join({serialize(source)});
  const auto write = [&](const char* name, const SegmentHeader& header) {
    const auto blob = store_result({1, 2, 3}, "hd by x264enc", source, header.presentation_times(),
                                   header, {serialize(header), copy(Data(header.payload_size()))});
    if (!blob)
      std::exit(1);
    Data bytes = join(*blob);
    bytes.resize(bytes.size() - 32);
    corpus.write(
        "stored_result", name,
        Data{static_cast<std::uint8_t>(head.size()), static_cast<std::uint8_t>(head.size() >> 8)} +
            head + bytes);
  };
  write("reordered", result);
  result.units.resize(1);
  write("one-frame", result);
}

void write_specs(const Corpus& corpus) {
  const auto write = [&](const char* name, std::string_view text) {
    corpus.write("renditions", name, Data(text.begin(), text.end()));
  };
  write("three",
        "720p:h264:1280x720:crf=23:maxrate=3M, 360p:h264:640x360:crf=25, thumb:jpeg:320x180:fps=1");
  write(
      "all",
      "a:h265:1280x720:fps=30000/1001:crf=23.5:maxrate=2500k:buffer=500:keyint=48:bframes=2:"
      "threads=4:speed=slow:in-band=1,b:vp9:width=640:bitrate=800000,c:jpeg:height=99:quality=80");
  for (const char* ladder : {"h264", "mezzanine"})
    write(ladder, built_in_ladder(ladder));
  write("wrong", "source:h263:641x0:crf=nan:maxrate=3Mbps:fps=0,,");
}

// First access units with the caps that describe them.
void write_renditions(const Corpus& corpus) {
  const auto rendition = [&](const char* name, const char* caps, const Data& unit) {
    for (std::uint8_t mixed : {std::uint8_t{0}, std::uint8_t{1}})
      corpus.write("check_rendition", std::string(name) + (mixed ? "-mixed" : ""),
                   Data{mixed} + text(caps) + Data{0} + unit);
  };
  const Data idr = {0, 0, 1, 0x65, 0x88, 0x84};
  const Data sets = {0, 0, 0, 1, 0x67, 66, 0xc0, 30, 0, 0, 0, 1, 0x68, 0xce, 0x38, 0x80};
  constexpr char kByteStream[] =
      "video/x-h264, stream-format=(string)byte-stream, alignment=(string)au, width=(int)320, "
      "height=(int)180, framerate=(fraction)30/1, profile=(string)high";
  rendition("h264", kByteStream, sets + idr);
  rendition("h264-no-sets", kByteStream, idr);
  rendition("h264-no-keyframe", kByteStream, sets + Data{0, 0, 1, 0x41, 0x9a});
  rendition("h264-avc",
            "video/x-h264, stream-format=(string)avc, alignment=(string)au, "
            "codec_data=(buffer)0142c01effe1000467",
            Data{0, 0, 0, 3, 0x65, 0x88, 0x84});
  rendition("h265",
            "video/x-h265, stream-format=(string)byte-stream, alignment=(string)au, "
            "pixel-aspect-ratio=(fraction)1/1",
            Data{0, 0, 1, 0x40, 1, 12,   0, 0, 1, 0x42, 1, 1,
                 0, 0, 1, 0x44, 1, 0xc1, 0, 0, 1, 0x26, 1, 0xaf});
  rendition("vp8", "video/x-vp8, profile=(string)0", Data{0x10, 2, 0, 0x9d, 1, 0x2a, 16, 0, 16, 0});
  rendition("jpeg", "image/jpeg, sof-marker=(int)0", Data{0xff, 0xd8});
  rendition("ranges", "video/x-vp8, width=(int)[ 1, 320 ], framerate=(fraction){ 25/1, 30/1 }", {});
  rendition("nested", "video/x-vp8, a=(structure)[b, c=(GstCaps)\"video/x-raw, d\\=\\(int\\)1\"]",
            {});
  rendition("features", "video/x-raw(memory:DMABuf, meta:Overlay); video/x-vp8", {});
  rendition("any", "ANY", {});
}

Data big_endian(std::uint32_t value) {
  return {static_cast<std::uint8_t>(value >> 24), static_cast<std::uint8_t>(value >> 16 & 0xff),
          static_cast<std::uint8_t>(value >> 8 & 0xff), static_cast<std::uint8_t>(value & 0xff)};
}

Data box(const char* type, const Data& content) {
  return big_endian(static_cast<std::uint32_t>(8 + content.size())) + text(type) + content;
}

// Of Matroska, with a size of one byte.
Data element(const Data& id, const Data& content) {
  return id + Data{static_cast<std::uint8_t>(0x80 | content.size())} + content;
}

// Films with Dolby Vision, as no encoder here makes them; film_seeds.sh makes the others.
void write_films(const Corpus& corpus) {
  const Data record = {1, 0, 5 << 1, 0x0d, 1 << 4};
  const Data entry = box("hvc1", Data(78) + box("dvcC", record + Data(19)));
  const Data tables = box("stbl", box("stsd", Data(4) + big_endian(1) + entry));
  const Data media =
      box("mdia", box("mdhd", Data(12) + big_endian(25) + big_endian(50) + Data(4)) +
                      box("hdlr", Data(8) + text("vide") + Data(13)) + box("minf", tables));
  const Data header = Data(12) + big_endian(1000) + big_endian(2000);
  const Data track = box("trak", box("tkhd", header + Data(60)) + media);
  const Data file_type = box("ftyp", text("mp42") + Data(4));
  corpus.write("film_input", "vision.mp4",
               file_type + box("moov", box("mvhd", header + Data(80)) + track));
  const Data mapping =
      element({0x41, 0xe4}, element({0x41, 0xe7}, text("dvcC")) + element({0x41, 0xed}, record));
  const Data entries = element({0xae}, element({0x83}, {1}) + mapping);
  corpus.write("film_input", "vision.mkv",
               element({0x1a, 0x45, 0xdf, 0xa3}, {}) +
                   element({0x18, 0x53, 0x80, 0x67}, element({0x16, 0x54, 0xae, 0x6b}, entries)));
}

// As the target takes them: which of its forms, then the bytes, or blocks each with its length.
void write_record_files(const Corpus& corpus) {
  const record::Cid hello = record::Cid::of(record::Codec::kRaw, text("hello"));
  corpus.write("record_files", "signature",
               Data{0} + *record::write_signature({.key = {1}, .record = hello, .signature = {2}}));
  const JobJournal journal{.host = "box",
                           .status = some_status(),
                           .happenings = {{.kind = Happening::Kind::kFailed,
                                           .segment = 1,
                                           .attempt = 1,
                                           .worker = "box",
                                           .reason = "stuck"}}};
  corpus.write("record_files", "journal", Data{1} + join({write_journal(journal)}));
  Data blocks = {2};
  const auto root =
      record::write_export({{.key = {1}, .blob = {hello, 5}}}, [&](const record::Block& block) {
        const auto size = block.bytes.size();
        blocks =
            blocks +
            Data{static_cast<std::uint8_t>(size & 0xff), static_cast<std::uint8_t>(size >> 8)} +
            join({block.bytes});
        return Status();
      });
  if (!root)
    std::exit(1);
  corpus.write("record_files", "export", blocks);
}

// Blocks of a record, and CARs of them.
void write_records(const Corpus& corpus) {
  record::Manifest manifest;
  manifest.software = {{"gst-dist", "0.2.0"}};
  manifest.source = {"film", 9, {}, {{.kind = "video", .codec = "vp8"}}};
  manifest.source.streams[0].frame_rate = record::Rational{25, 1};
  manifest.renditions.push_back({"hd", "hd:vp9", "vp9enc", {{1, 2}}});
  manifest.workers = {"box"};
  manifest.segments.resize(1);
  manifest.segments[0].encoded.resize(1);
  manifest.segments[0].encoded[0].hashes.resize(1);
  manifest.thumbnails.resize(1);
  std::vector<record::Block> blocks;
  const auto root = record::write_manifest(manifest, [&](const record::Block& block) {
    blocks.push_back(block);
    return Status();
  });
  // What all the links of the manifest lead to.
  blocks.push_back({record::Cid::of(record::Codec::kRaw, {}), {}});
  Data car = Data{255} + join({record::car_header(*root)});
  for (const record::Block& block : blocks) {
    corpus.write("dag_cbor", "block-" + block.cid.text().substr(50), join({block.bytes}));
    car = car + join(record::car_section(block));
  }
  corpus.write("car", "manifest", car);
  car[0] = 2;
  corpus.write("car", "pieces", car);
  corpus.write("car", "version-2", Data{255} + Data{0x0a, 0xa1, 0x67} + text("version") + Data{2});
  const record::Cid hello = record::Cid::of(record::Codec::kRaw, text("hello"));
  const auto value = record::encode_dag_cbor(record::Map{
      {"list", record::List{1, -300, UINT64_MAX, true, {}, 25.5}}, {"link", hello}, {"é", "日本"}});
  corpus.write("dag_cbor", "values", *value);
  corpus.write("dag_cbor", "deep", Data(100, 0x81));
  corpus.write("dag_cbor", "long", Data{0x9b, 0x7f, 255, 255, 255, 255, 255, 255, 255});
  Data file;
  record::append_number(file, 1, 2);
  record::append_number(file, 3, 5);
  record::append_number(file, 4, 5);
  corpus.write("dag_cbor", "file",
               record::encode_dag_pb({.links = {{hello, "", 5}}, .data = file}));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: seeds FOLDER\n");
    return 2;
  }
  const Corpus corpus(argv[1]);
  write_wire(corpus);
  write_sessions(corpus);
  write_coordinator(corpus);
  write_segments(corpus);
  write_renditions(corpus);
  write_stored_results(corpus);
  write_specs(corpus);
  write_films(corpus);
  write_records(corpus);
  write_record_files(corpus);
  return 0;
}
