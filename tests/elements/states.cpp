// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Every element through every state, and what all of them have in common.
#include <iterator>

#include "tests/elements/helpers.h"

namespace {

using namespace test;

constexpr const char* kElements[] = {"distsegmenter", "distjoin",      "remoteenc",
                                     "remoteencsrc",  "remoteencsink", "remoteencworker",
                                     "visualhash"};
constexpr GstState kStates[] = {GST_STATE_NULL, GST_STATE_READY, GST_STATE_PAUSED,
                                GST_STATE_PLAYING};

// remoteenc listens, so any free port will do; the others are to dial nobody.
Ref<GstElement> make(const std::string& factory) {
  if (factory == "remoteenc")
    return make_element(factory, "port=0");
  return make_element(factory,
                      factory == "remoteencsrc" || factory == "remoteencworker" ? "port=1" : "");
}

void go_to(GstElement* element, GstState state) {
  expect_equal(gst_element_set_state(element, state), GST_STATE_CHANGE_SUCCESS);
  expect_equal(GST_STATE(element), state);
}

}  // namespace

GST_START_TEST(test_states_every_transition) {
  const auto element = make(kElements[__i__]);
  for (GstState from : kStates)
    for (GstState to : kStates) {
      go_to(element.get(), from);
      go_to(element.get(), to);
    }
  go_to(element.get(), GST_STATE_NULL);
}
GST_END_TEST

GST_START_TEST(test_states_up_and_down_repeatedly) {
  const auto element = make(kElements[__i__]);
  Messages messages(element.get());
  for (int round = 0; round < 10; ++round) {
    for (GstState state : kStates)
      go_to(element.get(), state);
    for (GstState state : {GST_STATE_PAUSED, GST_STATE_READY, GST_STATE_NULL})
      go_to(element.get(), state);
  }
  expect_equal(messages.count(GST_MESSAGE_ERROR), 0);
}
GST_END_TEST

GST_START_TEST(test_states_element_can_go_at_any_time) {
  for (GstState state : kStates) {
    auto element = make(kElements[__i__]);
    go_to(element.get(), state);
    go_to(element.get(), GST_STATE_NULL);
    GstElement* const last = element.get();
    gpointer gone = last;
    g_object_add_weak_pointer(G_OBJECT(last), &gone);
    element = {};
    fail_unless(gone == nullptr, "somebody still holds the element");
  }
}
GST_END_TEST

GST_START_TEST(test_states_whole_chains_in_one_pipeline) {
  FakePrimary primary;
  const std::string line =
      "fakesrc num-buffers=0 ! distsegmenter ! remoteenc port=0 ! distjoin "
      "remoteencsrc " +
      primary.address() + " ! remoteencsink";
  const auto pipeline = Ref<GstElement>::sink(gst_parse_launch(line.c_str(), nullptr));
  for (int round = 0; round < 5; ++round) {
    fail_if(gst_element_set_state(pipeline.get(), GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE);
    expect_equal(gst_element_set_state(pipeline.get(), GST_STATE_NULL), GST_STATE_CHANGE_SUCCESS);
  }
}
GST_END_TEST

GST_START_TEST(test_states_element_describes_itself) {
  const auto element = make(kElements[__i__]);
  GstElementFactory* const factory = gst_element_get_factory(element.get());
  for (const char* key : {GST_ELEMENT_METADATA_LONGNAME, GST_ELEMENT_METADATA_KLASS,
                          GST_ELEMENT_METADATA_DESCRIPTION, GST_ELEMENT_METADATA_AUTHOR}) {
    const gchar* const text = gst_element_factory_get_metadata(factory, key);
    fail_unless(text && *text, "no %s", key);
  }
  expect_equal(gst_plugin_feature_get_rank(GST_PLUGIN_FEATURE(factory)), GST_RANK_NONE);
}
GST_END_TEST

GST_START_TEST(test_states_properties_say_when_they_can_be_changed) {
  const auto element = make(kElements[__i__]);
  const GType base = g_type_parent(G_OBJECT_TYPE(element.get()));
  guint count = 0;
  GParamSpec** const specs =
      g_object_class_list_properties(G_OBJECT_GET_CLASS(element.get()), &count);
  for (guint i = 0; i < count; ++i) {
    if (g_type_is_a(base, specs[i]->owner_type))
      continue;
    if (g_str_equal(specs[i]->name, "stats")) {
      expect_equal(specs[i]->flags & G_PARAM_READWRITE, G_PARAM_READABLE);
      continue;
    }
    fail_unless((specs[i]->flags & (GST_PARAM_MUTABLE_READY | GST_PARAM_MUTABLE_PLAYING)) != 0,
                "%s", specs[i]->name);
    // A secret can be told, not asked for.
    const bool secret = g_str_equal(specs[i]->name, "secret");
    expect_equal(specs[i]->flags & G_PARAM_READWRITE,
                 secret ? G_PARAM_WRITABLE : G_PARAM_READWRITE);
    fail_unless(*g_param_spec_get_nick(specs[i]) && *g_param_spec_get_blurb(specs[i]), "%s",
                specs[i]->name);
  }
  g_free(specs);
}
GST_END_TEST

static Suite* states_suite() {
  Suite* const suite = suite_create("states");
  TCase* const tests = tcase_create("all");
  suite_add_tcase(suite, tests);
  constexpr int kCount = std::size(kElements);
  tcase_add_loop_test(tests, test_states_every_transition, 0, kCount);
  tcase_add_loop_test(tests, test_states_up_and_down_repeatedly, 0, kCount);
  tcase_add_loop_test(tests, test_states_element_can_go_at_any_time, 0, kCount);
  tcase_add_test(tests, test_states_whole_chains_in_one_pipeline);
  tcase_add_loop_test(tests, test_states_element_describes_itself, 0, kCount);
  tcase_add_loop_test(tests, test_states_properties_say_when_they_can_be_changed, 0, kCount);
  return suite;
}

GST_CHECK_MAIN(states)
