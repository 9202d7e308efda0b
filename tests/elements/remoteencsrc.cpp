// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <atomic>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "gst/dist/core/wire.h"
#include "tests/elements/helpers.h"

namespace {

using namespace test;

constexpr Time kTimeBase = 3600 * GST_SECOND;
constexpr Time kGap = 1000 * GST_SECOND;
constexpr char kOneSegment[] =
    "stream-start caps segment custom-downstream-sticky custom-downstream data*10 eos ";

// What passes a pad, in order, as text.
class PadLog {
 public:
  // Has to outlive the pad.
  void attach(GstPad* pad) {
    constexpr auto kAll = static_cast<GstPadProbeType>(GST_PAD_PROBE_TYPE_BUFFER |
                                                       GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM |
                                                       GST_PAD_PROBE_TYPE_EVENT_FLUSH);
    gst_pad_add_probe(
        pad, kAll,
        [](GstPad*, GstPadProbeInfo* info, gpointer self) {
          static_cast<PadLog*>(self)->note(info);
          return GST_PAD_PROBE_OK;
        },
        this, nullptr);
  }
  std::string text() const {
    const std::lock_guard lock(lock_);
    return text_ + (buffers_ > 0 ? "data*" + std::to_string(buffers_) + " " : "");
  }

 private:
  void note(GstPadProbeInfo* info) {
    const std::lock_guard lock(lock_);
    if ((info->type & GST_PAD_PROBE_TYPE_BUFFER) != 0) {
      ++buffers_;
      return;
    }
    if (buffers_ > 0)
      text_ += "data*" + std::to_string(std::exchange(buffers_, 0)) + " ";
    text_ += std::string(GST_EVENT_TYPE_NAME(GST_PAD_PROBE_INFO_EVENT(info))) + " ";
  }

  mutable std::mutex lock_;
  std::string text_;  // Guarded by lock_.
  int buffers_ = 0;   // Guarded by lock_.
};

// A remoteencsrc and the primary it dials. Nothing downstream answers its leases.
struct Source {
  FakePrimary primary;
  PadLog log;
  Harness h;
  Ref<GstPad> pad;

  explicit Source(const std::string& properties = "")
      : h("remoteencsrc", primary.address() + " " + properties, nullptr, "src"),
        pad(Ref<GstPad>::adopt(gst_element_get_static_pad(h.element(), "src"))) {
    log.attach(pad.get());
  }
};

// A whole worker that passes raw video through.
struct Worker {
  FakePrimary primary;
  PadLog log;
  Ref<GstElement> pipeline;
  Ref<GstPad> pad;
  Messages messages;

  explicit Worker(const std::string& properties = "", const std::string& rest = " ! remoteencsink")
      : pipeline(launch("remoteencsrc name=src " + primary.address() + " " + properties + rest)),
        pad(source_pad(pipeline.get())),
        messages(pipeline.get()) {
    log.attach(pad.get());
    gst_element_set_state(pipeline.get(), GST_STATE_PLAYING);
  }
  ~Worker() { gst_element_set_state(pipeline.get(), GST_STATE_NULL); }

  static Ref<GstElement> launch(const std::string& line) {
    GstElement* const made = gst_parse_launch(line.c_str(), nullptr);
    fail_unless(GST_IS_PIPELINE(made), "cannot make %s", line.c_str());
    gst_object_ref_sink(made);
    return Ref<GstElement>::adopt(made);
  }
  static Ref<GstPad> source_pad(GstElement* pipeline) {
    const auto src = Ref<GstElement>::adopt(gst_bin_get_by_name(GST_BIN(pipeline), "src"));
    return Ref<GstPad>::adopt(gst_element_get_static_pad(src.get(), "src"));
  }
};

// Ten frames of H.264 and a header for them.
dist::Bytes encoded_segment() {
  GstHarness* h = gst_harness_new_parse("x264enc tune=zerolatency ! h264parse ! distsegmenter");
  gst_harness_set_src_caps_str(h, "video/x-raw, format=I420, width=64, height=64, framerate=10/1");
  for (unsigned i = 0; i < 10; ++i) {
    GstBuffer* frame = gst_buffer_new_allocate(nullptr, 64 * 64 * 3 / 2, nullptr);
    gst_buffer_memset(frame, 0, static_cast<guint8>(20 * i), gst_buffer_get_size(frame));
    GST_BUFFER_PTS(frame) = i * kFrame;
    GST_BUFFER_DURATION(frame) = kFrame;
    fail_unless_equals_int(gst_harness_push(h, frame), GST_FLOW_OK);
  }
  gst_harness_push_event(h, gst_event_new_eos());
  const auto buffer = Ref<GstBuffer>::adopt(gst_harness_pull(h));
  gst_harness_teardown(h);
  const dist::BufferMap map(buffer.get());
  return dist::Bytes::take({map.span().begin(), map.span().end()});
}

dist::SegmentHeader result_header(const FakePrimary::Result& result) {
  expect_equal(result.renditions.size(), 1);
  const dist::Bytes& bytes = result.renditions[0].front();
  auto header = dist::parse_header(bytes.span(), bytes.size());
  fail_unless(static_cast<bool>(header));
  return *header;
}

}  // namespace

