// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/store/result_key.h"

#include <functional>

#include "gst/rendition/scale_plan.h"
#include "tests/common/support.h"

namespace {

using namespace dist;
using dist::test::Data;

constexpr Time kMs = kSecond / 1000;
constexpr std::size_t kFrames = 24;

// What a key is made of.
struct Made {
  SegmentHeader source;
  Data payload = Data(kFrames * 10, 7);
  std::vector<RenditionSpec> specs;
  std::size_t rendition = 1;
  std::string encoder = "x264enc";
  std::string version = "x264 164";
};

std::string caps(const char* more) {
  return std::string("video/x-h264, stream-format=(string)avc, codec_data=(buffer)01,") + more;
}

// Second segment of a film of 23.976 frames a second: one unit to help decoding, then the frames,
// every third one late.
Made film() {
  Made made;
  SegmentHeader& h = made.source;
  h.stream_id = "film.mp4";
  h.index = 1;
  h.caps = caps(" framerate=(fraction)24000/1001, width=(int)1920, level=(string)4");
  h.first_unit = 23;
  h.start = 1'084'416'666;
  h.stop = h.start + 1'001'000'000;
  for (std::size_t i = 0; i < kFrames; ++i) {
    const Time show = h.start + i * 1'001'000'000 / kFrames;
    h.units.push_back({.pts = show,
                       .dts = show - 80 * kMs,
                       .duration = 41'708'333,
                       .show = show,
                       .flags = i == 0 ? 0 : kFlagDeltaUnit,
                       .size = 10});
  }
  std::swap(h.units[4], h.units[5]);
  h.units.insert(h.units.begin(), {.pts = h.start - 42 * kMs, .dts = h.start - 100 * kMs});
  made.specs =
      *parse_renditions("720p:h264:1280x720:crf=23, small:h264:640x360:crf=25:fps=24000/1001");
  made.specs[1].fps.reset();
  return made;
}

std::optional<BlobKey> key_of(const Made& made) {
  const Bytes payload = Bytes::take(made.payload);
  std::vector<RenditionSpec> specs = made.specs;
  set_scaling_paths(specs, 1920, 1080);
  return result_key(
      made.source, sha256({payload}),
      {.spec = specs[made.rendition], .encoder = made.encoder, .encoder_version = made.version});
}

void move_by(SegmentHeader& h, Time by) {
  h.start += by;
  h.stop += by;
  for (AccessUnit& unit : h.units)
    for (Time* time : {&unit.pts, &unit.dts, &unit.show})
      *time = *time == kNoTime ? kNoTime : *time + by;
}

// As a demuxer of Matroska gives them.
void round_to_milliseconds(SegmentHeader& h) {
  const auto rounded = [](Time time) { return (time + kMs / 2) / kMs * kMs; };
  for (AccessUnit& unit : h.units) {
    unit.dts = kNoTime;
    unit.pts = rounded(unit.pts);
    unit.show = unit.show == kNoTime ? kNoTime : rounded(unit.show);
  }
  h.start = h.units[1].show;
}

struct Row {
  const char* what;
  std::function<void(Made&)> change;
};

const Row kSame[] = {
    {"another name", [](Made& m) { m.source.stream_id = "copy.mkv"; }},
    {"another place of the film",
     [](Made& m) {
       move_by(m.source, 3601 * kSecond + 1);
       m.source.index = 3700;
       m.source.first_unit = 88'000;
     }},
    {"the end of the film", [](Made& m) { m.source.last = true; }},
    {"a longer last frame", [](Made& m) { m.source.stop += 500 * kMs; }},
    {"another time segment", [](Made& m) { m.source.time_segment.base = kSecond; }},
    {"fields in another order",
     [](Made& m) {
       m.source.caps = caps(
           "level=(string)4,width=(int)1920,  framerate=(fraction)24000/1001,"
           "interlace-mode=(string)progressive, pixel-aspect-ratio=(fraction)1/1");
     }},
    {"Matroska", [](Made& m) { round_to_milliseconds(m.source); }},
    {"Matroska at another place",
     [](Made& m) {
       move_by(m.source, 777'777'777);
       round_to_milliseconds(m.source);
     }},
    {"no decode times", [](Made& m) { m.source.units[3].dts = kNoTime; }},
    {"discontinuity at the start", [](Made& m) { m.source.units[0].flags |= 1u << 6; }},
    {"the rendition's name", [](Made& m) { m.specs[1].name = "360p"; }},
    {"a rendition that is smaller",
     [](Made& m) { m.specs.push_back(parse_renditions("t:h264:320x180")->front()); }},
};

const Row kOther[] = {
    {"payload", [](Made& m) { m.payload[3] ^= 1; }},
    {"codec data", [](Made& m) { m.source.caps.replace(m.source.caps.find("01,"), 3, "02,"); }},
    {"media type", [](Made& m) { m.source.caps.replace(0, 12, "video/x-h265"); }},
    {"frame rate", [](Made& m) { m.source.caps += ", framerate=(fraction)25/1"; }},
    {"interlaced", [](Made& m) { m.source.caps += ", interlace-mode=(string)mixed"; }},
    {"size of units",
     [](Made& m) {
       ++m.source.units[1].size;
       --m.source.units[2].size;
     }},
    {"flags", [](Made& m) { m.source.units[5].flags ^= kFlagDeltaUnit; }},
    {"a frame only helps decoding", [](Made& m) { m.source.units[6].show = kNoTime; }},
    {"a frame is shown too", [](Made& m) { m.source.units[0].show = m.source.start - 42 * kMs; }},
    {"helps decoding from behind", [](Made& m) { m.source.units[0].pts = m.source.stop; }},
    {"a unit without time",
     [](Made& m) { m.source.units[0].pts = m.source.units[0].dts = kNoTime; }},
    {"order of presentation",
     [](Made& m) { std::swap(m.source.units[8].show, m.source.units[9].show); }},
    {"a late frame", [](Made& m) { m.source.units[7].show += 5 * kMs; }},
    {"a long frame", [](Made& m) { m.source.units[7].duration += 5 * kMs; }},
    {"decode times that count", [](Made& m) { m.source.units[7].pts = kNoTime; }},
    {"codec", [](Made& m) { m.specs[1].codec = "h265"; }},
    {"size", [](Made& m) { m.specs[1].width = 480; }},
    {"quality", [](Made& m) { m.specs[1].quality = 26; }},
    {"speed", [](Made& m) { m.specs[1].speed = Speed::kSlow; }},
    {"in band", [](Made& m) { m.specs[1].in_band = true; }},
    {"pixels",
     [](Made& m) {
       m.specs[1].pixel_aspect_ratio = {4, 3};
     }},
    {"every other frame",
     [](Made& m) {
       m.specs[1].fps = Fraction{12000, 1001};
     }},
    {"scaled from the source",
     [](Made& m) {
       m.specs.erase(m.specs.begin());
       m.rendition = 0;
     }},
    {"encoder", [](Made& m) { m.encoder = "openh264enc"; }},
    {"version", [](Made& m) { m.version = "x264 165"; }},
};

}  // namespace

