// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Farms that elements share: handed over by the application, or opened by another element of the
// same pipeline.
#include <atomic>
#include <thread>

#include "tests/elements/helpers.h"

namespace {

using namespace test;
using dist::Farm;

std::shared_ptr<Farm> open_farm(const Farm::Config& config = {}) {
  auto farm = Farm::open(config);
  fail_unless(farm, "%s", farm ? "" : farm.error().c_str());
  return *farm;
}

guint port_of(GstElement* remoteenc) {
  guint port = 0;
  g_object_get(remoteenc, "port", &port, nullptr);
  return port;
}

std::string free_port() {
  FakePrimary primary;
  return "port=" + std::to_string(primary.port());
}

// An element of a pipeline by its name.
Ref<GstElement> child(const Ref<GstElement>& pipeline, const char* name) {
  return Ref<GstElement>::adopt(gst_bin_get_by_name(GST_BIN(pipeline.get()), name));
}

// A pipeline with a remoteenc for each of these lists of properties, called e0, e1 and so on.
Ref<GstElement> pipeline_of(const std::vector<std::string>& properties) {
  auto pipeline = Ref<GstElement>::sink(gst_pipeline_new(nullptr));
  for (std::size_t i = 0; i < properties.size(); ++i) {
    const auto element = make_element("remoteenc", properties[i]);
    gst_object_set_name(GST_OBJECT(element.get()), ("e" + std::to_string(i)).c_str());
    gst_bin_add(GST_BIN(pipeline.get()), element.get());
  }
  return pipeline;
}

void expect_no_start(GstElement* element, int code, const std::string& text) {
  Messages messages(element);
  expect_equal(gst_element_set_state(element, GST_STATE_PAUSED), GST_STATE_CHANGE_FAILURE);
  messages.expect_error(GST_RESOURCE_ERROR, code, text);
  gst_element_set_state(element, GST_STATE_NULL);
}

}  // namespace

// Jobs come and go, the worker stays: the same connection serves a job that begins when the others
// are over.
GST_START_TEST(test_farm_keeps_its_workers_between_jobs) {
  auto farm = open_farm();
  std::optional<RemoteEnc> first(farm);
  std::optional<RemoteEnc> second(farm);
  expect_equal(port_of(first->element()), farm->port());
  FakeWorker worker(first->element());
  first->messages().next("dist-worker-joined");
  second->messages().next("dist-worker-joined");
  for (auto* job : {&first, &second}) {
    (*job)->push_segment(0, true);
    worker.answer(worker.lease());
    expect_equal((*job)->pull_header().index, 0);
    (*job)->end();
    (*job)->messages().next("dist-summary");
    job->reset();
  }
  fail_unless(worker.quiet());
  RemoteEnc third(farm);
  third.push_segment(0, true);
  worker.answer(worker.lease());
  expect_equal(third.pull_header().index, 0);
  expect_equal(farm->status().workers.size(), 1);
  expect_equal(third.messages().count("dist-worker-joined"), 0);
}
GST_END_TEST

// The last owner lets the workers go.
GST_START_TEST(test_farm_lets_its_workers_go_at_its_end) {
  auto farm = open_farm();
  std::optional<RemoteEnc> job(farm);
  FakeWorker worker(job->element());
  job->messages().next("dist-worker-joined");
  farm.reset();
  fail_unless(worker.quiet());
  job.reset();
  fail_unless(worker.next<dist::WorkerSession::JobDone>().reason == "the primary stopped");
}
GST_END_TEST

GST_START_TEST(test_farm_that_is_not_what_an_element_asks_for) {
  const auto farm = open_farm();
  const struct {
    const char* property;
    const char* name;
  } rows[] = {
      {"deadline-floor=3000000000", "deadline-floor"},
      {"deadline-factor=7", "deadline-factor"},
      {"max-connections-per-address=3", "max-connections-per-address"},
      {"port=7", "port"},
      {"address=127.0.0.3", "address"},
      {"secret=owl", "secret"},
      {"allow-anonymous=true", "allow-anonymous"},
  };
  for (const auto& row : rows) {
    const auto element = make_element("remoteenc", row.property);
    dist::set_farm(element.get(), farm);
    expect_no_start(element.get(), GST_RESOURCE_ERROR_SETTINGS,
                    std::string(row.name) + ": the farm of the application");
  }
  // What the farm has may be said once more.
  const auto same = make_element("remoteenc", "deadline-floor=2000000000 port=0");
  dist::set_farm(same.get(), farm);
  expect_equal(gst_element_set_state(same.get(), GST_STATE_PAUSED), GST_STATE_CHANGE_SUCCESS);
  gst_element_set_state(same.get(), GST_STATE_NULL);
}
GST_END_TEST