GST_START_TEST(test_remoteencsrc_segment_is_a_complete_stream) {
  Source s;
  auto worker = s.primary.accept();
  worker.grant(1, source_header(2));
  s.h.pull_event(GST_EVENT_EOS);
  expect_text(s.log.text(), kOneSegment);
  const auto caps = Ref<GstCaps>::adopt(gst_pad_get_current_caps(s.pad.get()));
  fail_unless(
      gst_caps_is_equal(caps.get(), Ref<GstCaps>::adopt(gst_caps_from_string(kRawCaps)).get()));
  const auto event =
      Ref<GstEvent>::adopt(gst_pad_get_sticky_event(s.pad.get(), GST_EVENT_SEGMENT, 0));
  const GstSegment* segment = nullptr;
  gst_event_parse_segment(event.get(), &segment);
  expect_equal(segment->start, kTimeBase + 2 * GST_SECOND);
  expect_equal(segment->stop, kTimeBase + 3 * GST_SECOND);
  expect_equal(segment->time, 2 * GST_SECOND);
  for (std::uint64_t i = 0; i < 10; ++i) {
    const Ref<GstBuffer> frame = s.h.pull();
    expect_equal(GST_BUFFER_PTS(frame.get()), kTimeBase + 2 * GST_SECOND + i * kFrame);
    expect_equal(GST_BUFFER_FLAG_IS_SET(frame.get(), GST_BUFFER_FLAG_DISCONT), i == 0);
    expect_equal(dist::BufferMap(frame.get()).span()[0], i * kFrameSize);
  }
}
GST_END_TEST

GST_START_TEST(test_remoteencsrc_units_that_only_help_decoding_are_moved_away) {
  Source s;
  auto worker = s.primary.accept();
  auto header = source_header(2);
  for (std::size_t i : {0u, 9u})
    header.units[i].show = dist::kNoTime;
  header.units[0].pts = header.units[0].dts = header.start - kFrame;
  header.units[9].pts = header.units[9].dts = header.stop;
  worker.grant(1, header);
  for (std::size_t i = 0; i < 10; ++i) {
    const Ref<GstBuffer> frame = s.h.pull();
    const Time shift = i == 0 ? kTimeBase - kGap : i == 9 ? kTimeBase + kGap : kTimeBase;
    expect_equal(GST_BUFFER_PTS(frame.get()), header.units[i].pts + shift);
    expect_equal(GST_BUFFER_DTS(frame.get()), header.units[i].dts + shift);
  }
}
GST_END_TEST

GST_START_TEST(test_remoteencsrc_flushes_between_segments) {
  Worker w;
  auto worker = w.primary.accept();
  worker.grant(1, source_header(0));
  worker.grant(2, source_header(1));
  expect_equal(result_header(worker.next<FakePrimary::Result>()).index, 0);
  expect_equal(result_header(worker.next<FakePrimary::Result>()).index, 1);
  const std::string expected = kOneSegment + std::string("flush-start flush-stop ") + kOneSegment;
  expect_text(w.log.text(), expected);
}
GST_END_TEST

GST_START_TEST(test_remoteencsrc_result_goes_back) {
  Worker w;
  auto worker = w.primary.accept();
  const auto source = source_header(3);
  worker.grant(9, source);
  const auto result = worker.next<FakePrimary::Result>();
  expect_equal(result.lease, 9);
  const auto header = result_header(result);
  expect_text(header.rendition, "0");
  expect_equal(header.index, 3);
  fail_unless(header.presentation_times() == source.presentation_times());
}
GST_END_TEST

