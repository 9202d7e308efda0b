// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Streams of random structure through the cutter. What must hold for all of them is checked against
// a model of a decoder that knows which unit refers to which.
#include <algorithm>

#include "gst/cut/cut_grid.h"
#include "gst/cut/cutter.h"
#include "tests/common/support.h"

namespace {

using namespace dist;
using namespace dist::test;

constexpr Time kFrame = kSecond / 25;

struct Unit {
  Cutter::Unit unit;
  std::vector<std::size_t> refers_to;
  Time time = 0;          // When it is shown, whatever its timestamps tell.
  bool presented = true;  // Whether the undistributed stream shows it.
};

// Another time segment from this unit on.
struct Section {
  std::size_t first = 0;
  Cutter::Config config;
  std::int64_t shift = 0;
};

struct Stream {
  std::uint64_t seed = 0;
  Cutter::Config config;
  std::vector<Section> sections;
  std::vector<Unit> units;
  bool damaged = false;
};

// Writes a stream, GOP by GOP.
class Author {
 public:
  Author(Random& random, Stream& stream) : random_(random), stream_(stream) {}

  void write() {
    style_ = static_cast<Style>(random_.below(4));
    variable_rate_ = random_.chance(30);
    gradual_ = random_.chance(50);
    clock_ = random_.below(10) * kFrame;
    if (random_.chance(20))
      headless_gop();
    const std::uint64_t gops = random_.between(1, 12);
    for (std::uint64_t i = 0; i < gops; ++i)
      gop(random_.chance(30) ? random_.between(30, 150) : random_.between(1, 30));
    if (random_.chance(30))
      lose_timestamps();
    if (random_.chance(30))
      lose_durations();
    configure();
    while (random_.chance(30))
      divide();
  }

 private:
  enum Style { kIntra, kForward, kReordered, kAlternateReference };

  Time tick() {
    const Time time = clock_;
    clock_ += variable_rate_ ? random_.between(kFrame / 4, 6 * kFrame) : kFrame;
    return time;
  }

  std::size_t add(Time time, Time duration, RandomAccess random_access,
                  std::vector<std::size_t> refers_to) {
    Unit unit;
    unit.time = time;
    unit.refers_to = std::move(refers_to);
    unit.unit.pts = time;
    unit.unit.duration = duration;
    unit.unit.size = stream_.units.size();
    unit.unit.kind.random_access = random_access;
    stream_.units.push_back(std::move(unit));
    return stream_.units.size() - 1;
  }

  std::size_t add_b(const std::pair<Time, Time>& span, const std::vector<std::size_t>& around) {
    const std::size_t number = add(span.first, span.second, RandomAccess::kNone, around);
    stream_.units[number].unit.kind.leading = true;
    return number;
  }

  // The capture began in the middle of a GOP; what it refers to was never there.
  void headless_gop() {
    for (std::uint64_t i = random_.between(1, 20); i > 0; --i) {
      const Time time = tick();
      add(time, clock_ - time, RandomAccess::kNone, {SIZE_MAX});
    }
  }

  void gop(std::uint64_t length) {
    const bool recovery = random_.chance(30) && style_ != kAlternateReference;
    const RandomAccess kind = !recovery                        ? RandomAccess::kClean
                              : style_ == kForward && gradual_ ? RandomAccess::kGradual
                                                               : RandomAccess::kRecovery;
    if (style_ == kReordered)
      return reordered_gop(length, kind);
    std::size_t last = 0;
    for (std::uint64_t i = 0; i < length; ++i) {
      const Time time = tick();
      if (i == 0 || style_ == kIntra) {
        std::vector<std::size_t> refers_to;
        if (kind == RandomAccess::kGradual)
          refers_to.push_back(stream_.units.size() - 1);
        last = add(time, clock_ - time, style_ == kIntra ? RandomAccess::kClean : kind, refers_to);
        continue;
      }
      std::vector<std::size_t> refers_to = {last};
      if (style_ == kAlternateReference && random_.chance(10)) {
        const std::size_t hidden = add(time, 0, RandomAccess::kNone, refers_to);
        stream_.units[hidden].unit.kind.shown = false;
        stream_.units[hidden].presented = false;
        refers_to.push_back(hidden);
      }
      last = add(time, clock_ - time, RandomAccess::kNone, refers_to);
    }
  }

