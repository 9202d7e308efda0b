// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A remoteencsrc for tests, alone or in a whole worker, and the primary it dials.
#pragma once

#include <string>
#include <utility>

#include "gst/base/mutex.h"
#include "tests/elements/helpers.h"

namespace test {

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
    const dist::MutexLock lock(lock_);
    return text_ + (buffers_ > 0 ? "data*" + std::to_string(buffers_) + " " : "");
  }

 private:
  void note(GstPadProbeInfo* info) {
    const dist::MutexLock lock(lock_);
    if ((info->type & GST_PAD_PROBE_TYPE_BUFFER) != 0) {
      ++buffers_;
      return;
    }
    if (buffers_ > 0)
      text_ += "data*" + std::to_string(std::exchange(buffers_, 0)) + " ";
    text_ += std::string(GST_EVENT_TYPE_NAME(GST_PAD_PROBE_INFO_EVENT(info))) + " ";
  }

  mutable dist::Mutex lock_;
  std::string text_ GUARDED_BY(lock_);
  int buffers_ GUARDED_BY(lock_) = 0;
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
    return Ref<GstElement>::sink(made);
  }
  static Ref<GstPad> source_pad(GstElement* pipeline) {
    const auto src = Ref<GstElement>::adopt(gst_bin_get_by_name(GST_BIN(pipeline), "src"));
    return Ref<GstPad>::adopt(gst_element_get_static_pad(src.get(), "src"));
  }
};

// The header of an answer with one rendition.
inline dist::SegmentHeader result_header(const FakePrimary::Result& result) {
  expect_equal(result.renditions.size(), 1);
  const dist::Bytes& bytes = result.renditions[0].front();
  auto header = dist::parse_header(bytes.span(), bytes.size());
  fail_unless(static_cast<bool>(header));
  return *header;
}

}  // namespace test
