// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <deque>

#include "gst/base/text.h"
#include "gst/gstx/segment_buffer.h"
#include "tests/elements/chain_player.h"
#include "tests/elements/generic_worker.h"

namespace {

using namespace test;

constexpr char kSmall[] = "small:h264:64x48:speed=fast";
constexpr char kTwo[] = "two:h264:32x24:speed=fast, thumb:jpeg:64x48:fps=1";

void grant(FakePrimary::Worker& worker, std::uint64_t lease, const Cut& cut,
           const std::string& renditions) {
  worker.grant(lease, dist::to_bytes(cut.segment.get()), renditions);
}

// The same with nothing in it that could be decoded.
dist::BytesList spoiled(const Cut& cut) {
  const dist::Bytes head = dist::serialize(cut.header);
  std::vector<std::uint8_t> bytes(head.span().begin(), head.span().end());
  bytes.resize(bytes.size() + cut.header.payload_size(), 0xff);
  return {dist::Bytes::take(std::move(bytes))};
}

// What a wrong setting makes of the start.
std::string settings_error(const std::string& properties) {
  const auto element = make_element("remoteencworker", properties);
  Messages messages(element.get());
  expect_equal(gst_element_set_state(element.get(), GST_STATE_PLAYING), GST_STATE_CHANGE_FAILURE);
  const auto error = messages.next(GST_MESSAGE_ERROR);
  expect_equal(messages.count(GST_MESSAGE_ERROR), 0);
  GError* raw = nullptr;
  gst_message_parse_error(error.get(), &raw, nullptr);
  fail_unless(g_error_matches(raw, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS), "%s",
              raw->message);
  const std::string text = raw->message;
  g_error_free(raw);
  expect_equal(gst_element_set_state(element.get(), GST_STATE_NULL), GST_STATE_CHANGE_SUCCESS);
  return text;
}

}  // namespace

GST_START_TEST(test_remoteencworker_properties) {
  const auto element = make_element("remoteencworker");
  expect_property(element.get(), "port", 1, G_MAXUINT16, 7700);
  expect_property(element.get(), "prefetch", 0, 15, 1);
  expect_property(element.get(), "stall-timeout", 0, G_MAXINT64, 60 * GST_SECOND);
  gboolean reconnect = FALSE;
  gint slots = 0;
  gchar* host = nullptr;
  gchar* encoders = nullptr;
  g_object_get(element.get(), "reconnect", &reconnect, "slots", &slots, "host", &host, "encoders",
               &encoders, nullptr);
  fail_unless(reconnect);
  expect_equal(slots, -1);
  expect_text(dist::take_string(host), "127.0.0.1");
  expect_text(dist::take_string(encoders), "");
  g_object_set(element.get(), "host", "farm", "slots", 64, "encoders", "x264enc", "worker-name",
               "bee", "secret-file", "/none", "secret", "owl", nullptr);
  for (const auto& [name, value] :
       {std::pair("host", "farm"), std::pair("encoders", "x264enc"),
        std::pair("worker-name", "bee"), std::pair("secret-file", "/none")}) {
    gchar* text = nullptr;
    g_object_get(element.get(), name, &text, nullptr);
    expect_text(dist::take_string(text), value);
  }
  g_object_get(element.get(), "slots", &slots, nullptr);
  expect_equal(slots, 64);
}
GST_END_TEST

GST_START_TEST(test_remoteencworker_names_wrong_settings) {
  const struct {
    const char* properties;
    const char* text;
  } rows[] = {
      {"encoders=x264enc,x999enc", "encoders: 'x999enc' is not one of"},
      {"encoders=x264enc,-vp8enc", "encoders: '-vp8enc' mixes the two kinds of lists"},
      {"encoders=nvh265enc", "encoders: 'nvh265enc' is not installed"},
      {"slots=0", "slots: 0 would do nothing"},
      {"slots=3 secret-file=/none/here", "/none/here"},
  };
  for (const auto& row : rows) {
    const std::string text = settings_error(row.properties);
    fail_unless(text.find(row.text) != std::string::npos, "%s: %s", row.properties, text.c_str());
  }
}
GST_END_TEST

GST_START_TEST(test_remoteencworker_names_its_slots) {
  const struct {
    const char* properties;
    std::vector<std::string> names;
  } rows[] = {
      {"slots=1 worker-name=bee prefetch=2", {"bee"}},
      {"slots=3 worker-name=bee prefetch=2", {"bee/1", "bee/2", "bee/3"}},
  };
  for (const auto& row : rows) {
    GenericWorker w(row.properties);
    std::vector<std::string> names;
    std::deque<FakePrimary::Worker> workers;
    for (std::size_t i = 0; i < row.names.size(); ++i) {
      auto& worker = workers.emplace_back(w.primary.accept_socket());
      names.push_back(worker.joined().name);
      expect_equal(worker.joined().capacity, 3);
      w.messages.next("dist-connected");
    }
    std::sort(names.begin(), names.end());
    fail_unless(names == row.names, "%s", row.properties);
    fail_unless(w.primary.quiet());
  }
}
GST_END_TEST

