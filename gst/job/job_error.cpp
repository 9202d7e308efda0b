// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/job/job_error.h"

#include <gst/pbutils/pbutils.h>

#include <cerrno>
#include <cstdlib>
#include <optional>
#include <string_view>
#include <utility>

#include "gst/base/text.h"
#include "gst/film/film_reach.h"
#include "gst/gstx/ref.h"
#include "gst/gstx/report.h"

namespace dist {
namespace {

using Kind = JobError::Kind;

// The details of an error that follows from what another element returned.
constexpr char kFlowField[] = "flow-return";

struct Cause {
  std::string text;
  std::string detail;  // What the element says beside that; may be empty.
  std::string system;  // What the system said; likewise.
  GQuark domain = 0;
  int code = 0;
};

// "file.c(123): function (): /path/of/element:\nwhat happened" has only its end for people.
std::string detail_of(const std::string& debug) {
  const std::size_t line = debug.find('\n');
  std::string detail = line == std::string::npos ? "" : debug.substr(line + 1);
  return printable(detail);
}

std::string system_error_of(const std::string& detail) {
  constexpr std::string_view kSystem = "system error: ";
  const std::size_t at = detail.find(kSystem);
  return at == std::string::npos ? "" : detail.substr(at + kSystem.size());
}

Cause cause_of(GstMessage* message) {
  const Report report = report_of(message);
  return {.text = report.text,
          .detail = detail_of(report.debug),
          .system = system_error_of(detail_of(report.debug)),
          .domain = report.domain,
          .code = report.code};
}

// The number behind `prefix`, as in "mux12".
std::optional<std::size_t> number_behind(std::string_view name, std::string_view prefix) {
  if (!name.starts_with(prefix) || name.size() == prefix.size() ||
      name.find_first_not_of("0123456789", prefix.size()) != std::string_view::npos)
    return {};
  return std::strtoul(name.data() + prefix.size(), nullptr, 10);
}

enum class Where { kOurs, kInput, kOutput, kEncoder, kDecoder, kElsewhere };
struct Place {
  Where where = Where::kElsewhere;
  std::size_t output = 0;
};

// By the names in transcode_pipeline.cpp, of the object or of a bin that it is in.
Place place_of(GstObject* object) {
  for (auto at = Ref<GstObject>::share(object); at;
       at = Ref<GstObject>::adopt(gst_object_get_parent(at.get()))) {
    const std::string name = take_string(gst_object_get_name(at.get()));
    const std::string factory = factory_name(at.get());
    if (factory == "remoteenc" || factory == "distjoin" || factory == "distsegmenter")
      return {Where::kOurs};
    // A track has a number of its own behind that of its output.
    const std::string ending = name.substr(0, name.find('_'));
    for (const char* prefix : {"mux", "file", "track"})
      if (const auto output = number_behind(ending, prefix))
        return {Where::kOutput, *output};
    if (number_behind(name, "encoder"))
      return {Where::kEncoder};
    if (name == "source" || name == "film")
      return {Where::kInput};
    if (factory == "decodebin")
      return {Where::kDecoder};
  }
  return {};
}

// --- Who stopped, where an element only says that one did

bool returned(GstPad* pad, GstFlowReturn flow) {
  return GST_PAD_IS_SRC(pad) && gst_pad_get_last_flow_return(pad) == flow;
}

// The element of a pad, of whatever bin the pad is a ghost.
Ref<GstObject> owner_of(Ref<GstPad> pad) {
  while (pad && GST_IS_GHOST_PAD(pad.get()))
    pad = Ref<GstPad>::adopt(gst_ghost_pad_get_target(GST_GHOST_PAD(pad.get())));
  return Ref<GstObject>::adopt(pad ? gst_object_get_parent(GST_OBJECT(pad.get())) : nullptr);
}

template <typename Visit>
void for_each_src_pad(GstElement* element, const Visit& visit) {
  gst_element_foreach_src_pad(
      element,
      [](GstElement*, GstPad* pad, gpointer visitor) -> gboolean {
        (*static_cast<const Visit*>(visitor))(pad);
        return TRUE;
      },
      const_cast<Visit*>(&visit));
}

bool hands_back(GstObject* element, GstFlowReturn flow) {
  bool found = false;
  for_each_src_pad(GST_ELEMENT(element), [&](GstPad* pad) { found |= returned(pad, flow); });
  return found;
}

struct Culprit {
  Ref<GstObject> element;
  Ref<GstCaps> caps;  // Of what it was given; may be null.
};

// An element that passes on what it is asked, such as a queue, refuses in the name of another one.
void follow_refusal(Culprit& culprit) {
  bool on = culprit.caps && GST_IS_ELEMENT(culprit.element.get());
  while (std::exchange(on, false))
    for_each_src_pad(GST_ELEMENT(culprit.element.get()), [&](GstPad* pad) {
      const auto peer = Ref<GstPad>::adopt(gst_pad_get_peer(pad));
      if (on || !peer || gst_pad_query_accept_caps(peer.get(), culprit.caps.get()))
        return;
      if (Ref<GstObject> owner = owner_of(peer); owner && GST_IS_ELEMENT(owner.get())) {
        culprit.element = std::move(owner);
        on = true;
      }
    });
}

// The element furthest downstream that returned `flow`.
Culprit find_culprit(GstElement* pipeline, GstFlowReturn flow) {
  Culprit culprit;
  const auto look_at = [&](GstPad* pad) {
    if (culprit.element || !returned(pad, flow))
      return;
    auto peer = Ref<GstPad>::adopt(gst_pad_get_peer(pad));
    Ref<GstObject> owner = owner_of(std::move(peer));
    if (owner && GST_IS_ELEMENT(owner.get()) && !hands_back(owner.get(), flow))
      culprit = {std::move(owner), Ref<GstCaps>::adopt(gst_pad_get_current_caps(pad))};
  };
  GstIterator* const all = gst_bin_iterate_recurse(GST_BIN(pipeline));
  GValue item = G_VALUE_INIT;
  while (!culprit.element && gst_iterator_next(all, &item) == GST_ITERATOR_OK) {
    if (!GST_IS_BIN(g_value_get_object(&item)))
      for_each_src_pad(GST_ELEMENT(g_value_get_object(&item)), look_at);
    g_value_reset(&item);
  }
  g_value_unset(&item);
  gst_iterator_free(all);
  if (culprit.element && flow == GST_FLOW_NOT_NEGOTIATED)
    follow_refusal(culprit);
  return culprit;
}

bool needs_repair(GstMessage* message) {
  const GstStructure* details = nullptr;
  gst_message_parse_error_details(message, &details);
  gboolean needs = FALSE;
  return details && gst_structure_get_boolean(details, kRepairField, &needs) && needs;
}

std::optional<GstFlowReturn> flow_of(GstMessage* message) {
  const GstStructure* details = nullptr;
  gst_message_parse_error_details(message, &details);
  gint flow = GST_FLOW_OK;
  if (!details || !gst_structure_get_int(details, kFlowField, &flow))
    return {};
  return static_cast<GstFlowReturn>(flow);
}

std::string described(const GstCaps* caps) {
  return caps && gst_caps_is_fixed(caps) ? take_string(gst_pb_utils_get_codec_description(caps))
                                         : "what it gets";
}

// --- Sentences

bool cannot_write(const Cause& report) {
  return report.domain == GST_RESOURCE_ERROR &&
         (report.code == GST_RESOURCE_ERROR_NO_SPACE_LEFT ||
          report.code == GST_RESOURCE_ERROR_WRITE || report.code == GST_RESOURCE_ERROR_OPEN_WRITE);
}

std::string reason_of(const Cause& report) {
  if (report.domain == GST_RESOURCE_ERROR && report.code == GST_RESOURCE_ERROR_NO_SPACE_LEFT)
    return g_strerror(ENOSPC);
  if (!report.system.empty())
    return report.system;
  // What GStreamer says of all errors of a kind says nothing of this one.
  const std::string usual = take_string(gst_error_get_message(report.domain, report.code));
  return report.detail.empty() || report.text != usual ? report.text : report.detail;
}

// What remoteenc says of a port that it does not get.
bool is_port_in_use(const Cause& report) {
  return report.domain == GST_RESOURCE_ERROR && report.code == GST_RESOURCE_ERROR_OPEN_READ_WRITE &&
         (report.text + report.detail).find(g_strerror(EADDRINUSE)) != std::string::npos;
}

JobError::Kind kind_of_ours(const Cause& report, GstObject* source) {
  if (report.domain != GST_RESOURCE_ERROR)
    return Kind::kFailed;
  switch (report.code) {
    case GST_RESOURCE_ERROR_OPEN_READ_WRITE:
    case GST_RESOURCE_ERROR_NOT_AUTHORIZED:
      if (factory_name(source) != "remoteenc")
        return Kind::kInput;
      return is_port_in_use(report) ? Kind::kPortInUse : Kind::kNetwork;
    case GST_RESOURCE_ERROR_SETTINGS:
      return Kind::kRequest;
    default:
      return cannot_write(report) ? Kind::kOutput : Kind::kInput;
  }
}

JobError error_at(GstObject* element, const Cause& report, const JobNames& names) {
  const Place place = place_of(element);
  const std::string reason = reason_of(report);
  const std::string factory = factory_name(element);
  switch (place.where) {
    case Where::kOurs:
      return {kind_of_ours(report, element), report.text};
    case Where::kOutput: {
      const std::string file =
          place.output < names.outputs.size() ? names.outputs[place.output] : "an output";
      if (cannot_write(report))
        return {Kind::kOutput, file + ": cannot be written: " + reason};
      return {Kind::kFailed, file + ": " + (factory == "appsink" ? "libavformat" : factory) +
                                 " cannot put it together: " + reason};
    }
    case Where::kEncoder:
      return {Kind::kFailed, "The sound cannot be encoded with " + factory + ": " + reason};
    case Where::kDecoder:
      return {Kind::kInput, names.input + ": its sound cannot be decoded: " + reason};
    case Where::kInput:
      return {Kind::kInput, names.input + ": cannot be read to its end: " + reason};
    default:
      if (cannot_write(report))
        return {Kind::kOutput, reason};
      return {Kind::kFailed, (factory.empty() ? "" : factory + ": ") + reason};
  }
}

}  // namespace

bool is_consequence(GstMessage* message) {
  return flow_of(message).has_value();
}

JobError error_of(const RefusedLink& link, const std::string& input) {
  return {.kind = Kind::kInput,
          .message = input + ": " + link.text,
          .remedy = link.remote_follows ? JobError::Remedy::kRemote : JobError::Remedy::kNone};
}

JobError error_of(GstElement* pipeline, GstMessage* message, const JobNames& names) {
  Cause report = cause_of(message);
  GstObject* const source = GST_MESSAGE_SRC(message);
  JobError failure;
  const auto flow = flow_of(message);
  if (const Culprit culprit = flow ? find_culprit(pipeline, *flow) : Culprit(); culprit.element) {
    report.text = report.detail =
        *flow == GST_FLOW_NOT_NEGOTIATED
            ? "it does not take " + described(culprit.caps.get())
            : std::string("it stopped (") + gst_flow_get_name(*flow) + ")";
    failure = error_at(culprit.element.get(), report, names);
  } else {
    failure = error_at(source, report, names);
  }
  failure.message = sentence(failure.message);
  if (needs_repair(message))
    failure.remedy = JobError::Remedy::kRepairStore;
  return failure;
}

}  // namespace dist
