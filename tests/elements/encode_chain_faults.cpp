// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the generic worker's chain does with segments, encoders and decoders that fail.

#include <algorithm>

#include "gst/gstx/encoder_choice.h"
#include "gst/gstx/segment_buffer.h"
#include "gst/rendition/encoder_table.h"
#include "tests/elements/chain_player.h"

using test::ChainPlayer;
using test::Cut;
using test::Output;
using test::Ref;

static constexpr char kLadder[] = "big:h264:320x180, small:h264:112x64, thumb:jpeg:80x46:fps=1";

// A copy whose access units are as `spoil` leaves them.
static Cut spoiled(const Cut& cut, void (*spoil)(std::vector<std::uint8_t>& unit, std::size_t n)) {
  dist::SegmentHeader header = cut.header;
  const std::size_t base = dist::header_size(cut.segment.get(), cut.header);
  std::uint64_t offset = 0;
  std::vector<std::uint8_t> payload;
  for (std::size_t n = 0; n < header.units.size(); ++n) {
    dist::AccessUnit& unit = header.units[n];
    const auto whole = dist::unit_buffer(cut.segment.get(), base, offset, unit);
    offset += unit.size;
    const dist::BufferMap map(whole.get());
    std::vector<std::uint8_t> bytes(map.span().begin(), map.span().end());
    spoil(bytes, n);
    unit.size = bytes.size();
    payload.insert(payload.end(), bytes.begin(), bytes.end());
  }
  const dist::Bytes head = dist::serialize(header);
  payload.insert(payload.begin(), head.span().begin(), head.span().end());
  return {header, dist::make_segment_buffer(header, {dist::Bytes::take(std::move(payload))})};
}

static Cut without_its_keyframe(const Cut& cut) {
  return spoiled(cut, [](auto& unit, std::size_t n) {
    if (n == 0)
      unit.clear();
  });
}

GST_START_TEST(test_encode_chain_goes_on_after_a_truncated_segment) {
  const auto cuts = test::cut_h264(320, 180, 3);
  const Cut truncated = spoiled(cuts[1], [](auto& unit, std::size_t n) {
    if (n >= 10)
      unit.resize(unit.size() / 2);
  });
  ChainPlayer player(cuts.front(), kLadder);
  for (int i = 0; i < 3; ++i) {
    player.play_well(cuts[static_cast<std::size_t>(i)]);
    const auto outputs = player.play(truncated);
    for (const Output& output : outputs)
      fail_unless(output.eos);
    player.play_well(cuts[1]);
  }
}
GST_END_TEST

GST_START_TEST(test_encode_chain_of_a_first_segment_without_a_frame) {
  const auto cuts = test::cut_h264(320, 180, 1);
  const Cut noise = spoiled(cuts.front(), [](auto& unit, std::size_t) {
    std::fill(unit.begin() + 4, unit.end(), std::uint8_t{0x55});
  });
  ChainPlayer player(cuts.front(), kLadder);
  player.play(noise);
  player.messages().next(GST_MESSAGE_ERROR);
}
GST_END_TEST

// As a segment can be that a lossy network left: some decoders end it without a word.
GST_START_TEST(test_encode_chain_of_a_first_segment_without_a_keyframe) {
  const auto cuts = test::cut("videotestsrc num-buffers=10 ! vp8enc deadline=1");
  const Cut cold = without_its_keyframe(cuts.front());
  ChainPlayer player(cuts.front(), "big:h264:160x90, thumb:jpeg:80x46:fps=1");
  player.play(cold);
  const std::string text =
      dist::EncodeChain::text_of(player.messages().next(GST_MESSAGE_ERROR).get());
  fail_unless(text.find("Nothing in the segment can be decoded") != std::string::npos, "%s",
              text.c_str());
}
GST_END_TEST

GST_START_TEST(test_encode_chain_goes_on_after_a_segment_without_a_keyframe) {
  const auto cuts = test::cut("videotestsrc num-buffers=10 ! vp8enc deadline=1");
  const Cut cold = without_its_keyframe(cuts.front());
  ChainPlayer player(cuts.front(), "big:h264:160x90, thumb:jpeg:80x46:fps=1");
  player.play_well(cuts.front());
  for (const Output& output : player.play(cold)) {
    fail_unless(output.eos);
    expect_equal(output.frames.size(), 0);
  }
  player.play_well(cuts.front());
}
GST_END_TEST

// A decoder that is installed and may not be chosen.
static void forbid(const char* element) {
  GstPluginFeature* const feature = gst_registry_lookup_feature(gst_registry_get(), element);
  if (!feature)
    return;
  gst_plugin_feature_set_rank(feature, GST_RANK_NONE);
  gst_object_unref(feature);
}