GST_START_TEST(test_remoteencsrc_announces_name_and_capacity) {
  Source s("prefetch=3 worker-name=bee");
  auto worker = s.primary.accept();
  fail_unless(worker.joined().name == "bee");
  expect_equal(worker.joined().capacity, 4);
  const auto connected = s.h.messages().next("dist-connected");
  expect_equal(uint_field(connected, "port"), s.primary.port());
}
GST_END_TEST

GST_START_TEST(test_remoteencsrc_cancel_frees_a_pipeline_that_does_not_answer) {
  Source s;
  auto worker = s.primary.accept();
  worker.grant(1, source_header(0));
  s.h.pull_event(GST_EVENT_EOS);
  worker.cancel(1);
  worker.grant(2, source_header(1));
  s.h.pull_event(GST_EVENT_FLUSH_STOP);
  s.h.pull_event(GST_EVENT_EOS);
}
GST_END_TEST

// decodebin takes a flush for a decoder that does not work, and when it has tried them all for one
// that is not installed: so while it looks for one it gets none. What was cancelled is dropped at
// the end of the pipeline instead.
GST_START_TEST(test_remoteencsrc_cancel_spares_elements_that_are_being_found) {
  const dist::Bytes film = encoded_segment();
  for (unsigned i = 0; i < 25; ++i) {
    Worker w("", " ! decodebin ! videoconvert ! remoteencsink");
    auto worker = w.primary.accept();
    worker.grant(1, film);
    g_usleep(400 * i);  // Anywhere between the first caps and the first frame.
    worker.cancel(1);
    worker.grant(2, film);
    expect_equal(worker.next<FakePrimary::Result>().lease, 2);
  }
}
GST_END_TEST

GST_START_TEST(test_remoteencsrc_cancel_frees_a_blocked_push) {
  Worker w;
  const gulong block = gst_pad_add_probe(
      w.pad.get(),
      static_cast<GstPadProbeType>(GST_PAD_PROBE_TYPE_BLOCK | GST_PAD_PROBE_TYPE_BUFFER),
      [](GstPad*, GstPadProbeInfo*, gpointer) { return GST_PAD_PROBE_OK; }, nullptr, nullptr);
  auto worker = w.primary.accept();
  worker.grant(1, source_header(0));
  wait_until([&] { return gst_pad_is_blocking(w.pad.get()); });
  worker.cancel(1);
  wait_until([&] { return w.log.text().find("flush-start") != std::string::npos; });
  gst_pad_remove_probe(w.pad.get(), block);
  worker.grant(2, source_header(1));
  expect_equal(worker.next<FakePrimary::Result>().lease, 2);
}
GST_END_TEST

GST_START_TEST(test_remoteencsrc_cancelled_prefetch_is_not_played) {
  Source s;
  auto worker = s.primary.accept();
  worker.grant(1, source_header(0));
  s.h.pull_event(GST_EVENT_EOS);
  worker.grant(2, source_header(1));
  worker.cancel(2);
  worker.cancel(1);
  worker.grant(3, source_header(2));
  s.h.pull_event(GST_EVENT_FLUSH_STOP);
  const auto start = s.h.pull_event(GST_EVENT_STREAM_START);
  const gchar* stream_id = nullptr;
  gst_event_parse_stream_start(start.get(), &stream_id);
  expect_text(stream_id, "film/2");
}
GST_END_TEST

GST_START_TEST(test_remoteencsrc_refusal_is_an_error) {
  Source s;
  Stranger worker(s.primary.accept_socket());
  fail_if(worker.receive().empty());
  const std::string reason = "the worker speaks protocol version 1, this primary version 9";
  worker.send(dist::wire::encode(dist::wire::Refuse{9, 9, reason}).span());
  s.h.messages().expect_error(GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_AUTHORIZED, reason);
  gst_element_set_state(s.h.element(), GST_STATE_NULL);
  expect_equal(s.h.messages().count(GST_MESSAGE_EOS), 0);
  expect_equal(s.h.messages().count(GST_MESSAGE_ERROR), 0);
}
GST_END_TEST

GST_START_TEST(test_remoteencsrc_lost_primary_is_an_error) {
  Source s;
  auto worker = s.primary.accept();
  worker.grant(1, source_header(0));
  s.h.pull_event(GST_EVENT_EOS);
  worker.close();
  s.h.messages().expect_error(GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_READ, "Lost the primary");
  gst_element_set_state(s.h.element(), GST_STATE_NULL);
  expect_equal(s.h.messages().count(GST_MESSAGE_EOS), 0);
  expect_equal(s.h.messages().count(GST_MESSAGE_ERROR), 0);
}
GST_END_TEST

