// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include <gst/video/video.h>

#include "gst/base/text.h"
#include "gst/visualhash/visualhash.h"
#include "tests/common/film.h"
#include "tests/elements/helpers.h"

namespace {

using namespace test;

constexpr char kCaps[] = "video/x-raw, format=GRAY8, width=128, height=96, framerate=10/1";
constexpr gsize kSize = gsize{128} * 96;

// A slope with a bar that moves.
Ref<GstBuffer> frame(unsigned number) {
  GstBuffer* buffer = gst_buffer_new_allocate(nullptr, kSize, nullptr);
  GstMapInfo map;
  gst_buffer_map(buffer, &map, GST_MAP_WRITE);
  for (gsize i = 0; i < kSize; ++i) {
    const gsize x = i % 128;
    map.data[i] = static_cast<guint8>(x / 16 == number % 8 ? 230 : x + i / 128);
  }
  gst_buffer_unmap(buffer, &map);
  GST_BUFFER_PTS(buffer) = number * GST_SECOND / 10;
  GST_BUFFER_DURATION(buffer) = GST_SECOND / 10;
  return Ref<GstBuffer>::adopt(buffer);
}

const GstVisualHashValue* hash_of(const Ref<GstBuffer>& buffer) {
  const GstVisualHashMeta* meta = gst_buffer_get_visual_hash_meta(buffer.get());
  return meta ? &meta->hash : nullptr;
}

std::string digits(const GstVisualHashValue& hash) {
  return dist::take_string(gst_visual_hash_to_string(&hash));
}

// Which of so many frames are hashed.
std::string hashed(const std::string& properties, unsigned frames) {
  Harness hash("visualhash", properties, "sink", "src");
  hash.start(kCaps);
  std::string text;
  for (unsigned i = 0; i < frames; ++i) {
    expect_equal(hash.push(frame(i)), GST_FLOW_OK);
    text += hash_of(hash.pull()) ? 'x' : '.';
  }
  return text;
}

// The request pad, linked to a harness of its own.
struct HashPad {
  explicit HashPad(Harness& of)
      : pad(gst_element_request_pad_simple(of.element(), "hash")),
        harness(gst_harness_new_with_element(of.element(), nullptr, nullptr)) {
    gst_harness_add_element_src_pad(harness, pad);
  }
  ~HashPad() {
    gst_object_unref(pad);
    gst_harness_teardown(harness);
  }
  HashPad(const HashPad&) = delete;
  HashPad& operator=(const HashPad&) = delete;

  GstPad* pad;
  GstHarness* harness;
};

// --- Values that others published

std::filesystem::path published(const std::string& name) {
  return std::filesystem::path(g_getenv("DIST_SOURCE_ROOT")) / ".." / "shared" / "pdq" / name;
}

std::vector<std::string> fields_of(const std::string& line) {
  std::vector<std::string> fields;
  std::istringstream stream(line);
  for (std::string field; std::getline(stream, field, ',');)
    fields.push_back(field);
  return fields;
}

// What visualhash says of each frame of a file.
std::vector<GstVisualHashValue> hashes_of(const std::string& path) {
  const film::Recording recording =
      film::record("filesrc location=" + path +
                   " ! decodebin ! visualhash message=true ! appsink name=out sync=false");
  fail_unless(recording.error.empty(), "%s: %s", path.c_str(), recording.error.c_str());
  std::vector<GstVisualHashValue> hashes;
  for (const std::string& message : recording.messages) {
    GstStructure* structure = gst_structure_from_string(message.c_str(), nullptr);
    GstVisualHashValue hash = {};
    fail_unless(gst_visual_hash_from_string(&hash, gst_structure_get_string(structure, "hash")));
    fail_unless(gst_structure_get_uint(structure, "quality", &hash.quality));
    gst_structure_free(structure);
    hashes.push_back(hash);
  }
  expect_equal(hashes.size(), recording.items.size());
  return hashes;
}

}  // namespace

GST_START_TEST(test_visualhash_passes_video_untouched) {
  Harness hash("visualhash", "", "sink", "src");
  hash.start(kCaps);
  const auto sent = frame(3);
  // Held here too, so that it is not writable.
  expect_equal(hash.push(sent), GST_FLOW_OK);
  const auto seen = hash.pull();
  fail_unless(gst_buffer_peek_memory(seen.get(), 0) == gst_buffer_peek_memory(sent.get(), 0),
              "the pixels were copied");
  expect_equal(GST_BUFFER_PTS(seen.get()), GST_BUFFER_PTS(sent.get()));
  fail_unless(hash_of(seen) && !hash_of(sent));
}
GST_END_TEST

