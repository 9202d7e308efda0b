// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/elements/chain_player.h"

#include <algorithm>

#include <gst/app/gstappsink.h>

#include "gst/base/mutex.h"
#include "gst/base/text.h"
#include "gst/gstx/encoder_choice.h"
#include "gst/gstx/segment_buffer.h"
#include "gst/gstx/stream_format.h"
#include "gst/rendition/scale_plan.h"

namespace test {

// A pad without a template would take no other caps than those it had.
static GstStaticPadTemplate any =
    GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);

// As in lease_player.cpp.
static constexpr Time kTimeBase = 3600 * GST_SECOND;
static constexpr Time kGap = 1000 * GST_SECOND;

std::vector<Cut> cut(const std::string& source, const std::string& segmenter) {
  const std::string text =
      source + " ! distsegmenter " + segmenter + " ! appsink name=out sync=false";
  GError* error = nullptr;
  GstElement* const pipeline = gst_parse_launch(text.c_str(), &error);
  fail_unless(error == nullptr, "%s: %s", text.c_str(), error ? error->message : "");
  GstElement* const sink = gst_bin_get_by_name(GST_BIN(pipeline), "out");
  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  std::vector<Cut> cuts;
  while (GstSample* const sample = gst_app_sink_pull_sample(GST_APP_SINK(sink))) {
    auto segment = Ref<GstBuffer>::share(gst_sample_get_buffer(sample));
    auto header = dist::read_header(segment.get());
    fail_unless(static_cast<bool>(header));
    cuts.push_back({std::move(*header), std::move(segment)});
    gst_sample_unref(sample);
  }
  gst_element_set_state(pipeline, GST_STATE_NULL);
  gst_object_unref(sink);
  gst_object_unref(pipeline);
  fail_if(cuts.empty(), "%s: no segments", text.c_str());
  return cuts;
}

std::vector<Cut> cut_h264(unsigned width, unsigned height, unsigned seconds,
                          const std::string& more_caps) {
  return cut(
      "videotestsrc pattern=smpte horizontal-speed=3 num-buffers=" + std::to_string(25 * seconds) +
      " ! video/x-raw,format=I420,framerate=25/1,width=" + std::to_string(width) +
      ",height=" + std::to_string(height) + more_caps +
      " ! x264enc speed-preset=ultrafast bframes=2 key-int-max=5 threads=1 ! h264parse");
}

std::string without_stream_headers(const std::string& text) {
  const auto caps = Ref<GstCaps>::adopt(gst_caps_from_string(text.c_str()));
  gst_structure_remove_field(gst_caps_get_structure(caps.get(), 0), "streamheader");
  return dist::take_string(gst_caps_to_string(caps.get()));
}

// The pad behind one of the chain's.
struct ChainPlayer::Sink {
  Ref<GstPad> pad;
  dist::Mutex lock;
  GstSegment segment GUARDED_BY(lock);
  Output output GUARDED_BY(lock);

  static GstFlowReturn chain(GstPad* pad, GstObject*, GstBuffer* raw) {
    auto* const self = static_cast<Sink*>(gst_pad_get_element_private(pad));
    const auto buffer = Ref<GstBuffer>::adopt(raw);
    const dist::MutexLock lock(self->lock);
    const bool delta = GST_BUFFER_FLAG_IS_SET(raw, GST_BUFFER_FLAG_DELTA_UNIT);
    const dist::BufferMap map(raw);
    self->output.frames.push_back(
        {gst_segment_to_running_time(&self->segment, GST_FORMAT_TIME, GST_BUFFER_PTS(raw)),
         GST_BUFFER_DTS(raw), delta, std::string(map.span().begin(), map.span().end())});
    return GST_FLOW_OK;
  }

  static gboolean event(GstPad* pad, GstObject*, GstEvent* raw) {
    auto* const self = static_cast<Sink*>(gst_pad_get_element_private(pad));
    const auto event = Ref<GstEvent>::adopt(raw);
    const dist::MutexLock lock(self->lock);
    if (auto lease = dist::lease_from_event(raw))
      self->output.leases.push_back(std::move(lease));
    if (GST_EVENT_TYPE(raw) == GST_EVENT_EOS)
      self->output.eos = true;
    if (GST_EVENT_TYPE(raw) == GST_EVENT_SEGMENT)
      gst_event_copy_segment(raw, &self->segment);
    if (GST_EVENT_TYPE(raw) == GST_EVENT_CAPS) {
      GstCaps* caps = nullptr;
      gst_event_parse_caps(raw, &caps);
      self->output.caps = dist::take_string(gst_caps_to_string(caps));
    }
    return TRUE;
  }
};