GST_START_TEST(test_remoteencsrc_primary_that_speaks_otherwise_is_an_error) {
  Source s;
  Stranger web(s.primary.accept_socket());
  constexpr std::string_view kAnswer = "HTTP/1.1 400 Bad Request\r\n\r\n";
  web.send({reinterpret_cast<const std::uint8_t*>(kAnswer.data()), kAnswer.size()});
  s.h.messages().expect_error(GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_READ,
                              "not the gst-dist protocol");
}
GST_END_TEST

GST_START_TEST(test_remoteencsrc_job_that_is_done_ends_the_pipeline) {
  Worker w;
  auto worker = w.primary.accept();
  worker.grant(1, source_header(0));
  worker.next<FakePrimary::Result>();
  worker.done("the job is done");
  w.messages.next(GST_MESSAGE_EOS);
  expect_equal(w.messages.count(GST_MESSAGE_ERROR), 0);
}
GST_END_TEST

GST_START_TEST(test_remoteencsrc_job_without_a_lease_ends_the_pipeline) {
  Worker w("", " ! decodebin ! fakesink");
  auto worker = w.primary.accept();
  worker.done("the job is done");
  w.messages.next(GST_MESSAGE_EOS);
  expect_equal(w.messages.count(GST_MESSAGE_ERROR), 0);
}
GST_END_TEST

GST_START_TEST(test_remoteencsrc_last_of_two_workers_ends_the_pipeline) {
  FakePrimary second;
  Worker w("", " ! remoteencsink remoteencsrc " + second.address() + " ! remoteencsink");
  auto one = w.primary.accept();
  auto two = second.accept();
  one.done("the job is done");
  w.messages.next("dist-disconnected");
  two.grant(1, source_header(0));
  two.next<FakePrimary::Result>();
  expect_equal(w.messages.count(GST_MESSAGE_EOS), 0);
  two.done("the job is done");
  w.messages.next(GST_MESSAGE_EOS);
}
GST_END_TEST

GST_START_TEST(test_remoteencsrc_reconnect_goes_on_with_the_next_primary) {
  std::optional<FakePrimary> primary;
  primary.emplace();
  const guint port = primary->port();
  Worker w("reconnect=true port=" + std::to_string(port));
  for (int i = 0; i < 3; ++i) {
    auto worker = primary->accept();
    worker.grant(1, source_header(0));
    worker.next<FakePrimary::Result>();
    worker.done("the job is done");
    gboolean done = FALSE;
    gst_structure_get_boolean(gst_message_get_structure(w.messages.next("dist-disconnected").get()),
                              "done", &done);
    fail_unless(done);
    worker.close();
    primary.emplace(port);
  }
  expect_equal(w.messages.count(GST_MESSAGE_EOS) + w.messages.count(GST_MESSAGE_ERROR), 0);
}
GST_END_TEST

GST_START_TEST(test_remoteencsrc_reconnect_survives_a_lost_primary) {
  Worker w("reconnect=true");
  {
    auto lost = w.primary.accept();
    lost.grant(1, source_header(0));
    lost.close();
  }
  auto worker = w.primary.accept();
  worker.grant(1, source_header(4));
  expect_equal(result_header(worker.next<FakePrimary::Result>()).index, 4);
  expect_equal(w.messages.count(GST_MESSAGE_ERROR), 0);
}
GST_END_TEST

GST_START_TEST(test_remoteencsrc_dials_until_the_primary_answers) {
  std::optional<FakePrimary> primary;
  primary.emplace();
  const guint port = primary->port();
  primary.reset();
  Harness h("remoteencsrc", "port=" + std::to_string(port), nullptr, "src");
  h.messages().next("dist-connecting");
  primary.emplace(port);
  primary->accept();
  h.messages().next("dist-connected");
}
GST_END_TEST

// It may be a primary that just begins or ends, so dialling goes on; but it is told, once.
GST_START_TEST(test_remoteencsrc_tells_of_a_peer_that_closes) {
  Source s;
  for (int i = 0; i < 3; ++i)
    Stranger(s.primary.accept_socket()).close();
  s.primary.accept();
  const std::string reason = string_field(s.h.messages().next("dist-connecting"), "reason");
  fail_unless(reason.rfind("somebody answered, but not as a primary does: ", 0) == 0, "%s",
              reason.c_str());
  s.h.messages().next("dist-connected");
  expect_equal(s.h.messages().count("dist-connecting"), 0);
}
GST_END_TEST