GST_START_TEST(test_visualhash_hashes_as_the_library_does) {
  Harness hash("visualhash", "", "sink", "src");
  hash.start(
      "video/x-raw, format=GRAY8, width=128, height=96, framerate=10/1, colorimetry=1:1:0:0");
  const auto sent = frame(3);
  hash.push(sent);
  const auto seen = hash.pull();
  const dist::BufferMap map(sent.get());
  GstVisualHashValue plane = {};
  gst_visual_hash_from_plane(&plane, map.span().data(), 128, 128, 96);
  expect_equal(gst_visual_hash_distance(hash_of(seen), &plane), 0);
  expect_equal(hash_of(seen)->quality, plane.quality);
  fail_unless(plane.quality >= GST_VISUAL_HASH_MIN_QUALITY);
}
GST_END_TEST

GST_START_TEST(test_visualhash_hashes_every_so_many_frames) {
  expect_text(hashed("", 5), "xxxxx");
  expect_text(hashed("interval=3", 8), "x..x..x.");
  expect_text(hashed("interval-time=250000000", 8), "x..x.x..");
  expect_text(hashed("interval=2 interval-time=1000000000", 12), "x.........x.");
}
GST_END_TEST

GST_START_TEST(test_visualhash_posts_messages) {
  Harness silent("visualhash", "", "sink", "src");
  silent.start(kCaps);
  silent.push(frame(0));
  expect_equal(silent.messages().count("visual-hash"), 0);

  Harness hash("visualhash", "message=true", "sink", "src");
  hash.start(kCaps);
  hash.push(frame(4));
  const auto message = hash.messages().next("visual-hash");
  const auto seen = hash.pull();
  expect_text(string_field(message, "hash"), digits(*hash_of(seen)));
  expect_equal(uint_field(message, "quality"), hash_of(seen)->quality);
  for (const char* field : {"timestamp", "stream-time", "running-time"})
    expect_equal(uint64_field(message, field), 4 * GST_SECOND / 10);
  expect_equal(uint64_field(message, "duration"), GST_SECOND / 10);
}
GST_END_TEST

GST_START_TEST(test_visualhash_gives_hashes_as_a_stream) {
  Harness hash("visualhash", "interval=2", "sink", "src");
  const HashPad hashes(hash);
  hash.start(kCaps);
  for (unsigned i = 0; i < 4; ++i)
    expect_equal(hash.push(frame(i)), GST_FLOW_OK);
  for (unsigned i = 0; i < 4; i += 2) {
    const auto buffer = Ref<GstBuffer>::adopt(gst_harness_pull(hashes.harness));
    const auto video = hash.pull();
    hash.pull();
    expect_equal(GST_BUFFER_PTS(buffer.get()), i * GST_SECOND / 10);
    expect_equal(GST_BUFFER_DURATION(buffer.get()), GST_SECOND / 10);
    const dist::BufferMap map(buffer.get());
    expect_equal(map.span().size(), 33);
    fail_unless(std::equal(map.span().begin(), map.span().begin() + 32, hash_of(video)->bits));
    expect_equal(map.span()[32], hash_of(video)->quality);
  }
  const auto caps = Ref<GstCaps>::adopt(gst_pad_get_current_caps(hashes.pad));
  expect_text(dist::take_string(gst_caps_to_string(caps.get())),
              "application/x-visual-hash, algorithm=(string)pdq");
  hash.push_event(gst_event_new_eos());
  for (GstEvent* event = nullptr; (event = gst_harness_pull_event(hashes.harness));) {
    const GstEventType type = GST_EVENT_TYPE(event);
    gst_event_unref(event);
    if (type == GST_EVENT_EOS)
      break;
    fail_unless(type != GST_EVENT_EOS);
  }
}
GST_END_TEST