  // Anchors, and before each in presentation up to three pictures that refer to the anchors around
  // them. The first anchor's are leading pictures: they refer to the GOP before.
  void reordered_gop(std::uint64_t length, RandomAccess kind) {
    const bool open = !stream_.units.empty() && random_.chance(50);
    for (std::uint64_t done = 0; done < length;) {
      const bool first = done == 0;
      const std::uint64_t between =
          first && !open ? 0 : std::min(random_.below(4), length - done - 1);
      std::vector<std::pair<Time, Time>> spans;
      for (std::uint64_t i = 0; i <= between; ++i) {
        const Time time = tick();
        spans.emplace_back(time, clock_ - time);
      }
      std::vector<std::size_t> around;
      if (!first || open)
        around.push_back(anchor_);
      anchor_ = add(spans.back().first, spans.back().second, first ? kind : RandomAccess::kNone,
                    first ? std::vector<std::size_t>() : around);
      around.push_back(anchor_);
      spans.pop_back();
      if (spans.size() == 3 && random_.chance(50)) {
        // The one in the middle serves the others as well.
        around.push_back(add_b(spans[1], around));
        spans.erase(spans.begin() + 1);
      }
      for (const auto& span : spans)
        add_b(span, around);
      done += between + 1;
    }
  }

  // Without reordering a parser that knows only some times leaves the others out; with it a
  // container such as AVI has decode times only.
  void lose_timestamps() {
    if (style_ == kReordered) {
      for (std::size_t i = 0; i < stream_.units.size(); ++i) {
        Unit& unit = stream_.units[i];
        unit.unit.pts = kNoTime;
        unit.unit.dts = unit.time = stream_.units[0].time + i * kFrame;
        unit.unit.duration = kFrame;
      }
      return;
    }
    if (variable_rate_)
      return;
    for (std::size_t i = 1; i < stream_.units.size(); ++i) {
      if (!random_.chance(30))
        continue;
      Cutter::Unit& unit = stream_.units[i].unit;
      // The time before plus its duration says the same.
      const bool follows =
          stream_.units[i - 1].time + stream_.units[i - 1].unit.duration == stream_.units[i].time;
      unit.dts = follows && random_.chance(50) ? kNoTime : unit.pts;
      unit.pts = kNoTime;
    }
  }

  void lose_durations() {
    const bool timed = std::all_of(stream_.units.begin(), stream_.units.end(), [](const Unit& u) {
      return presentation_estimate(u.unit.pts, u.unit.dts) != kNoTime;
    });
    for (Unit& unit : stream_.units)
      if (timed)
        unit.unit.duration = kNoTime;
  }

  void configure() {
    Cutter::Config& config = stream_.config;
    config.segment_duration = random_.below(60) * kFrame + (random_.chance(30) ? 1 : 0);
    config.max_segment_duration =
        random_.chance(30) ? kNoTime : config.segment_duration + random_.below(80) * kFrame;
    config.max_decoding = random_.chance(30) ? 2 : 0;
    config.grid = random_.chance(20) ? random_.between(1, 60) * kFrame : 0;
    config.max_reorder = style_ == kReordered ? static_cast<unsigned>(random_.between(2, 16)) : 0;
    config.frame_duration = random_.chance(50) ? kFrame : 0;
    const Time first = stream_.units.front().time;
    if (random_.chance(25))
      config.clip_start = first + random_.below(clock_ - first + kFrame);
    if (random_.chance(25))
      config.clip_stop = config.clip_start + random_.between(1, clock_);
    for (Unit& unit : stream_.units) {
      const Time duration =
          unit.unit.duration != kNoTime ? unit.unit.duration : config.frame_duration;
      if (unit.time >= config.clip_stop ||
          (unit.time < config.clip_start && unit.time + duration <= config.clip_start))
        unit.presented = false;
    }
  }

