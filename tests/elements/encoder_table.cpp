// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The encoders of the table that are installed, set up as it says: every frame comes out, and what
// comes out is the same codec configuration whatever the segment and the machine.
#include "gst/rendition/encoder_table.h"

#include "tests/elements/helpers.h"

namespace {

using namespace test;
using namespace dist;

struct Clip {
  unsigned frames = 30;
  const char* pattern = "smpte";
  const char* framerate = "30/1";
  const char* format = "I420";
};

struct Encoded {
  unsigned frames = 0;
  gsize bytes = 0;
  bool keyframe_first = false;
  bool times_unique = true;
  std::vector<GstClockTime> times;
  std::string caps;
};

void on_frame(GstElement*, GstBuffer* buffer, GstPad* pad, gpointer user_data) {
  auto& encoded = *static_cast<Encoded*>(user_data);
  if (encoded.frames++ == 0) {
    encoded.keyframe_first = !GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT);
    GstCaps* caps = gst_caps_make_writable(gst_pad_get_current_caps(pad));
    // As remoteencsink does: it holds a copy of the first frame's header.
    gst_structure_remove_field(gst_caps_get_structure(caps, 0), "streamheader");
    gchar* text = gst_caps_to_string(caps);
    encoded.caps = text;
    g_free(text);
    gst_caps_unref(caps);
  }
  encoded.bytes += gst_buffer_get_size(buffer);
  for (GstClockTime time : encoded.times)
    encoded.times_unique = encoded.times_unique && time != GST_BUFFER_PTS(buffer);
  encoded.times.push_back(GST_BUFFER_PTS(buffer));
}

// The value has to be one that the property takes as it is.
void set_property(GstElement* element, std::string name, const std::string& text) {
  const bool optional = name.front() == '?';
  if (optional)
    name.erase(0, 1);
  GParamSpec* spec = g_object_class_find_property(G_OBJECT_GET_CLASS(element), name.c_str());
  if (optional && !spec)
    return;
  fail_unless(spec != nullptr, "%s has no %s", GST_OBJECT_NAME(element), name.c_str());
  GValue value = G_VALUE_INIT;
  g_value_init(&value, spec->value_type);
  fail_unless(gst_value_deserialize(&value, text.c_str()), "%s of %s takes no '%s'", name.c_str(),
              GST_OBJECT_NAME(element), text.c_str());
  fail_if(g_param_value_validate(spec, &value), "%s of %s: %s is out of range", name.c_str(),
          GST_OBJECT_NAME(element), text.c_str());
  g_value_unset(&value);
  gst_util_set_object_arg(G_OBJECT(element), name.c_str(), text.c_str());
}

std::string caps_filter(const std::string& caps) {
  return caps.empty() ? "" : " ! capsfilter caps=\"" + caps + "\"";
}

Encoded encode(const char* element, const RenditionSpec& spec, const EncoderSetup& setup,
               const Clip& clip) {
  const std::string size =
      ",width=" + std::to_string(spec.width) + ",height=" + std::to_string(spec.height);
  std::string text = "videotestsrc num-buffers=" + std::to_string(clip.frames) +
                     " pattern=" + clip.pattern + " ! video/x-raw,format=" + clip.format + size +
                     ",framerate=30/1 ! capssetter caps=video/x-raw,framerate=" + clip.framerate +
                     " ! videoconvert" + caps_filter(setup.input_caps + size) + " ! " + element +
                     " name=encoder" + caps_filter(setup.output_caps);
  if (!setup.parser.empty())
    text += " ! " + setup.parser + " name=parser";
  text += caps_filter(setup.final_caps) + " ! fakesink name=sink sync=false signal-handoffs=true";

  GError* error = nullptr;
  auto pipeline = Ref<GstElement>::adopt(gst_parse_launch(text.c_str(), &error));
  fail_unless(error == nullptr, "%s: %s", text.c_str(), error ? error->message : "");
  const auto child = [&](const char* name) {
    return Ref<GstElement>::adopt(gst_bin_get_by_name(GST_BIN(pipeline.get()), name));
  };
  for (const auto& [name, value] : setup.properties)
    set_property(child("encoder").get(), name, value);
  for (const auto& [name, value] : setup.parser_properties)
    set_property(child("parser").get(), name, value);
  Encoded encoded;
  g_signal_connect(child("sink").get(), "handoff", G_CALLBACK(on_frame), &encoded);
  gst_element_set_state(pipeline.get(), GST_STATE_PLAYING);
  GstBus* bus = gst_element_get_bus(pipeline.get());
  GstMessage* message = gst_bus_timed_pop_filtered(
      bus, 100 * GST_SECOND, static_cast<GstMessageType>(GST_MESSAGE_EOS | GST_MESSAGE_ERROR));
  fail_unless(message != nullptr && GST_MESSAGE_TYPE(message) == GST_MESSAGE_EOS, "%s",
              text.c_str());
  gst_message_unref(message);
  gst_object_unref(bus);
  gst_element_set_state(pipeline.get(), GST_STATE_NULL);
  return encoded;
}

