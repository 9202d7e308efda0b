// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The forms that the renditions of a job have. A form is the caps, and with them the encoder: the
// first accepted result of a rendition gives the form, and later results must have it. One right
// result must not bind the job, because its worker may leave, or may have sent caps that no other
// worker makes. So a form binds only while a worker is there that goes on with it, or once it is
// settled; until then results are provisional. Pure; docs/design/leases.md, "Renditions", explains
// the rules.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "gst/base/instant.h"
#include "gst/base/result.h"
#include "gst/cut/segment.h"

namespace dist {

class RenditionForms {
 public:
  // The maker of a result: any text that stays the same when a worker connects again. The workers
  // of this process have this one, and their word settles a form.
  static constexpr char kOwn[] = "this process";
  // The store, which goes on with no form: where it is the only voucher, a worker's form takes the
  // place at once.
  static constexpr char kStore[] = "the store";
  using Vouchers = std::set<std::string>;

  // The workers that are there, as a call is told of them.
  struct Workers {
    // Whether one of these is there.
    std::function<bool(const Vouchers&)> is_any_there;
    // Whether another worker is there that could make the rendition with any encoder, or that has
    // not said what it can make.
    std::function<bool(const Vouchers&, const std::string& rendition)> could_another_make;
  };

  // A result: what was made of a segment with these source caps.
  struct Made {
    std::string voucher;
    std::string source_caps;
    std::vector<SegmentHeader> renditions;
  };
  // Whether the job has said which renditions it wants; if not, all results have the same.
  enum class Choice { kSaid, kUnsaid };

  // The error says how the rendition, or the set of renditions, differs from the form.
  Status check_caps(const std::string& source_caps, const SegmentHeader& rendition) const;
  Status check_set(const std::string& source_caps,
                   const std::vector<SegmentHeader>& renditions) const;
  // The result was accepted: its maker vouches for its form. A rendition that had no form has the
  // result's from now on. Renditions without frames are passed over.
  void accepted(const Made& made, Instant now);
  // The result was refused because it has another form.
  void refused(const Made& made);

  // The renditions of the result that have another form than before. If the job has not said which
  // renditions it wants and the result has other renditions than before: all that have a form.
  std::set<std::string> other_than(const Made& made, Choice choice) const;
  // Whether the result's form may take the place of the form before, in all of other_than().
  // Remembers since when no voucher is there.
  bool may_replace(const Made& made, Choice choice, const Workers& workers, Instant now);
  // Forgets the form of these renditions. Returns how many results had it.
  std::uint64_t drop(const std::set<std::string>& renditions);

  // Finds which forms are settled now; a settled form stays settled. `finished`: nothing is left to
  // be made. True if all forms are settled.
  bool settle(const Workers& workers, bool finished);
  // All forms are settled, because results cannot be held back any longer.
  void settle_all();
  // No result of this form has to be held back.
  bool is_settled(const std::string& source_caps, const std::string& rendition) const;
  // The form of the rendition has several vouchers.
  bool is_confirmed(const std::string& rendition) const;

 private:
  // A voucher whose latest refused result had another form: the SHA-256 of its caps.
  struct Rival {
    std::string voucher;
    std::array<std::uint8_t, 32> caps = {};
  };
  struct Form {
    std::string caps;
    Vouchers vouchers = {};
    std::uint64_t results = 0;  // How many have it.
    Instant latest = 0;         // When the latest of them came.
    bool settled = false;
    std::deque<Rival> rivals = {};          // The oldest first.
    std::optional<Instant> abandoned = {};  // When no voucher was there any more.
  };
  using Forms = std::map<std::string, Form>;  // By rendition.

  static bool is_settled(const std::string& rendition, const Form& form, const Workers& workers,
                         bool finished);
  static bool may_replace(Form& form, const SegmentHeader* rendition, const std::string& voucher,
                          const Workers& workers, Instant now);
  const Form* find(const std::string& source_caps, const std::string& rendition) const;

  std::map<std::string, Forms> forms_;  // By source caps.
};

}  // namespace dist