GST_START_TEST(test_what_does_not_decide_is_not_in_the_key) {
  const auto key = key_of(film());
  fail_unless(key.has_value());
  for (const Row& row : kSame) {
    Made made = film();
    row.change(made);
    fail_unless(key_of(made) == key, "%s: another key", row.what);
  }
}
GST_END_TEST

GST_START_TEST(test_what_decides_is_in_the_key) {
  std::vector<std::pair<std::string, std::optional<BlobKey>>> keys{{"the film", key_of(film())}};
  for (const Row& row : kOther) {
    Made made = film();
    row.change(made);
    const auto key = key_of(made);
    fail_unless(key.has_value(), "%s: no key", row.what);
    for (const auto& [what, other] : keys)
      fail_if(key == other, "%s: the key of: %s", row.what, what.c_str());
    keys.emplace_back(row.what, key);
  }
}
GST_END_TEST

// With fps= the same segment has other frames elsewhere in the film.
GST_START_TEST(test_place_counts_where_it_decides_on_the_frames) {
  Made made = film();
  made.specs[1].fps = Fraction{5, 1};
  const auto here = key_of(made);
  move_by(made.source, 100 * kMs);
  fail_if(key_of(made) == here);
  move_by(made.source, 100 * kMs);
  fail_unless(key_of(made) == here);
}
GST_END_TEST