// One pipeline, one port, two jobs: each worker serves both, and stays until both are done. Port 0
// is never shared.
GST_START_TEST(test_listener_is_shared_by_two_elements) {
  const std::string port = free_port() + " verify=none";
  const auto pipeline = pipeline_of({port, port, "port=0"});
  gst_element_set_state(pipeline.get(), GST_STATE_PAUSED);
  const auto e0 = child(pipeline, "e0");
  const auto e1 = child(pipeline, "e1");
  expect_equal(port_of(e0.get()), port_of(e1.get()));
  fail_unless(port_of(e0.get()) != port_of(child(pipeline, "e2").get()));
  FakeWorker worker(e0.get());
  for (const auto& element : {e0, e1}) {
    const auto sink = Ref<GstPad>::adopt(gst_element_get_static_pad(element.get(), "sink"));
    fail_unless(worker.quiet());
    gst_pad_send_event(sink.get(), gst_event_new_stream_start("test"));
    gst_pad_send_event(sink.get(), time_segment_event());
    gst_pad_send_event(sink.get(), gst_event_new_eos());
  }
  fail_unless(worker.next<dist::WorkerSession::JobDone>().reason == "the job is done");
  // The farm is its elements', not the pipeline's.
  gst_element_set_state(pipeline.get(), GST_STATE_NULL);
  const RemoteEnc another(port);
}
GST_END_TEST

GST_START_TEST(test_listener_is_not_shared_with_another_secret) {
  const std::string port = free_port();
  for (const auto& [one, other] :
       {std::pair("secret=owl", "secret=fox"), std::pair("deadline-floor=1000000000", "")}) {
    const auto pipeline = pipeline_of({port + " " + one, port + " " + other});
    expect_no_start(pipeline.get(), GST_RESOURCE_ERROR_SETTINGS,
                    "another remoteenc of this pipeline");
  }
}
GST_END_TEST

// One that has workers of its own and was told no port listens nowhere, so it has no part in what
// another one has there.
GST_START_TEST(test_listener_is_not_joined_by_who_would_not_listen) {
  const std::vector<std::string> both = {"deadline-floor=1000000000",
                                         "renditions=v:h264 local-workers=1"};
  for (const bool turned : {false, true}) {
    const auto pipeline = pipeline_of(turned ? std::vector{both[1], both[0]} : both);
    const auto listens = child(pipeline, turned ? "e1" : "e0");
    const auto works = child(pipeline, turned ? "e0" : "e1");
    // Another test may have the usual port for a while.
    wait_until([&] {
      if (gst_element_set_state(pipeline.get(), GST_STATE_PAUSED) == GST_STATE_CHANGE_SUCCESS)
        return true;
      gst_element_set_state(pipeline.get(), GST_STATE_NULL);
      return false;
    });
    const FakeWorker worker(listens.get());
    GstStructure* stats = nullptr;
    g_object_get(works.get(), "stats", &stats, nullptr);
    fail_unless(stats != nullptr);
    gst_structure_free(stats);
    gst_element_set_state(pipeline.get(), GST_STATE_NULL);
  }
}
GST_END_TEST

// Another one may begin in the moment when the last one lets its port go, which takes the longer
// the more it has to do.
GST_START_TEST(test_listener_lets_its_port_go_before_another_asks_for_it) {
  // Dialled from another address, no visitor's own port can be this one.
  constexpr char kAddress[] = "127.0.0.2";
  const guint port = FakePrimary().port();
  std::atomic<bool> over = false;
  std::thread visitors([&] {
    GSocketClient* const client = g_socket_client_new();
    while (!over)
      if (GSocketConnection* const visit = g_socket_client_connect_to_host(
              client, kAddress, static_cast<guint16>(port), nullptr, nullptr))
        g_object_unref(visit);
    g_object_unref(client);
  });
  const std::string place = "address=" + std::string(kAddress) + " port=" + std::to_string(port);
  const auto one = make_element("remoteenc", place);
  const auto other = make_element("remoteenc", place);
  int failures = 0;
  for (int i = 0; i < 5000; ++i)
    for (GstElement* element : {one.get(), other.get()}) {
      failures += gst_element_set_state(element, GST_STATE_PAUSED) == GST_STATE_CHANGE_FAILURE;
      gst_element_set_state(element, GST_STATE_NULL);
    }
  over = true;
  visitors.join();
  expect_equal(failures, 0);
}
GST_END_TEST

static Suite* farm_suite() {
  Suite* const suite = suite_create("farm");
  TCase* const tests = tcase_create("all");
  suite_add_tcase(suite, tests);
  tcase_add_test(tests, test_farm_keeps_its_workers_between_jobs);
  tcase_add_test(tests, test_farm_lets_its_workers_go_at_its_end);
  tcase_add_test(tests, test_farm_that_is_not_what_an_element_asks_for);
  tcase_add_test(tests, test_listener_is_shared_by_two_elements);
  tcase_add_test(tests, test_listener_is_not_shared_with_another_secret);
  tcase_add_test(tests, test_listener_is_not_joined_by_who_would_not_listen);
  tcase_add_test(tests, test_listener_lets_its_port_go_before_another_asks_for_it);
  return suite;
}

GST_CHECK_MAIN(farm)
