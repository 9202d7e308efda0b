// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/job/carried_streams.h"

#include <algorithm>
#include <utility>

#include "gst/film/film_labels.h"
#include "gst/job/sound_encoding.h"

namespace dist {
namespace {

bool is_installed(const std::string& element) {
  return static_cast<bool>(
      Ref<GstElementFactory>::adopt(gst_element_factory_find(element.c_str())));
}

const char* first_encoder(const Container& container) {
  const auto found = std::ranges::find_if(container.audio_encoders, is_installed);
  return found == container.audio_encoders.end() ? nullptr : *found;
}

// Those that may have more than a picture at a time.
std::vector<std::size_t> outputs_with_video(const Plan& plan) {
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < plan.outputs.size(); ++i)
    if (plan.outputs[i].container && !plan.outputs[i].rendition.empty())
      found.push_back(i);
  return found;
}

}  // namespace

Status plan_carried_streams(Plan& plan, const std::vector<std::size_t>& sound) {
  const auto& streams = plan.film.streams;
  for (std::size_t i = 0; i < streams.size(); ++i) {
    const FilmStream& stream = streams[i];
    if (stream.kind == StreamKind::kVideo)
      continue;
    // Copied into those that take it, encoded once for those that do not.
    CarriedStream copied{.stream = i, .encoder = {}, .into = {}};
    CarriedStream encoded = copied;
    const bool is_sound = stream.kind == StreamKind::kAudio;
    for (std::size_t output : is_sound ? sound : outputs_with_video(plan)) {
      const Container& container = *plan.outputs[output].container;
      const std::string& path = plan.outputs[output].path;
      if (stream.codec_change)
        plan.left_out.push_back("the " + name_of(stream) + " " + change_text(*stream.codec_change) +
                                "; " + path + " does not get what follows");
      // MPEG transport streams repeat what MP4 and Matroska say once.
      const bool fits = !stream.changes || !container.format;
      if (fits && stream.caps && takes(container, stream.caps.get())) {
        copied.into.push_back(output);
        continue;
      }
      if (!is_sound) {
        plan.left_out.push_back(path + " does not get " + "the " + name_of(stream) + ", which " +
                                container.extension + " does not take");
        continue;
      }
      if (!stream.caps || !can_decode(stream.caps.get())) {
        plan.left_out.push_back(path + " does not get " + "the " + name_of(stream) +
                                ", which nothing on this machine decodes");
        continue;
      }
      const char* encoder = first_encoder(container);
      if (!encoder)
        return Error{std::string(container.extension) + " does not take " + "the " +
                     name_of(stream) + ", and no encoder is installed for what it takes; install " +
                     container.audio_encoders.front() + ", or write .mkv"};
      if (stream.changes)
        plan.left_out.push_back(path + " gets " + "the " + name_of(stream) +
                                " encoded, in the layout that it begins with: it changes on the "
                                "way, and " +
                                container.extension + " can have only one");
      if (const unsigned most = most_channels(encoder); stream.channels > most)
        plan.left_out.push_back(path + " gets " + "the " + name_of(stream) + " mixed down from " +
                                std::to_string(stream.channels) + " channels to " +
                                std::to_string(most) + ", the most that " + encoder + " takes");
      encoded.encoder = encoder;
      encoded.into.push_back(output);
    }
    for (CarriedStream* carried : {&copied, &encoded})
      if (!carried->into.empty())
        plan.carried.push_back(std::move(*carried));
  }
  return {};
}

}  // namespace dist
