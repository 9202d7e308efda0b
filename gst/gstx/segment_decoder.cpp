// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/gstx/segment_decoder.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "gst/gstx/report.h"
#include "gst/gstx/segment_buffer.h"
#include "gst/gstx/segment_play.h"
#include "gst/gstx/stream_format.h"
#include "gst/rendition/rendition.h"

namespace dist {
namespace {

// With luma and chroma in planes that can be read where they lie. Others are converted.
#if G_BYTE_ORDER == G_LITTLE_ENDIAN
#define DEEP_FORMATS \
  ", I420_10LE, I422_10LE, Y444_10LE, I420_12LE, I422_12LE, Y444_12LE, P010_10LE, GRAY16_LE"
#else
#define DEEP_FORMATS \
  ", I420_10BE, I422_10BE, Y444_10BE, I420_12BE, I422_12BE, Y444_12BE, P010_10BE, GRAY16_BE"
#endif
GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);
GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE(
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS,
    GST_STATIC_CAPS(GST_VIDEO_CAPS_MAKE(
        "{ I420, YV12, Y42B, Y444, Y41B, NV12, NV21, NV16, NV24, GRAY8" DEEP_FORMATS " }")));

// The software decoder of the highest rank that takes the caps.
GstElementFactory* find_software_decoder(GstCaps* caps, bool all_of_them) {
  GList* const fit = find_decoders(caps, all_of_them);
  GstElementFactory* found = nullptr;
  for (GList* item = fit; item && !found; item = item->next) {
    auto* const factory = GST_ELEMENT_FACTORY(item->data);
    if (!gst_element_factory_list_is_type(factory, GST_ELEMENT_FACTORY_TYPE_HARDWARE))
      found = GST_ELEMENT_FACTORY(gst_object_ref(factory));
  }
  gst_plugin_feature_list_free(fit);
  return found;
}

void set_if_present(GstElement* element, const char* property, const char* value) {
  if (g_object_class_find_property(G_OBJECT_GET_CLASS(element), property))
    gst_util_set_object_arg(G_OBJECT(element), property, value);
}

std::string size_text(PictureSize size) {
  return std::to_string(size.width) + "x" + std::to_string(size.height);
}

// So many units, from the first, that all frames up to `until` come out: in decode order no frame
// needs one that follows it.
std::size_t units_needed(const SegmentHeader& header, Time until) {
  // Where decode times stand for presentation the last one is not known.
  if (std::ranges::any_of(header.units, [](const AccessUnit& unit) { return unit.pts == kNoTime; }))
    return header.units.size();
  std::size_t needed = 0;
  for (std::size_t i = 0; i < header.units.size(); ++i)
    if (header.units[i].show != kNoTime && header.units[i].show <= until)
      needed = i + 1;
  return needed;
}

}  // namespace

bool lacks_decoder(const SegmentHeader& header) {
  const auto caps = Ref<GstCaps>::adopt(gst_caps_from_string(header.caps.c_str()));
  if (!caps || !gst_caps_is_fixed(caps.get()))
    return false;
  if (!is_known_kind(header.caps))
    return true;
  const GstStructure* const structure = gst_caps_get_structure(caps.get(), 0);
  if (gst_structure_has_name(structure, "video/x-raw"))
    return false;
  const auto any =
      Ref<GstCaps>::adopt(gst_caps_new_empty_simple(gst_structure_get_name(structure)));
  return !Ref<GstElementFactory>::adopt(find_software_decoder(any.get(), false));
}

SegmentDecoder::SegmentDecoder(const SegmentHeader& header, OnFrame on_frame,
                               const std::atomic<bool>& stop)
    : header_(header), on_frame_(std::move(on_frame)), stop_(stop) {
  gst_video_info_init(&info_);
}

SegmentDecoder::~SegmentDecoder() {
  if (src_)
    gst_pad_set_active(src_.get(), FALSE);
  if (sink_)
    gst_pad_set_active(sink_.get(), FALSE);
  if (bin_) {
    gst_element_set_state(bin_.get(), GST_STATE_NULL);
    gst_element_set_bus(bin_.get(), nullptr);
  }
}

Status SegmentDecoder::run(GstBuffer* segment, Time until) {
  auto kind = kind_of_rendition(header_.caps);
  if (!kind)
    return Error{kind.error()};
  kind_ = std::move(*kind);
  const GstStructure* const fields = gst_caps_get_structure(kind_.caps.get(), 0);
  const SourceFormat said = source_format(header_.caps);
  format_ = stream_format(fields);
  said_ = {said.width, said.height};
  if (!is_of_agreed_size(size_in_codec_data(fields).value_or(PictureSize()), kMostFilledUp))
    return Error{error_};
  if (Status made = make_chain(); !made)
    return made;
  return push(segment, until);
}