  // A new time segment anywhere, which shows all from then on: as if the demuxer had corrected
  // itself, or on another clock, as where two recordings were put together.
  void divide() {
    // Two that are nearer than frames can be out of order would be no stream.
    const std::size_t after =
        stream_.sections.empty() ? 0 : stream_.sections.back().first + stream_.config.max_reorder;
    const bool clipped = std::ranges::any_of(
        stream_.units, [this](const Unit& unit) { return unit.time < stream_.config.clip_start; });
    if (after + 1 >= stream_.units.size() || clipped || stream_.config.clip_stop != kNoTime)
      return;
    Section section{.first = random_.between(after + 1, stream_.units.size() - 1),
                    .config = stream_.config};
    section.config.clip_start = 0;
    const bool timed = std::ranges::none_of(
        stream_.units, [](const Unit& unit) { return unit.unit.pts == kNoTime; });
    const std::int64_t jump = timed && random_.chance(40) ? 5 + random_.below(100) : 0;
    section.shift = jump != 0 ? jump * static_cast<std::int64_t>(kSecond)
                              : -static_cast<std::int64_t>(random_.below(2 * kFrame));
    for (std::size_t i = section.first; i < stream_.units.size(); ++i) {
      Unit& unit = stream_.units[i];
      unit.time += static_cast<Time>(jump) * kSecond;
      if (timed)
        unit.unit.pts = unit.time;
    }
    stream_.sections.push_back(section);
  }

