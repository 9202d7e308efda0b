// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <map>
#include <numeric>
#include <utility>

#include "gst/record/manifest.h"

namespace dist::record {
namespace {

// The head of a list that fits into a block.
constexpr std::size_t kListHead = 5;

template <class T>
void add_if(Map& map, const char* key, const std::optional<T>& value) {
  if (value)
    map.push_back({key, *value});
}

template <class Item, class Function>
List list_of(const std::vector<Item>& items, Function value_of) {
  List list;
  list.reserve(items.size());
  for (const Item& item : items)
    list.emplace_back(value_of(item));
  return list;
}

Value text_value(const std::string& text) {
  return text;
}

Value data_value(const Data& data) {
  return data;
}

Value digest_value(const std::array<std::uint8_t, 32>& digest) {
  return Data(digest.begin(), digest.end());
}

Value texts_value(const std::map<std::string, std::string>& texts) {
  Map map;
  for (const auto& [name, text] : texts)
    map.push_back({name, text});
  return map;
}

Value rational_value(const Rational& rational) {
  const std::uint64_t divisor =
      std::max<std::uint64_t>(1, std::gcd(rational.numerator, rational.denominator));
  return List{rational.numerator / divisor, rational.denominator / divisor};
}

Value blob_value(const Blob& blob) {
  return Map{{"data", blob.cid}, {"bytes", blob.bytes}};
}

Value stream_value(const Stream& stream) {
  Map map{{"kind", stream.kind}, {"codec", stream.codec}};
  add_if(map, "language", stream.language);
  add_if(map, "duration", stream.duration);
  add_if(map, "width", stream.width);
  add_if(map, "height", stream.height);
  if (stream.frame_rate)
    map.push_back({"frame_rate", rational_value(*stream.frame_rate)});
  add_if(map, "sample_rate", stream.sample_rate);
  add_if(map, "channels", stream.channels);
  return map;
}

Value source_value(const Source& source) {
  Map map{{"name", source.name}, {"streams", list_of(source.streams, stream_value)}};
  add_if(map, "bytes", source.bytes);
  if (source.sha256)
    map.push_back({"sha256", digest_value(*source.sha256)});
  return map;
}

Value rendition_value(const Rendition& rendition) {
  Map map{{"name", rendition.name},
          {"text", rendition.text},
          {"encoder", rendition.encoder},
          {"configurations", list_of(rendition.configurations, data_value)}};
  if (rendition.output)
    map.push_back({"output", blob_value(*rendition.output)});
  return map;
}

Value hash_value(const FrameHash& frame) {
  return List{frame.time, digest_value(frame.hash), frame.quality};
}

Value encoded_value(const Encoded& encoded) {
  Map map{{"data", encoded.data.cid},
          {"bytes", encoded.data.bytes},
          {"frames", encoded.frames},
          {"configuration", encoded.configuration},
          {"worker", encoded.worker},
          {"attempts", encoded.attempts},
          {"leased", encoded.leased},
          {"answered", encoded.answered},
          {"hashes", list_of(encoded.hashes, hash_value)}};
  add_if(map, "head", encoded.head);
  return map;
}

Value segment_value(const Segment& segment) {
  return Map{{"index", segment.index},
             {"start", segment.start},
             {"duration", segment.duration},
             {"payload", segment.payload},
             {"encoded", list_of(segment.encoded, encoded_value)}};
}

Value thumbnail_value(const Thumbnail& thumbnail) {
  return Map{{"time", thumbnail.time},
             {"width", thumbnail.width},
             {"height", thumbnail.height},
             {"data", thumbnail.image.cid},
             {"bytes", thumbnail.image.bytes}};
}

Value file_value(const File& file) {
  return Map{{"name", file.name}, {"data", file.data.cid}, {"bytes", file.data.bytes}};
}

// A list spread over as few blocks as the order of its items allows.
class ListBlocks {
 public:
  explicit ListBlocks(std::vector<Block>& blocks) : blocks_(blocks) {}