GST_START_TEST(test_visualhash_takes_a_hash_pad_late_and_gives_it_back) {
  Harness hash("visualhash", "", "sink", "src");
  hash.start(kCaps);
  hash.push(frame(0));
  {
    const HashPad hashes(hash);
    GstPadTemplate* pads = gst_element_get_pad_template(hash.element(), "hash");
    fail_unless(!gst_element_request_pad(hash.element(), pads, nullptr, nullptr), "a second one");
    hash.push(frame(1));
    const auto buffer = Ref<GstBuffer>::adopt(gst_harness_pull(hashes.harness));
    expect_equal(GST_BUFFER_PTS(buffer.get()), GST_SECOND / 10);
    const auto segment =
        Ref<GstEvent>::adopt(gst_pad_get_sticky_event(hashes.pad, GST_EVENT_SEGMENT, 0));
    fail_unless(static_cast<bool>(segment));
    gst_element_release_request_pad(hash.element(), hashes.pad);
  }
  expect_equal(hash.push(frame(2)), GST_FLOW_OK);
  const HashPad again(hash);
  expect_equal(hash.push(frame(3)), GST_FLOW_OK);
}
GST_END_TEST

GST_START_TEST(test_visualhash_goes_on_without_takers_of_hashes) {
  Harness hash("visualhash", "", "sink", "src");
  GstPad* pad = gst_element_request_pad_simple(hash.element(), "hash");
  hash.start(kCaps);
  expect_equal(hash.push(frame(0)), GST_FLOW_OK);
  hash.flush();
  hash.start(kCaps);
  expect_equal(hash.push(frame(1)), GST_FLOW_OK);
  gst_object_unref(pad);
}
GST_END_TEST

// An end before anything, as of a film without frames.
GST_START_TEST(test_visualhash_ends_before_it_begins) {
  Harness hash("visualhash", "", "sink", "src");
  const HashPad hashes(hash);
  hash.push_event(gst_event_new_stream_start("film"));
  hash.push_event(gst_event_new_eos());
  const auto end = Ref<GstEvent>::adopt(gst_pad_get_sticky_event(hashes.pad, GST_EVENT_EOS, 0));
  fail_unless(static_cast<bool>(end));
}
GST_END_TEST

GST_START_TEST(test_visualhash_takes_new_caps_and_starts_again) {
  Harness hash("visualhash", "", "sink", "src");
  hash.start("video/x-raw, format=GRAY8, width=64, height=64, framerate=10/1");
  const auto small = Ref<GstBuffer>::adopt(gst_buffer_new_allocate(nullptr, 64 * 64, nullptr));
  gst_buffer_memset(small.get(), 0, 90, 64 * 64);
  hash.push(small);
  expect_equal(hash_of(hash.pull())->quality, 0);
  hash.start(kCaps);
  hash.push(frame(1));
  const std::string before = digits(*hash_of(hash.pull()));
  gst_element_set_state(hash.element(), GST_STATE_NULL);
  gst_element_set_state(hash.element(), GST_STATE_PLAYING);
  hash.start(kCaps);
  hash.push(frame(1));
  expect_text(digits(*hash_of(hash.pull())), before);
}
GST_END_TEST

GST_START_TEST(test_visualhash_refuses_frames_that_are_too_small) {
  Harness hash("visualhash", "", "sink", "src");
  hash.start(kCaps);
  expect_equal(hash.push(Ref<GstBuffer>::adopt(gst_buffer_new_allocate(nullptr, 100, nullptr))),
               GST_FLOW_ERROR);
  hash.messages().expect_error(GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT, "video frame");
}
GST_END_TEST

GST_START_TEST(test_visualhash_takes_every_format) {
  // The same picture in each of them, out of a plain one.
  const auto hash_in = [&](const std::string& format) {
    const film::Recording recording = film::record(
        "videotestsrc num-buffers=1 pattern=ball ! video/x-raw, format=ARGB, width=322, "
        "height=242, "
        "framerate=10/1 ! videoconvert dither=none ! video/x-raw, format=" +
        format +
        " ! visualhash message=true ! videoconvert ! video/x-raw, format=I420 ! "
        "appsink name=out sync=false");
    fail_unless(recording.error.empty(), "%s: %s", format.c_str(), recording.error.c_str());
    fail_unless(recording.messages.size() == 1, "%s", format.c_str());
    GstStructure* structure = gst_structure_from_string(recording.messages[0].c_str(), nullptr);
    GstVisualHashValue hash = {};
    gst_visual_hash_from_string(&hash, gst_structure_get_string(structure, "hash"));
    gst_structure_get_uint(structure, "quality", &hash.quality);
    gst_structure_free(structure);
    return hash;
  };
  const GstVisualHashValue expected = hash_in("I420");
  const auto caps =
      Ref<GstCaps>::adopt(gst_caps_from_string(GST_VIDEO_CAPS_MAKE(GST_VIDEO_FORMATS_ALL)));
  const GValue* formats = gst_structure_get_value(gst_caps_get_structure(caps.get(), 0), "format");
  for (guint i = 0; i < gst_value_list_get_size(formats); ++i) {
    const std::string format = g_value_get_string(gst_value_list_get_value(formats, i));
    const GstVisualHashValue seen = hash_in(format);
    const guint bits = gst_visual_hash_distance(&seen, &expected);
    // RGB8P has 256 colours, RGB16 and its like 32 shades.
    const guint allowed = format == "RGB8P" ? 40 : 16;
    fail_unless(bits <= allowed, "%s: %u bits differ", format.c_str(), bits);
  }
}
GST_END_TEST

