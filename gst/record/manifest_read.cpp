// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <numeric>
#include <string_view>
#include <utility>

#include "gst/record/manifest.h"

namespace dist::record {
namespace {

// Where in the manifest a value stands, for errors.
struct Place {
  const Place* above = nullptr;
  const char* noun = "manifest";
  std::optional<std::size_t> number = {};

  std::string text() const {
    std::string text = above ? above->text() + ": " : "";
    text += noun;
    return number ? text + " " + std::to_string(*number) : text;
  }
};

// The first thing that is wrong; what comes after it is not looked at.
class Fault {
 public:
  void set(const Place& place, const std::string& why) {
    if (text_.empty())
      text_ = place.text() + ": " + why;
  }
  explicit operator bool() const { return !text_.empty(); }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

std::optional<std::array<std::uint8_t, 32>> as_digest(const Value& value) {
  const Data* const data = value.as<Data>();
  std::array<std::uint8_t, 32> digest;
  if (!data || data->size() != digest.size())
    return std::nullopt;
  std::copy(data->begin(), data->end(), digest.begin());
  return digest;
}

std::optional<std::uint64_t> as_number(const Value& value, std::uint64_t max) {
  const Integer* const integer = value.as<Integer>();
  if (!integer || integer->negative || integer->argument > max)
    return std::nullopt;
  return integer->argument;
}

// The fields of a map. A field that is missing or wrong gives an empty value and sets the fault.
class Fields {
 public:
  Fields(const Value& value, const Place& place, Fault& fault)
      : map_(value.as<Map>()), place_(place), fault_(fault) {
    if (map_)
      known_.resize(map_->size());
    else
      fault_.set(place_, "not a map");
  }

  bool has(std::string_view key) const { return find(key).has_value(); }

  std::uint64_t number(const char* key, std::uint64_t max = kMaxNumber) {
    const auto number = as_number(get(key), max);
    if (!number)
      wrong(key, "not an integer from 0 to " + std::to_string(max));
    return number.value_or(0);
  }
  std::optional<std::uint64_t> number_if(const char* key) {
    return has(key) ? std::optional(number(key)) : std::nullopt;
  }
  std::string text(const char* key) {
    const Value& value = get(key);
    const std::string* const text = value.as<std::string>();
    if (text && text->size() <= kMaxText)
      return *text;
    wrong(key, "not a text of at most " + std::to_string(kMaxText) + " bytes");
    return {};
  }
  std::array<std::uint8_t, 32> digest(const char* key) {
    const auto digest = as_digest(get(key));
    if (!digest)
      wrong(key, "not 32 bytes");
    return digest.value_or(std::array<std::uint8_t, 32>{});
  }
  // To a raw block or UnixFS.
  Cid blob_link(const char* key) {
    const Cid* const cid = get(key).as<Cid>();
    if (cid && cid->codec != Codec::kDagCbor)
      return *cid;
    wrong(key, "not a link to a raw block or UnixFS");
    return {};
  }
  const List& list(const char* key, std::size_t max) {
    static const List kNone;
    const List* const list = get(key).as<List>();
    if (list && list->size() <= max)
      return *list;
    wrong(key, "not a list of at most " + std::to_string(max) + " items");
    return kNone;
  }
  // The field itself, null if it is missing.
  const Value& get(std::string_view key) {
    static const Value kNull;
    const auto at = find(key);
    if (!at) {
      wrong(key, "missing");
      return kNull;
    }
    known_[*at] = true;
    return (*map_)[*at].value;
  }
  void wrong(std::string_view key, const std::string& why) {
    fault_.set(place_, "\"" + std::string(key) + "\" is " + why);
  }
  // Whether the map has fields that nobody asked for.
  void end() {
    for (std::size_t i = 0; i < known_.size(); ++i)
      if (!known_[i])
        fault_.set(place_, "\"" + (*map_)[i].key.substr(0, kShown) + "\" is an unknown field");
  }

 private:
  static constexpr std::size_t kShown = 40;

  std::optional<std::size_t> find(std::string_view key) const {
    for (std::size_t i = 0; map_ && i < map_->size(); ++i)
      if ((*map_)[i].key == key)
        return i;
    return std::nullopt;
  }

  const Map* map_;
  const Place& place_;
  Fault& fault_;
  std::vector<bool> known_;
};

Rational read_rational(const Value& value, const Place& place, Fault& fault) {
  const List* const list = value.as<List>();
  Rational rational;
  if (list && list->size() == 2) {
    rational.numerator = as_number((*list)[0], kMaxNumber).value_or(0);
    rational.denominator = as_number((*list)[1], kMaxNumber).value_or(0);
  }
  if (rational.denominator == 0 || std::gcd(rational.numerator, rational.denominator) != 1)
    fault.set(place, "\"frame_rate\" is not a fraction in lowest terms");
  return rational;
}

Blob read_blob(Fields& fields) {
  Blob blob{.cid = fields.blob_link("data"), .bytes = fields.number("bytes")};
  return blob;
}

class Reader {
 public:
  explicit Reader(const GetBlock& get) : get_(get) {}

