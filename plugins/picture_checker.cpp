// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/picture_checker.h"

#include <json-glib/json-glib.h>

#include <algorithm>
#include <memory>
#include <span>
#include <utility>

#include "gst/base/mutex.h"
#include "gst/base/text.h"
#include "gst/gstx/segment_decoder.h"

namespace dist {
namespace {

constexpr char kHashCaps[] = "application/x-visual-hash";
// Of what visualhash gives for a frame: the bits, and a byte for the quality.
constexpr std::size_t kHashSize = 33;

bool is_hashes(const SegmentHeader& header) {
  return header.caps.starts_with(kHashCaps);
}

std::vector<std::uint8_t> payload_of(const ResultRendition& rendition) {
  std::vector<std::uint8_t> bytes;
  for (const Bytes& piece : rendition.segment)
    bytes.insert(bytes.end(), piece.span().begin(), piece.span().end());
  bytes.erase(bytes.begin(),
              bytes.end() - static_cast<std::ptrdiff_t>(rendition.header->payload_size()));
  return bytes;
}

// A rendition of hashes, as visualhash makes them: they are those of the source's frames.
std::optional<Mismatch> compare_hashes(const std::vector<FrameLook>& source,
                                       const ResultRendition& rendition, unsigned threshold) {
  const std::vector<std::uint8_t> payload = payload_of(rendition);
  Mismatch worst;
  std::size_t at = 0;
  for (const AccessUnit& unit : rendition.header->units) {
    if (unit.size != kHashSize)
      return Mismatch{.kind = MismatchKind::kOther, .reason = "has a hash of another size"};
    VisualHash hash;
    std::copy_n(payload.begin() + static_cast<std::ptrdiff_t>(at), hash.size(), hash.begin());
    at += unit.size;
    const auto frame = std::ranges::find(source, unit.show, &FrameLook::time);
    if (frame == source.end() || frame->quality < kMinHashQuality ||
        distance(frame->hash, hash) <= std::max(threshold, worst.distance))
      continue;
    worst.time = unit.show;
    worst.distance = distance(frame->hash, hash);
    worst.source_hash = frame->hash;
    worst.rendition_hash = hash;
  }
  if (worst.distance == 0)
    return std::nullopt;
  worst.reason =
      "has hashes of other pictures (" + std::to_string(worst.distance) + " of 256 bits differ)";
  return worst;
}

// What was seen, for whoever finds the pictures later: an object of JSON.
std::string report_of(const LookWanted& wanted, const LookEvidence& evidence) {
  JsonObject* const report = json_object_new();
  const auto add_text = [report](const char* name, const std::string& text) {
    gchar* const valid = g_utf8_make_valid(text.data(), static_cast<gssize>(text.size()));
    json_object_set_string_member(report, name, valid);
    g_free(valid);
  };
  const auto add_number = [report](const char* name, std::uint64_t number) {
    json_object_set_int_member(report, name, static_cast<gint64>(number));
  };
  const Mismatch& mismatch = evidence.mismatch;
  add_number("segment", wanted.grant.segment.index);
  add_number("attempt", wanted.grant.attempt);
  add_text("worker", wanted.worker.name);
  add_text("address", wanted.worker.address);
  add_text("rendition", evidence.rendition);
  add_text("kind", to_string(mismatch.kind));
  add_text("reason", mismatch.reason);
  if (mismatch.time != kNoTime)
    add_number("timestamp", mismatch.time);
  add_number("distance", mismatch.distance);
  add_text("source-hash", to_hex(mismatch.source_hash));
  add_text("answer-hash", to_hex(mismatch.rendition_hash));
  JsonNode* const root = json_node_init_object(json_node_alloc(), report);
  std::string text = take_string(json_to_string(root, TRUE)) + "\n";
  json_node_unref(root);
  json_object_unref(report);
  return text;
}

std::string time_text() {
  GDateTime* const now = g_date_time_new_now_utc();
  std::string text = take_string(g_date_time_format(now, "%Y%m%dT%H%M%SZ"));
  g_date_time_unref(now);
  return text;
}

}  // namespace

PictureChecker::PictureChecker(const Settings& settings, Answer answer)
    : settings_(settings), answer_(std::move(answer)), began_(time_text()) {
  for (unsigned i = 0; i < std::max(settings.threads, 1u); ++i) {
    LookThread& look = threads_.emplace_back();
    look.thread = std::thread([this, &look] {
      pthread_setname_np(pthread_self(), "dist-checker");
      run(look.looker);
    });
  }
}

void PictureChecker::stop() {
  {
    const MutexLock lock(lock_);
    stopping_ = true;
    changed_.notify_all();
  }
  for (LookThread& look : threads_)
    look.looker.cancel();
  for (LookThread& look : threads_)
    if (look.thread.joinable())
      look.thread.join();
}

void PictureChecker::push(LookWanted wanted) {
  const MutexLock lock(lock_);
  // Workers that come and go must not fill the memory with what they left.
  std::erase_if(wanted_, [](const auto& other) { return other.awaited.expired(); });
  wanted_.push_back(std::move(wanted));
  changed_.notify_one();
}

void PictureChecker::run(SegmentLooker& looker) {
  while (true) {
    LookWanted wanted;
    {
      const MutexLock lock(lock_);
      while (!stopping_ && wanted_.empty())
        changed_.wait(lock_);
      if (stopping_)
        return;
      wanted = std::move(wanted_.front());
      wanted_.pop_front();
    }
    if (wanted.awaited.expired())
      continue;
    LookReport seen = look(looker, wanted);
    {
      // What was cancelled says nothing.
      const MutexLock lock(lock_);
      if (stopping_)
        return;
    }
    answer_(wanted.grant.lease, std::move(seen));
  }
}

LookReport PictureChecker::look(SegmentLooker& looker, const LookWanted& wanted) const {
  LookReport result;
  std::vector<const ResultRendition*> renditions;
  for (const ResultRendition& rendition : wanted.renditions) {
    const SegmentHeader& header = *rendition.header;
    if (is_hashes(header) || !lacks_decoder(header))
      renditions.push_back(&rendition);
    else
      result.unknown = "no decoder for '" + header.caps + "' is installed here";
  }
  if (renditions.empty())
    return result;
  // As an undistributed decoder shows the film. Where that is something else than what the worker
  // was given, the worker is not to blame.
  if (wanted.context) {
    result = compare_with(looker, wanted, renditions, wanted.context->bytes, std::move(result));
    if (result.difference.empty())
      return result;
    result.difference.clear();
  }
  result = compare_with(looker, wanted, renditions, wanted.segment, std::move(result));
  result.lacks_context = wanted.context && result.difference.empty() && result.some_known;
  return result;
}

// `result` has what is known before.
LookReport PictureChecker::compare_with(SegmentLooker& looker, const LookWanted& wanted,
                                        const std::vector<const ResultRendition*>& renditions,
                                        const BytesList& segment, LookReport result) const {
  const bool in_context = &segment != &wanted.segment;
  LookOptions options;
  options.until = wanted.until;
  const auto source = looker.look(segment, options);
  if (!source)
    return {.unknown = source.error()};
  if (source->frames.empty())
    return {.unknown = "no frame of the source can be decoded here"};
  options.aspect = source->aspect;
  for (const ResultRendition* rendition : renditions) {
    const std::string subject = "rendition '" + rendition->header->rendition + "': ";
    std::optional<Mismatch> mismatch;
    if (is_hashes(*rendition->header)) {
      mismatch = compare_hashes(source->frames, *rendition, settings_.threshold);
    } else {
      const auto seen = looker.look(rendition->segment, options);
      if (!seen)
        return {.difference = seen.error()};
      mismatch = compare(source->frames, seen->frames, settings_.threshold);
      auto& hashes = result.hashes[rendition->header->rendition];
      hashes.clear();
      for (const FrameLook& frame : seen->frames)
        hashes.push_back({frame.time, frame.hash, frame.quality});
    }
    if (!mismatch)
      continue;
    if (in_context) {
      result.difference = subject + mismatch->reason;
      return result;
    }
    return {.difference = subject + mismatch->reason,
            .evidence = std::make_shared<const LookEvidence>(
                evidence_of(looker, wanted, *rendition, *mismatch))};
  }
  result.some_known = true;
  return result;
}

// With the worst frame as it is in the source, and as it came back.
LookEvidence PictureChecker::evidence_of(SegmentLooker& looker, const LookWanted& wanted,
                                         const ResultRendition& rendition,
                                         const Mismatch& mismatch) const {
  LookEvidence evidence;
  evidence.rendition = rendition.header->rendition;
  evidence.mismatch = mismatch;
  LookOptions options;
  options.until = mismatch.time;
  if (auto picture = looker.picture(wanted.segment, options))
    evidence.source_picture = std::move(*picture);
  if (!is_hashes(*rendition.header))
    if (auto picture = looker.picture(rendition.segment, options))
      evidence.answer_picture = std::move(*picture);
  if (!settings_.folder.empty())
    keep(wanted, evidence);
  return evidence;
}

// In the folder.
void PictureChecker::keep(const LookWanted& wanted, LookEvidence& evidence) const {
  const std::string report = report_of(wanted, evidence);
  const std::string path = settings_.folder + "/" + began_ + "-segment-" +
                           std::to_string(wanted.grant.segment.index) + "-lease-" +
                           std::to_string(wanted.grant.lease);
  const auto bytes = [](const auto& data) {
    return std::span(reinterpret_cast<const gchar*>(data.data()), data.size());
  };
  const std::pair<std::string, std::span<const gchar>> files[] = {
      {path + "-source.jpg", bytes(evidence.source_picture)},
      {path + "-answer.jpg", bytes(evidence.answer_picture)},
      {path + ".json", bytes(report)}};
  for (const auto& [file, data] : files)
    if (!data.empty() &&
        g_file_set_contents(file.c_str(), data.data(), static_cast<gssize>(data.size()), nullptr))
      evidence.files.push_back(file);
}

}  // namespace dist
