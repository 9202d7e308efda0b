// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A worker that is given a hostile segment: its pipeline comes to an end by itself, whatever the
// caps and the bytes are. Inputs are those of segment_input.h.
#include "plugins/encode_chain.h"

#include "gst/gstx/segment_buffer.h"
#include "gst/gstx/segment_play.h"
#include "tests/fuzz/plugins.h"
#include "tests/fuzz/segment_input.h"

namespace {

using namespace dist;
using namespace dist::fuzz;

constexpr char kWanted[] = "r:jpeg:16x16";
constexpr std::uint64_t kFewPixels = 128 * 128;
constexpr std::size_t kLongestError = 4096;

// A pad without a template would take no other caps than those it had.
GstStaticPadTemplate any =
    GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);

struct Sink {
  Ref<GstPad> pad;
  std::size_t frames = 0;
  bool ended = false;

  Sink() : pad(Ref<GstPad>::sink(gst_pad_new_from_static_template(&any, "sink"))) {
    gst_pad_set_element_private(pad.get(), this);
    gst_pad_set_chain_function(pad.get(), [](GstPad* self, GstObject*, GstBuffer* buffer) {
      static_cast<Sink*>(gst_pad_get_element_private(self))->frames += 1;
      gst_buffer_unref(buffer);
      return GST_FLOW_OK;
    });
    gst_pad_set_event_function(
        pad.get(), [](GstPad* self, GstObject*, GstEvent* event) -> gboolean {
          if (GST_EVENT_TYPE(event) == GST_EVENT_EOS)
            static_cast<Sink*>(gst_pad_get_element_private(self))->ended = true;
          gst_event_unref(event);
          return TRUE;
        });
    gst_pad_set_active(pad.get(), TRUE);
  }
  ~Sink() { gst_pad_set_active(pad.get(), FALSE); }
};

// As the task of remoteencsrc plays it.
class Run {
 public:
  Run(EncodeChain& chain, const SegmentInput& input, const SegmentKind& kind,
      std::shared_ptr<Lease> lease)
      : chain_(chain), input_(input), kind_(kind), lease_(std::move(lease)) {
    gst_element_set_bus(chain_.bin(), bus_.get());
    link("sink", source_.get(), true);
    link("src_r", sink_.pad.get(), false);
    gst_pad_set_active(source_.get(), TRUE);
    gst_element_set_state(chain_.bin(), GST_STATE_PLAYING);
  }
  ~Run() {
    gst_pad_set_active(source_.get(), FALSE);
    gst_element_set_state(chain_.bin(), GST_STATE_NULL);
    gst_element_set_bus(chain_.bin(), nullptr);
  }

  void play() {
    const GstSegment segment = play_segment(input_.header);
    gst_pad_push_event(source_.get(), gst_event_new_stream_start("film/0"));
    gst_pad_push_event(source_.get(), gst_event_new_caps(kind_.caps.get()));
    gst_pad_push_event(source_.get(), gst_event_new_segment(&segment));
    gst_pad_push_event(source_.get(), lease_event_new(lease_));
    const GstFlowReturn flow = push_units();
    const bool pushed = flow == GST_FLOW_OK || flow == GST_FLOW_EOS;
    if (pushed)
      gst_pad_push_event(source_.get(), gst_event_new_eos());
    // Else nothing would answer the lease before the stall-timeout.
    REQUIRE(failed() || !pushed || sink_.ended || lease_->settled());
    REQUIRE(sink_.frames <= input_.header.presentation_times().size());
  }

 private:
  void link(const char* name, GstPad* outer, bool into) {
    const auto inner = Ref<GstPad>::adopt(gst_element_get_static_pad(chain_.bin(), name));
    REQUIRE(gst_pad_link(into ? outer : inner.get(), into ? inner.get() : outer) ==
            GST_PAD_LINK_OK);
  }

  GstFlowReturn push_units() {
    const std::size_t base = header_size(input_.segment.get(), input_.header);
    std::uint64_t offset = 0;
    PlayTimes times(input_.header);
    for (const AccessUnit& unit : input_.header.units) {
      auto buffer = unit_buffer(input_.segment.get(), base, offset, unit);
      offset += unit.size;
      times.set(buffer.get(), unit);
      buffer = readable_unit(std::move(buffer), kind_);
      if (!buffer)
        continue;
      if (const GstFlowReturn flow = gst_pad_push(source_.get(), buffer.release());
          flow != GST_FLOW_OK)
        return flow;
    }
    return GST_FLOW_OK;
  }

  bool failed() const {
    const auto message =
        Ref<GstMessage>::adopt(gst_bus_pop_filtered(bus_.get(), GST_MESSAGE_ERROR));
    if (!message)
      return false;
    const std::string text = EncodeChain::text_of(message.get());
    REQUIRE(!text.empty() && text.size() <= kLongestError);
    return true;
  }

  EncodeChain& chain_;
  const SegmentInput& input_;
  const SegmentKind& kind_;
  const std::shared_ptr<Lease> lease_;
  const Ref<GstBus> bus_ = Ref<GstBus>::adopt(gst_bus_new());
  const Ref<GstPad> source_ = Ref<GstPad>::sink(gst_pad_new("source", GST_PAD_SRC));
  Sink sink_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  load_plugins();
  Input in(data, size);
  const auto input = segment_of(in, false);
  if (!input)
    return 0;
  const auto kind = kind_of_source(input->header.caps, kFewPixels);
  if (!kind)
    return 0;
  const auto lease = std::make_shared<Lease>(input->header, *parse_renditions(kWanted));
  auto chain = EncodeChain::build(*lease, {{.able = true, .encoder = "jpegenc"}}, 1, kFewPixels);
  REQUIRE(chain);
  Run(**chain, *input, *kind, lease).play();
  return 0;
}
