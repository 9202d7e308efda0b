// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/source_decoder.h"

#include <utility>

#include "gst/base/mutex.h"
#include "gst/gstx/report.h"

namespace dist {
namespace {

GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);
// In system memory: frames are sent to others.
GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS("video/x-raw"));

Ref<GstPad> pad_new(GstStaticPadTemplate& pad_template) {
  return Ref<GstPad>::adopt(
      GST_PAD(gst_object_ref_sink(gst_pad_new_from_static_template(&pad_template, nullptr))));
}

}  // namespace

Result<std::shared_ptr<SourceDecoder>> SourceDecoder::make(Observer& observer) {
  std::shared_ptr<SourceDecoder> decoder(new SourceDecoder(observer));
  if (Status started = decoder->start(); !started)
    return Error{started.error()};
  return decoder;
}

Status SourceDecoder::start() {
  GstElement* const decodebin = gst_element_factory_make("decodebin", nullptr);
  if (!decodebin)
    return Error{"decodebin is not installed"};
  decodebin_ = Ref<GstElement>::sink(decodebin);
  bus_ = Ref<GstBus>::adopt(gst_bus_new());
  gst_bus_set_sync_handler(bus_.get(), on_message, this, nullptr);
  gst_element_set_bus(decodebin, bus_.get());
  g_object_set(decodebin, "force-sw-decoders", TRUE, nullptr);
  g_signal_connect(decodebin, "pad-added", G_CALLBACK(on_pad_added), this);
  src_ = pad_new(src_template);
  sink_ = pad_new(sink_template);
  gst_pad_set_element_private(sink_.get(), this);
  gst_pad_set_event_function(sink_.get(), on_event);
  gst_pad_set_chain_function(sink_.get(), on_buffer);
  const auto entry = Ref<GstPad>::adopt(gst_element_get_static_pad(decodebin, "sink"));
  gst_pad_set_active(sink_.get(), TRUE);
  gst_pad_set_active(src_.get(), TRUE);
  if (gst_pad_link(src_.get(), entry.get()) != GST_PAD_LINK_OK ||
      gst_element_set_state(decodebin, GST_STATE_PAUSED) == GST_STATE_CHANGE_FAILURE)
    return Error{"decodebin does not start"};
  return {};
}

SourceDecoder::~SourceDecoder() {
  if (src_)
    gst_pad_set_active(src_.get(), FALSE);
  if (sink_)
    gst_pad_set_active(sink_.get(), FALSE);
  if (decodebin_) {
    gst_element_set_state(decodebin_.get(), GST_STATE_NULL);
    gst_element_set_bus(decodebin_.get(), nullptr);
  }
}

void SourceDecoder::push_event(Ref<GstEvent> event) {
  gst_pad_push_event(src_.get(), event.release());
}

GstFlowReturn SourceDecoder::push(Ref<GstBuffer> unit) {
  const GstFlowReturn flow = gst_pad_push(src_.get(), unit.release());
  const GstFlowReturn delivered = deliver();
  return delivered != GST_FLOW_OK ? delivered : flow;
}

GstFlowReturn SourceDecoder::drain() {
  gst_pad_push_event(src_.get(), gst_event_new_eos());
  // Not every decoder says that it gives nothing.
  const bool linked = gst_pad_is_linked(sink_.get());
  while (true) {
    bool ended = false;
    {
      const MutexLock lock(lock_);
      ended_ = ended_ || !linked;
      while (!ended_ && !stopped_ && items_.empty())
        changed_.wait(lock_);
      ended = ended_;
    }
    const GstFlowReturn flow = deliver();
    if (flow != GST_FLOW_OK || ended)
      return flow == GST_FLOW_OK && !failure().empty() ? GST_FLOW_ERROR : flow;
  }
}

// What came out so far.
GstFlowReturn SourceDecoder::deliver() {
  while (true) {
    Item item;
    {
      const MutexLock lock(lock_);
      if (stopped_)
        return GST_FLOW_FLUSHING;
      if (items_.empty())
        return GST_FLOW_OK;
      item = std::move(items_.front());
      items_.pop_front();
    }
    if (auto* const frame = std::get_if<Ref<GstBuffer>>(&item)) {
      if (const GstFlowReturn flow = observer_.decoded(std::move(*frame)); flow != GST_FLOW_OK)
        return flow;
      continue;
    }
    GstEvent* const event = std::get<Ref<GstEvent>>(item).get();
    if (GST_EVENT_TYPE(event) == GST_EVENT_CAPS) {
      GstCaps* caps = nullptr;
      gst_event_parse_caps(event, &caps);
      observer_.decoded_caps(caps);
    } else {
      const GstSegment* segment = nullptr;
      gst_event_parse_segment(event, &segment);
      observer_.decoded_segment(*segment);
    }
  }
}

// What is not installed is said before the error that follows from it.
std::string SourceDecoder::failure() {
  const MutexLock lock(lock_);
  return not_installed_.empty() ? error_ : not_installed_;
}

void SourceDecoder::stop() {
  const MutexLock lock(lock_);
  stopped_ = true;
  changed_.notify_all();
}

// --- Any thread of the decoder

GstBusSyncReply SourceDecoder::on_message(GstBus*, GstMessage* message, gpointer data) {
  auto* self = static_cast<SourceDecoder*>(data);
  const MutexLock lock(self->lock_);
  if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
    if (self->error_.empty())
      self->error_ = report_of(message).text;
    // A decoder that failed may never let EOS through.
    self->ended_ = true;
    self->changed_.notify_all();
  } else if (gst_message_has_name(message, "missing-plugin")) {
    const gchar* const name = gst_structure_get_string(gst_message_get_structure(message), "name");
    self->not_installed_ = std::string("not installed: ") + (name ? name : "a decoder");
  }
  gst_message_unref(message);
  return GST_BUS_DROP;
}

void SourceDecoder::on_pad_added(GstElement*, GstPad* pad, gpointer data) {
  auto* self = static_cast<SourceDecoder*>(data);
  if (gst_pad_is_linked(self->sink_.get()) ||
      gst_pad_link(pad, self->sink_.get()) == GST_PAD_LINK_OK)
    return;
  const MutexLock lock(self->lock_);
  self->error_ = "its frames are not in system memory";
  self->ended_ = true;
}

gboolean SourceDecoder::on_event(GstPad* pad, GstObject*, GstEvent* event) {
  auto* self = static_cast<SourceDecoder*>(gst_pad_get_element_private(pad));
  auto owned = Ref<GstEvent>::adopt(event);
  const MutexLock lock(self->lock_);
  if (GST_EVENT_TYPE(event) == GST_EVENT_EOS)
    self->ended_ = true;
  else if (GST_EVENT_TYPE(event) == GST_EVENT_CAPS || GST_EVENT_TYPE(event) == GST_EVENT_SEGMENT)
    self->items_.emplace_back(std::move(owned));
  self->changed_.notify_all();
  return TRUE;
}

GstFlowReturn SourceDecoder::on_buffer(GstPad* pad, GstObject*, GstBuffer* buffer) {
  auto* self = static_cast<SourceDecoder*>(gst_pad_get_element_private(pad));
  auto frame = Ref<GstBuffer>::adopt(buffer);
  const MutexLock lock(self->lock_);
  if (self->stopped_)
    return GST_FLOW_FLUSHING;
  self->items_.emplace_back(std::move(frame));
  self->changed_.notify_all();
  return GST_FLOW_OK;
}

}  // namespace dist