Status SegmentDecoder::make_chain() {
  bus_ = Ref<GstBus>::adopt(gst_bus_new());
  bin_ = Ref<GstElement>::sink(gst_bin_new("look"));
  gst_element_set_bus(bin_.get(), bus_.get());
  src_ = Ref<GstPad>::sink(gst_pad_new_from_static_template(&src_template, nullptr));
  sink_ = Ref<GstPad>::sink(gst_pad_new_from_static_template(&sink_template, nullptr));
  gst_pad_set_element_private(sink_.get(), this);
  gst_pad_set_event_function(sink_.get(), on_event);
  gst_pad_set_query_function(sink_.get(), on_query);
  gst_pad_set_chain_function(sink_.get(), on_buffer);

  if (Status made = kind_.raw ? Status() : make_decoder(); !made)
    return made;
  GstElement* const convert = gst_element_factory_make("videoconvert", nullptr);
  if (Status added = add(convert); !added)
    return added;
  const auto in = Ref<GstPad>::adopt(gst_element_get_static_pad(first_, "sink"));
  const auto out = Ref<GstPad>::adopt(gst_element_get_static_pad(convert, "src"));
  if (!in || gst_pad_link(src_.get(), in.get()) != GST_PAD_LINK_OK ||
      gst_pad_link(out.get(), sink_.get()) != GST_PAD_LINK_OK)
    return Error{"the decoder " + decoder_ + " does not take '" + header_.caps + "'"};
  gst_pad_set_active(sink_.get(), TRUE);
  if (gst_element_set_state(bin_.get(), GST_STATE_PAUSED) == GST_STATE_CHANGE_FAILURE)
    return Error{failure(GST_FLOW_ERROR)};
  gst_pad_set_active(src_.get(), TRUE);
  return {};
}

Status SegmentDecoder::make_decoder() {
  const auto factory = Ref<GstElementFactory>::adopt(find_software_decoder(kind_.caps.get(), true));
  if (!factory)
    return Error{"no decoder for '" + header_.caps + "' is installed"};
  decoder_ = GST_OBJECT_NAME(factory.get());
  if (is_size_of_parser(format_.codec)) {
    GstElement* const parser = gst_element_factory_make(kind_.parser, nullptr);
    if (Status added = add(parser); !added)
      return added;
    gst_pad_add_probe(Ref<GstPad>::adopt(gst_element_get_static_pad(parser, "src")).get(),
                      static_cast<GstPadProbeType>(GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM |
                                                   GST_PAD_PROBE_TYPE_BUFFER),
                      on_parsed, this, nullptr);
  }
  GstElement* const decoder = gst_element_factory_create(factory.get(), nullptr);
  if (Status added = add(decoder); !added)
    return added;
  for (const char* threads : {"max-threads", "threads", "n-threads"})
    set_if_present(decoder, threads, "1");
  set_if_present(decoder, "qos", "false");
  // A rendition is whole, else its worker has not done its work.
  set_if_present(decoder, "max-errors", header_.is_source() ? "-1" : "0");
  return {};
}

// Takes the element over.
Status SegmentDecoder::add(GstElement* element) {
  if (!element)
    return Error{"an element for decoding is not installed"};
  gst_bin_add(GST_BIN(bin_.get()), element);
  if (last_ && !gst_element_link(last_, element))
    return Error{"the decoder " + decoder_ + " gives no video that can be read"};
  first_ = first_ ? first_ : element;
  last_ = element;
  return {};
}

Status SegmentDecoder::push(GstBuffer* segment, Time until) {
  const GstSegment play = play_segment(header_);
  gst_pad_push_event(src_.get(), gst_event_new_stream_start(header_.stream_id.c_str()));
  const auto caps = is_size_of_parser(format_.codec) ? without_size(kind_.caps.get()) : kind_.caps;
  if (!gst_pad_push_event(src_.get(), gst_event_new_caps(caps.get())))
    return Error{failure(GST_FLOW_NOT_NEGOTIATED)};
  gst_pad_push_event(src_.get(), gst_event_new_segment(&play));

  const std::size_t base = header_size(segment, header_);
  const std::size_t needed = until == kNoTime ? header_.units.size() : units_needed(header_, until);
  std::uint64_t offset = 0;
  PlayTimes times(header_);
  for (std::size_t i = 0; i < needed; ++i) {
    if (stop_)
      return Error{"stopped"};
    const AccessUnit& unit = header_.units[i];
    auto buffer = unit_buffer(segment, base, offset, unit);
    offset += unit.size;
    times.set(buffer.get(), unit);
    buffer = readable_unit(std::move(buffer), kind_);
    if (!buffer)
      continue;
    const auto stated = stated_size(format_, BufferMap(buffer.get()).span());
    if (!is_of_agreed_size(stated.value_or(PictureSize()), kMostFilledUp))
      return Error{error_};
    if (i == 0)
      GST_BUFFER_FLAG_SET(buffer.get(), GST_BUFFER_FLAG_DISCONT);
    const GstFlowReturn flow = gst_pad_push(src_.get(), buffer.release());
    if (flow == GST_FLOW_EOS)
      return {};
    if (flow != GST_FLOW_OK)
      return Error{failure(flow)};
  }
  gst_pad_push_event(src_.get(), gst_event_new_eos());
  if (!error_.empty())
    return Error{error_};
  return {};
}

