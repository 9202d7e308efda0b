// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/publish/mp4_fragment.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

namespace dist::publish {
namespace {

constexpr std::size_t kHead = 8;  // Size and type of a box.

// What libavformat writes beside those that have to be there.
constexpr std::string_view kInTrack[] = {"tkhd", "mdia", "udta"};
constexpr std::string_view kInMovie[] = {"mvhd", "trak", "mvex", "udta"};

struct Box {
  std::string_view type;
  std::span<const std::uint8_t> all;
  std::span<const std::uint8_t> body() const { return all.subspan(kHead); }
  // Of a full box, after version and flags.
  std::span<const std::uint8_t> fields() const { return all.subspan(kHead + 4); }
};

std::uint32_t u32(std::span<const std::uint8_t> bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i)
    value = value << 8 | bytes[at + i];
  return value;
}

std::uint64_t u64(std::span<const std::uint8_t> bytes, std::size_t at) {
  return std::uint64_t{u32(bytes, at)} << 32 | u32(bytes, at + 4);
}

// None if the sizes do not add up.
std::optional<std::vector<Box>> boxes_in(std::span<const std::uint8_t> bytes) {
  std::vector<Box> boxes;
  while (!bytes.empty()) {
    if (bytes.size() < kHead)
      return {};
    const std::uint32_t size = u32(bytes, 0);
    if (size < kHead || size > bytes.size())
      return {};
    boxes.push_back({{reinterpret_cast<const char*>(bytes.data()) + 4, 4}, bytes.first(size)});
    bytes = bytes.subspan(size);
  }
  return boxes;
}

std::string types_of(std::span<const Box> boxes) {
  std::string types;
  for (const Box& box : boxes)
    types += (types.empty() ? "" : " ") + printable(box.type);
  return types;
}

Error unexpected(const std::string& subject, std::span<const Box> boxes) {
  return {subject + ": unexpected boxes: " + types_of(boxes)};
}

// Big-endian, as in all boxes.
class BoxWriter {
 public:
  void u32(std::uint64_t value) {
    for (unsigned i = 4; i > 0; --i)
      data_.push_back(static_cast<std::uint8_t>(value >> 8 * (i - 1) & 0xff));
  }
  void u64(std::uint64_t value) {
    u32(value >> 32);
    u32(value);
  }
  void type(std::string_view text) { data_.insert(data_.end(), text.begin(), text.end()); }
  void bytes(std::span<const std::uint8_t> more) {
    data_.insert(data_.end(), more.begin(), more.end());
  }
  // What `write` writes becomes the inside of a box.
  template <class Write>
  void box(std::string_view name, Write write) {
    const std::size_t begin = data_.size();
    u32(0);
    type(name);
    write();
    const std::size_t size = data_.size() - begin;
    for (unsigned i = 0; i < 4; ++i)
      data_[begin + i] = static_cast<std::uint8_t>(size >> 8 * (3 - i) & 0xff);
  }
  std::vector<std::uint8_t> take() { return std::move(data_); }

 private:
  std::vector<std::uint8_t> data_;
};

void write_brands(BoxWriter& out, const std::vector<std::string>& brands) {
  out.type("cmf2");
  out.u32(0);
  for (const std::string_view brand : {"cmf2", "iso6", "cmfc"})
    out.type(brand);
  for (const std::string& brand : brands)
    out.type(brand);
}

// A duration of 0: as long as all fragments, whose number is not known.
void write_edit_list(BoxWriter& out, std::uint64_t media_time) {
  out.box("edts", [&] {
    out.box("elst", [&] {
      out.u32(1u << 24);  // Version 1.
      out.u32(1);
      out.u64(0);
      out.u64(media_time);
      out.u32(1u << 16);  // Rate 1.
    });
  });
}

bool all_known(std::span<const Box> boxes, std::span<const std::string_view> known) {
  return std::ranges::all_of(boxes, [&](const Box& box) {
    return std::ranges::find(known, box.type) != known.end() &&
           std::ranges::count(boxes, box.type, &Box::type) == 1;
  });
}

bool is_full(const Box& box, std::string_view type, std::size_t fields) {
  return box.type == type && box.body().size() >= 4 + fields;
}

// The flags of `trun` and `tfhd` (ISO/IEC 14496-12, 8.8.7 and 8.8.8).
constexpr std::uint32_t kDescription = 0x2;
constexpr std::uint32_t kDefaultDuration = 0x8;
constexpr std::uint32_t kDefaultSize = 0x10;
constexpr std::uint32_t kDefaultFlags = 0x20;
constexpr std::uint32_t kMoofIsBase = 0x20000;
constexpr std::uint32_t kDataOffset = 0x1;
constexpr std::uint32_t kFirstFlags = 0x4;
constexpr std::uint32_t kDuration = 0x100;
constexpr std::uint32_t kSize = 0x200;
constexpr std::uint32_t kFlags = 0x400;
constexpr std::uint32_t kOffset = 0x800;

struct Defaults {
  std::optional<std::uint32_t> duration;
  std::optional<std::uint32_t> size;
};

std::optional<Defaults> read_defaults(const Box& tfhd) {
  if (!is_full(tfhd, "tfhd", 4))
    return {};
  const std::uint32_t flags = u32(tfhd.body(), 0);
  if ((flags & kMoofIsBase) == 0 || (flags & ~(kMoofIsBase | kDescription | kDefaultDuration |
                                               kDefaultSize | kDefaultFlags)) != 0)
    return {};
  Defaults defaults;
  std::size_t at = 4;
  const auto field = [&]() -> std::optional<std::uint32_t> {
    if (at + 4 > tfhd.fields().size())
      return {};
    at += 4;
    return u32(tfhd.fields(), at - 4);
  };
  if ((flags & kDescription) != 0)
    field();
  if ((flags & kDefaultDuration) != 0)
    defaults.duration = field();
  if ((flags & kDefaultSize) != 0)
    defaults.size = field();
  if ((flags & kDefaultFlags) != 0)
    field();
  if (at != tfhd.fields().size())
    return {};
  return defaults;
}

// False if it is not as it should be.
bool read_run(const Box& trun, const Defaults& defaults, std::size_t moof, FragmentBoxes& found) {
  if (!is_full(trun, "trun", 8))
    return false;
  const std::uint32_t head = u32(trun.body(), 0);
  const std::uint32_t flags = head & 0xffffff;
  const std::span<const std::uint8_t> fields = trun.fields();
  const std::uint32_t count = u32(fields, 0);
  if ((flags & kDataOffset) == 0 || u32(fields, 4) != moof + kHead)
    return false;
  std::size_t width = 0;
  for (const std::uint32_t flag : {kDuration, kSize, kFlags, kOffset})
    width += (flags & flag) != 0 ? 4 : 0;
  const std::size_t begin = (flags & kFirstFlags) != 0 ? 12 : 8;
  if (count == 0 || fields.size() < begin || fields.size() - begin != count * width ||
      ((flags & kDuration) == 0 && !defaults.duration) || ((flags & kSize) == 0 && !defaults.size))
    return false;
  for (std::size_t i = 0, at = begin; i < count; ++i) {
    const auto next = [&](std::uint32_t flag) -> std::optional<std::uint32_t> {
      if ((flags & flag) == 0)
        return {};
      at += 4;
      return u32(fields, at - 4);
    };
    found.duration += next(kDuration).value_or(defaults.duration.value_or(0));
    found.sizes.push_back(next(kSize).value_or(defaults.size.value_or(0)));
    next(kFlags);
    next(kOffset);
  }
  return true;
}

}  // namespace

