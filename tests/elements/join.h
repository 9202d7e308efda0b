// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A distjoin for tests, with somebody behind its pads.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "gst/base/handover.h"
#include "tests/elements/helpers.h"

namespace test {

// What a film is stopped by, as by a sink in preroll.
class Gate {
 public:
  ~Gate() { open(); }
  void open() {
    const std::lock_guard lock(lock_);
    open_ = true;
    changed_.notify_all();
  }
  void pass() {
    std::unique_lock lock(lock_);
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
    --waiting_;
  }
  void wait_for_somebody() {
    std::unique_lock lock(lock_);
    changed_.wait(lock, [this] { return waiting_ > 0; });
  }

 private:
  std::mutex lock_;
  std::condition_variable changed_;
  bool open_ = false;
  int waiting_ = 0;
};

// A distjoin whose pads are linked to harnesses as they come.
class Join : public Harness {
 public:
  // Whether a pad of this name shall be linked.
  using Wanted = std::function<bool(const std::string&)>;

  explicit Join(const char* caps = "application/x-dist-segment", Wanted wanted = {})
      : Harness("distjoin", "", "sink", nullptr), wanted_(std::move(wanted)) {
    g_signal_connect(
        element(), "pad-added",
        G_CALLBACK(+[](GstElement*, GstPad* pad, Join* self) { self->add_output(pad); }), this);
    g_signal_connect(element(), "no-more-pads",
                     G_CALLBACK(+[](GstElement*, Join* self) { self->no_more_pads_ = true; }),
                     this);
    start(caps);
  }
  ~Join() {
    for (auto& [name, gate] : gates_)
      gate->open();
    gst_element_set_state(element(), GST_STATE_NULL);
    for (auto& [name, output] : outputs_)
      gst_harness_teardown(output);
  }

  GstFlowReturn push_segment(const dist::SegmentHeader& header) { return push(segment(header)); }
  bool end() { return push_event(gst_event_new_eos()); }
  std::size_t pads() const { return outputs_.size(); }
  bool no_more_pads() const { return no_more_pads_; }
  // The harness behind a pad.
  GstHarness* output(const std::string& pad) {
    fail_unless(outputs_.count(pad) == 1, "no pad %s", pad.c_str());
    return outputs_.at(pad);
  }
  // Whoever is behind this pad waits there with the first buffer. Before the pad comes.
  Gate& gate(const std::string& pad) {
    auto& gate = gates_[pad];
    if (!gate)
      gate = std::make_unique<Gate>();
    return *gate;
  }
  void link(GstPad* pad) {
    GstHarness* const output = gst_harness_new_empty();
    gst_harness_add_element_src_pad(output, pad);
    // ThreadSanitizer does not see the lock of the harness's queue.
    const auto handed_over = [](GstPad*, GstPadProbeInfo* info, gpointer) {
      dist::hand_over(GST_PAD_PROBE_INFO_BUFFER(info));
      return GST_PAD_PROBE_OK;
    };
    gst_pad_add_probe(output->sinkpad, GST_PAD_PROBE_TYPE_BUFFER, handed_over, nullptr, nullptr);
    // After a stop the pad comes back under the same name.
    GstHarness*& known = outputs_[GST_PAD_NAME(pad)];
    if (known)
      gst_harness_teardown(known);
    known = output;
  }

  // Waits for so many buffers from a pad.
  std::vector<Ref<GstBuffer>> take(const std::string& pad, std::size_t count) {
    std::vector<Ref<GstBuffer>> joined;
    while (joined.size() < count) {
      joined.push_back(Ref<GstBuffer>::adopt(gst_harness_pull(output(pad))));
      fail_unless(static_cast<bool>(joined.back()), "%s gave %zu buffers, not %zu", pad.c_str(),
                  joined.size() - 1, count);
      dist::take_over(joined.back().get());
    }
    return joined;
  }
  // Waits for the end of a pad's stream. All that came before is there then.
  void expect_end(const std::string& pad) {
    wait_until([sink = output(pad)->sinkpad] { return GST_PAD_IS_EOS(sink); });
  }
  // That what was pushed so far does not end the stream.
  void expect_no_end(const std::string& pad) {
    push_event(marker_event("no-end"));
    while (auto event = Ref<GstEvent>::adopt(gst_harness_pull_event(output(pad)))) {
      fail_if(GST_EVENT_TYPE(event.get()) == GST_EVENT_EOS);
      if (gst_event_has_name(event.get(), "no-end"))
        return;
    }
    fail_unless(false, "the marker did not come");
  }
  // The types of the events that came from a pad, which has ended.
  std::string events(const std::string& pad) {
    std::string seen;
    while (auto event = Ref<GstEvent>::adopt(gst_harness_try_pull_event(output(pad))))
      seen += std::string(GST_EVENT_TYPE_NAME(event.get())) + " ";
    return seen;
  }
  void expect_error(const std::string& text) {
    messages().expect_error(GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT, text);
  }

 private:
  void add_output(GstPad* pad) {
    const std::string name = GST_PAD_NAME(pad);
    if (wanted_ && !wanted_(name))
      return;
    link(pad);
    if (gates_.count(name) == 0)
      return;
    const auto wait = [](GstPad*, GstPadProbeInfo*, gpointer gate) {
      static_cast<Gate*>(gate)->pass();
      return GST_PAD_PROBE_OK;
    };
    gst_pad_add_probe(outputs_[name]->sinkpad, GST_PAD_PROBE_TYPE_BUFFER, wait, gates_[name].get(),
                      nullptr);
  }

  const Wanted wanted_;
  bool no_more_pads_ = false;
  std::map<std::string, GstHarness*> outputs_;
  std::map<std::string, std::unique_ptr<Gate>> gates_;
};

}  // namespace test
