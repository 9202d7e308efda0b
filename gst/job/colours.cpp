// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/job/colours.h"

#include <memory>
#include <string>
#include <string_view>

#include "gst/gstx/ref.h"

namespace dist {
namespace {

constexpr char kColorimetry[] = "colorimetry";

constexpr char kPixels[] = "pixel-aspect-ratio";

// What the container says; shared by the two pads of a parser, which one thread serves.
struct Said {
  std::string colours;  // Empty: nothing.
  bool square = false;
};
using SharedSaid = std::shared_ptr<Said>;

// The caps of a CAPS event, to be changed. Null for other events.
Ref<GstCaps> writable_caps(GstPadProbeInfo* info) {
  GstEvent* const event = GST_PAD_PROBE_INFO_EVENT(info);
  GstCaps* caps = nullptr;
  if (GST_EVENT_TYPE(event) == GST_EVENT_CAPS)
    gst_event_parse_caps(event, &caps);
  return Ref<GstCaps>::adopt(caps ? gst_caps_copy(caps) : nullptr);
}

void replace_caps(GstPadProbeInfo* info, GstCaps* caps) {
  gst_event_unref(GST_PAD_PROBE_INFO_EVENT(info));
  GST_PAD_PROBE_INFO_DATA(info) = gst_event_new_caps(caps);
}

GstPadProbeReturn take_away(GstPad*, GstPadProbeInfo* info, gpointer data) {
  const auto caps = writable_caps(info);
  if (!caps)
    return GST_PAD_PROBE_OK;
  GstStructure* const fields = gst_caps_get_structure(caps.get(), 0);
  Said& said = **static_cast<SharedSaid*>(data);
  const gchar* colours = gst_structure_get_string(fields, kColorimetry);
  said.colours = colours ? colours : "";
  gst_structure_remove_field(fields, kColorimetry);
  gint width = 0, height = 0;
  said.square = gst_structure_get_fraction(fields, kPixels, &width, &height) && width == height;
  if (said.square)
    gst_structure_remove_field(fields, kPixels);
  replace_caps(info, caps.get());
  return GST_PAD_PROBE_OK;
}

GstPadProbeReturn give_back(GstPad*, GstPadProbeInfo* info, gpointer data) {
  const Said& said = **static_cast<SharedSaid*>(data);
  const auto caps = writable_caps(info);
  if (!caps)
    return GST_PAD_PROBE_OK;
  GstStructure* const fields = gst_caps_get_structure(caps.get(), 0);
  if (!said.colours.empty() && !gst_structure_has_field(fields, kColorimetry))
    gst_structure_set(fields, kColorimetry, G_TYPE_STRING, said.colours.c_str(), nullptr);
  if (said.square && !gst_structure_has_field(fields, kPixels))
    gst_structure_set(fields, kPixels, GST_TYPE_FRACTION, 1, 1, nullptr);
  replace_caps(info, caps.get());
  return GST_PAD_PROBE_OK;
}

void add_probe(GstElement* parser, const char* pad_name, GstPadProbeCallback callback,
               const SharedSaid& said) {
  const auto pad = Ref<GstPad>::adopt(gst_element_get_static_pad(parser, pad_name));
  gst_pad_add_probe(pad.get(), GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, callback, new SharedSaid(said),
                    [](gpointer data) { delete static_cast<SharedSaid*>(data); });
}

void on_element(GstBin*, GstElement* element, gpointer) {
  const auto* factory = gst_element_get_factory(element);
  const std::string_view name = factory ? GST_OBJECT_NAME(factory) : "";
  if (name != "h264parse" && name != "h265parse")
    return;
  const auto said = std::make_shared<Said>();
  add_probe(element, "sink", take_away, said);
  add_probe(element, "src", give_back, said);
}

}  // namespace

void prefer_colours_of_stream(GstElement* parsebin) {
  g_signal_connect(parsebin, "element-added", G_CALLBACK(on_element), nullptr);
}

}  // namespace dist