// Times that no frame rate explains count to the nanosecond.
GST_START_TEST(test_variable_rate_counts_in_nanoseconds) {
  for (const char* rate : {"", ", framerate=(fraction)0/1", ", framerate=(fraction)1000/1",
                           ", framerate=(fraction)24000/x", ", framerate=(fraction)4000000000/1"}) {
    Made made = film();
    made.source.caps = caps(" width=(int)1920") + rate;
    const auto key = key_of(made);
    Made moved = made;
    move_by(moved.source, kSecond);
    fail_unless(key_of(moved) == key, "'%s'", rate);
    ++made.source.units[9].show;
    fail_if(key_of(made) == key, "'%s'", rate);
  }
}
GST_END_TEST

GST_START_TEST(test_no_key_where_nobody_knows_what_is_made) {
  const Row rows[] = {
      {"a pipeline written by hand", [](Made& m) { m.encoder.clear(); }},
      {"no version", [](Made& m) { m.version.clear(); }},
      {"no frame", [](Made& m) { m.source.units.clear(); }},
  };
  for (const Row& row : rows) {
    Made made = film();
    row.change(made);
    fail_if(key_of(made).has_value(), "%s", row.what);
  }
}
GST_END_TEST

GST_START_TEST(test_payload_digest_does_not_know_the_header_or_the_pieces) {
  const Made made = film();
  SegmentHeader header = made.source;
  header.units = {{.size = 100}, {.size = 140}};
  const auto digest = sha256({Bytes::take(made.payload)});
  Data all = dist::test::to_data(serialize(header).span());
  all.insert(all.end(), made.payload.begin(), made.payload.end());
  const Bytes bytes = Bytes::take(all);
  for (std::size_t cut = 0; cut <= all.size(); cut += 3)
    fail_unless(payload_digest(header, {bytes.slice(0, cut), bytes.slice(cut, all.size() - cut)}) ==
                digest);
}
GST_END_TEST

GST_START_TEST(test_canonical_caps) {
  const char* const rows[][2] = {
      {"video/x-vp8", "video/x-vp8"},
      {"b/c, z=(int)1, a=(string)\"x, (y\\\",\", m={ (int)1, 2 }",
       "b/c,a=(string)\"x, (y\\\",\",m={ (int)1, 2 },z=(int)1"},
      {"video/x-raw(memory:GLMemory, meta:x), width=(int)2, format=(string)I420",
       "video/x-raw(memory:GLMemory, meta:x),format=(string)I420,width=(int)2"},
      {"", ""},
  };
  for (const auto& row : rows)
    fail_unless_equals_text(canonical_caps(row[0]), row[1]);
}
GST_END_TEST

GST_START_TEST(test_key_as_text) {
  BlobKey key = {};
  key[0] = 0xab;
  key[31] = 0x01;
  const std::string text = key_text(key);
  fail_unless_equals_text(text, "ab" + std::string(60, '0') + "01");
  fail_unless(key_from_text(text) == key);
  for (const std::string& bad : {text.substr(1), text + "0", "AB" + text.substr(2), std::string()})
    fail_if(key_from_text(bad).has_value(), "%s", bad.c_str());
}
GST_END_TEST

static Suite* result_key_suite() {
  Suite* suite = suite_create("result_key");
  TCase* tcase = tcase_create("general");
  suite_add_tcase(suite, tcase);
  tcase_add_test(tcase, test_what_does_not_decide_is_not_in_the_key);
  tcase_add_test(tcase, test_what_decides_is_in_the_key);
  tcase_add_test(tcase, test_place_counts_where_it_decides_on_the_frames);
  tcase_add_test(tcase, test_variable_rate_counts_in_nanoseconds);
  tcase_add_test(tcase, test_no_key_where_nobody_knows_what_is_made);
  tcase_add_test(tcase, test_payload_digest_does_not_know_the_header_or_the_pieces);
  tcase_add_test(tcase, test_canonical_caps);
  tcase_add_test(tcase, test_key_as_text);
  return suite;
}

GST_CHECK_MAIN(result_key)