GST_START_TEST(test_encode_chain_names_the_missing_decoder) {
  const auto cuts = test::cut("videotestsrc num-buffers=5 ! vp8enc deadline=1");
  GList* const decoders =
      gst_element_factory_list_get_elements(GST_ELEMENT_FACTORY_TYPE_DECODER, GST_RANK_MARGINAL);
  for (GList* item = decoders; item; item = item->next)
    forbid(GST_OBJECT_NAME(item->data));
  gst_plugin_feature_list_free(decoders);
  ChainPlayer player(cuts.front(), kLadder);
  player.play(cuts.front());
  const auto error = player.messages().next(GST_MESSAGE_ERROR);
  fail_unless(player.chain().owns(error.get()));
  const std::string text = dist::EncodeChain::text_of(error.get());
  fail_unless(text.find("a decoder of VP8 is not installed") != std::string::npos, "%s",
              text.c_str());
  expect_equal(player.messages().count(GST_MESSAGE_ERROR), 0);
}
GST_END_TEST

// One that takes the caps and then cannot work with them, such as a card's without the card.
struct BrokenDecoder {
  GstElement parent;
};
struct BrokenDecoderClass {
  GstElementClass parent;
};
G_DEFINE_TYPE(BrokenDecoder, broken_decoder, GST_TYPE_ELEMENT)

static GstStaticPadTemplate broken_sink =
    GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS("video/x-vp8"));
static GstStaticPadTemplate broken_src =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS("video/x-raw"));

static gboolean broken_event(GstPad* pad, GstObject* parent, GstEvent* event) {
  if (GST_EVENT_TYPE(event) != GST_EVENT_CAPS)
    return gst_pad_event_default(pad, parent, event);
  gst_event_unref(event);
  GST_ELEMENT_ERROR(parent, LIBRARY, INIT, ("There is no such card."), (nullptr));
  return FALSE;
}

static void broken_decoder_init(BrokenDecoder* self) {
  GstPad* const sink = gst_pad_new_from_static_template(&broken_sink, "sink");
  gst_pad_set_event_function(sink, broken_event);
  gst_element_add_pad(&self->parent, sink);
  gst_element_add_pad(&self->parent, gst_pad_new_from_static_template(&broken_src, "src"));
}

static void broken_decoder_class_init(BrokenDecoderClass* klass) {
  gst_element_class_add_static_pad_template(&klass->parent, &broken_sink);
  gst_element_class_add_static_pad_template(&klass->parent, &broken_src);
  gst_element_class_set_static_metadata(&klass->parent, "Broken", "Codec/Decoder/Video",
                                        "Of a test", "gst-dist");
}

GST_START_TEST(test_encode_chain_takes_the_next_decoder) {
  gst_element_register(nullptr, "brokendecoder", GST_RANK_PRIMARY + 100, broken_decoder_get_type());
  const auto cuts = test::cut("videotestsrc num-buffers=10 ! vp8enc deadline=1");
  ChainPlayer player(cuts.front(), "big:h264:160x90, thumb:jpeg:80x46:fps=1");
  player.play_well(cuts.front());
  player.play_well(cuts.front());
}
GST_END_TEST

GST_START_TEST(test_encode_chain_says_which_rendition_cannot_be_made) {
  const auto cuts = test::cut_h264(320, 180, 1);
  const std::vector<dist::Ability> encoders = {
      {true, "x264enc", ""}, {true, "nosuchenc", ""}, {true, "jpegenc", ""}};
  ChainPlayer player(cuts.front(), kLadder, encoders);
  player.play(cuts.front());
  const auto error = player.messages().next(GST_MESSAGE_ERROR);
  fail_unless(player.chain().owns(error.get()));
  const std::string text = dist::EncodeChain::text_of(error.get());
  fail_unless(text.find("rendition 'small': nosuchenc is not installed") != std::string::npos, "%s",
              text.c_str());
}
GST_END_TEST

// An encoder that gives up at the first frame: either it posts an error, or, as openh264enc for one
// can, it takes nothing and says nothing.
struct Refuser {
  GstElement parent;
};
struct RefuserClass {
  GstElementClass parent;
};
G_DEFINE_TYPE(Refuser, refuser, GST_TYPE_ELEMENT)

static bool refuser_says_why = false;

static GstFlowReturn refuser_chain(GstPad*, GstObject* parent, GstBuffer* buffer) {
  gst_buffer_unref(buffer);
  if (!refuser_says_why)
    return GST_FLOW_NOT_NEGOTIATED;
  GST_ELEMENT_ERROR(parent, STREAM, ENCODE, ("The card has no memory left."),
                    ("code 7: ask for less"));
  return GST_FLOW_ERROR;
}