Result<Bytes> cmaf_init(std::span<const std::uint8_t> init, const std::vector<std::string>& brands,
                        std::uint64_t priming) {
  const auto file = boxes_in(init);
  if (!file || file->size() != 2 || (*file)[0].type != "ftyp" || (*file)[1].type != "moov")
    return unexpected("init segment", file.value_or(std::vector<Box>()));
  const auto movie = boxes_in((*file)[1].body());
  if (!movie || !all_known(*movie, kInMovie) || std::ranges::count(*movie, "trak", &Box::type) != 1)
    return unexpected("moov", movie.value_or(std::vector<Box>()));
  const auto trak = std::ranges::find(*movie, "trak", &Box::type);
  const auto track = boxes_in(trak->body());
  if (!track || !all_known(*track, kInTrack) || track->empty() || (*track)[0].type != "tkhd")
    return unexpected("trak", track.value_or(std::vector<Box>()));
  BoxWriter out;
  out.box("ftyp", [&] { write_brands(out, brands); });
  out.box("moov", [&] {
    for (const Box& box : *movie) {
      if (box.type != "trak") {
        out.bytes(box.all);
        continue;
      }
      out.box("trak", [&] {
        for (const Box& part : *track) {
          out.bytes(part.all);
          if (part.type == "tkhd" && priming > 0)
            write_edit_list(out, priming);
        }
      });
    }
  });
  return Bytes::take(out.take());
}

Result<FragmentBoxes> read_fragment(std::span<const std::uint8_t> bytes) {
  const auto file = boxes_in(bytes);
  if (!file || file->size() != 2 || (*file)[0].type != "moof" || (*file)[1].type != "mdat")
    return unexpected("fragment", file.value_or(std::vector<Box>()));
  const Box& moof = (*file)[0];
  const auto parts = boxes_in(moof.body());
  if (!parts || parts->size() != 2 || !is_full((*parts)[0], "mfhd", 4) ||
      (*parts)[1].type != "traf")
    return unexpected("moof", parts.value_or(std::vector<Box>()));
  const auto track = boxes_in((*parts)[1].body());
  if (!track || track->size() != 3 || !is_full((*track)[1], "tfdt", 8) ||
      (*track)[1].body()[0] != 1)
    return unexpected("traf", track.value_or(std::vector<Box>()));
  FragmentBoxes found{.sequence_number = u32((*parts)[0].fields(), 0),
                      .decode_time = u64((*track)[1].fields(), 0),
                      .sizes = {},
                      .data = moof.all.size() + kHead};
  const auto defaults = read_defaults((*track)[0]);
  if (!defaults || !read_run((*track)[2], *defaults, moof.all.size(), found))
    return Error{"traf: unexpected fields"};
  std::uint64_t total = 0;
  for (const std::uint32_t size : found.sizes)
    total += size;
  if (total != (*file)[1].body().size())
    return Error{"trun: its samples do not fill the mdat"};
  return found;
}

Bytes segment_type(const std::vector<std::string>& brands, bool last) {
  BoxWriter out;
  out.box("styp", [&] {
    write_brands(out, brands);
    out.type("cmfs");
    out.type("msdh");
    if (last)
      out.type("lmsg");
  });
  return Bytes::take(out.take());
}

}  // namespace dist::publish
