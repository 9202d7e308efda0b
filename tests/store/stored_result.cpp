// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/store/stored_result.h"

#include <functional>

#include "tests/common/support.h"

namespace {

using namespace dist;
using dist::test::Data;
using dist::test::to_data;

const BlobKey kKey = {1, 2, 3};
constexpr std::uint8_t kMasks[] = {0x01, 0x80, 0xff};

SegmentHeader source_at(Time start) {
  SegmentHeader source;
  source.stream_id = "film";
  source.index = start / kSecond;
  source.start = start;
  source.stop = start + 4 * 40'000'000;
  source.last = start != 0;
  source.caps = "video/x-vp8";
  source.time_segment.base = 5;
  source.first_unit = 9;
  source.units.push_back({.pts = 0, .size = 3});  // Helps decoding.
  for (Time i = 0; i < 4; ++i)
    source.units.push_back({.pts = start + i * 40'000'000,
                            .duration = i == 3 ? kNoTime : 40'000'000 + i,
                            .show = start + i * 40'000'000,
                            .flags = kFlagDeltaUnit,
                            .size = 3});
  return source;
}

struct Encoded {
  SegmentHeader header;
  BytesList segment;
};

// The source's frames 0, 2 and 3, of which 3 is decoded before 2.
Encoded result_of(const SegmentHeader& source, const std::string& name) {
  SegmentHeader header = source;
  header.rendition = name;
  header.caps = "video/x-h264, codec_data=(buffer)01";
  header.first_unit = 0;
  header.reorder_depth = 1;
  header.units.clear();
  const std::vector<Time> durations = source.frame_durations();
  for (const std::size_t rank : {0u, 3u, 2u}) {
    const Time show = source.presentation_times()[rank];
    header.units.push_back({.pts = show,
                            .duration = durations[rank],
                            .show = show,
                            .flags = rank == 0 ? 0 : kFlagDeltaUnit,
                            .size = 10 * (rank + 1)});
  }
  Data payload(header.payload_size());
  for (std::size_t i = 0; i < payload.size(); ++i)
    payload[i] = static_cast<std::uint8_t>(i);
  return {header, {serialize(header), Bytes::take(std::move(payload))}};
}

std::vector<Time> frames_in(const SegmentHeader& result) {
  return result.presentation_times();
}

BytesList blob_of(const SegmentHeader& source) {
  const Encoded result = result_of(source, "720p");
  return *store_result(kKey, "h264 by x264enc", source, frames_in(result.header), result.header,
                       result.segment);
}

}  // namespace

GST_START_TEST(test_restored_is_byte_for_byte_what_was_stored) {
  const SegmentHeader source = source_at(0);
  const auto stored = read_stored_result(kKey, blob_of(source));
  fail_unless_ok(stored);
  fail_unless_equals_text(stored->about, "h264 by x264enc");
  const auto restored = restore_result(*stored, source, "720p");
  fail_unless_ok(restored);
  fail_unless(to_data(restored->segment) == to_data(result_of(source, "720p").segment));
}
GST_END_TEST

GST_START_TEST(test_restored_elsewhere_is_what_would_have_been_made_there) {
  const auto stored = read_stored_result(kKey, blob_of(source_at(0)));
  fail_unless_ok(stored);
  SegmentHeader other = source_at(3600 * kSecond);
  other.stream_id = "copy";
  other.units[2].show += 1'000'000;  // As in a container with coarser times.
  const auto restored = restore_result(*stored, other, "hd");
  fail_unless_ok(restored);
  const Data bytes = to_data(restored->segment);
  fail_unless(bytes == to_data(result_of(other, "hd").segment));
  const auto parsed = parse_header(bytes, bytes.size());
  fail_unless(static_cast<bool>(parsed) && *parsed == restored->header);
}
GST_END_TEST

GST_START_TEST(test_joined_is_what_was_taken_apart) {
  const BytesList blob = blob_of(source_at(0));
  const auto joined = join_stored_result(blob[0], {blob[1]});
  fail_unless_ok(joined);
  fail_unless(joined->key == kKey);
  fail_unless(to_data(joined->blob) == to_data(blob));
  for (std::size_t size = 0; size < blob[0].size(); ++size)
    fail_unless(!join_stored_result(blob[0].slice(0, size), {blob[1]}), "%zu bytes", size);
  fail_unless(!join_stored_result(blob[0], {}));
  fail_unless(!join_stored_result(blob[0], {blob[1], blob[1]}));
}
GST_END_TEST

GST_START_TEST(test_payload_is_shared) {
  const Encoded result = result_of(source_at(0), "720p");
  const BytesList blob = blob_of(source_at(0));
  fail_unless_equals_int(static_cast<int>(blob.size()), 3);
  const auto stored = read_stored_result(kKey, blob);
  const auto restored = restore_result(*stored, source_at(0), "720p");
  fail_unless(restored->segment[1].span().data() == blob[1].span().data());
}
GST_END_TEST

// What somebody else wrote, or what is cut into other pieces by a store.
GST_START_TEST(test_pieces_do_not_count) {
  const Data all = to_data(blob_of(source_at(0)));
  const Bytes bytes = Bytes::take(all);
  for (std::size_t cut = 0; cut <= all.size(); ++cut)
    require_often(static_cast<bool>(read_stored_result(
                      kKey, {bytes.slice(0, cut), bytes.slice(cut, all.size() - cut)})),
                  "cut at %zu", cut);
}
GST_END_TEST