ChainPlayer::ChainPlayer(const Cut& first, const std::string& renditions,
                         std::vector<dist::Ability> encoders, unsigned threads) {
  auto specs = dist::parse_renditions(renditions);
  fail_unless(static_cast<bool>(specs), "%s", specs ? "" : specs.error().c_str());
  specs_ = std::move(*specs);
  const dist::SourceFormat film = dist::source_format(first.header.caps);
  dist::set_scaling_paths(specs_, film.width, film.height);
  if (encoders.empty())
    for (const auto& spec : specs_)
      encoders.push_back(dist::EncoderChoice().choose(spec));
  auto chain = dist::EncodeChain::build(dist::Lease(first.header, specs_), encoders, threads);
  fail_unless(static_cast<bool>(chain), "%s", chain ? "" : chain.error().c_str());
  chain_ = std::move(*chain);
  messages_ = std::make_unique<Messages>(chain_->bin());

  source_ = Ref<GstPad>::sink(gst_pad_new("source", GST_PAD_SRC));
  gst_pad_set_active(source_.get(), TRUE);
  const auto entry = Ref<GstPad>::adopt(gst_element_get_static_pad(chain_->bin(), "sink"));
  expect_equal(gst_pad_link(source_.get(), entry.get()), GST_PAD_LINK_OK);
  for (const auto& spec : specs_) {
    auto sink = std::make_unique<Sink>();
    sink->pad = Ref<GstPad>::sink(gst_pad_new_from_static_template(&any, spec.name.c_str()));
    gst_segment_init(&sink->segment, GST_FORMAT_TIME);
    gst_pad_set_element_private(sink->pad.get(), sink.get());
    gst_pad_set_chain_function(sink->pad.get(), Sink::chain);
    gst_pad_set_event_function(sink->pad.get(), Sink::event);
    gst_pad_set_active(sink->pad.get(), TRUE);
    const auto exit =
        Ref<GstPad>::adopt(gst_element_get_static_pad(chain_->bin(), ("src_" + spec.name).c_str()));
    expect_equal(gst_pad_link(exit.get(), sink->pad.get()), GST_PAD_LINK_OK);
    sinks_.push_back(std::move(sink));
  }
  gst_element_set_state(chain_->bin(), GST_STATE_PLAYING);
}

ChainPlayer::~ChainPlayer() {
  gst_pad_set_active(source_.get(), FALSE);
  for (const auto& sink : sinks_)
    gst_pad_set_active(sink->pad.get(), FALSE);
  messages_.reset();
  chain_.reset();
}

std::vector<Output> ChainPlayer::play(const Cut& cut) {
  begin(cut);
  const GstFlowReturn flow = push_units(cut, cut.header.units.size());
  if (flow == GST_FLOW_OK || flow == GST_FLOW_EOS)
    gst_pad_push_event(source_.get(), gst_event_new_eos());
  return outputs();
}

std::vector<Output> ChainPlayer::play_beginning(const Cut& cut, std::size_t units) {
  begin(cut);
  push_units(cut, units);
  return outputs();
}

std::vector<Output> ChainPlayer::outputs() {
  std::vector<Output> outputs;
  for (const auto& sink : sinks_) {
    const dist::MutexLock lock(sink->lock);
    outputs.push_back(sink->output);
  }
  return outputs;
}

void ChainPlayer::begin(const Cut& cut) {
  if (played_) {
    gst_pad_push_event(source_.get(), gst_event_new_flush_start());
    gst_pad_push_event(source_.get(), gst_event_new_flush_stop(TRUE));
  }
  played_ = true;
  // Caps outlive a flush, and encoders do not say them again.
  for (const auto& sink : sinks_) {
    const dist::MutexLock lock(sink->lock);
    sink->output = {{}, sink->output.caps, false, {}};
  }
  lease_ = std::make_shared<dist::Lease>(cut.header, specs_);

  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  segment.start = segment.position = cut.header.start + kTimeBase;
  segment.stop = cut.header.stop + kTimeBase;
  segment.time = cut.header.start;
  const auto caps = Ref<GstCaps>::adopt(gst_caps_from_string(cut.header.caps.c_str()));
  gst_pad_push_event(source_.get(), gst_event_new_stream_start("film"));
  gst_pad_push_event(source_.get(), gst_event_new_caps(caps.get()));
  gst_pad_push_event(source_.get(), gst_event_new_segment(&segment));
  gst_pad_push_event(source_.get(), dist::lease_event_new(lease_));
  gst_pad_push_event(
      source_.get(),
      gst_event_new_custom(
          GST_EVENT_CUSTOM_DOWNSTREAM,
          gst_structure_new("GstForceKeyUnit", "timestamp", G_TYPE_UINT64, GST_CLOCK_TIME_NONE,
                            "stream-time", G_TYPE_UINT64, GST_CLOCK_TIME_NONE, "running-time",
                            G_TYPE_UINT64, GST_CLOCK_TIME_NONE, "all-headers", G_TYPE_BOOLEAN, TRUE,
                            "count", G_TYPE_UINT, 0u, nullptr)));
}