GST_START_TEST(test_remoteencsrc_tells_of_a_peer_that_says_nothing) {
  Source s;
  Stranger mute(s.primary.accept_socket());
  const std::string reason = string_field(s.h.messages().next("dist-connecting"), "reason");
  expect_text(reason, "somebody answered, but not as a primary does: no greeting within 10 s");
  s.primary.accept();
}
GST_END_TEST

// With and without reconnect.
GST_START_TEST(test_remoteencsrc_stuck_pipeline_leaves_for_good) {
  Worker w("stall-timeout=200000000 reconnect=" + std::to_string(__i__));
  std::mutex stuck;
  std::unique_lock hold(stuck);
  gst_pad_add_probe(
      w.pad.get(), GST_PAD_PROBE_TYPE_BUFFER,
      [](GstPad*, GstPadProbeInfo*, gpointer lock) {
        // Not even a flush comes past this.
        const std::lock_guard wait(*static_cast<std::mutex*>(lock));
        return GST_PAD_PROBE_OK;
      },
      &stuck, nullptr);
  auto worker = w.primary.accept();
  worker.grant(1, source_header(0));
  worker.grant(2, source_header(1));
  expect_equal(worker.next<FakePrimary::Failure>().lease, 1);
  worker.next<dist::PrimarySession::Left>();
  worker.close();
  fail_unless(w.primary.quiet());
  w.messages.expect_error(GST_STREAM_ERROR, GST_STREAM_ERROR_FAILED, "stuck");
  hold.unlock();
  // The rest of that segment is flushed, and the one after it belongs to somebody else now.
  wait_until([&] { return gst_pad_get_task_state(w.pad.get()) == GST_TASK_PAUSED; });
  fail_unless(w.log.text().find("eos") == std::string::npos);
  expect_equal(w.messages.count(GST_MESSAGE_ERROR) + w.messages.count(GST_MESSAGE_EOS), 0);
}
GST_END_TEST

GST_START_TEST(test_remoteencsrc_pipeline_error_leaves_for_good) {
  Worker w("reconnect=true", " fakesink");
  auto worker = w.primary.accept();
  worker.grant(1, source_header(0));
  worker.grant(2, source_header(1));
  expect_equal(worker.next<FakePrimary::Failure>().lease, 1);
  worker.next<dist::PrimarySession::Left>();
  worker.close();
  fail_unless(w.primary.quiet());
  w.messages.expect_error(GST_STREAM_ERROR, GST_STREAM_ERROR_FAILED, "Internal data stream");
  expect_equal(w.messages.count("dist-disconnected"), 0);
}
GST_END_TEST

GST_START_TEST(test_remoteencsrc_stalled_pipeline_gives_the_lease_back_and_goes_on) {
  Worker w("stall-timeout=300000000");
  // Swallows one EOS, as a decoder that got nothing to show does.
  std::atomic<bool> swallow = true;
  gst_pad_add_probe(
      w.pad.get(), GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM,
      [](GstPad*, GstPadProbeInfo* info, gpointer swallow_one) {
        if (GST_EVENT_TYPE(GST_PAD_PROBE_INFO_EVENT(info)) != GST_EVENT_EOS)
          return GST_PAD_PROBE_OK;
        const bool drop = static_cast<std::atomic<bool>*>(swallow_one)->exchange(false);
        return drop ? GST_PAD_PROBE_DROP : GST_PAD_PROBE_OK;
      },
      &swallow, nullptr);
  auto worker = w.primary.accept();
  worker.grant(1, source_header(0));
  const auto failure = worker.next<FakePrimary::Failure>();
  expect_equal(failure.lease, 1);
  fail_unless(failure.reason ==
              "nothing moved in the worker's pipeline for its stall-timeout of 300 ms");
  worker.grant(2, source_header(1));
  expect_equal(worker.next<FakePrimary::Result>().lease, 2);
}
GST_END_TEST

GST_START_TEST(test_remoteencsrc_pipeline_error_fails_the_lease) {
  Worker w("", " fakesink");
  auto worker = w.primary.accept();
  worker.grant(1, source_header(0));
  fail_unless(worker.next<FakePrimary::Failure>().reason ==
              "the worker's pipeline stopped: not-linked");
  w.messages.expect_error(GST_STREAM_ERROR, GST_STREAM_ERROR_FAILED, "Internal data stream");
}
GST_END_TEST

