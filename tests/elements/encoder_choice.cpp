// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// On a machine whose encoders are those of this test.
#include "gst/gstx/encoder_choice.h"

#include <algorithm>

#include "config.h"
#include "gst/gstx/linked_libraries.h"
#include "gst/rendition/encoder_table.h"
#include "tests/elements/helpers.h"

using dist::EncoderChoice;
using test::Ref;

// --- Encoders whose device is there, or not

static bool device_present = true;
static int opened = 0;

struct Encoder {
  GstElement parent;
};
struct EncoderClass {
  GstElementClass parent;
};
G_DEFINE_TYPE(Encoder, encoder, GST_TYPE_ELEMENT)

static GstStateChangeReturn encoder_change_state(GstElement* element, GstStateChange transition) {
  if (transition == GST_STATE_CHANGE_NULL_TO_READY) {
    ++opened;
    if (!device_present) {
      GST_ELEMENT_ERROR(element, RESOURCE, NOT_FOUND, ("There is no such card."), (nullptr));
      return GST_STATE_CHANGE_FAILURE;
    }
  }
  return GST_ELEMENT_CLASS(encoder_parent_class)->change_state(element, transition);
}

static void encoder_init(Encoder*) {}

static void encoder_class_init(EncoderClass* klass) {
  klass->parent.change_state = encoder_change_state;
  gst_element_class_set_static_metadata(&klass->parent, "Encoder", "Codec/Encoder/Video",
                                        "Of a test", "gst-dist");
}

static void uninstall(const std::string& element) {
  GstPluginFeature* const feature =
      gst_registry_lookup_feature(gst_registry_get(), element.c_str());
  if (feature) {
    gst_registry_remove_feature(gst_registry_get(), feature);
    gst_object_unref(feature);
  }
}

// Only these encoders are installed, with these ranks; each test is a process of its own.
static void install(const std::vector<std::pair<std::string, guint>>& wanted) {
  for (const auto& info : dist::encoders())
    uninstall(info.element);
  for (const auto& [element, rank] : wanted)
    gst_element_register(nullptr, element.c_str(), rank, encoder_get_type());
}

static dist::RenditionSpec h264() {
  return dist::parse_renditions("720p:h264:1280x720").operator*().front();
}

static EncoderChoice allowing(const std::string& list) {
  auto choice = EncoderChoice::parse(list);
  fail_unless(static_cast<bool>(choice), "%s", choice ? "" : choice.error().c_str());
  return *choice;
}

GST_START_TEST(test_encoder_choice_by_rank_then_hardware_then_name) {
  install({{"x264enc", GST_RANK_PRIMARY}, {"openh264enc", GST_RANK_MARGINAL}});
  expect_text(EncoderChoice().choose(h264()).encoder, "x264enc");
  install({{"x264enc", GST_RANK_MARGINAL}, {"openh264enc", GST_RANK_PRIMARY}});
  expect_text(EncoderChoice().choose(h264()).encoder, "openh264enc");
  install({{"x264enc", GST_RANK_PRIMARY}, {"openh264enc", GST_RANK_PRIMARY}});
  expect_text(EncoderChoice().choose(h264()).encoder, "openh264enc");
  install({{"nvh264enc", GST_RANK_PRIMARY},
           {"x264enc", GST_RANK_PRIMARY},
           {"openh264enc", GST_RANK_PRIMARY}});
  const dist::Ability best = EncoderChoice().choose(h264());
  fail_unless(best.able && best.reason.empty());
  expect_text(best.encoder, "nvh264enc");
  fail_unless(best.version.ends_with(" gst-dist " VERSION), "%s", best.version.c_str());
}
GST_END_TEST

// By which another build of the library is another encoder.
GST_START_TEST(test_encoder_choice_knows_the_library_of_a_plugin) {
  expect_text(dist::codec_libraries("no-such-file.so"), "");
  const auto plugin = test::Ref<GstPlugin>::adopt(gst_plugin_load_by_name("x264"));
  if (!plugin)
    return;
  const std::string text = dist::codec_libraries(gst_plugin_get_filename(plugin.get()));
  fail_unless(g_regex_match_simple("^libx264\\.so\\.[0-9]+ [0-9a-f]{16}$", text.c_str(),
                                   GRegexCompileFlags(0), GRegexMatchFlags(0)),
              "%s", text.c_str());
}
GST_END_TEST