  Result<Manifest> read(const Cid& root) {
    const Place place;
    const auto value = load(root, place);
    if (value)
      read_root(*value, place);
    if (fault_)
      return Error{fault_.text()};
    return std::move(manifest_);
  }

 private:
  std::optional<Value> load(const Cid& cid, const Place& place) {
    const auto bytes = get_verified(get_, cid);
    if (!bytes) {
      fault_.set(place, bytes.error());
      return std::nullopt;
    }
    auto value = decode_dag_cbor(bytes->span());
    if (!value) {
      fault_.set(place, value.error());
      return std::nullopt;
    }
    return std::move(*value);
  }

  template <class Function>
  void each(const List& list, const Place& above, const char* noun, Function read_item) {
    for (std::size_t i = 0; i < list.size() && !fault_; ++i)
      read_item(list[i], Place{&above, noun, i});
  }

  void read_root(const Value& value, const Place& place) {
    Fields fields(value, place, fault_);
    if (fields.text("format") != kManifestFormat)
      fields.wrong("format", "not \"" + std::string(kManifestFormat) + "\"");
    if (fields.number("version") != kManifestVersion)
      fields.wrong("version", "not 1");
    read_texts(fields, "software", manifest_.software);
    read_source(fields.get("source"), place);
    read_texts(fields, "cutting", manifest_.cutting);
    each(fields.list("renditions", kMaxItems), place, "rendition",
         [&](const Value& item, const Place& at) { read_rendition(item, at); });
    each(fields.list("workers", kMaxItems), place, "worker",
         [&](const Value& item, const Place& at) { read_worker(item, at); });
    manifest_.begun = fields.number("begun");
    manifest_.ended = fields.number("ended");
    read_spread(fields.list("segments", kMaxListBlocks), place, "segment",
                [&](const Value& item, const Place& at) { read_segment(item, at); });
    read_spread(fields.list("thumbnails", kMaxListBlocks), place, "thumbnail",
                [&](const Value& item, const Place& at) { read_thumbnail(item, at); });
    each(fields.list("files", kMaxItems), place, "file",
         [&](const Value& item, const Place& at) { read_file(item, at); });
    fields.end();
  }

  static void read_texts(Fields& fields, const char* key,
                         std::map<std::string, std::string>& texts) {
    const Map* const map = fields.get(key).as<Map>();
    if (!map || map->size() > kMaxItems)
      return fields.wrong(key, "not a map of at most " + std::to_string(kMaxItems));
    for (const Entry& entry : *map) {
      const std::string* const text = entry.value.as<std::string>();
      if (!text || text->size() > kMaxText || entry.key.size() > kMaxText)
        return fields.wrong(key, "not a map of texts");
      texts[entry.key] = *text;
    }
  }

  void read_source(const Value& value, const Place& above) {
    const Place place{&above, "source"};
    Fields fields(value, place, fault_);
    manifest_.source.name = fields.text("name");
    manifest_.source.bytes = fields.number_if("bytes");
    if (fields.has("sha256"))
      manifest_.source.sha256 = fields.digest("sha256");
    each(fields.list("streams", kMaxItems), place, "stream",
         [&](const Value& item, const Place& at) { read_stream(item, at); });
    fields.end();
  }

  void read_stream(const Value& value, const Place& place) {
    Fields fields(value, place, fault_);
    Stream stream{.kind = fields.text("kind"), .codec = fields.text("codec")};
    if (fields.has("language"))
      stream.language = fields.text("language");
    stream.duration = fields.number_if("duration");
    stream.width = fields.number_if("width");
    stream.height = fields.number_if("height");
    if (fields.has("frame_rate"))
      stream.frame_rate = read_rational(fields.get("frame_rate"), place, fault_);
    stream.sample_rate = fields.number_if("sample_rate");
    stream.channels = fields.number_if("channels");
    fields.end();
    manifest_.source.streams.push_back(std::move(stream));
  }

  void read_rendition(const Value& value, const Place& place) {
    Fields fields(value, place, fault_);
    Rendition rendition{.name = fields.text("name"),
                        .text = fields.text("text"),
                        .encoder = fields.text("encoder"),
                        .configurations = {}};
    for (const Value& item : fields.list("configurations", kMaxItems)) {
      const Data* const data = item.as<Data>();
      if (data && data->size() <= kMaxConfiguration)
        rendition.configurations.push_back(*data);
      else
        fields.wrong("configurations", "not a list of byte strings of at most " +
                                           std::to_string(kMaxConfiguration) + " bytes");
    }
    if (fields.has("output")) {
      const Place output_place{&place, "output"};
      Fields output(fields.get("output"), output_place, fault_);
      rendition.output = read_blob(output);
      output.end();
    }
    fields.end();
    manifest_.renditions.push_back(std::move(rendition));
  }

