// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/cut/picture_size.h"

#include <gst/check/gstcheck.h>

#include <string>
#include <vector>

#include "tests/common/support.h"

namespace {

using dist::Codec;
using dist::test::Data;
using dist::test::unhex;

std::string text_of(const std::optional<dist::PictureSize>& size) {
  return size ? std::to_string(size->width) + "x" + std::to_string(size->height) : "none";
}

// As NAL units with start codes, and with lengths.
std::string in_unit(Codec codec, const Data& nal) {
  Data unit = {0, 0, 0, 1, 9, 0x10, 0, 0, 1};
  unit.insert(unit.end(), nal.begin(), nal.end());
  Data measured = {0, 2, 9, 0x10, 0, static_cast<std::uint8_t>(nal.size())};
  measured.insert(measured.end(), nal.begin(), nal.end());
  const std::string size = text_of(dist::stated_size({codec, 0}, unit));
  fail_unless_equals_string(text_of(dist::stated_size({codec, 2}, measured)).c_str(), size.c_str());
  return size;
}

class BitWriter {
 public:
  BitWriter& bits(unsigned value, unsigned count) {
    for (; count > 0; --count, ++at_) {
      if (at_ % 8 == 0)
        bytes_.push_back(0);
      bytes_.back() |= static_cast<std::uint8_t>((value >> (count - 1) & 1) << (7 - at_ % 8));
    }
    return *this;
  }
  BitWriter& number(unsigned value) {
    unsigned length = 0;
    while ((value + 1) >> (length + 1) != 0)
      ++length;
    return bits(0, length).bits(value + 1, length + 1);
  }
  // A NAL unit, with emulation prevention.
  Data nal(const Data& head) const {
    Data out = head;
    unsigned zeros = 0;
    for (const std::uint8_t byte : bytes_) {
      if (zeros >= 2 && byte <= 3) {
        out.push_back(3);
        zeros = 0;
      }
      zeros = byte == 0 ? zeros + 1 : 0;
      out.push_back(byte);
    }
    return out;
  }

 private:
  Data bytes_;
  unsigned at_ = 0;
};

// 8000x8000 pixels of which 16x16 are to be shown.
Data bomb(unsigned profile, bool lists, unsigned order) {
  BitWriter sps;
  sps.bits(profile, 8).bits(0, 8).bits(31, 8).number(0);
  if (profile == 100) {
    sps.number(1).number(0).number(0).bits(0, 1).bits(lists ? 1 : 0, 1);
    for (unsigned list = 0; lists && list < 8; ++list) {
      sps.bits(1, 1);
      // Every second one is that of the standard, the others go up by one each time.
      if (list % 2 == 0)
        sps.number(16);
      else
        for (unsigned i = 0; i < (list < 6 ? 16u : 64u); ++i)
          sps.number(1);
    }
  }
  sps.number(0).number(order);
  if (order == 0)
    sps.number(0);
  if (order == 1)
    sps.bits(0, 1).number(0).number(0).number(2).number(5).number(6);
  sps.number(1).bits(0, 1).number(499).number(499).bits(1, 1).bits(1, 1);
  sps.bits(1, 1).number(0).number(3992).number(0).number(3992).bits(0, 1).bits(1, 1);
  return sps.nal({0x67});
}

}  // namespace

