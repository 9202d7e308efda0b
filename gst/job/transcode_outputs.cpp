// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/job/transcode_outputs.h"

#include "gst/gstx/stream_format.h"
#include "gst/job/thumbnails.h"

namespace dist {
namespace {

using Kind = JobError::Kind;

// A name that ends as files do is a file.
bool is_file(const std::string& output) {
  return container_of(output) != nullptr;
}

std::string folder_of(const std::string& output) {
  return output + (output.ends_with('/') ? "" : "/");
}

// As a part of what multifilesink reads as printf does.
std::string as_pattern(const std::string& path) {
  std::string pattern;
  for (char letter : path)
    pattern += letter == '%' ? "%%" : std::string(1, letter);
  return pattern;
}

// What goes with a file has its name before its own, what goes into a folder only its own.
std::string beside(const std::string& output, const std::string& name) {
  return is_file(output)
             ? output.substr(0, output.size() - extension_of(output).size()) + "-" + name
             : folder_of(output) + name;
}

std::optional<JobError> plan_file(const std::string& output,
                                  const std::vector<RenditionSpec>& specs, Plan& plan) {
  if (specs.size() > 1)
    return JobError{Kind::kRequest, output + ": is one file, for " + std::to_string(specs.size()) +
                                        " renditions; give the name of a folder"};
  const RenditionSpec& spec = specs[0];
  const Container* const container = container_of(output);
  if (container_for(spec.codec) == nullptr)
    return JobError{Kind::kRequest, "single pictures go into a folder; give its name"};
  const auto caps = Ref<GstCaps>::adopt(gst_caps_from_string(find_codec(spec.codec)->media_type));
  if (!takes(*container, caps.get()))
    return JobError{.kind = Kind::kRequest,
                    .message = std::string(container->extension) + " does not take " + spec.codec +
                               "; write .mkv",
                    .remedy = extension_of(output) == ".webm" ? JobError::Remedy::kVp9
                                                              : JobError::Remedy::kNone,
                    .rendition = spec.name};
  plan.outputs = {{.rendition = spec.name,
                   .codec = spec.codec,
                   .path = output,
                   .container = container,
                   .width = spec.width,
                   .height = spec.height}};
  return {};
}

}  // namespace

std::string default_rendition(const std::string& output) {
  return extension_of(output) == ".webm" ? "video:vp9" : "video:h264";
}

std::optional<JobError> plan_outputs(const std::string& output,
                                     const std::vector<RenditionSpec>& specs, Plan& plan) {
  if (is_file(output))
    return plan_file(output, specs, plan);
  const std::string extension = extension_of(output);
  if (specs.size() == 1 && !extension.empty() && extension != output)
    return JobError{Kind::kRequest, output + ": known files end in " + known_extensions()};
  for (const RenditionSpec& spec : specs) {
    const Container* container = container_for(spec.codec);
    plan.outputs.push_back(
        {.rendition = spec.name,
         .codec = spec.codec,
         .path = folder_of(output) + spec.name + (container ? container->extension : "/"),
         .container = container,
         .width = spec.width,
         .height = spec.height});
  }
  return {};
}

void add_thumbnails(const std::string& output, unsigned interval, Plan& plan) {
  plan.thumbnail_interval = interval;
  plan.outputs.push_back({.rendition = kThumbnails,
                          .codec = "jpeg",
                          .path = beside(output, kThumbnails) + "/",
                          .thumbnails = true});
}

std::vector<std::size_t> outputs_with_sound(const std::string& output, bool separate, Plan& plan) {
  if (separate && plan.film.first(StreamKind::kAudio)) {
    const Container* container = plan.outputs.front().container;
    if (!container)
      container = container_of(".mp4");
    plan.outputs.push_back({"", "", beside(output, "audio") + container->extension, container});
    return {plan.outputs.size() - 1};
  }
  std::vector<std::size_t> with_sound;
  for (std::size_t i = 0; i < plan.outputs.size(); ++i)
    if (plan.outputs[i].container)
      with_sound.push_back(i);
  return with_sound;
}

std::vector<std::string> names_of(const Plan& plan) {
  std::vector<std::string> names;
  for (const Output& output : plan.outputs)
    names.push_back(output.path);
  return names;
}

std::vector<std::string> files_of(const Plan& plan) {
  std::vector<std::string> files = names_of(plan);
  if (plan.request.manifest.empty())
    return files;
  files.push_back(plan.request.manifest);
  if (!plan.request.sign_key.empty())
    files.push_back(plan.request.manifest + ".sig");
  return files;
}

std::vector<std::string> results_of(const Plan& plan) {
  std::vector<std::string> results;
  for (const Output& output : plan.outputs)
    results.push_back(output.path + (output.thumbnails ? kThumbnailTrack : ""));
  const std::vector<std::string> files = files_of(plan);
  results.insert(results.end(), files.begin() + static_cast<std::ptrdiff_t>(results.size()),
                 files.end());
  return results;
}

std::vector<std::string> locations_of(const std::vector<std::string>& paths) {
  std::vector<std::string> locations;
  for (const std::string& path : paths)
    locations.push_back(path.ends_with('/') ? as_pattern(path) + "%05d.jpg" : path);
  return locations;
}

}  // namespace dist