// Why the chain has stopped.
std::string SegmentDecoder::failure(GstFlowReturn flow) {
  if (!error_.empty())
    return error_;
  const std::string who = decoder_.empty() ? "the video" : "the decoder " + decoder_;
  const auto message = Ref<GstMessage>::adopt(gst_bus_pop_filtered(bus_.get(), GST_MESSAGE_ERROR));
  if (!message)
    return who + " stopped: " + gst_flow_get_name(flow);
  return who + " failed: " + report_of(message.get()).text;
}

// --- Sizes

// Pictures that are larger than agreed are refused before a decoder makes room for them; a film's
// own may have what size they like.
bool SegmentDecoder::is_of_agreed_size(PictureSize size, unsigned filled_up) {
  const bool agreed = header_.is_source() ? too_large_uncropped(size, kMaxPixels).empty()
                                          : size.width <= said_.width + filled_up &&
                                                size.height <= said_.height + filled_up;
  if (!agreed)
    error_ = "its pictures have " + size_text(size) + " pixels" +
             (header_.is_source() ? ", which is too large"
                                  : ", not " + size_text(said_) + " as its caps say");
  return agreed;
}

GstPadProbeReturn SegmentDecoder::on_parsed(GstPad*, GstPadProbeInfo* info, gpointer data) {
  auto* self = static_cast<SegmentDecoder*>(data);
  if ((info->type & GST_PAD_PROBE_TYPE_BUFFER) != 0)
    return self->error_.empty() ? GST_PAD_PROBE_OK : refuse_buffer(info);
  GstEvent* const event = GST_PAD_PROBE_INFO_EVENT(info);
  if (GST_EVENT_TYPE(event) != GST_EVENT_CAPS)
    return GST_PAD_PROBE_OK;
  GstCaps* caps = nullptr;
  gst_event_parse_caps(event, &caps);
  gint width = 0;
  gint height = 0;
  gst_structure_get(gst_caps_get_structure(caps, 0), "width", G_TYPE_INT, &width, "height",
                    G_TYPE_INT, &height, nullptr);
  const PictureSize size{static_cast<unsigned>(std::max(width, 0)),
                         static_cast<unsigned>(std::max(height, 0))};
  return self->is_of_agreed_size(size, 0) ? GST_PAD_PROBE_OK : GST_PAD_PROBE_DROP;
}

// --- Behind the decoder

// Frames that are larger than agreed are refused before they are converted or kept.
bool SegmentDecoder::take_caps(GstCaps* caps) {
  has_info_ = gst_video_info_from_caps(&info_, caps);
  if (!has_info_) {
    error_ = "decoded video cannot be read";
    return false;
  }
  const PictureSize size{static_cast<unsigned>(GST_VIDEO_INFO_WIDTH(&info_)),
                         static_cast<unsigned>(GST_VIDEO_INFO_HEIGHT(&info_))};
  if (std::max(size.width, size.height) > kMaxSize)
    error_ = "decoded frames have " + size_text(size) + " pixels, which is too large";
  else if (!header_.is_source() && (size.width != said_.width || size.height != said_.height))
    error_ = "decoded frames have " + size_text(size) + " pixels, not " + size_text(said_) +
             " as its caps say";
  return error_.empty();
}

gboolean SegmentDecoder::on_event(GstPad* pad, GstObject*, GstEvent* event) {
  auto* self = static_cast<SegmentDecoder*>(gst_pad_get_element_private(pad));
  const auto owned = Ref<GstEvent>::adopt(event);
  if (GST_EVENT_TYPE(event) != GST_EVENT_CAPS)
    return TRUE;
  GstCaps* caps = nullptr;
  gst_event_parse_caps(event, &caps);
  return self->take_caps(caps);
}

// With this a decoder hands out its frames as they are, with their edges.
gboolean SegmentDecoder::on_query(GstPad* pad, GstObject* parent, GstQuery* query) {
  if (GST_QUERY_TYPE(query) != GST_QUERY_ALLOCATION)
    return gst_pad_query_default(pad, parent, query);
  gst_query_add_allocation_meta(query, GST_VIDEO_META_API_TYPE, nullptr);
  return TRUE;
}

GstFlowReturn SegmentDecoder::on_buffer(GstPad* pad, GstObject*, GstBuffer* buffer) {
  auto* self = static_cast<SegmentDecoder*>(gst_pad_get_element_private(pad));
  const auto owned = Ref<GstBuffer>::adopt(buffer);
  if (self->stop_)
    return GST_FLOW_FLUSHING;
  if (!self->has_info_ || !self->error_.empty())
    return GST_FLOW_NOT_NEGOTIATED;
  if (!GST_BUFFER_PTS_IS_VALID(buffer) || GST_BUFFER_PTS(buffer) < kPlayBase)
    return GST_FLOW_OK;
  return self->on_frame_(self->info_, buffer, GST_BUFFER_PTS(buffer) - kPlayBase) ? GST_FLOW_OK
                                                                                  : GST_FLOW_EOS;
}

}  // namespace dist