GST_START_TEST(test_remoteencsrc_unreadable_segment_fails_the_lease) {
  Source s;
  auto worker = s.primary.accept();
  worker.grant(1, dist::Bytes::take(std::vector<std::uint8_t>(100, 7)));
  fail_unless(worker.next<FakePrimary::Failure>().reason ==
              "segment header: these bytes are not a segment");
  auto header = source_header(0);
  header.caps = "no caps = = ;";
  worker.grant(2, header);
  fail_unless(worker.next<FakePrimary::Failure>().reason ==
              "the worker cannot read the caps " + header.caps);
}
GST_END_TEST

// A state change begins at the other end of the pipeline: the push fails before the source is told.
GST_START_TEST(test_remoteencsrc_stop_is_no_failure_of_the_lease) {
  for (int i = 0; i < 10; ++i) {
    Worker w("", " ! queue max-size-buffers=1 ! identity name=stop ! remoteencsink");
    const auto stop =
        Ref<GstElement>::adopt(gst_bin_get_by_name(GST_BIN(w.pipeline.get()), "stop"));
    const auto exit = Ref<GstPad>::adopt(gst_element_get_static_pad(stop.get(), "src"));
    gst_pad_add_probe(
        exit.get(),
        static_cast<GstPadProbeType>(GST_PAD_PROBE_TYPE_BLOCK | GST_PAD_PROBE_TYPE_BUFFER),
        [](GstPad*, GstPadProbeInfo*, gpointer) { return GST_PAD_PROBE_OK; }, nullptr, nullptr);
    auto worker = w.primary.accept();
    worker.grant(1, source_header(0));
    wait_until([&] { return gst_pad_is_blocking(exit.get()); });
    gst_element_set_state(w.pipeline.get(), GST_STATE_NULL);
    worker.next<dist::PrimarySession::Left>();
    expect_equal(worker.count<FakePrimary::Failure>(), 0);
  }
}
GST_END_TEST

GST_START_TEST(test_remoteencsrc_eos_event_ends_an_idle_worker) {
  for (const char* properties : {"", "reconnect=true"}) {
    Worker w(properties);
    auto worker = w.primary.accept();
    w.messages.next("dist-connected");
    fail_unless(gst_element_send_event(w.pipeline.get(), gst_event_new_eos()));
    expect_equal(worker.next<dist::PrimarySession::Retired>().kept.size(), 0);
    worker.next<dist::PrimarySession::Left>();
    worker.close();
    w.messages.next(GST_MESSAGE_EOS);
    expect_equal(w.messages.count(GST_MESSAGE_ERROR) + w.messages.count("dist-disconnected"), 0);
  }
}
GST_END_TEST

// What waits behind it goes back at once, and what comes then is not taken.
GST_START_TEST(test_remoteencsrc_eos_event_finishes_the_segment) {
  Worker w("prefetch=3 reconnect=true");
  const gulong block = gst_pad_add_probe(
      w.pad.get(),
      static_cast<GstPadProbeType>(GST_PAD_PROBE_TYPE_BLOCK | GST_PAD_PROBE_TYPE_BUFFER),
      [](GstPad*, GstPadProbeInfo*, gpointer) { return GST_PAD_PROBE_OK; }, nullptr, nullptr);
  auto worker = w.primary.accept();
  for (std::uint64_t i = 0; i < 3; ++i)
    worker.grant(i, source_header(i));
  wait_until([&] { return gst_pad_is_blocking(w.pad.get()); });
  gst_element_send_event(w.pipeline.get(), gst_event_new_eos());
  const auto retired = worker.next<dist::PrimarySession::Retired>();
  expect_equal(retired.kept.size(), 1);
  expect_equal(retired.kept[0], 0);
  worker.grant(3, source_header(3));
  worker.cancel(1);
  worker.cancel(2);
  worker.cancel(3);
  expect_equal(w.messages.count(GST_MESSAGE_EOS), 0);
  gst_pad_remove_probe(w.pad.get(), block);
  expect_equal(worker.next<FakePrimary::Result>().lease, 0);
  worker.next<dist::PrimarySession::Left>();
  worker.close();
  w.messages.next(GST_MESSAGE_EOS);
  expect_equal(w.messages.count(GST_MESSAGE_ERROR), 0);
  fail_unless(w.log.text().find("flush-start") == std::string::npos, "%s", w.log.text().c_str());
}
GST_END_TEST