GST_START_TEST(test_remoteencworker_starts_and_stops_without_a_primary) {
  for (const char* properties :
       {"slots=1 port=9", "slots=5 port=9", "slots=2 host=nowhere.invalid"}) {
    const auto pipeline = generic_worker(properties);
    Messages messages(pipeline.get());
    for (int round = 0; round < 10; ++round)
      for (GstState state : {GST_STATE_READY, GST_STATE_PAUSED, GST_STATE_PLAYING, GST_STATE_PAUSED,
                             GST_STATE_PLAYING, GST_STATE_READY, GST_STATE_PLAYING, GST_STATE_NULL,
                             GST_STATE_PLAYING, GST_STATE_NULL})
        expect_equal(gst_element_set_state(pipeline.get(), state), GST_STATE_CHANGE_SUCCESS);
    expect_equal(messages.count(GST_MESSAGE_ERROR), 0);
  }
}
GST_END_TEST

GST_START_TEST(test_remoteencworker_makes_what_each_lease_wants) {
  const auto cuts = cut_h264(96, 64, 2);
  GenericWorker w;
  auto worker = w.primary.accept();
  grant(worker, 1, cuts[0], kSmall);
  expect_text(contents(worker.next<FakePrimary::Result>()), "small*25");
  grant(worker, 2, cuts[1], kSmall);
  expect_text(contents(worker.next<FakePrimary::Result>()), "small*25");
  grant(worker, 3, cuts[0], kTwo);
  const std::string both = contents(worker.next<FakePrimary::Result>());
  fail_unless(both == "two*25 thumb*1" || both == "thumb*1 two*25", "%s", both.c_str());
  grant(worker, 4, cuts[1], kSmall);
  expect_text(contents(worker.next<FakePrimary::Result>()), "small*25");
  // The application sees one element that plays, whatever comes and goes inside.
  for (GstMessageType type :
       {GST_MESSAGE_ASYNC_START, GST_MESSAGE_LATENCY, GST_MESSAGE_ERROR, GST_MESSAGE_EOS})
    expect_equal(w.messages.count(type), 0);
  GstState state = GST_STATE_NULL;
  expect_equal(gst_element_get_state(w.pipeline.get(), &state, nullptr, 0),
               GST_STATE_CHANGE_SUCCESS);
  expect_equal(state, GST_STATE_PLAYING);
}
GST_END_TEST

// The primary decides whether that is the film's fault.
GST_START_TEST(test_remoteencworker_answers_when_nothing_can_be_decoded) {
  const auto cuts = cut_h264(96, 64, 2);
  GenericWorker w;
  auto worker = w.primary.accept();
  for (std::uint64_t i = 0; i < 6; i += 2) {
    worker.grant(i, spoiled(cuts[0]), kSmall);
    expect_text(contents(worker.next<FakePrimary::Result>()), "small*0");
    grant(worker, i + 1, cuts[1], kSmall);
    expect_text(contents(worker.next<FakePrimary::Result>()), "small*25");
  }
  expect_equal(w.messages.count(GST_MESSAGE_ERROR), 0);
}
GST_END_TEST

GST_START_TEST(test_remoteencworker_says_what_a_lease_lacks) {
  const auto cuts = cut_h264(96, 64, 1);
  GenericWorker w("slots=1 encoders=-x264enc");
  auto worker = w.primary.accept();
  worker.grant(1, dist::to_bytes(cuts[0].segment.get()), "");
  std::string reason = worker.next<FakePrimary::Failure>().reason;
  fail_unless(reason.find("renditions or ladder of remoteenc") != std::string::npos, "%s",
              reason.c_str());
  worker.grant(2, dist::to_bytes(cuts[0].segment.get()), "a:cinepak:64x48");
  reason = worker.next<FakePrimary::Failure>().reason;
  fail_unless(reason.find("cinepak") != std::string::npos, "%s", reason.c_str());
  grant(worker, 3, cuts[0], "a:jpeg:64x48");
  expect_text(contents(worker.next<FakePrimary::Result>()), "a*25");
}
GST_END_TEST

// The state changes while chains are built, play, and are thrown away.
GST_START_TEST(test_remoteencworker_stops_at_any_time) {
  const auto cuts = cut_h264(96, 64, 1);
  for (int round = 0; round < 30; ++round) {
    GenericWorker w("slots=2 prefetch=3");
    auto worker = w.primary.accept();
    for (std::uint64_t i = 0; i < 3; ++i)
      grant(worker, i, cuts[0], i % 2 == 0 ? kSmall : kTwo);
    if (round % 3 == 1)
      worker.next<FakePrimary::Result>();
    if (round % 3 == 2)
      g_usleep(static_cast<gulong>(round) * 1000);
    gst_element_set_state(w.pipeline.get(), round % 2 == 0 ? GST_STATE_PAUSED : GST_STATE_READY);
    expect_equal(w.messages.count(GST_MESSAGE_ERROR), 0);
  }
}
GST_END_TEST

