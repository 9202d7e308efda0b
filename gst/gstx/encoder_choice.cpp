// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/gstx/encoder_choice.h"

#include <gst/gst.h>

#include <algorithm>
#include <map>
#include <optional>
#include <sstream>
#include <tuple>
#include <utility>
#include <vector>

#include "config.h"
#include "gst/base/mutex.h"
#include "gst/gstx/linked_libraries.h"
#include "gst/gstx/ref.h"
#include "gst/gstx/report.h"
#include "gst/rendition/encoder_table.h"

namespace dist {
namespace {

// An encoder of the table that is installed.
struct Candidate {
  const EncoderInfo* info = nullptr;
  guint rank = 0;
};

Ref<GstElementFactory> find_factory(const std::string& element) {
  return Ref<GstElementFactory>::adopt(gst_element_factory_find(element.c_str()));
}

std::string join(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words)
    text += (text.empty() ? "" : ", ") + word;
  return text;
}

std::string known_elements() {
  std::vector<std::string> names;
  for (const EncoderInfo& info : encoders())
    names.push_back(info.element);
  std::sort(names.begin(), names.end());
  return join(names);
}

std::string strip(const std::string& text) {
  const auto first = text.find_first_not_of(" \t");
  return first == std::string::npos ? ""
                                    : text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::string first_error(GstBus* bus) {
  const auto message = Ref<GstMessage>::adopt(gst_bus_pop_filtered(bus, GST_MESSAGE_ERROR));
  return message ? report_of(message.get()).text : "it does not start";
}

// Empty if the encoder can be opened.
std::string try_to_open(const std::string& element) {
  GstElement* const made = gst_element_factory_make(element.c_str(), nullptr);
  if (!made)
    return "it cannot be loaded";
  const auto encoder = Ref<GstElement>::sink(made);
  const auto bus = Ref<GstBus>::adopt(gst_bus_new());
  gst_element_set_bus(encoder.get(), bus.get());
  std::string reason;
  if (gst_element_set_state(encoder.get(), GST_STATE_READY) == GST_STATE_CHANGE_FAILURE)
    reason = first_error(bus.get());
  gst_element_set_state(encoder.get(), GST_STATE_NULL);
  gst_element_set_bus(encoder.get(), nullptr);
  return reason;
}

// The same, asked once in the life of the process.
std::string why_unusable(const std::string& element) {
  static Mutex lock;
  static std::map<std::string, std::string> known GUARDED_BY(lock);
  {
    const MutexLock guard(lock);
    if (const auto at = known.find(element); at != known.end())
      return at->second;
  }
  // Two threads may ask at a time; they learn the same.
  std::string reason = try_to_open(element);
  const MutexLock guard(lock);
  return known.emplace(element, std::move(reason)).first->second;
}

// The plugin does not tell the version of the library that it calls.
std::string version_of(const std::string& element) {
  const auto factory = find_factory(element);
  const auto plugin =
      factory
          ? Ref<GstPlugin>::adopt(gst_plugin_feature_get_plugin(GST_PLUGIN_FEATURE(factory.get())))
          : Ref<GstPlugin>();
  if (!plugin)
    return " gst-dist " VERSION;
  const char* const file = gst_plugin_get_filename(plugin.get());
  const std::string libraries = file ? codec_libraries(file) : "";
  return gst_plugin_get_version(plugin.get()) + std::string(" gst-dist " VERSION) +
         (libraries.empty() ? "" : " " + libraries);
}

std::string is_or_are(const std::vector<std::string>& elements) {
  return join(elements) + (elements.size() > 1 ? " are " : " is ");
}

}  // namespace

Result<EncoderChoice> EncoderChoice::parse(std::string_view list) {
  EncoderChoice choice;
  std::optional<bool> forbids;
  std::istringstream entries{std::string(list)};
  for (std::string entry; std::getline(entries, entry, ',');) {
    std::string name = strip(entry);
    if (name.empty())
      continue;
    const bool forbidden = name.front() == '-';
    if (forbidden)
      name = strip(name.substr(1));
    const std::string subject = "encoders: '" + name + "' ";
    const auto is_it = [&](const EncoderInfo& info) { return name == info.element; };
    if (std::none_of(encoders().begin(), encoders().end(), is_it))
      return Error{subject + "is not one of " + known_elements()};
    if (forbids.value_or(forbidden) != forbidden)
      return Error{"encoders: '" + strip(entry) +
                   "' mixes the two kinds of lists: either all entries begin with '-', which "
                   "forbids these encoders, or none does, which allows only these"};
    if (!forbidden && !find_factory(name))
      return Error{subject + "is not installed; install its plugin or leave it out"};
    forbids = forbidden;
    choice.named_.insert(name);
  }
  choice.named_are_forbidden_ = forbids.value_or(true);
  return choice;
}

bool EncoderChoice::allows(const std::string& element) const {
  return named_.contains(element) != named_are_forbidden_;
}

Ability EncoderChoice::choose(const RenditionSpec& spec) const {
  std::vector<std::string> absent;
  std::vector<std::string> forbidden;
  std::vector<Candidate> candidates;
  for (const EncoderInfo& info : encoders()) {
    if (spec.codec != info.codec)
      continue;
    const auto factory = find_factory(info.element);
    if (!factory)
      absent.push_back(info.element);
    else if (!allows(info.element))
      forbidden.push_back(info.element);
    else
      candidates.push_back({&info, gst_plugin_feature_get_rank(GST_PLUGIN_FEATURE(factory.get()))});
  }
  std::sort(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) {
    const std::string_view name_a = a.info->element;
    const std::string_view name_b = b.info->element;
    return std::tie(b.rank, b.info->hardware, name_a) < std::tie(a.rank, a.info->hardware, name_b);
  });

  std::string reasons;
  for (const Candidate& candidate : candidates) {
    const std::string element = candidate.info->element;
    const std::string parser = setup_encoder(element, spec, 1, std::nullopt, 8).parser;
    if (!parser.empty() && !find_factory(parser)) {
      reasons += "; " + parser + ", which " + element + " needs, is not installed";
      continue;
    }
    const std::string reason = why_unusable(element);
    if (reason.empty())
      return {.able = true, .encoder = element, .reason = "", .version = version_of(element)};
    reasons += "; " + element + " does not work here (" + reason + ")";
  }
  if (!forbidden.empty())
    reasons += "; " + is_or_are(forbidden) + "not allowed";
  if (!absent.empty())
    reasons += "; " + is_or_are(absent) + "not installed";
  if (candidates.empty() && forbidden.empty() && !absent.empty())
    reasons += std::string("; install ") + (absent.size() > 1 ? "one of them" : "it");
  if (reasons.empty())
    reasons = "; none is known";
  return {.able = false,
          .encoder = "",
          .reason = "no encoder for " + spec.codec + ": " + reasons.substr(2)};
}

}  // namespace dist