GST_START_TEST(test_remoteencsrc_eos_event_ends_a_worker_without_a_primary) {
  Worker away("reconnect=true port=9");
  away.messages.next("dist-connecting");
  gst_element_send_event(away.pipeline.get(), gst_event_new_eos());
  away.messages.next(GST_MESSAGE_EOS);

  Worker greeting("reconnect=true");
  Stranger mute(greeting.primary.accept_socket());
  gst_element_send_event(greeting.pipeline.get(), gst_event_new_eos());
  greeting.messages.next(GST_MESSAGE_EOS);

  Worker lost("reconnect=true");
  auto worker = lost.primary.accept();
  const gulong block = gst_pad_add_probe(
      lost.pad.get(),
      static_cast<GstPadProbeType>(GST_PAD_PROBE_TYPE_BLOCK | GST_PAD_PROBE_TYPE_BUFFER),
      [](GstPad*, GstPadProbeInfo*, gpointer) { return GST_PAD_PROBE_OK; }, nullptr, nullptr);
  worker.grant(1, source_header(1));
  wait_until([&] { return gst_pad_is_blocking(lost.pad.get()); });
  gst_element_send_event(lost.pipeline.get(), gst_event_new_eos());
  worker.next<dist::PrimarySession::Retired>();
  worker.close();
  lost.messages.next("dist-disconnected");
  gst_pad_remove_probe(lost.pad.get(), block);
  lost.messages.next(GST_MESSAGE_EOS);
  fail_unless(lost.primary.quiet());
  expect_equal(lost.messages.count(GST_MESSAGE_ERROR), 0);
}
GST_END_TEST

// With a primary that never closes, and one that is waited for; the next start is as the first.
GST_START_TEST(test_remoteencsrc_stops_while_it_retires) {
  Worker w("reconnect=true");
  for (int i = 0; i < 4; ++i) {
    auto worker = w.primary.accept();
    w.messages.next("dist-connected");
    const gulong block = gst_pad_add_probe(
        w.pad.get(),
        static_cast<GstPadProbeType>(GST_PAD_PROBE_TYPE_BLOCK | GST_PAD_PROBE_TYPE_BUFFER),
        [](GstPad*, GstPadProbeInfo*, gpointer) { return GST_PAD_PROBE_OK; }, nullptr, nullptr);
    if (i % 2 == 0) {
      worker.grant(1, source_header(1));
      wait_until([&] { return gst_pad_is_blocking(w.pad.get()); });
    }
    gst_element_send_event(w.pipeline.get(), gst_event_new_eos());
    if (i < 2)
      worker.next<dist::PrimarySession::Retired>();
    const gint64 begin = g_get_monotonic_time();
    gst_element_set_state(w.pipeline.get(), GST_STATE_NULL);
    fail_unless(g_get_monotonic_time() - begin < 5 * G_USEC_PER_SEC);
    worker.next<dist::PrimarySession::Left>();
    gst_pad_remove_probe(w.pad.get(), block);
    fail_unless(!gst_element_send_event(w.pipeline.get(), gst_event_new_eos()));
    gst_element_set_state(w.pipeline.get(), GST_STATE_PLAYING);
  }
  auto worker = w.primary.accept();
  worker.grant(1, source_header(0));
  expect_equal(worker.next<FakePrimary::Result>().lease, 1);
}
GST_END_TEST

GST_START_TEST(test_remoteencsrc_stop_wakes_every_wait) {
  Source waiting;
  auto idle = waiting.primary.accept();
  waiting.h.messages().next("dist-connected");
  gst_element_set_state(waiting.h.element(), GST_STATE_NULL);
  idle.next<dist::PrimarySession::Left>();

  Source busy;
  auto worker = busy.primary.accept();
  worker.grant(1, source_header(0));
  busy.h.pull_event(GST_EVENT_EOS);
  gst_element_set_state(busy.h.element(), GST_STATE_NULL);
  worker.next<dist::PrimarySession::Left>();

  Source ignored;
  gst_element_set_state(ignored.h.element(), GST_STATE_NULL);
}
GST_END_TEST

GST_START_TEST(test_remoteencsrc_dials_again_after_null) {
  Worker w;
  for (int i = 0; i < 3; ++i) {
    auto worker = w.primary.accept();
    worker.grant(1, source_header(0));
    worker.next<FakePrimary::Result>();
    gst_element_set_state(w.pipeline.get(), GST_STATE_NULL);
    worker.next<dist::PrimarySession::Left>();
    gst_element_set_state(w.pipeline.get(), GST_STATE_PLAYING);
  }
}
GST_END_TEST

