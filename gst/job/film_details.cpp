// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/job/film_details.h"

#include <algorithm>
#include <fstream>
#include <utility>

#include "gst/film/mp4_rotation.h"
#include "gst/job/picture_losses.h"

namespace dist {
namespace {

bool is_turned(const Plan& plan, const Output& output) {
  return !output.rendition.empty() && !output.thumbnails &&
         !plan.film.first(StreamKind::kVideo)->orientation.empty();
}

}  // namespace

void plan_details(Plan& plan) {
  const auto videos = std::ranges::count_if(
      plan.film.streams, [](const FilmStream& s) { return s.kind == StreamKind::kVideo; });
  if (videos > 1)
    plan.left_out.push_back("of the " + std::to_string(videos) +
                            " video streams only the first one is encoded");
  plan.left_out.insert(plan.left_out.end(), plan.film.unread.begin(), plan.film.unread.end());
  if (plan.film.dolby_vision)
    plan.left_out.push_back("of the film's Dolby Vision only the base layer is encoded, which is " +
                            base_layer(*plan.film.dolby_vision));
  if (plan.film.caption_track)
    plan.left_out.push_back("the film's track of closed captions is left out");
  if (plan.film.pictures > 0)
    plan.left_out.push_back("the picture that comes with the film, such as a cover, is left out");
  for (std::string& sentence : picture_losses(*plan.film.first(StreamKind::kVideo), plan.outputs))
    plan.left_out.push_back(std::move(sentence));
  for (const Output& output : plan.outputs) {
    const Container* container = output.container;
    if (is_turned(plan, output) && !(container && container->rotation))
      plan.left_out.push_back(output.path + " does not say that its picture has to be turned (" +
                              plan.film.first(StreamKind::kVideo)->orientation +
                              "); a file that ends in .mp4 would");
    if (container && !container->chapters && plan.film.chapters)
      plan.left_out.push_back(output.path + " does not get the chapters, which " +
                              container->extension +
                              " does not take; a file that ends in .mkv does");
  }
}

Status write_details(const Plan& plan, const std::vector<std::string>& paths) {
  for (std::size_t i = 0; i < paths.size(); ++i) {
    const Output& output = plan.outputs[i];
    if (!is_turned(plan, output) || !output.container || !output.container->rotation)
      continue;
    std::fstream file(paths[i], std::ios::in | std::ios::out | std::ios::binary);
    const Status turned = file
                              ? set_rotation(file, plan.film.first(StreamKind::kVideo)->orientation)
                              : Status(Error{"it cannot be opened"});
    if (!turned)
      return Error{output.path + ": cannot be told to turn its picture: " + turned.error()};
  }
  return {};
}

}  // namespace dist
