// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/dist/picture_checker.h"

#include <algorithm>
#include <memory>
#include <utility>

namespace dist {

PictureChecker::PictureChecker(const Settings& settings, Answer answer)
    : settings_(settings), answer_(std::move(answer)) {
  for (unsigned i = 0; i < std::max(settings.threads, 1u); ++i) {
    Eye& eye = eyes_.emplace_back();
    eye.thread = std::thread([this, &eye] {
      pthread_setname_np(pthread_self(), "dist-checker");
      run(eye.looker);
    });
  }
}

void PictureChecker::stop() {
  {
    const std::lock_guard lock(lock_);
    stopping_ = true;
    changed_.notify_all();
  }
  for (Eye& eye : eyes_)
    eye.looker.cancel();
  for (Eye& eye : eyes_)
    if (eye.thread.joinable())
      eye.thread.join();
}

void PictureChecker::push(Coordinator::LookWanted wanted) {
  const std::lock_guard lock(lock_);
  wanted_.push_back(std::move(wanted));
  changed_.notify_one();
}

void PictureChecker::run(SegmentLooker& looker) {
  while (true) {
    Coordinator::LookWanted wanted;
    {
      std::unique_lock lock(lock_);
      changed_.wait(lock, [this] { return stopping_ || !wanted_.empty(); });
      if (stopping_)
        return;
      wanted = std::move(wanted_.front());
      wanted_.pop_front();
    }
    Coordinator::Look seen = look(looker, wanted);
    {
      // What was cancelled says nothing.
      const std::lock_guard lock(lock_);
      if (stopping_)
        return;
    }
    answer_(wanted.grant.lease, std::move(seen));
  }
}

Coordinator::Look PictureChecker::look(SegmentLooker& looker,
                                       const Coordinator::LookWanted& wanted) const {
  LookOptions options;
  options.until = wanted.until;
  const auto source = looker.look(wanted.segment, options);
  if (!source)
    return {.difference = {}, .unknown = source.error(), .evidence = {}};
  options.aspect = source->aspect;
  for (const Coordinator::Rendition& rendition : wanted.renditions) {
    const std::string subject = "rendition '" + rendition.header->rendition + "': ";
    const auto seen = looker.look(rendition.segment, options);
    if (!seen)
      return {.difference = seen.error(), .unknown = {}, .evidence = {}};
    const auto mismatch = compare(source->frames, seen->frames, settings_.threshold);
    if (!mismatch)
      continue;
    Coordinator::Evidence evidence{rendition.header->rendition, *mismatch, {}};
    if (!settings_.folder.empty())
      keep_pictures(looker, wanted, rendition, evidence);
    return {.difference = subject + mismatch->reason,
            .unknown = {},
            .evidence = std::make_shared<const Coordinator::Evidence>(std::move(evidence))};
  }
  return {};
}

// The worst frame as it is in the source, and as it came back.
void PictureChecker::keep_pictures(SegmentLooker& looker, const Coordinator::LookWanted& wanted,
                                   const Coordinator::Rendition& rendition,
                                   Coordinator::Evidence& evidence) const {
  LookOptions options;
  options.until = evidence.mismatch.time;
  const std::string path = settings_.folder + "/segment-" +
                           std::to_string(wanted.grant.segment.index) + "-lease-" +
                           std::to_string(wanted.grant.lease) + "-";
  const struct {
    const BytesList& segment;
    std::string path;
  } pictures[] = {{wanted.segment, path + "source.jpg"}, {rendition.segment, path + "answer.jpg"}};
  for (const auto& [segment, name] : pictures)
    if (looker.save(segment, options, name))
      evidence.files.push_back(name);
}

}  // namespace dist