GST_START_TEST(test_encoder_choice_of_what_the_user_allows) {
  install({{"x264enc", GST_RANK_PRIMARY}, {"openh264enc", GST_RANK_MARGINAL}});
  const struct {
    const char* list;
    const char* encoder;
  } kCases[] = {{"", "x264enc"},
                {"openh264enc", "openh264enc"},
                {" openh264enc , x264enc", "x264enc"},
                {"-x264enc", "openh264enc"},
                {"- x264enc,-x265enc", "openh264enc"},
                {"-x264enc,-openh264enc", ""}};
  for (const auto& c : kCases)
    expect_text(allowing(c.list).choose(h264()).encoder, c.encoder);
}
GST_END_TEST

GST_START_TEST(test_encoder_choice_refuses_a_wrong_list) {
  install({{"x264enc", GST_RANK_PRIMARY}});
  const struct {
    const char* list;
    const char* error;
  } kCases[] = {
      {"x246enc", "encoders: 'x246enc' is not one of "},
      {"h264", "encoders: 'h264' is not one of "},
      {"-x246enc", "encoders: 'x246enc' is not one of "},
      {"x264enc,openh264enc", "encoders: 'openh264enc' is not installed"},
      {"x264enc,-openh264enc", "encoders: '-openh264enc' mixes the two kinds of lists"},
  };
  for (const auto& c : kCases) {
    const auto choice = EncoderChoice::parse(c.list);
    fail_if(static_cast<bool>(choice), "%s is fine", c.list);
    fail_unless(choice.error().starts_with(c.error), "%s", choice.error().c_str());
  }
}
GST_END_TEST

GST_START_TEST(test_encoder_choice_names_what_is_missing) {
  install({});
  auto spec = h264();
  spec.codec = "av1";
  dist::Ability ability = EncoderChoice().choose(spec);
  fail_if(ability.able);
  fail_unless(ability.reason.starts_with("no encoder for av1: ") &&
                  ability.reason.find("av1enc") != std::string::npos &&
                  ability.reason.ends_with(" are not installed; install one of them"),
              "%s", ability.reason.c_str());

  install({{"x264enc", GST_RANK_PRIMARY}, {"openh264enc", GST_RANK_PRIMARY}});
  ability = allowing("-x264enc,-openh264enc").choose(h264());
  fail_unless(
      ability.reason.find("x264enc, openh264enc are not allowed; ") != std::string::npos ||
          ability.reason.find("openh264enc, x264enc are not allowed; ") != std::string::npos,
      "%s", ability.reason.c_str());
}
GST_END_TEST

GST_START_TEST(test_encoder_choice_needs_the_parser) {
  install({{"x264enc", GST_RANK_PRIMARY}});
  uninstall("h264parse");
  const dist::Ability ability = EncoderChoice().choose(h264());
  fail_if(ability.able);
  fail_unless(
      ability.reason.find("h264parse, which x264enc needs, is not installed") != std::string::npos,
      "%s", ability.reason.c_str());
}
GST_END_TEST

GST_START_TEST(test_encoder_choice_skips_what_does_not_open) {
  install({{"nvh264enc", GST_RANK_PRIMARY}});
  device_present = false;
  for (int i = 0; i < 3; ++i) {
    const dist::Ability ability = EncoderChoice().choose(h264());
    fail_if(ability.able);
    fail_unless(ability.reason.starts_with("no encoder for h264: nvh264enc does not work here "
                                           "(There is no such card.); "),
                "%s", ability.reason.c_str());
  }
  // It is asked once.
  expect_equal(opened, 1);
  device_present = true;
  install({{"nvh264enc", GST_RANK_PRIMARY}, {"x264enc", GST_RANK_MARGINAL}});
  expect_text(EncoderChoice().choose(h264()).encoder, "x264enc");
}
GST_END_TEST

static Suite* encoder_choice_suite() {
  Suite* const suite = suite_create("encoder_choice");
  TCase* const tests = tcase_create("general");
  suite_add_tcase(suite, tests);
  tcase_add_test(tests, test_encoder_choice_by_rank_then_hardware_then_name);
  tcase_add_test(tests, test_encoder_choice_knows_the_library_of_a_plugin);
  tcase_add_test(tests, test_encoder_choice_of_what_the_user_allows);
  tcase_add_test(tests, test_encoder_choice_refuses_a_wrong_list);
  tcase_add_test(tests, test_encoder_choice_names_what_is_missing);
  tcase_add_test(tests, test_encoder_choice_needs_the_parser);
  tcase_add_test(tests, test_encoder_choice_skips_what_does_not_open);
  return suite;
}

GST_CHECK_MAIN(encoder_choice)
