// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/lease/rendition_forms.h"

#include <algorithm>

#include "gst/base/bytes.h"

namespace dist {
namespace {

// The only voucher of a form is believed after so many results: slower workers, or workers with
// another encoder, must not hold up the output for ever.
constexpr std::uint64_t kSureAfter = 8;
// How long no voucher may be there before another form takes the place, if there were several, or
// one: connections break, and workers come back.
constexpr Instant kPatience = 20'000 * kMillisecond;
constexpr Instant kShortPatience = 2'000 * kMillisecond;
// Vouchers that bring no result of the form for so long are not waited for.
constexpr Instant kOutlasted = 60'000 * kMillisecond;
// Rivals that are remembered, for each rendition.
constexpr std::size_t kMostRivals = 64;

std::array<std::uint8_t, 32> digest_of(const std::string& text) {
  return sha256({Bytes::take({text.begin(), text.end()})});
}

}  // namespace

const RenditionForms::Form* RenditionForms::find(const std::string& source_caps,
                                                 const std::string& rendition) const {
  const auto forms = forms_.find(source_caps);
  if (forms == forms_.end())
    return nullptr;
  const auto form = forms->second.find(rendition);
  return form != forms->second.end() ? &form->second : nullptr;
}

// --- Results

Status RenditionForms::check_caps(const std::string& source_caps,
                                  const SegmentHeader& rendition) const {
  const Form* form = find(source_caps, rendition.rendition);
  if (!form || rendition.units.empty() || form->caps == rendition.caps)
    return {};
  return Error{"rendition '" + rendition.rendition + "': caps " + rendition.caps +
               " differ from those of the segments before, " + form->caps};
}

Status RenditionForms::check_set(const std::string& source_caps,
                                 const std::vector<SegmentHeader>& renditions) const {
  const auto known = forms_.find(source_caps);
  if (known == forms_.end() || known->second.empty())
    return {};
  for (const auto& [rendition, _] : known->second)
    if (std::ranges::find(renditions, rendition, &SegmentHeader::rendition) == renditions.end())
      return Error{"rendition '" + rendition + "' is missing"};
  if (renditions.size() != known->second.size())
    return Error{"renditions that the segments before do not have"};
  return {};
}

void RenditionForms::accepted(const Made& made, Instant now) {
  Forms& forms = forms_[made.source_caps];
  for (const SegmentHeader& header : made.renditions) {
    if (header.units.empty())
      continue;
    Form& form = forms.try_emplace(header.rendition, Form{.caps = header.caps}).first->second;
    form.vouchers.insert(made.voucher);
    ++form.results;
    form.latest = now;
    form.abandoned.reset();
  }
}

void RenditionForms::refused(const Made& made) {
  Forms& forms = forms_[made.source_caps];
  for (const SegmentHeader& header : made.renditions) {
    const auto form = forms.find(header.rendition);
    if (form == forms.end())
      continue;
    auto& rivals = form->second.rivals;
    std::erase_if(rivals, [&](const Rival& rival) { return rival.voucher == made.voucher; });
    rivals.push_back({made.voucher, digest_of(header.caps)});
    if (rivals.size() > kMostRivals)
      rivals.pop_front();
  }
}

// --- Another form

std::set<std::string> RenditionForms::other_than(const Made& made, Choice choice) const {
  std::set<std::string> others;
  const auto known = forms_.find(made.source_caps);
  if (known == forms_.end())
    return others;
  const bool other_set = choice == Choice::kUnsaid && !check_set(made.source_caps, made.renditions);
  for (const auto& [rendition, form] : known->second) {
    const auto header = std::ranges::find(made.renditions, rendition, &SegmentHeader::rendition);
    const bool differs =
        header != made.renditions.end() && !header->units.empty() && header->caps != form.caps;
    if (other_set || differs)
      others.insert(rendition);
  }
  return others;
}

bool RenditionForms::may_replace(const Made& made, Choice choice, const Workers& workers,
                                 Instant now) {
  return std::ranges::all_of(other_than(made, choice), [&](const std::string& rendition) {
    const auto header = std::ranges::find(made.renditions, rendition, &SegmentHeader::rendition);
    return may_replace(forms_.at(made.source_caps).at(rendition),
                       header != made.renditions.end() ? &*header : nullptr, made.voucher, workers,
                       now);
  });
}

// `rendition` is null if the result lacks it.
bool RenditionForms::may_replace(Form& form, const SegmentHeader* rendition,
                                 const std::string& voucher, const Workers& workers, Instant now) {
  const bool alone = form.vouchers.size() < 2;
  // A voucher that makes another form now does not go on with this one.
  if (workers.is_any_there(form.vouchers) && !(alone && form.vouchers.contains(voucher))) {
    Vouchers agreeing = {voucher};
    if (rendition) {
      const auto caps = digest_of(rendition->caps);
      for (const Rival& rival : form.rivals)
        if (rival.caps == caps)
          agreeing.insert(rival.voucher);
    }
    return (alone && !form.settled && agreeing.size() > 1) || now >= form.latest + kOutlasted;
  }
  if (alone && (!form.settled || form.vouchers.contains(kStore)))
    return true;
  const Instant since = form.abandoned.value_or(now);
  form.abandoned = since;
  return now >= since + (alone ? kShortPatience : kPatience);
}

std::uint64_t RenditionForms::drop(const std::set<std::string>& renditions) {
  std::uint64_t results = 0;
  for (auto& [_, forms] : forms_)
    for (const std::string& rendition : renditions)
      if (const auto form = forms.find(rendition); form != forms.end()) {
        results += form->second.results;
        forms.erase(form);
      }
  return results;
}

// --- What is settled

bool RenditionForms::is_settled(const std::string& rendition, const Form& form,
                                const Workers& workers, bool finished) {
  if (form.settled || form.vouchers.size() > 1 || form.vouchers.contains(kOwn) || finished)
    return true;
  return (form.results >= kSureAfter || !workers.could_another_make(form.vouchers, rendition)) &&
         workers.is_any_there(form.vouchers);
}

bool RenditionForms::settle(const Workers& workers, bool finished) {
  bool all = true;
  for (auto& [_, forms] : forms_)
    for (auto& [rendition, form] : forms) {
      form.settled = is_settled(rendition, form, workers, finished);
      all = all && form.settled;
    }
  return all;
}

void RenditionForms::settle_all() {
  for (auto& [_, forms] : forms_)
    for (auto& [rendition, form] : forms)
      form.settled = true;
}

bool RenditionForms::is_settled(const std::string& source_caps,
                                const std::string& rendition) const {
  const Form* form = find(source_caps, rendition);
  return form && form->settled;
}

bool RenditionForms::is_confirmed(const std::string& rendition) const {
  return std::ranges::any_of(forms_, [&](const auto& entry) {
    const auto form = entry.second.find(rendition);
    return form != entry.second.end() && form->second.vouchers.size() > 1;
  });
}

}  // namespace dist