  Random& random_;
  Stream& stream_;
  Style style_ = kIntra;
  bool variable_rate_ = false;
  bool gradual_ = false;
  Time clock_ = 0;
  std::size_t anchor_ = 0;
};

// What happens to timestamps in damaged files; which units are presented remains.
void damage(Random& random, Stream& stream) {
  stream.damaged = true;
  stream.config.clip_start = 0;
  stream.config.clip_stop = kNoTime;
  for (Unit& unit : stream.units) {
    unit.presented = unit.unit.kind.shown;
    if (!random.chance(5))
      continue;
    switch (random.below(4)) {
      case 0:
        unit.unit.pts = random.below(100 * kFrame);
        break;
      case 1:
        unit.unit.pts = unit.time + random.below(1000) * kFrame;
        break;
      case 2:
        unit.unit.pts = unit.unit.dts = kNoTime;
        break;
      case 3:
        unit.unit.duration = random.chance(50) ? 0 : kNoTime;
        break;
    }
  }
}

Stream make_stream(std::uint64_t seed) {
  Random random(seed);
  Stream stream;
  stream.seed = seed;
  Author(random, stream).write();
  if (random.chance(25))
    damage(random, stream);
  return stream;
}

// Which of the units [first, end) a cold decoder gives exactly as the encoder meant them. A
// recovery point is exact in a decoder that has seen a random-access point before; at that of a
// gradual refresh, if it was not exact before, it has to be the second.
std::vector<bool> exact_units(const Stream& stream, std::size_t first, std::size_t end) {
  std::vector<bool> exact(stream.units.size(), false);
  unsigned seen = 0;
  for (std::size_t i = first; i < end; ++i) {
    const Unit& unit = stream.units[i];
    const auto is_exact = [&](std::size_t other) { return other < exact.size() && exact[other]; };
    const bool from_others = std::all_of(unit.refers_to.begin(), unit.refers_to.end(), is_exact);
    switch (unit.unit.kind.random_access) {
      case RandomAccess::kNone:
        exact[i] = from_others;
        continue;
      case RandomAccess::kClean:
        exact[i] = true;
        break;
      case RandomAccess::kRecovery:
        exact[i] = seen >= 1;
        break;
      case RandomAccess::kGradual:
        exact[i] = seen >= 2 || from_others;
        break;
    }
    ++seen;
  }
  return exact;
}

// Within a loop over segments, `i` being the number of the segment.
#define expect(condition, stream)                                                                 \
  require_often(condition, "seed %" G_GUINT64_FORMAT ", segment %zu: not (%s)", (stream).seed, i, \
                #condition)

// All cuts of the stream. Checks that first_needed_unit() keeps its promise.
std::vector<Cutter::Cut> cut(const Stream& stream) {
  Cutter cutter;
  const std::uint64_t first_section = cutter.begin(stream.config);
  std::vector<Cutter::Cut> cuts;
  std::uint64_t needed = 0;
  auto next = stream.sections.begin();
  const auto take = [&](std::vector<Cutter::Cut> more) {
    for (Cutter::Cut& one : more) {
      const std::size_t i = cuts.size();
      expect(one.first_unit >= needed, stream);
      cuts.push_back(std::move(one));
    }
    const std::size_t i = cuts.size();
    expect(cutter.first_needed_unit() >= needed, stream);
    needed = cutter.first_needed_unit();
  };
  for (std::size_t n = 0; n < stream.units.size(); ++n) {
    if (next != stream.sections.end() && next->first == n) {
      const std::size_t i = cuts.size();
      const auto number = static_cast<std::uint64_t>(next - stream.sections.begin()) + 1;
      expect(cutter.go_on(next->config, next->shift) == first_section + number, stream);
      ++next;
    }
    take(cutter.push(stream.units[n].unit));
  }
  take(cutter.finish(true));
  return cuts;
}

// No segment of a stream with good times is longer than the grid and a frame, and each begins with
// the first frame of a cell.
void check_grid(const Stream& stream, const std::vector<Cutter::Cut>& cuts, std::size_t i) {
  const bool timed =
      std::ranges::none_of(stream.units, [](const Unit& unit) { return unit.unit.pts == kNoTime; });
  if (stream.damaged || !stream.sections.empty() || !timed)
    return;
  const Time step = grid_step(stream.config.grid, stream.config.frame_duration);
  const Time limit = next_grid_cut(step, cuts[0].start, cuts[i].start);
  const bool last = i + 1 == cuts.size();
  expect(last || cuts[i].stop >= limit, stream);
  for (const AccessUnit& unit : cuts[i].units)
    expect(unit.show == kNoTime || unit.show < limit, stream);
}

void check_order(const Stream& stream, const std::vector<Cutter::Cut>& cuts) {
  std::uint64_t end = 0;
  for (std::size_t i = 0; i < cuts.size(); ++i) {
    const Cutter::Cut& one = cuts[i];
    expect(one.index == i, stream);
    expect(one.last == (i + 1 == cuts.size()), stream);
    expect(one.first_unit <= end, stream);
    end = std::max(end, one.first_unit + one.units.size());
    expect(one.start <= one.stop, stream);
    const bool last_of_section = i + 1 == cuts.size() || cuts[i + 1].section != one.section;
    if (!last_of_section && stream.config.grid == 0)
      expect(one.stop - one.start >= stream.config.segment_duration, stream);
    if (stream.config.grid > 0)
      check_grid(stream, cuts, i);
    if (i > 0 && !stream.damaged && one.section == cuts[i - 1].section)
      expect(one.start == cuts[i - 1].stop, stream);
    if (i > 0)
      expect(one.section >= cuts[i - 1].section, stream);
  }
  const std::size_t i = cuts.size();
  expect(cuts.empty() || end == stream.units.size(), stream);
}

void check_presentation(const Stream& stream, const std::vector<Cutter::Cut>& cuts) {
  std::vector<unsigned> times_shown(stream.units.size(), 0);
  for (std::size_t i = 0; i < cuts.size(); ++i) {
    const Cutter::Cut& one = cuts[i];
    Time earliest = kNoTime;
    for (std::size_t n = 0; n < one.units.size(); ++n) {
      const Time show = one.units[n].show;
      if (show == kNoTime)
        continue;
      ++times_shown[one.first_unit + n];
      earliest = std::min(earliest, show);
      expect(show >= one.start, stream);
      expect(show < one.stop, stream);
      const Unit& unit = stream.units[one.first_unit + n];
      expect(stream.damaged || show == std::max(unit.time, stream.config.clip_start), stream);
    }
    expect(earliest == one.start, stream);
  }
  for (std::size_t i = 0; i < stream.units.size(); ++i)
    require_often(times_shown[i] == (stream.units[i].presented ? 1u : 0u),
                  "seed %" G_GUINT64_FORMAT ": unit %zu is shown %u times", stream.seed, i,
                  times_shown[i]);
}

// However the stream is divided: a decoder that starts with a segment can start there, unless there
// was nothing before where one could.
void check_starts(const Stream& stream, const std::vector<Cutter::Cut>& cuts) {
  const auto is_start = [](const Unit& unit) {
    return unit.unit.kind.random_access != RandomAccess::kNone;
  };
  for (std::size_t i = 0; i < cuts.size(); ++i) {
    const auto first = stream.units.begin() + static_cast<std::ptrdiff_t>(cuts[i].first_unit);
    expect(is_start(*first) || std::none_of(stream.units.begin(), first, is_start), stream);
  }
}

// Where damaged timestamps contradict the order of decoding nobody can tell what refers to what.
void check_decoding(const Stream& stream, const std::vector<Cutter::Cut>& cuts) {
  if (stream.damaged)
    return;
  const std::vector<bool> undistributed = exact_units(stream, 0, stream.units.size());
  for (std::size_t i = 0; i < cuts.size(); ++i) {
    const Cutter::Cut& one = cuts[i];
    const std::vector<bool> here =
        exact_units(stream, one.first_unit, one.first_unit + one.units.size());
    for (std::size_t n = 0; n < one.units.size(); ++n) {
      const std::size_t number = one.first_unit + n;
      expect(one.units[n].show == kNoTime || here[number] || !undistributed[number], stream);
    }
  }
}

// Nothing is carried along that nobody needs: a segment that begins at a keyframe begins with it.
// Where the clock jumps nobody knows what leads it.
void check_thrift(const Stream& stream, const std::vector<Cutter::Cut>& cuts) {
  if (std::ranges::any_of(stream.sections,
                          [](const Section& section) { return section.shift > 0; }))
    return;
  for (std::size_t i = 1; i < cuts.size(); ++i) {
    const Cutter::Cut& one = cuts[i];
    for (std::size_t n = 0; n < one.units.size(); ++n) {
      const Unit& unit = stream.units[one.first_unit + n];
      const bool clean = unit.unit.kind.random_access == RandomAccess::kClean;
      // Without presentation times it cannot be known which units follow it on the screen.
      const bool led = unit.unit.pts == kNoTime && one.first_unit + n + 1 < stream.units.size() &&
                       stream.units[one.first_unit + n + 1].unit.kind.leading;
      if (clean && !led && one.units[n].show == one.start && !stream.damaged)
        expect(n == 0, stream);
    }
  }
}

constexpr std::uint64_t kStreams = 2000;

}  // namespace

GST_START_TEST(test_cutter_keeps_its_promises_for_any_stream) {
  for (std::uint64_t seed = 1; seed <= kStreams; ++seed) {
    const Stream stream = make_stream(seed);
    const std::vector<Cutter::Cut> cuts = cut(stream);
    check_order(stream, cuts);
    check_presentation(stream, cuts);
    check_starts(stream, cuts);
    check_decoding(stream, cuts);
    check_thrift(stream, cuts);
  }
}
GST_END_TEST

// The streams have to be such that the test above can fail.
GST_START_TEST(test_random_streams_are_of_every_kind) {
  unsigned damaged = 0;
  unsigned overlapping = 0;
  unsigned recovery = 0;
  unsigned gradual = 0;
  unsigned hidden = 0;
  unsigned silent = 0;
  unsigned reordered = 0;
  unsigned divided = 0;
  for (std::uint64_t seed = 1; seed <= kStreams; ++seed) {
    const Stream stream = make_stream(seed);
    damaged += stream.damaged;
    divided += !stream.sections.empty();
    const auto any = [&](auto condition) {
      return std::any_of(stream.units.begin(), stream.units.end(), condition) ? 1u : 0u;
    };
    recovery +=
        any([](const Unit& u) { return u.unit.kind.random_access == RandomAccess::kRecovery; });
    gradual +=
        any([](const Unit& u) { return u.unit.kind.random_access == RandomAccess::kGradual; });
    hidden += any([](const Unit& u) { return !u.unit.kind.shown; });
    silent += any([](const Unit& u) { return u.unit.pts == kNoTime; });
    reordered += std::is_sorted(stream.units.begin(), stream.units.end(),
                                [](const Unit& a, const Unit& b) { return a.time < b.time; })
                     ? 0
                     : 1;
    std::uint64_t end = 0;
    bool overlap = false;
    for (const Cutter::Cut& one : cut(stream)) {
      overlap = overlap || one.first_unit < end;
      end = one.first_unit + one.units.size();
    }
    overlapping += overlap;
  }
  for (unsigned count :
       {damaged, overlapping, recovery, gradual, hidden, silent, reordered, divided})
    fail_unless(count > kStreams / 20, "%u %u %u %u %u %u %u %u of %" G_GUINT64_FORMAT, damaged,
                overlapping, recovery, gradual, hidden, silent, reordered, divided, kStreams);
}
GST_END_TEST

static Suite* cutter_random_suite() {
  Suite* suite = suite_create("cutter_random");
  TCase* tcase = tcase_create("general");
  suite_add_tcase(suite, tcase);
  tcase_add_test(tcase, test_cutter_keeps_its_promises_for_any_stream);
  tcase_add_test(tcase, test_random_streams_are_of_every_kind);
  return suite;
}

GST_CHECK_MAIN(cutter_random)