  Status add(const Value& item) {
    const auto encoded = encode_dag_cbor(item);
    if (!encoded)
      return Error{encoded.error()};
    if (encoded->size() + kListHead > kMaxBlock)
      return Error{"needs more than a block of 1 MiB"};
    if (items_.size() + encoded->size() + kListHead > kMaxBlock)
      end_block();
    items_.insert(items_.end(), encoded->begin(), encoded->end());
    ++count_;
    return {};
  }

  List links() {
    if (count_ > 0)
      end_block();
    return std::move(links_);
  }

 private:
  void end_block() {
    Data list;
    append_list_head(list, std::exchange(count_, 0));
    list.insert(list.end(), items_.begin(), items_.end());
    items_.clear();
    blocks_.push_back(make_block(Codec::kDagCbor, Bytes::take(std::move(list))));
    links_.emplace_back(blocks_.back().cid);
  }

  std::vector<Block>& blocks_;
  Data items_;
  std::uint64_t count_ = 0;
  List links_;
};

template <class Item, class Function>
Result<List> spread(const std::vector<Item>& items, const char* noun, Function value_of,
                    std::vector<Block>& blocks) {
  ListBlocks list(blocks);
  for (std::size_t i = 0; i < items.size(); ++i)
    if (Status status = list.add(value_of(items[i])); !status)
      return Error{"manifest: " + std::string(noun) + " " + std::to_string(i) + ": " +
                   status.error()};
  return list.links();
}

Result<Data> encode_root(const Manifest& manifest, List segments, List thumbnails) {
  const auto root = encode_dag_cbor(Map{
      {"format", kManifestFormat},
      {"version", kManifestVersion},
      {"software", texts_value(manifest.software)},
      {"source", source_value(manifest.source)},
      {"cutting", texts_value(manifest.cutting)},
      {"renditions", list_of(manifest.renditions, rendition_value)},
      {"workers", list_of(manifest.workers, text_value)},
      {"begun", manifest.begun},
      {"ended", manifest.ended},
      {"segments", std::move(segments)},
      {"thumbnails", std::move(thumbnails)},
      {"files", list_of(manifest.files, file_value)},
  });
  if (!root)
    return Error{"manifest: " + root.error()};
  if (root->size() > kMaxBlock)
    return Error{"manifest: the root needs " + std::to_string(root->size()) +
                 " bytes, more than a block of 1 MiB"};
  return root;
}

// One place says what is allowed: the reader.
Status check(const std::vector<Block>& blocks) {
  std::map<Cid, Bytes> store;
  for (const Block& block : blocks)
    store.emplace(block.cid, block.bytes);
  const auto manifest = read_manifest(blocks.back().cid, [&](const Cid& cid) {
    const auto found = store.find(cid);
    return found == store.end() ? std::optional<Bytes>() : std::optional(found->second);
  });
  return manifest ? Status() : Error{manifest.error()};
}

}  // namespace

Result<Cid> write_manifest(const Manifest& manifest, const PutBlock& put) {
  std::vector<Block> blocks;
  auto segments = spread(manifest.segments, "segment", segment_value, blocks);
  if (!segments)
    return Error{segments.error()};
  auto thumbnails = spread(manifest.thumbnails, "thumbnail", thumbnail_value, blocks);
  if (!thumbnails)
    return Error{thumbnails.error()};
  auto root = encode_root(manifest, std::move(*segments), std::move(*thumbnails));
  if (!root)
    return Error{root.error()};
  blocks.push_back(make_block(Codec::kDagCbor, Bytes::take(std::move(*root))));
  if (Status status = check(blocks); !status)
    return Error{status.error()};
  for (const Block& block : blocks)
    if (Status status = put(block); !status)
      return Error{status.error()};
  return blocks.back().cid;
}

}  // namespace dist::record