GST_START_TEST(test_remoteencsrc_properties) {
  const auto element = make_element("remoteencsrc");
  expect_property(element.get(), "port", 1, G_MAXUINT16, 7700);
  expect_property(element.get(), "prefetch", 0, 15, 1);
  expect_property(element.get(), "stall-timeout", 0, G_MAXINT64, 60 * GST_SECOND);
  gchar* host = nullptr;
  gchar* name = nullptr;
  gboolean reconnect = TRUE;
  g_object_get(element.get(), "host", &host, "worker-name", &name, "reconnect", &reconnect,
               nullptr);
  fail_unless(dist::take_string(host) == "127.0.0.1");
  fail_unless(dist::take_string(name).empty());
  fail_if(reconnect);
}
GST_END_TEST

static Suite* remoteencsrc_suite() {
  Suite* const suite = suite_create("remoteencsrc");
  TCase* const tests = tcase_create("all");
  suite_add_tcase(suite, tests);
  tcase_add_test(tests, test_remoteencsrc_segment_is_a_complete_stream);
  tcase_add_test(tests, test_remoteencsrc_units_that_only_help_decoding_are_moved_away);
  tcase_add_test(tests, test_remoteencsrc_flushes_between_segments);
  tcase_add_test(tests, test_remoteencsrc_result_goes_back);
  tcase_add_test(tests, test_remoteencsrc_announces_name_and_capacity);
  tcase_add_test(tests, test_remoteencsrc_cancel_frees_a_pipeline_that_does_not_answer);
  tcase_add_test(tests, test_remoteencsrc_cancel_spares_elements_that_are_being_found);
  tcase_add_test(tests, test_remoteencsrc_cancel_frees_a_blocked_push);
  tcase_add_test(tests, test_remoteencsrc_cancelled_prefetch_is_not_played);
  tcase_add_test(tests, test_remoteencsrc_refusal_is_an_error);
  tcase_add_test(tests, test_remoteencsrc_lost_primary_is_an_error);
  tcase_add_test(tests, test_remoteencsrc_primary_that_speaks_otherwise_is_an_error);
  tcase_add_test(tests, test_remoteencsrc_job_that_is_done_ends_the_pipeline);
  tcase_add_test(tests, test_remoteencsrc_job_without_a_lease_ends_the_pipeline);
  tcase_add_test(tests, test_remoteencsrc_last_of_two_workers_ends_the_pipeline);
  tcase_add_test(tests, test_remoteencsrc_reconnect_goes_on_with_the_next_primary);
  tcase_add_test(tests, test_remoteencsrc_reconnect_survives_a_lost_primary);
  tcase_add_test(tests, test_remoteencsrc_dials_until_the_primary_answers);
  tcase_add_test(tests, test_remoteencsrc_tells_of_a_peer_that_closes);
  tcase_add_test(tests, test_remoteencsrc_tells_of_a_peer_that_says_nothing);
  tcase_add_loop_test(tests, test_remoteencsrc_stuck_pipeline_leaves_for_good, 0, 2);
  tcase_add_test(tests, test_remoteencsrc_pipeline_error_leaves_for_good);
  tcase_add_test(tests, test_remoteencsrc_stalled_pipeline_gives_the_lease_back_and_goes_on);
  tcase_add_test(tests, test_remoteencsrc_pipeline_error_fails_the_lease);
  tcase_add_test(tests, test_remoteencsrc_unreadable_segment_fails_the_lease);
  tcase_add_test(tests, test_remoteencsrc_stop_is_no_failure_of_the_lease);
  tcase_add_test(tests, test_remoteencsrc_eos_event_ends_an_idle_worker);
  tcase_add_test(tests, test_remoteencsrc_eos_event_finishes_the_segment);
  tcase_add_test(tests, test_remoteencsrc_eos_event_ends_a_worker_without_a_primary);
  tcase_add_test(tests, test_remoteencsrc_stops_while_it_retires);
  tcase_add_test(tests, test_remoteencsrc_stop_wakes_every_wait);
  tcase_add_test(tests, test_remoteencsrc_dials_again_after_null);
  tcase_add_test(tests, test_remoteencsrc_properties);
  return suite;
}

GST_CHECK_MAIN(remoteencsrc)