static void refuser_init(Refuser* self) {
  for (const GstPadDirection direction : {GST_PAD_SINK, GST_PAD_SRC}) {
    GstPad* const pad = gst_pad_new(direction == GST_PAD_SINK ? "sink" : "src", direction);
    if (direction == GST_PAD_SINK)
      gst_pad_set_chain_function(pad, refuser_chain);
    gst_element_add_pad(&self->parent, pad);
  }
}

static void refuser_class_init(RefuserClass* klass) {
  gst_element_class_set_static_metadata(&klass->parent, "Refuser", "Codec/Encoder/Video",
                                        "Of a test", "gst-dist");
}

GST_START_TEST(test_encode_chain_says_which_encoder_refuses) {
  gst_element_register(nullptr, "refuser", GST_RANK_NONE, refuser_get_type());
  const auto cuts = test::cut_h264(320, 180, 1);
  ChainPlayer player(cuts.front(), "a:jpeg:320x180, b:h264:320x180, c:jpeg:160x90",
                     {{true, "jpegenc", ""}, {true, "refuser", ""}, {true, "jpegenc", ""}});
  player.play(cuts.front());
  const auto error = player.messages().next(GST_MESSAGE_ERROR);
  fail_unless(player.chain().owns(error.get()));
  const std::string text = dist::EncodeChain::text_of(error.get());
  fail_unless(text.find("rendition 'b', refuser") != std::string::npos, "%s", text.c_str());
}
GST_END_TEST

// What a worker does: the segment has failed, the chain is made anew, and it may be for other
// renditions.
GST_START_TEST(test_encode_chain_is_built_again_after_an_error) {
  gst_element_register(nullptr, "refuser", GST_RANK_NONE, refuser_get_type());
  refuser_says_why = true;
  const auto cuts = test::cut_h264(320, 180, 2);
  for (int i = 0; i < 3; ++i) {
    {
      ChainPlayer player(cuts.front(), kLadder,
                         {{true, "x264enc", ""}, {true, "refuser", ""}, {true, "jpegenc", ""}});
      player.play(cuts.front());
      const auto error = player.messages().next(GST_MESSAGE_ERROR);
      fail_unless(player.chain().owns(error.get()));
      const std::string text = dist::EncodeChain::text_of(error.get());
      fail_unless(text.ends_with(": The card has no memory left. (code 7: ask for less)"), "%s",
                  text.c_str());
      expect_equal(player.messages().count(GST_MESSAGE_ERROR), 0);
    }
    ChainPlayer player(cuts.front(), i % 2 == 0 ? kLadder : "other:vp8:160x90");
    player.play_well(cuts[1]);
    player.play_well(cuts[0]);
  }
}
GST_END_TEST

// A lease that is cancelled: nothing of it shows in the segment that follows.
GST_START_TEST(test_encode_chain_goes_on_after_a_flush_within_a_segment) {
  const auto cuts = test::cut_h264(160, 90, 2);
  for (const auto& info : dist::encoders()) {
    if (!dist::EncoderChoice::parse(info.element))
      continue;
    ChainPlayer player(cuts.front(), std::string(info.element) + ":" + info.codec + ":160x90",
                       {{true, info.element, ""}});
    std::string caps;
    for (const std::size_t units : {0u, 1u, 12u, 24u}) {
      for (const Output& output : player.play_beginning(cuts[0], units))
        fail_if(output.eos);
      const auto outputs = player.play_well(cuts[1]);
      const std::string now = test::without_stream_headers(outputs[0].caps);
      expect_text(now, caps.empty() ? now : caps);
      caps = now;
    }
  }
}
GST_END_TEST

static Suite* encode_chain_faults_suite() {
  Suite* const suite = suite_create("encode_chain_faults");
  TCase* const tests = tcase_create("general");
  suite_add_tcase(suite, tests);
  tcase_set_timeout(tests, 120);
  tcase_add_test(tests, test_encode_chain_goes_on_after_a_truncated_segment);
  tcase_add_test(tests, test_encode_chain_of_a_first_segment_without_a_frame);
  tcase_add_test(tests, test_encode_chain_of_a_first_segment_without_a_keyframe);
  tcase_add_test(tests, test_encode_chain_goes_on_after_a_segment_without_a_keyframe);
  tcase_add_test(tests, test_encode_chain_names_the_missing_decoder);
  tcase_add_test(tests, test_encode_chain_takes_the_next_decoder);
  tcase_add_test(tests, test_encode_chain_says_which_rendition_cannot_be_made);
  tcase_add_test(tests, test_encode_chain_says_which_encoder_refuses);
  tcase_add_test(tests, test_encode_chain_is_built_again_after_an_error);
  tcase_add_test(tests, test_encode_chain_goes_on_after_a_flush_within_a_segment);
  return suite;
}

GST_CHECK_MAIN(encode_chain_faults)
