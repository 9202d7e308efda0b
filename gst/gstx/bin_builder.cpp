// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/gstx/bin_builder.h"

namespace dist {
namespace {

// The target, for as long as the source lives.
void link_pad(GstElement*, GstPad* pad, gpointer target) {
  const auto sink = Ref<GstPad>::adopt(
      gst_element_get_compatible_pad(static_cast<GstElement*>(target), pad, nullptr));
  if (sink)
    gst_pad_link(pad, sink.get());
}

std::string name_of(const Ref<GstElement>& element) {
  return GST_OBJECT_NAME(element.get());
}

}  // namespace

void BinBuilder::note(const std::string& text) {
  if (status_)
    status_ = Error{text};
}

Ref<GstElement> BinBuilder::add(const std::string& factory, const std::string& name) {
  const char* const called = name.empty() ? nullptr : name.c_str();
  GstElement* made = gst_element_factory_make(factory.c_str(), called);
  if (!made) {
    note("no element \"" + factory + "\"");
    made = gst_element_factory_make("identity", called);
  }
  auto element = Ref<GstElement>::sink(made);
  gst_bin_add(bin_, element.get());
  return element;
}

Ref<GstElement> BinBuilder::add_queue(const std::string& name) {
  auto queue = add("queue", name);
  g_object_set(queue.get(), "max-size-buffers", 0u, "max-size-bytes", 0u, "max-size-time",
               guint64{0}, nullptr);
  return queue;
}

Ref<GstElement> BinBuilder::add_filter(const std::string& caps) {
  auto filter = add("capsfilter");
  const auto wanted = Ref<GstCaps>::adopt(gst_caps_from_string(caps.c_str()));
  g_object_set(filter.get(), "caps", wanted.get(), nullptr);
  return filter;
}

void BinBuilder::link(std::initializer_list<Ref<GstElement>> elements) {
  const Ref<GstElement>* from = nullptr;
  for (const Ref<GstElement>& to : elements) {
    if (from && !gst_element_link(from->get(), to.get()))
      note("could not link " + name_of(*from) + " to " + name_of(to));
    from = &to;
  }
}

void BinBuilder::link(const Ref<GstElement>& from, const Ref<GstElement>& to,
                      const char* pad_template) {
  if (!gst_element_link_pads(from.get(), nullptr, to.get(), pad_template))
    note("could not link " + name_of(from) + " to " + name_of(to));
}

void BinBuilder::link_later(const Ref<GstElement>& from, const Ref<GstElement>& to) {
  g_signal_connect_data(
      from.get(), "pad-added", G_CALLBACK(link_pad), gst_object_ref(to.get()),
      [](gpointer target, GClosure*) { gst_object_unref(target); }, GConnectFlags(0));
}

Ref<GstPad> sink_of(const Ref<GstElement>& element) {
  return Ref<GstPad>::adopt(gst_element_get_static_pad(element.get(), "sink"));
}

}  // namespace dist