GST_START_TEST(test_every_truncation_and_byte_flip_is_refused) {
  const Data all = to_data(blob_of(source_at(0)));
  for (std::size_t size = 0; size < all.size(); ++size)
    require_often(!read_stored_result(kKey, {Bytes::take({all.begin(), all.begin() + size})}),
                  "%zu bytes", size);
  for (std::size_t at = 0; at < all.size(); ++at) {
    Data flipped = all;
    for (const std::uint8_t mask : kMasks) {
      flipped[at] = all[at] ^ mask;
      require_often(!read_stored_result(kKey, {Bytes::take(flipped)}), "byte %zu", at);
    }
  }
  Data longer = all;
  longer.push_back(0);
  fail_unless_error(read_stored_result(kKey, {Bytes::take(longer)}), "checksum", "longer");
}
GST_END_TEST

GST_START_TEST(test_blob_of_another_key_is_refused) {
  BlobKey other = kKey;
  other[31] ^= 1;
  fail_unless_error(read_stored_result(other, blob_of(source_at(0))), "another", "swapped");
}
GST_END_TEST

// The stack of GStreamer's parser would not last for as many brackets as a liar may write.
GST_START_TEST(test_caps_that_cannot_be_parsed_are_refused) {
  StoredResult stored = *read_stored_result(kKey, blob_of(source_at(0)));
  stored.caps = "video/x-h264, list=" + std::string(300, '{');
  fail_unless_error(restore_result(stored, source_at(0), "720p"), "impossible values", "caps");
}
GST_END_TEST

// With a checksum that fits, as from a liar: nothing is read beyond the bytes that are there.
GST_START_TEST(test_every_byte_flip_with_a_right_checksum_is_survived) {
  const Data all = to_data(blob_of(source_at(0)));
  for (std::size_t at = 0; at + 32 < all.size(); ++at)
    for (const std::uint8_t mask : kMasks) {
      Data flipped(all.begin(), all.end() - 32);
      flipped[at] ^= mask;
      const auto digest = sha256({Bytes::take(flipped)});
      flipped.insert(flipped.end(), digest.begin(), digest.end());
      const auto stored = read_stored_result(kKey, {Bytes::take(flipped)});
      if (!stored)
        continue;
      std::uint64_t size = 0;
      for (const StoredFrame& frame : stored->frames)
        size += frame.size;
      require_often(size == total_size(stored->payload), "byte %zu", at);
      (void)restore_result(*stored, source_at(0), "720p");
    }
}
GST_END_TEST

GST_START_TEST(test_frame_that_the_source_does_not_show_is_an_error) {
  auto stored = *read_stored_result(kKey, blob_of(source_at(0)));
  stored.frames[1].rank = 4;
  fail_unless_error(restore_result(stored, source_at(0), "720p"), "has frame 4", "rank");
}
GST_END_TEST

GST_START_TEST(test_results_that_would_not_come_back_as_they_were_are_not_stored) {
  const struct {
    const char* what;
    const char* error;
    std::function<void(SegmentHeader&)> change;
  } rows[] = {
      {"damaged", "damaged", [](SegmentHeader& h) { h.units[1].flags |= kFlagCorrupted; }},
      {"lacks a frame", "all frames", [](SegmentHeader& h) { h.units.pop_back(); }},
      {"no frames", "all frames", [](SegmentHeader& h) { h.units.clear(); }},
      {"has decode times", "follow", [](SegmentHeader& h) { h.units[0].dts = 0; }},
      {"other durations", "follow", [](SegmentHeader& h) { ++h.units[0].duration; }},
      {"other stop", "follow", [](SegmentHeader& h) { ++h.stop; }},
      {"other stream", "follow", [](SegmentHeader& h) { h.stream_id += "x"; }},
      {"first unit", "follow", [](SegmentHeader& h) { h.first_unit = 1; }},
      {"other time segment", "follow", [](SegmentHeader& h) { h.time_segment.base = 0; }},
      {"PTS is not what is shown", "follow", [](SegmentHeader& h) { ++h.units[0].pts; }},
  };
  const SegmentHeader source = source_at(0);
  const Encoded good = result_of(source, "720p");
  for (const auto& row : rows) {
    SegmentHeader header = good.header;
    row.change(header);
    const Bytes payload = good.segment[1].slice(0, static_cast<std::size_t>(header.payload_size()));
    fail_unless_error(store_result(kKey, "", source, frames_in(good.header), header,
                                   {serialize(header), payload}),
                      row.error, row.what);
  }
}
GST_END_TEST

static Suite* stored_result_suite() {
  Suite* suite = suite_create("stored_result");
  TCase* tcase = tcase_create("general");
  suite_add_tcase(suite, tcase);
  tcase_add_test(tcase, test_restored_is_byte_for_byte_what_was_stored);
  tcase_add_test(tcase, test_restored_elsewhere_is_what_would_have_been_made_there);
  tcase_add_test(tcase, test_joined_is_what_was_taken_apart);
  tcase_add_test(tcase, test_payload_is_shared);
  tcase_add_test(tcase, test_pieces_do_not_count);
  tcase_add_test(tcase, test_every_truncation_and_byte_flip_is_refused);
  tcase_add_test(tcase, test_blob_of_another_key_is_refused);
  tcase_add_test(tcase, test_caps_that_cannot_be_parsed_are_refused);
  tcase_add_test(tcase, test_every_byte_flip_with_a_right_checksum_is_survived);
  tcase_add_test(tcase, test_frame_that_the_source_does_not_show_is_an_error);
  tcase_add_test(tcase, test_results_that_would_not_come_back_as_they_were_are_not_stored);
  return suite;
}

GST_CHECK_MAIN(stored_result)
