// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/publish/boxes.h"

#include <algorithm>
#include <cstring>

namespace dist::test {
namespace {

// Reads past the end make it fail for good.
class Reader {
 public:
  explicit Reader(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

  std::uint64_t number(std::size_t width) {
    std::uint64_t value = 0;
    for (const std::uint8_t byte : take(width))
      value = value << 8 | byte;
    return value;
  }
  std::string type() {
    const auto text = take(4);
    return {text.begin(), text.end()};
  }
  std::span<const std::uint8_t> take(std::size_t size) {
    ok_ = ok_ && size <= bytes_.size();
    if (!ok_)
      return {};
    const auto taken = bytes_.first(size);
    bytes_ = bytes_.subspan(size);
    return taken;
  }
  bool ok() const { return ok_; }
  bool done() const { return ok_ && bytes_.empty(); }
  std::size_t left() const { return bytes_.size(); }

 private:
  std::span<const std::uint8_t> bytes_;
  bool ok_ = true;
};

struct Box {
  std::string type;
  std::span<const std::uint8_t> body;
};

Result<std::vector<Box>> boxes(std::span<const std::uint8_t> bytes) {
  std::vector<Box> all;
  for (Reader reader(bytes); !reader.done();) {
    const std::uint64_t size = reader.number(4);
    const std::string type = reader.type();
    // 0 and 1 are "to the end" and "64 bits".
    if (!reader.ok() || size < 8 || size - 8 > reader.left())
      return Error{"box " + type + ": its size is not that of what it is in"};
    all.push_back({type, reader.take(size - 8)});
  }
  return all;
}

std::string list(const std::vector<Box>& all) {
  std::string text;
  for (const Box& box : all)
    text += box.type + " ";
  return text;
}

// The boxes in `bytes`, which are exactly those types in that order; "x?" may be missing.
Result<std::vector<Box>> expect(std::span<const std::uint8_t> bytes,
                                const std::vector<std::string>& types) {
  auto all = boxes(bytes);
  if (!all)
    return all;
  std::vector<Box> found;
  std::size_t next = 0;
  for (const std::string& type : types) {
    const bool optional = type.ends_with('?');
    const std::string name = type.substr(0, 4);
    const bool here = next < all->size() && (*all)[next].type == name;
    if (!here && !optional)
      return Error{"no " + name + " in " + list(*all)};
    found.push_back(here ? (*all)[next] : Box{});
    next += here ? 1 : 0;
  }
  if (next != all->size())
    return Error{"unexpected: " + list(*all)};
  return found;
}

// All of these are set where they are boxes of a moov without samples.
Status check_empty_tables(std::span<const std::uint8_t> stbl, Box& stsd) {
  const auto tables = expect(stbl, {"stsd", "stts", "stsc", "stsz", "stco"});
  if (!tables)
    return Error{tables.error()};
  stsd = (*tables)[0];
  for (std::size_t i = 1; i < tables->size(); ++i)
    if (std::ranges::any_of((*tables)[i].body, [](std::uint8_t byte) { return byte != 0; }))
      return Error{(*tables)[i].type + ": has samples"};
  return {};
}

Status read_entry(const Box& stsd, InitSegment& init) {
  Reader reader(stsd.body);
  if (reader.number(4) != 0 || reader.number(4) != 1)
    return Error{"stsd: not one entry"};
  const std::uint64_t size = reader.number(4);
  init.entry = reader.type();
  if (size != reader.left() + 8)
    return Error{"stsd: its entry has another size"};
  reader.take(init.handler == "vide" ? 78 : 28);
  const auto inside = boxes(reader.take(reader.left()));
  if (!reader.ok() || !inside || inside->empty())
    return Error{"stsd: its entry says nothing"};
  for (const Box& box : *inside)
    init.inside.push_back(box.type);
  init.configuration = to_data((*inside)[0].body);
  return {};
}

Status read_edits(const Box& edts, InitSegment& init) {
  const auto elst = expect(edts.body, {"elst"});
  if (!elst)
    return Error{elst.error()};
  Reader reader((*elst)[0].body);
  if (reader.number(4) != 1u << 24 || reader.number(4) != 1 || reader.number(8) != 0)
    return Error{"elst: not one edit of all that there is"};
  init.media_time = reader.number(8);
  if (reader.number(4) != 1u << 16 || !reader.done() || init.media_time == 0 ||
      init.media_time > INT32_MAX)
    return Error{"elst: not as it should be"};
  return {};
}

Status read_media(const Box& mdia, InitSegment& init) {
  const auto media = expect(mdia.body, {"mdhd", "hdlr", "minf"});
  if (!media)
    return Error{media.error()};
  Reader mdhd((*media)[0].body);
  const std::uint64_t version = mdhd.number(4) >> 24;
  if (mdhd.number(version == 1 ? 16 : 8) != 0)
    return Error{"mdhd: says when it was made"};
  init.timescale = static_cast<std::uint32_t>(mdhd.number(4));
  if (mdhd.number(version == 1 ? 8 : 4) != 0 || init.timescale == 0)
    return Error{"mdhd: has a duration, or no timescale"};
  Reader hdlr((*media)[1].body);
  hdlr.take(8);
  init.handler = hdlr.type();
  if (init.handler != "vide" && init.handler != "soun")
    return Error{"hdlr: " + init.handler};
  const auto parts =
      expect((*media)[2].body, {init.handler == "vide" ? "vmhd" : "smhd", "dinf", "stbl"});
  if (!parts)
    return Error{parts.error()};
  Box stsd;
  const Status empty = check_empty_tables((*parts)[2].body, stsd);
  return empty ? read_entry(stsd, init) : empty;
}

std::vector<std::string> brands_of(const Box& box) {
  Reader reader(box.body);
  std::vector<std::string> brands{reader.type()};
  if (reader.number(4) != 0)
    return {};
  while (reader.ok() && !reader.done())
    brands.push_back(reader.type());
  return reader.ok() ? brands : std::vector<std::string>();
}

bool has(const std::vector<std::string>& all, const std::string& one) {
  return std::ranges::find(all, one) != all.end();
}

struct Defaults {
  std::uint32_t duration = 0;
  std::uint32_t size = 0;
  std::uint32_t flags = 0;
};

Status read_defaults(const Box& tfhd, Defaults& defaults) {
  Reader reader(tfhd.body);
  const std::uint64_t flags = reader.number(4);
  if (reader.number(4) != 1)
    return Error{"tfhd: another track"};
  // default-base-is-moof, and no base or emptiness of its own.
  if ((flags & 0x20000) == 0 || (flags & ~std::uint64_t{0x2003a}) != 0 ||
      ((flags & 2) != 0 && reader.number(4) != 1))
    return Error{"tfhd: its flags"};
  defaults.duration = static_cast<std::uint32_t>(flags & 0x08 ? reader.number(4) : 0);
  defaults.size = static_cast<std::uint32_t>(flags & 0x10 ? reader.number(4) : 0);
  defaults.flags = static_cast<std::uint32_t>(flags & 0x20 ? reader.number(4) : 0);
  return reader.done() ? Status() : Status(Error{"tfhd: its size"});
}

constexpr std::uint32_t kNoSync = 0x10000;
constexpr std::uint32_t kDependsOn = 0x3000000;

// Whether what is said of a sample agrees: a sync sample depends on nothing.
bool agree(std::uint32_t flags) {
  const std::uint32_t depends = (flags & kDependsOn) >> 24;
  return (flags & kNoSync) != 0 ? depends != 2 : depends == 2 || depends == 0;
}

}  // namespace

Result<InitSegment> read_init(std::span<const std::uint8_t> bytes) {
  InitSegment init;
  const auto file = expect(bytes, {"ftyp", "moov"});
  if (!file)
    return Error{file.error()};
  init.brands = brands_of((*file)[0]);
  if (init.brands.empty() || init.brands[0] != "cmf2" || !has(init.brands, "iso6") ||
      !has(init.brands, "cmfc"))
    return Error{"ftyp: brands"};
  const auto movie = expect((*file)[1].body, {"mvhd", "trak", "mvex", "udta?"});
  if (!movie)
    return Error{movie.error()};
  Reader mvhd((*movie)[0].body);
  if (mvhd.number(4) != 0 || mvhd.number(8) != 0 || mvhd.number(4) == 0 || mvhd.number(4) != 0)
    return Error{"mvhd: says when it was made, or how long it is"};
  const auto trex = expect((*movie)[2].body, {"trex"});
  const auto track = expect((*movie)[1].body, {"tkhd", "edts?", "mdia"});
  if (!trex || !track)
    return Error{!trex ? trex.error() : track.error()};
  if (const Status media = read_media((*track)[2], init); !media)
    return Error{media.error()};
  if ((*track)[1].type == "edts")
    if (const Status edits = read_edits((*track)[1], init); !edits)
      return Error{edits.error()};
  return init;
}

Status TrackReader::read_segment(std::span<const std::uint8_t> bytes) {
  const auto all = boxes(bytes);
  if (!all)
    return Error{all.error()};
  if (ended_)
    return Error{"a segment after the last one"};
  if (all->size() < 3 || all->size() % 2 == 0 || (*all)[0].type != "styp")
    return Error{"not a styp and fragments: " + list(*all)};
  const std::vector<std::string> brands = brands_of((*all)[0]);
  for (const std::string& brand : init_.brands)
    if (!has(brands, brand))
      return Error{"styp: not of the brand " + brand};
  if (brands[0] != "cmf2" || !has(brands, "msdh"))
    return Error{"styp: brands"};
  ended_ = has(brands, "lmsg");
  for (std::size_t i = 1; i < all->size(); i += 2) {
    if ((*all)[i].type != "moof" || (*all)[i + 1].type != "mdat")
      return Error{"not a moof and its mdat: " + list(*all)};
    if (const Status read = read_fragment((*all)[i].body, (*all)[i + 1].body); !read)
      return read;
  }
  return {};
}

Status TrackReader::read_fragment(std::span<const std::uint8_t> moof,
                                  std::span<const std::uint8_t> mdat) {
  const auto parts = expect(moof, {"mfhd", "traf"});
  if (!parts)
    return Error{parts.error()};
  const auto track = expect((*parts)[1].body, {"tfhd", "tfdt", "trun"});
  if (!track)
    return Error{track.error()};
  Defaults defaults;
  if (const Status read = read_defaults((*track)[0], defaults); !read)
    return read;
  Reader mfhd((*parts)[0].body);
  Reader tfdt((*track)[1].body);
  if (mfhd.number(4) != 0 || tfdt.number(4) != 1u << 24)
    return Error{"mfhd or tfdt: its version"};
  const auto number = static_cast<std::uint32_t>(mfhd.number(4));
  const std::uint64_t begin = tfdt.number(8);
  if (!mfhd.done() || !tfdt.done())
    return Error{"mfhd or tfdt: its size"};
  if (number == 0 || (fragments_ > 0 && (number != number_ + 1 || begin != time_)))
    return Error{"does not follow on the fragment before"};
  Reader trun((*track)[2].body);
  const std::uint64_t head = trun.number(4);
  const std::uint64_t flags = head & 0xffffff;
  const std::uint64_t count = trun.number(4);
  if ((head >> 24) > 1 || ((head >> 24) == 0 && (flags & 0x800) != 0) ||
      (flags & ~std::uint64_t{0xf05}) != 0)
    return Error{"trun: version or flags"};
  // From the beginning of the moof, whose head and the mdat's are not in `moof`.
  if ((flags & 1) == 0 || trun.number(4) != moof.size() + 16)
    return Error{"trun: its data are not those of the mdat"};
  if ((flags & 4) != 0 && (flags & 0x400) != 0)
    return Error{"trun: says the flags of its first sample twice"};
  const auto first_flags =
      static_cast<std::uint32_t>((flags & 4) != 0 ? trun.number(4) : defaults.flags);
  if (count == 0 || count > mdat.size())
    return Error{"trun: its count"};
  Reader data(mdat);
  std::uint64_t time = begin;
  std::int64_t earliest = INT64_MAX;
  std::int64_t latest = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    Mp4Sample sample{.bytes = {}, .decode_time = time};
    sample.duration =
        static_cast<std::uint32_t>((flags & 0x100) != 0 ? trun.number(4) : defaults.duration);
    const std::uint64_t size = (flags & 0x200) != 0 ? trun.number(4) : defaults.size;
    const auto its = static_cast<std::uint32_t>((flags & 0x400) != 0 ? trun.number(4)
                                                : i == 0             ? first_flags
                                                                     : defaults.flags);
    const auto offset =
        static_cast<std::int32_t>((flags & 0x800) != 0 ? trun.number(4) : std::uint64_t{0});
    sample.bytes = to_data(data.take(size));
    sample.pts = static_cast<std::int64_t>(time) + offset;
    sample.keyframe = (its & kNoSync) == 0;
    if (!trun.ok() || !data.ok() || size == 0 || sample.duration == 0)
      return Error{"trun: a sample without bytes or duration, or outside of the mdat"};
    if (!agree(its) || (i == 0 && !sample.keyframe) ||
        (init_.handler == "soun" && !sample.keyframe))
      return Error{"trun: flags of a sample"};
    earliest = std::min(earliest, sample.pts);
    latest = std::max(latest, sample.pts);
    time += sample.duration;
    samples_.push_back(std::move(sample));
  }
  if (!trun.done() || !data.done())
    return Error{"trun: its samples are not the mdat"};
  if (earliest != static_cast<std::int64_t>(begin))
    return Error{"tfdt: not the earliest presentation time"};
  if (latest >= static_cast<std::int64_t>(time))
    return Error{"trun: a sample is presented in the next fragment"};
  number_ = number;
  time_ = time;
  ++fragments_;
  return {};
}

}  // namespace dist::test