GST_START_TEST(test_picture_size_of_sequence_parameter_sets) {
  const struct {
    Codec codec;
    const char* sps;
    const char* size;
  } kMade[] = {
      // By x264 and x265 of pictures of 638x362, and of 638x364 in fields.
      {Codec::kH264, "6742c01ed900a02fea4c0440000003004000000c83c58b92", "640x368"},
      {Codec::kH264, "6764001eacd940a063d4dff805b005a88000000300800000190f8a14cb", "640x384"},
      {Codec::kH264, "67f4001e919b281405fdcf80880000030008000003019078b16cb0", "640x368"},
      {Codec::kH264, "6764101eacb81405fd4980880000030008000003019020", "640x368"},
      {Codec::kH265,
       "42010101600000030090000003000003003fa005020171d4996566924caf0168080000030008000003"
       "00c840",
       "640x368"},
      {Codec::kH265,
       "4201010408000003009c0800000300003f9000a0402e3b9db2cacd24995e02d0100000030010000003"
       "019080",
       "640x368"},
      // Of 640x368, of which 16x16 are shown.
      {Codec::kH264, "6764001eacd940a02fe013980b1c0440000003004000000c83c58b6580", "640x368"},
  };
  for (const auto& made : kMade) {
    const Data sps = unhex(made.sps);
    fail_unless_equals_string(in_unit(made.codec, sps).c_str(), made.size);
    for (std::size_t length = 1; length < sps.size(); ++length)
      in_unit(made.codec, Data(sps.begin(), sps.begin() + static_cast<std::ptrdiff_t>(length)));
  }
}
GST_END_TEST

GST_START_TEST(test_picture_size_is_that_before_cropping) {
  for (const unsigned profile : {66u, 100u})
    for (const bool lists : {false, true})
      for (const unsigned order : {0u, 1u, 2u})
        fail_unless_equals_string(in_unit(Codec::kH264, bomb(profile, lists, order)).c_str(),
                                  "8000x8000");
}
GST_END_TEST

// libavcodec begins a NAL unit at a start code within the length of another one.
GST_START_TEST(test_picture_size_is_seen_within_another_unit) {
  const Data sps = bomb(66, false, 0);
  Data filler = {12, 0, 0, 1};
  filler.insert(filler.end(), sps.begin(), sps.end());
  Data unit = {0, 0, 0, static_cast<std::uint8_t>(filler.size())};
  unit.insert(unit.end(), filler.begin(), filler.end());
  fail_unless_equals_string(text_of(dist::stated_size({Codec::kH264, 4}, unit)).c_str(),
                            "8000x8000");
}
GST_END_TEST

// libavcodec reads a unit anew that begins like a decoder configuration record.
GST_START_TEST(test_picture_size_is_seen_in_a_unit_like_a_record) {
  const Data sps = bomb(66, false, 0);
  Data unit = {1, 66, 0, 31, 0xff, 0xe1, 0, static_cast<std::uint8_t>(sps.size())};
  unit.insert(unit.end(), sps.begin(), sps.end());
  unit.push_back(0);
  for (const unsigned length_size : {1u, 2u, 4u})
    fail_unless_equals_string(text_of(dist::stated_size({Codec::kH264, length_size}, unit)).c_str(),
                              "8000x8000");
}
GST_END_TEST

// Of a frame of VP9, up to its size.
Data vp9_frame(unsigned profile, bool key, bool intra_only, bool refers) {
  BitWriter frame;
  frame.bits(2, 2).bits(profile & 1, 1).bits(profile >> 1, 1).bits(0, profile == 3 ? 1 : 0);
  // Neither shown before nor now, resilient.
  frame.bits(0, 1).bits(key ? 0 : 1, 1).bits(0, 1).bits(1, 1);
  const auto colours = [&] {
    frame.bits(0, profile >= 2 ? 1 : 0).bits(1, 3).bits(0, 1).bits(0, profile % 2 != 0 ? 3 : 0);
  };
  if (!key)
    frame.bits(intra_only ? 1 : 0, 1);
  if (key || intra_only)
    frame.bits(0x498342, 24);
  if (key || (intra_only && profile > 0))
    colours();
  if (!key)
    frame.bits(0xff, 8);
  if (!key && !intra_only)
    frame.bits(0, 12).bits(refers ? 1 : 0, refers ? 1 : 3);
  // A size to be shown follows, which is 32x32.
  frame.bits(7999, 16).bits(7999, 16).bits(1, 1).bits(31, 16).bits(31, 16);
  return frame.nal({});
}