GstFlowReturn ChainPlayer::push_units(const Cut& cut, std::size_t count) {
  const dist::SegmentHeader& header = cut.header;
  const std::size_t base = dist::header_size(cut.segment.get(), header);
  std::uint64_t offset = 0;
  for (std::size_t i = 0; i < std::min(count, header.units.size()); ++i) {
    const dist::AccessUnit& unit = header.units[i];
    auto buffer = dist::unit_buffer(cut.segment.get(), base, offset, unit);
    offset += unit.size;
    Time shift = kTimeBase;
    const Time time =
        unit.show != dist::kNoTime ? unit.show : dist::presentation_estimate(unit.pts, unit.dts);
    if (unit.show == dist::kNoTime && time != dist::kNoTime)
      shift = time < header.start   ? kTimeBase - kGap
              : time >= header.stop ? kTimeBase + kGap
                                    : shift;
    GST_BUFFER_PTS(buffer.get()) = unit.pts != dist::kNoTime ? time + shift : dist::kNoTime;
    GST_BUFFER_DTS(buffer.get()) = unit.dts != dist::kNoTime ? unit.dts + shift : dist::kNoTime;
    const GstFlowReturn flow = gst_pad_push(source_.get(), buffer.release());
    if (flow != GST_FLOW_OK)
      return flow;
  }
  return GST_FLOW_OK;
}

static std::string text_of(const std::vector<Time>& times) {
  std::string text;
  for (const Time time : times)
    text += std::to_string(time) + " ";
  return text;
}

std::vector<Output> ChainPlayer::play_well(const Cut& cut) {
  auto outputs = play(cut);
  if (messages_->count(GST_MESSAGE_ERROR) != 0)
    ck_abort_msg("%s",
                 dist::EncodeChain::text_of(messages_->next(GST_MESSAGE_ERROR).get()).c_str());
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const std::string subject =
        "segment " + std::to_string(cut.header.index) + ", " + specs_[i].name + ": ";
    const Output& output = outputs[i];
    fail_unless(output.eos, "%sno end", subject.c_str());
    // Decoders may send the lease of a segment that was flushed away once more, before this one.
    fail_unless(!output.leases.empty() && output.leases.back() == lease_, "%slease",
                subject.c_str());
    std::vector<Time> seen;
    GstClockTime last_dts = 0;
    for (const auto& frame : output.frames) {
      seen.push_back(frame.time);
      if (GST_CLOCK_TIME_IS_VALID(frame.dts)) {
        fail_unless(frame.dts >= last_dts, "%sdecode times go back", subject.c_str());
        last_dts = frame.dts;
      }
    }
    std::sort(seen.begin(), seen.end());
    std::vector<Time> expected;
    for (const Time time : dist::frames_of(cut.header, specs_[i]))
      expected.push_back(time - cut.header.start);
    fail_unless(seen == expected, "%sframes at %s instead of %s", subject.c_str(),
                text_of(seen).c_str(), text_of(expected).c_str());
    if (output.frames.empty())
      continue;
    fail_if(output.frames.front().delta, "%sno keyframe first", subject.c_str());
    fail_unless(output.frames.front().time == seen.front(), "%sits keyframe is not shown first",
                subject.c_str());
  }
  return outputs;
}

std::string ChainPlayer::sizes_before(const std::string& rendition) {
  auto pad =
      Ref<GstPad>::adopt(gst_element_get_static_pad(chain_->bin(), ("src_" + rendition).c_str()));
  pad = Ref<GstPad>::adopt(gst_ghost_pad_get_target(GST_GHOST_PAD(pad.get())));
  std::string text;
  while (pad) {
    const auto element = Ref<GstElement>::adopt(gst_pad_get_parent_element(pad.get()));
    const auto entry = Ref<GstPad>::adopt(gst_element_get_static_pad(element.get(), "sink"));
    const auto caps = Ref<GstCaps>::adopt(gst_pad_get_current_caps(entry.get()));
    const std::string factory = GST_OBJECT_NAME(gst_element_get_factory(element.get()));
    if (caps && factory == "tee") {
      gint width = 0;
      gint height = 0;
      const GstStructure* const structure = gst_caps_get_structure(caps.get(), 0);
      gst_structure_get_int(structure, "width", &width);
      gst_structure_get_int(structure, "height", &height);
      text = std::to_string(width) + "x" + std::to_string(height) + " " + text;
    }
    pad = factory == "deinterlace" ? Ref<GstPad>()
                                   : Ref<GstPad>::adopt(gst_pad_get_peer(entry.get()));
  }
  return text;
}

}  // namespace test
