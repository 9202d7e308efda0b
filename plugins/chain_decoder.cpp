// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/chain_decoder.h"

#include <utility>

#include "gst/gstx/decoder_errors.h"
#include "gst/gstx/stream_format.h"

namespace dist {
namespace {

void set_if_present(GstElement* element, const char* property, const std::string& value) {
  if (g_object_class_find_property(G_OBJECT_GET_CLASS(element), property))
    gst_util_set_object_arg(G_OBJECT(element), property, value.c_str());
}

Ref<GstPad> pad_of(GstElement* element, const char* name) {
  return Ref<GstPad>::adopt(gst_element_get_static_pad(element, name));
}

// What a decoder of the list takes of `parsed`.
void add_inputs(GstCaps*& inputs, GList* decoders, GstCaps* parsed) {
  for (GList* item = decoders; item; item = item->next) {
    const GList* pads =
        gst_element_factory_get_static_pad_templates(GST_ELEMENT_FACTORY(item->data));
    for (; pads; pads = pads->next) {
      auto* const pad = static_cast<GstStaticPadTemplate*>(pads->data);
      if (pad->direction != GST_PAD_SINK)
        continue;
      const auto taken = Ref<GstCaps>::adopt(gst_static_pad_template_get_caps(pad));
      inputs = gst_caps_merge(
          inputs, gst_caps_intersect_full(taken.get(), parsed, GST_CAPS_INTERSECT_FIRST));
    }
  }
}

}  // namespace

// --- The thread that builds the chain

Result<std::unique_ptr<ChainDecoder>> ChainDecoder::make(GstBin* bin, const SegmentKind& kind,
                                                         GstElement* next, unsigned threads,
                                                         std::uint64_t max_pixels) {
  std::unique_ptr<ChainDecoder> made(new ChainDecoder(bin, kind, threads, max_pixels));
  if (Status done = made->make_elements(next); !done)
    return Error{done.error()};
  return made;
}

Status ChainDecoder::make_elements(GstElement* next) {
  const auto exit = add("capsfilter");
  if (!exit)
    return Error{exit.error()};
  exit_ = *exit;
  // The memory of a card would not be what the elements behind it read.
  gst_util_set_object_arg(G_OBJECT(exit_), "caps", "video/x-raw;video/x-raw(format:Interlaced)");
  if (!gst_element_link(exit_, next))
    return Error{"the decoder cannot be linked"};
  first_ = exit_;
  if (kind_.raw)
    return {};
  const auto filter = add("capsfilter");
  if (!filter)
    return Error{filter.error()};
  first_ = filter_ = *filter;
  gst_pad_add_probe(
      pad_of(filter_, "sink").get(),
      static_cast<GstPadProbeType>(GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM | GST_PAD_PROBE_TYPE_BUFFER),
      on_parsed, this, nullptr);
  // Decoders take what comes from a demuxer, too.
  if (*kind_.parser == '\0' ||
      !Ref<GstElementFactory>::adopt(gst_element_factory_find(kind_.parser)))
    return {};
  const auto parser = add(kind_.parser);
  if (!parser)
    return Error{parser.error()};
  restrict_parser(*parser);
  if (is_size_of_parser(kind_.codec))
    gst_pad_add_probe(pad_of(*parser, "sink").get(), GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM,
                      on_unparsed, nullptr, nullptr);
  if (!gst_element_link(*parser, filter_))
    return Error{std::string(kind_.parser) + " cannot be linked"};
  first_ = *parser;
  return {};
}

// A parser that can choose its output chooses what a decoder takes, one of high rank first.
void ChainDecoder::restrict_parser(GstElement* parser) {
  const std::string klass = gst_element_get_metadata(parser, GST_ELEMENT_METADATA_KLASS);
  if (klass.find("Converter") == std::string::npos)
    return;
  const auto parsed = Ref<GstCaps>::adopt(gst_pad_query_caps(pad_of(parser, "src").get(), nullptr));
  GList* const decoders = find_decoders(parsed.get(), false);
  GstCaps* inputs = gst_caps_new_empty();
  add_inputs(inputs, decoders, parsed.get());
  gst_plugin_feature_list_free(decoders);
  inputs = gst_caps_merge(inputs, gst_caps_ref(parsed.get()));
  g_object_set(filter_, "caps", inputs, nullptr);
  gst_caps_unref(inputs);
}

Result<GstElement*> ChainDecoder::add(const std::string& factory) {
  GstElement* const element = gst_element_factory_make(factory.c_str(), nullptr);
  if (!element)
    return Error{factory + " is not installed"};
  gst_bin_add(bin_, element);
  return element;
}

// --- The streaming thread

GstPadProbeReturn ChainDecoder::on_unparsed(GstPad*, GstPadProbeInfo* info, gpointer) {
  GstEvent* const event = GST_PAD_PROBE_INFO_EVENT(info);
  if (GST_EVENT_TYPE(event) != GST_EVENT_CAPS)
    return GST_PAD_PROBE_OK;
  GstCaps* caps = nullptr;
  gst_event_parse_caps(event, &caps);
  GST_PAD_PROBE_INFO_DATA(info) = gst_event_new_caps(without_size(caps).get());
  gst_event_unref(event);
  return GST_PAD_PROBE_OK;
}

GstPadProbeReturn ChainDecoder::on_parsed(GstPad* pad, GstPadProbeInfo* info, gpointer data) {
  auto* self = static_cast<ChainDecoder*>(data);
  if ((info->type & GST_PAD_PROBE_TYPE_BUFFER) != 0)
    return self->take_unit(info);
  GstEvent* const event = GST_PAD_PROBE_INFO_EVENT(info);
  return GST_EVENT_TYPE(event) == GST_EVENT_CAPS ? self->take_caps(pad, event) : GST_PAD_PROBE_OK;
}

// Pictures that are too large are refused here, where a parser has read their size and no decoder
// has made room for them.
GstPadProbeReturn ChainDecoder::take_caps(GstPad* pad, GstEvent* event) {
  GstCaps* caps = nullptr;
  gst_event_parse_caps(event, &caps);
  const GstStructure* const fields = gst_caps_get_structure(caps, 0);
  format_ = stream_format(fields);
  std::string large = too_large(fields, max_pixels_);
  if (large.empty())
    large = too_large_uncropped(size_in_codec_data(fields).value_or(PictureSize()), max_pixels_);
  Status done = large.empty() ? Status() : Error{std::string(kind_.name) + ": " + large};
  if (done && !decoder_)
    done = plug(pad, caps);
  if (done)
    return GST_PAD_PROBE_OK;
  fail(done.error());
  return GST_PAD_PROBE_DROP;
}

GstPadProbeReturn ChainDecoder::take_unit(GstPadProbeInfo* info) {
  if (!failed_) {
    const BufferMap map(GST_PAD_PROBE_INFO_BUFFER(info));
    const PictureSize size = stated_size(format_, map.span()).value_or(PictureSize());
    if (const std::string large = too_large_uncropped(size, max_pixels_); !large.empty())
      fail(std::string(kind_.name) + ": " + large);
  }
  return failed_ ? refuse_buffer(info) : GST_PAD_PROBE_OK;
}

void ChainDecoder::fail(const std::string& why) {
  failed_ = true;
  GST_ELEMENT_ERROR(bin_, CORE, MISSING_PLUGIN,
                    ("The worker cannot decode this segment: %s.", why.c_str()), (NULL));
}

// The decoder is told the caps before it is linked, as some only then see that they cannot work.
Status ChainDecoder::plug(GstPad* pad, GstCaps* caps) {
  GList* const decoders = find_decoders(caps, true);
  std::string refused;
  for (GList* item = decoders; item && !decoder_; item = item->next) {
    auto* const factory = GST_ELEMENT_FACTORY(item->data);
    if (!try_decoder(factory, pad, caps))
      refused += (refused.empty() ? "" : ", ") + std::string(GST_OBJECT_NAME(factory));
  }
  gst_plugin_feature_list_free(decoders);
  // A flush is nobody's failure. The caps come again after it.
  if (decoder_ || GST_PAD_IS_FLUSHING(pad))
    return {};
  if (refused.empty())
    return Error{std::string("a decoder of ") + kind_.name + " is not installed"};
  return Error{refused + " cannot decode this " + kind_.name};
}

bool ChainDecoder::try_decoder(GstElementFactory* factory, GstPad* pad, GstCaps* caps) {
  GstElement* const decoder = gst_element_factory_create(factory, nullptr);
  if (!decoder)
    return false;
  count_decoder_errors();
  // Some would start a thread for each core, in each of the chains side by side.
  for (const char* name : {"max-threads", "threads", "n-threads"})
    set_if_present(decoder, name, std::to_string(threads_));
  gst_bin_add(bin_, decoder);
  // What one says that is not used is no failure of the chain.
  gst_element_set_bus(decoder, nullptr);
  const auto start = Ref<GstEvent>::adopt(gst_pad_get_sticky_event(pad, GST_EVENT_STREAM_START, 0));
  const auto entry = pad_of(decoder, "sink");
  const auto tell = [&entry](GstEvent* event) { return gst_pad_send_event(entry.get(), event); };
  const bool works = entry && gst_element_link(decoder, exit_) &&
                     gst_element_set_state(decoder, GST_STATE_PAUSED) != GST_STATE_CHANGE_FAILURE &&
                     (!start || tell(gst_event_ref(start.get()))) &&
                     tell(gst_event_new_caps(caps)) && gst_element_link(filter_, decoder);
  if (!works) {
    gst_element_set_state(decoder, GST_STATE_NULL);
    gst_bin_remove(bin_, decoder);
    return false;
  }
  gst_element_set_bus(decoder, bin_->child_bus);
  gst_element_sync_state_with_parent(decoder);
  decoder_ = decoder;
  return true;
}

}  // namespace dist