GST_START_TEST(test_picture_size_of_vp9) {
  const auto size = [](const Data& unit) {
    return text_of(dist::stated_size({Codec::kVp9}, unit));
  };
  for (unsigned profile = 0; profile < 4; ++profile) {
    fail_unless_equals_string(size(vp9_frame(profile, true, false, false)).c_str(), "8000x8000");
    fail_unless_equals_string(size(vp9_frame(profile, false, true, false)).c_str(), "8000x8000");
    fail_unless_equals_string(size(vp9_frame(profile, false, false, false)).c_str(), "8000x8000");
    fail_unless_equals_string(size(vp9_frame(profile, false, false, true)).c_str(), "none");
  }
  // The second one of a superframe.
  const Data small = vp9_frame(0, false, false, true);
  const Data large = vp9_frame(0, true, false, false);
  Data both = small;
  both.insert(both.end(), large.begin(), large.end());
  const Data index = {0xc1, static_cast<std::uint8_t>(small.size()),
                      static_cast<std::uint8_t>(large.size()), 0xc1};
  both.insert(both.end(), index.begin(), index.end());
  fail_unless_equals_string(size(both).c_str(), "8000x8000");
  for (std::size_t length = 0; length < both.size(); ++length)
    size(Data(both.end() - static_cast<std::ptrdiff_t>(length), both.end()));
}
GST_END_TEST

GST_START_TEST(test_picture_size_of_codec_data) {
  const Data h264 = unhex(
      "0164001effe1001a6764001eacd940a02fea4c0440000003004000000c83c58b658001000668ebe3cb22c0fd"
      "f8f800");
  fail_unless_equals_string(text_of(dist::size_in_codec_data(Codec::kH264, h264)).c_str(),
                            "640x368");
  const Data h265 = unhex(
      "0101600000009000000000003ff000fcfdf8f800000f03200001001840010c01ffff016000000300900000030000"
      "03003f959809210001002c42010101600000030090000003000003003fa005020171d4996566924caf0168080000"
      "03000800000300c84022000100074401c172b46240");
  fail_unless_equals_string(text_of(dist::size_in_codec_data(Codec::kH265, h265)).c_str(),
                            "640x368");
  for (std::size_t length = 0; length < h265.size(); ++length) {
    dist::size_in_codec_data(Codec::kH265, std::span(h265).first(length));
    dist::size_in_codec_data(Codec::kH264, std::span(h264).first(std::min(length, h264.size())));
  }
  fail_unless_equals_string(text_of(dist::size_in_codec_data(Codec::kVp8, h264)).c_str(), "none");
}
GST_END_TEST

GST_START_TEST(test_picture_size_of_vp8_and_jpeg) {
  const Data vp8 = {0, 0, 0, 0x9d, 1, 0x2a, 0x40, 0x1f, 0x40, 0x9f};
  fail_unless_equals_string(text_of(dist::stated_size({Codec::kVp8}, vp8)).c_str(), "8000x8000");
  const Data jpeg = {0xff, 0xd8, 0xff, 0xe0, 0, 4, 1, 2,    0xff, 0xff,
                     0xc2, 0,    17,   8,    1, 0, 2, 0xff, 3};
  fail_unless_equals_string(text_of(dist::stated_size({Codec::kJpeg}, jpeg)).c_str(), "767x256");
  for (std::size_t length = 0; length < jpeg.size(); ++length) {
    dist::stated_size({Codec::kJpeg}, std::span(jpeg).first(length));
    dist::stated_size({Codec::kVp8}, std::span(vp8).first(std::min(length, vp8.size() - 1)));
  }
}
GST_END_TEST

static Suite* picture_size_suite() {
  Suite* suite = suite_create("core-picture_size");
  TCase* tests = tcase_create("sizes");
  tcase_add_test(tests, test_picture_size_is_seen_in_a_unit_like_a_record);
  tcase_add_test(tests, test_picture_size_of_sequence_parameter_sets);
  tcase_add_test(tests, test_picture_size_is_that_before_cropping);
  tcase_add_test(tests, test_picture_size_is_seen_within_another_unit);
  tcase_add_test(tests, test_picture_size_of_vp9);
  tcase_add_test(tests, test_picture_size_of_codec_data);
  tcase_add_test(tests, test_picture_size_of_vp8_and_jpeg);
  suite_add_tcase(suite, tests);
  return suite;
}

GST_CHECK_MAIN(picture_size)