  void read_worker(const Value& value, const Place& place) {
    const std::string* const name = value.as<std::string>();
    if (name && name->size() <= kMaxText)
      manifest_.workers.push_back(*name);
    else
      fault_.set(place, "not a text of at most " + std::to_string(kMaxText) + " bytes");
  }

  // A list that is spread over blocks; items are counted through all of them.
  template <class Function>
  void read_spread(const List& links, const Place& place, const char* noun, Function read_item) {
    std::size_t count = 0;
    for (const Value& link : links) {
      if (fault_)
        return;
      const Place at{&place, noun, count};
      const Cid* const cid = link.as<Cid>();
      if (!cid || cid->codec != Codec::kDagCbor) {
        fault_.set(at, "not in a list of links to DAG-CBOR");
        return;
      }
      const auto value = load(*cid, at);
      const List* const list = value ? value->as<List>() : nullptr;
      if (!list || list->empty() || list->size() > kMaxSegments - count) {
        fault_.set(
            at, "its block is not a list of at most " + std::to_string(kMaxSegments) + " in all");
        return;
      }
      for (const Value& item : *list) {
        if (fault_)
          return;
        read_item(item, Place{&place, noun, count++});
      }
    }
  }

  void read_segment(const Value& value, const Place& place) {
    Fields fields(value, place, fault_);
    Segment segment{.index = fields.number("index"),
                    .start = fields.number("start"),
                    .duration = fields.number("duration"),
                    .payload = fields.blob_link("payload"),
                    .encoded = {}};
    if (!manifest_.segments.empty() && segment.index <= manifest_.segments.back().index)
      fields.wrong("index", "not above that of the segment before");
    const List& encoded = fields.list("encoded", kMaxItems);
    if (encoded.size() != manifest_.renditions.size())
      fields.wrong("encoded", "not as long as the list of renditions");
    for (std::size_t i = 0; i < encoded.size() && !fault_; ++i)
      segment.encoded.push_back(
          read_encoded(encoded[i], manifest_.renditions[i], Place{&place, "rendition", i}));
    fields.end();
    manifest_.segments.push_back(std::move(segment));
  }

  Encoded read_encoded(const Value& value, const Rendition& rendition, const Place& place) {
    Fields fields(value, place, fault_);
    Encoded encoded{.data = read_blob(fields),
                    .frames = fields.number("frames"),
                    .configuration = fields.number("configuration"),
                    .worker = fields.number("worker"),
                    .attempts = fields.number("attempts"),
                    .leased = fields.number("leased"),
                    .answered = fields.number("answered"),
                    .hashes = {}};
    if (fields.has("head"))
      encoded.head = fields.blob_link("head");
    if (encoded.configuration >= rendition.configurations.size())
      fields.wrong("configuration", "not one of the rendition's");
    if (encoded.worker >= manifest_.workers.size())
      fields.wrong("worker", "not one of the manifest's");
    for (const Value& item : fields.list("hashes", kMaxItems)) {
      const List* const list = item.as<List>();
      const bool three = list && list->size() == 3;
      const auto time = three ? as_number((*list)[0], kMaxNumber) : std::nullopt;
      const auto hash = three ? as_digest((*list)[1]) : std::nullopt;
      const auto quality = three ? as_number((*list)[2], 100) : std::nullopt;
      if (!time || !hash || !quality) {
        fields.wrong("hashes", "not a list of times, hashes of 32 bytes and qualities up to 100");
        break;
      }
      encoded.hashes.push_back({*time, *hash, *quality});
    }
    fields.end();
    return encoded;
  }

  void read_thumbnail(const Value& value, const Place& place) {
    Fields fields(value, place, fault_);
    Thumbnail thumbnail{.time = fields.number("time"),
                        .width = fields.number("width"),
                        .height = fields.number("height"),
                        .image = read_blob(fields)};
    fields.end();
    manifest_.thumbnails.push_back(thumbnail);
  }

  void read_file(const Value& value, const Place& place) {
    Fields fields(value, place, fault_);
    File file{.name = fields.text("name"), .data = read_blob(fields)};
    fields.end();
    manifest_.files.push_back(std::move(file));
  }

  const GetBlock& get_;
  Fault fault_;
  Manifest manifest_;
};

}  // namespace

Result<Manifest> read_manifest(const Cid& root, const GetBlock& get) {
  if (root.codec != Codec::kDagCbor)
    return Error{"manifest: the root " + root.text() + " is not DAG-CBOR"};
  return Reader(get).read(root);
}

}  // namespace dist::record