GST_START_TEST(test_visualhash_agrees_with_published_hashes_of_pictures) {
  std::ifstream list(published("expected.csv"));
  std::string line;
  fail_unless(!std::getline(list, line).fail(), "there is no list");
  std::size_t count = 0;
  for (; std::getline(list, line); ++count) {
    const auto fields = fields_of(line);
    const auto hashes = hashes_of(published("images") / fields[0]);
    expect_equal(hashes.size(), 1);
    GstVisualHashValue expected = {};
    fail_unless(gst_visual_hash_from_string(&expected, fields[1].c_str()));
    const guint bits = gst_visual_hash_distance(&hashes[0], &expected);
    fail_unless(bits <= (hashes[0].quality >= 80 ? 10 : 16), "%s: %u bits differ",
                fields[0].c_str(), bits);
  }
  fail_unless(count > 0);
}
GST_END_TEST

GST_START_TEST(test_visualhash_agrees_with_published_hashes_of_films) {
  for (const char* name : {"pattern-hd-no-bar", "pattern-sd-with-small-logo-bar"}) {
    std::ifstream list(published(std::string(name) + ".txt"));
    const auto hashes =
        hashes_of((published("..") / "media" / (std::string(name) + ".mp4")).string());
    std::string line;
    std::size_t number = 0;
    guint sum = 0;
    guint count = 0;
    for (; std::getline(list, line); ++number) {
      const auto fields = fields_of(line);
      fail_unless(number < hashes.size(), "%s: only %zu frames", name, hashes.size());
      GstVisualHashValue expected = {};
      fail_unless(gst_visual_hash_from_string(&expected, fields[2].c_str()));
      if (std::stoul(fields[1]) < 80)
        continue;
      const guint bits = gst_visual_hash_distance(&hashes[number], &expected);
      fail_unless(bits <= 10, "%s, frame %zu: %u bits differ", name, number, bits);
      sum += bits;
      ++count;
    }
    expect_equal(hashes.size(), number);
    fail_unless(count > 0 && sum < 4 * count, "%s: %u bits in %u frames", name, sum, count);
  }
}
GST_END_TEST

static Suite* visualhash_suite() {
  Suite* suite = suite_create("visualhash");
  TCase* tc = tcase_create("general");
  suite_add_tcase(suite, tc);
  tcase_add_test(tc, test_visualhash_passes_video_untouched);
  tcase_add_test(tc, test_visualhash_hashes_as_the_library_does);
  tcase_add_test(tc, test_visualhash_hashes_every_so_many_frames);
  tcase_add_test(tc, test_visualhash_posts_messages);
  tcase_add_test(tc, test_visualhash_gives_hashes_as_a_stream);
  tcase_add_test(tc, test_visualhash_takes_a_hash_pad_late_and_gives_it_back);
  tcase_add_test(tc, test_visualhash_goes_on_without_takers_of_hashes);
  tcase_add_test(tc, test_visualhash_ends_before_it_begins);
  tcase_add_test(tc, test_visualhash_takes_new_caps_and_starts_again);
  tcase_add_test(tc, test_visualhash_refuses_frames_that_are_too_small);
  tcase_add_test(tc, test_visualhash_takes_every_format);
  // They are not part of the product; tests/picture/visual_hash.cpp has the published algorithm.
  if (std::filesystem::exists(published("expected.csv"))) {
    tcase_add_test(tc, test_visualhash_agrees_with_published_hashes_of_pictures);
    tcase_add_test(tc, test_visualhash_agrees_with_published_hashes_of_films);
  }
  return suite;
}

GST_CHECK_MAIN(visualhash)