GST_START_TEST(test_remoteencworker_pause_does_not_interrupt) {
  const auto cuts = cut_h264(96, 64, 1);
  GenericWorker w;
  auto worker = w.primary.accept();
  for (std::uint64_t i = 0; i < 6; ++i) {
    grant(worker, i, cuts[0], i % 2 == 0 ? kSmall : kTwo);
    gst_element_set_state(w.pipeline.get(), GST_STATE_PAUSED);
    gst_element_set_state(w.pipeline.get(), GST_STATE_PLAYING);
    expect_equal(worker.next<FakePrimary::Result>().lease, i);
  }
  expect_equal(gst_element_get_state(w.pipeline.get(), nullptr, nullptr, 5 * GST_SECOND),
               GST_STATE_CHANGE_SUCCESS);
}
GST_END_TEST

GST_START_TEST(test_remoteencworker_ends_when_all_slots_have) {
  const auto cuts = cut_h264(96, 64, 1);
  GenericWorker w("slots=2 reconnect=false");
  auto first = w.primary.accept();
  auto second = w.primary.accept();
  grant(first, 1, cuts[0], kSmall);
  expect_text(contents(first.next<FakePrimary::Result>()), "small*25");
  first.done("the job is done");
  w.messages.next("dist-disconnected");
  grant(second, 1, cuts[0], kSmall);
  expect_text(contents(second.next<FakePrimary::Result>()), "small*25");
  expect_equal(w.messages.count(GST_MESSAGE_EOS), 0);
  second.done("the job is done");
  w.messages.next(GST_MESSAGE_EOS);
  expect_equal(w.messages.count(GST_MESSAGE_ERROR), 0);
}
GST_END_TEST

// As gst-launch-1.0 -e does when it is interrupted.
GST_START_TEST(test_remoteencworker_eos_event_ends_all_slots) {
  const auto cuts = cut_h264(96, 64, 2);
  GenericWorker w("slots=2 prefetch=2");
  auto first = w.primary.accept();
  auto second = w.primary.accept();
  grant(first, 1, cuts[0], kSmall);
  expect_text(contents(first.next<FakePrimary::Result>()), "small*25");
  for (std::uint64_t i = 2; i < 5; ++i)
    grant(first, i, cuts[1], kTwo);
  first.next<dist::PrimarySession::LeaseAdvanced>();
  gst_element_send_event(w.pipeline.get(), gst_event_new_eos());
  second.next<dist::PrimarySession::Left>();
  second.close();
  const auto kept = first.next<dist::PrimarySession::Retired>().kept;
  fail_unless(kept.size() <= 1);
  if (!kept.empty())
    expect_equal(first.next<FakePrimary::Result>().lease, kept[0]);
  first.next<dist::PrimarySession::Left>();
  first.close();
  w.messages.next(GST_MESSAGE_EOS);
  expect_equal(w.messages.count(GST_MESSAGE_ERROR), 0);
  expect_equal(gst_element_set_state(w.pipeline.get(), GST_STATE_READY), GST_STATE_CHANGE_SUCCESS);
  expect_equal(gst_element_set_state(w.pipeline.get(), GST_STATE_PLAYING),
               GST_STATE_CHANGE_SUCCESS);
  auto again = w.primary.accept();
  grant(again, 1, cuts[0], kSmall);
  expect_text(contents(again.next<FakePrimary::Result>()), "small*25");
}
GST_END_TEST

GST_START_TEST(test_remoteencworker_reports_a_lost_primary) {
  GenericWorker w("slots=1 reconnect=false");
  w.primary.accept().close();
  w.messages.expect_error(GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_READ, "Lost the primary");
}
GST_END_TEST

static Suite* remoteencworker_suite() {
  Suite* const suite = suite_create("remoteencworker");
  TCase* const tests = tcase_create("all");
  suite_add_tcase(suite, tests);
  tcase_set_timeout(tests, 120);
  tcase_add_test(tests, test_remoteencworker_properties);
  tcase_add_test(tests, test_remoteencworker_names_wrong_settings);
  tcase_add_test(tests, test_remoteencworker_names_its_slots);
  tcase_add_test(tests, test_remoteencworker_starts_and_stops_without_a_primary);
  tcase_add_test(tests, test_remoteencworker_makes_what_each_lease_wants);
  tcase_add_test(tests, test_remoteencworker_answers_when_nothing_can_be_decoded);
  tcase_add_test(tests, test_remoteencworker_says_what_a_lease_lacks);
  tcase_add_test(tests, test_remoteencworker_stops_at_any_time);
  tcase_add_test(tests, test_remoteencworker_pause_does_not_interrupt);
  tcase_add_test(tests, test_remoteencworker_ends_when_all_slots_have);
  tcase_add_test(tests, test_remoteencworker_eos_event_ends_all_slots);
  tcase_add_test(tests, test_remoteencworker_reports_a_lost_primary);
  return suite;
}

GST_CHECK_MAIN(remoteencworker)