RenditionSpec resolved(const std::string& fields, const char* codec) {
  const auto specs = parse_renditions("r:" + std::string(codec) + ":" + fields);
  fail_unless(static_cast<bool>(specs), "%s", specs ? "" : specs.error().c_str());
  const auto result = resolve(*specs, {320, 180, {1, 1}, Fraction{30, 1}}, false);
  fail_unless(static_cast<bool>(result));
  return result->front();
}

void check(const Encoded& encoded, unsigned frames, const EncoderSetup& setup, const char* what) {
  fail_unless(encoded.frames == frames, "%s: %u frames of %u", what, encoded.frames, frames);
  fail_unless(encoded.keyframe_first, "%s: no keyframe first", what);
  // libav gives none for MPEG-4 part 2, see docs/design/ladder.md.
  if (setup.final_caps.find("video/mpeg") == std::string::npos)
    fail_unless(encoded.times_unique, "%s: two frames at one time", what);
  GstCaps* caps = gst_caps_from_string(encoded.caps.c_str());
  GstCaps* promised = gst_caps_from_string(setup.final_caps.c_str());
  fail_unless(gst_caps_is_subset(caps, promised), "%s: %s", what, encoded.caps.c_str());
  gst_caps_unref(caps);
  gst_caps_unref(promised);
}

// Null if it is not installed.
const char* installed(int i) {
  const EncoderInfo& info = encoders()[static_cast<std::size_t>(i)];
  GstElementFactory* factory = gst_element_factory_find(info.element);
  if (!factory)
    return nullptr;
  gst_object_unref(factory);
  return info.element;
}

const EncoderInfo& info_of(int i) {
  return encoders()[static_cast<std::size_t>(i)];
}

bool has_rates(const char* codec) {
  return find_codec(codec)->bits_per_pixel != 0;
}

constexpr std::optional<Fraction> kThirty = Fraction{30, 1};

}  // namespace

GST_START_TEST(test_encoder_table_every_frame_comes_out) {
  const char* element = installed(__i__);
  if (!element)
    return;
  const char* codec = info_of(__i__).codec;
  std::vector<std::string> rows = {"320x180", "320x180:threads=3"};
  if (has_rates(codec))
    for (const char* row : {"320x180:maxrate=0", "320x180:maxrate=300k:buffer=500",
                            "320x180:bitrate=500k", "320x180:bitrate=500k:maxrate=800k",
                            "1280x720:speed=fast:threads=2", "320x180:speed=fast"})
      rows.push_back(row);
  if (find_codec(codec)->odd_sizes)
    rows.push_back("");
  for (const std::string& row : rows) {
    RenditionSpec spec = resolved(row, codec);
    if (row.empty()) {
      spec.width = 161;
      spec.height = 121;
    }
    const EncoderSetup setup = setup_encoder(element, spec, 1, kThirty, 8);
    const std::string what = std::string(element) + " " + row;
    check(encode(element, spec, setup, {}), 30, setup, what.c_str());
  }
}
GST_END_TEST

// A wrong unit would be off by a factor of 1000.
GST_START_TEST(test_encoder_table_rates_are_kept) {
  const char* element = installed(__i__);
  if (!element || !has_rates(info_of(__i__).codec))
    return;
  // Detail in motion, which takes more than any of these rates at high quality.
  const Clip clip = {.frames = 60, .pattern = "zone-plate kx2=20 ky2=20 kt=3"};
  const auto kilobits = [&](const std::string& fields) {
    const RenditionSpec spec = resolved("320x180:speed=fast:" + fields, info_of(__i__).codec);
    const EncoderSetup setup = setup_encoder(element, spec, 1, kThirty, 8);
    return encode(element, spec, setup, clip).bytes * 8 / 2 / 1000;
  };
  const gsize free = kilobits("crf=10:maxrate=0");
  const gsize coarse = kilobits("crf=40:maxrate=0");
  const gsize capped = kilobits("crf=10:maxrate=100k");
  const gsize average = kilobits("bitrate=100k");
  const std::string rates = std::string(element) + ": " + std::to_string(free) +
                            " kbit/s, coarse " + std::to_string(coarse) + ", capped " +
                            std::to_string(capped) + ", average " + std::to_string(average);
  fail_unless(coarse < free && capped < free, "%s", rates.c_str());
  // The buffer is full to begin with: in two seconds at most half as much again.
  fail_unless(free > 200 && capped < 160 && average > 30 && average < 160, "%s", rates.c_str());
}
GST_END_TEST

// The encoder starts anew with each segment, and has a second to find its rate.
GST_START_TEST(test_encoder_table_average_of_a_second) {
  const std::string element = installed(__i__) ? info_of(__i__).element : "";
  if (element != "x264enc" && element != "x265enc")
    return;
  const RenditionSpec spec = resolved("640x360:bitrate=400k", info_of(__i__).codec);
  const EncoderSetup setup = setup_encoder(element, spec, 1, kThirty, 8);
  // Not as hard as those encoders guess, so without a buffer they make half of it.
  const Clip clip = {.pattern = "zone-plate kx2=3 ky2=5 kt=1"};
  const gsize kilobits = encode(element.c_str(), spec, setup, clip).bytes * 8 / 1000;
  fail_unless(kilobits > 240 && kilobits < 560, "%s: %" G_GSIZE_FORMAT " kbit/s", element.c_str(),
              kilobits);
}
GST_END_TEST

GST_START_TEST(test_encoder_table_in_band) {
  const char* element = installed(__i__);
  if (!element)
    return;
  RenditionSpec spec = resolved("320x180", info_of(__i__).codec);
  spec.in_band = true;
  const EncoderSetup setup = setup_encoder(element, spec, 1, kThirty, 8);
  check(encode(element, spec, setup, {}), 30, setup, element);
}
GST_END_TEST

GST_START_TEST(test_encoder_table_unknown_framerate) {
  const char* element = installed(__i__);
  if (!element)
    return;
  const RenditionSpec spec = resolved("320x180", info_of(__i__).codec);
  const EncoderSetup setup = setup_encoder(element, spec, 1, {}, 8);
  check(encode(element, spec, setup, {.framerate = "0/1"}), 30, setup, element);
}
GST_END_TEST

GST_START_TEST(test_encoder_table_ten_bits) {
  const char* element = installed(__i__);
  if (!element)
    return;
  const RenditionSpec spec = resolved("320x180", info_of(__i__).codec);
  const EncoderSetup setup = setup_encoder(element, spec, 1, kThirty, 10);
  check(encode(element, spec, setup, {.format = "I420_10LE"}), 30, setup, element);
}
GST_END_TEST

GST_START_TEST(test_encoder_table_one_configuration) {
  const char* element = installed(__i__);
  if (!element)
    return;
  for (const char* framerate : {"30/1", "0/1"}) {
    std::string first;
    const RenditionSpec spec = resolved("320x180", info_of(__i__).codec);
    const struct {
      Clip clip;
      unsigned threads;
    } rows[] = {{{30, "smpte"}, 1},
                {{7, "snow"}, 1},
                {{1, "black"}, 1},
                {{60, "ball"}, 2},
                {{12, "snow"}, 16}};
    for (auto row : rows) {
      row.clip.framerate = framerate;
      const EncoderSetup setup = setup_encoder(
          element, spec, row.threads, *framerate == '0' ? std::optional<Fraction>() : kThirty, 8);
      const Encoded encoded = encode(element, spec, setup, row.clip);
      check(encoded, row.clip.frames, setup, element);
      if (first.empty())
        first = encoded.caps;
      fail_unless(encoded.caps == first, "%s with %u threads, %u frames of %s: %s instead of %s",
                  element, row.threads, row.clip.frames, row.clip.pattern, encoded.caps.c_str(),
                  first.c_str());
    }
  }
}
GST_END_TEST

static Suite* encoder_table_suite() {
  Suite* suite = suite_create("encoder_table");
  TCase* tests = tcase_create("encoder_table");
  const int count = static_cast<int>(encoders().size());
  tcase_add_loop_test(tests, test_encoder_table_every_frame_comes_out, 0, count);
  tcase_add_loop_test(tests, test_encoder_table_rates_are_kept, 0, count);
  tcase_add_loop_test(tests, test_encoder_table_average_of_a_second, 0, count);
  tcase_add_loop_test(tests, test_encoder_table_in_band, 0, count);
  tcase_add_loop_test(tests, test_encoder_table_unknown_framerate, 0, count);
  tcase_add_loop_test(tests, test_encoder_table_ten_bits, 0, count);
  tcase_add_loop_test(tests, test_encoder_table_one_configuration, 0, count);
  suite_add_tcase(suite, tests);
  return suite;
}

GST_CHECK_MAIN(encoder_table)
