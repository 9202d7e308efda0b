// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/record/unixfs.h"

#include <algorithm>
#include <string>
#include <utility>

#include "gst/record/dag_pb.h"

namespace dist::record {
namespace {

// Nodes above a leaf: three levels of kNodeWidth are a pebibyte, other software has narrower nodes.
constexpr unsigned kMaxLevels = 16;

// Of a file in memory: no software makes smaller leaves, but for a few.
constexpr std::uint64_t kSmallLeaf = 4u << 10;
constexpr std::uint64_t kSmallLeaves = 64u << 10;
// A smaller piece is joined with the next; what other software makes a leaf of is not copied.
constexpr std::size_t kPieceSize = 256u << 10;

enum Field : std::uint8_t { kType = 1, kData, kFileSize, kBlockSize, kMode = 7, kModified };
enum Type : std::uint8_t { kTypeRaw = 0, kTypeFile = 2 };

// What UnixFS says of a file in the data of its node.
struct FileNode {
  std::vector<std::uint8_t> data;
  std::uint64_t size = 0;
  std::vector<std::uint64_t> parts;
};

std::vector<std::uint8_t> encode(const FileNode& node) {
  std::vector<std::uint8_t> out;
  append_number(out, kType, kTypeFile);
  append_number(out, kFileSize, node.size);
  for (std::uint64_t part : node.parts)
    append_number(out, kBlockSize, part);
  return out;
}

Result<FileNode> decode(std::span<const std::uint8_t> data) {
  FileNode node;
  std::uint64_t last = 0;
  while (!data.empty()) {
    const auto field = take_field(data);
    const bool in_order =
        field && (field->number > last || (field->number == last && field->number == kBlockSize));
    if (!in_order || (last == 0 && field->number != kType))
      return Error{"not UnixFS"};
    last = field->number;
    const bool number = field->wire == PbField::kVarint;
    if (last == kType && number && (field->value == kTypeFile || field->value == kTypeRaw))
      continue;
    if (last == kType && number)
      return Error{"a folder or a link, not a file"};
    if (last == kData && !number)
      node.data.assign(field->bytes.begin(), field->bytes.end());
    else if (last == kFileSize && number)
      node.size = field->value;
    else if (last == kBlockSize && number)
      node.parts.push_back(field->value);
    else if ((last != kMode || !number) && (last != kModified || number))
      return Error{"an unknown field of UnixFS"};
  }
  if (last == 0)
    return Error{"not UnixFS"};
  return node;
}

// Whether the node has a size for each link, and they add up to what it says.
Status check_sizes(const PbNode& node, const FileNode& file) {
  if (file.parts.size() != node.links.size())
    return Error{std::to_string(node.links.size()) + " links with " +
                 std::to_string(file.parts.size()) + " sizes"};
  std::uint64_t left = file.size;
  const auto take = [&](std::uint64_t bytes) {
    const bool fits = bytes <= left;
    left -= fits ? bytes : 0;
    return fits;
  };
  bool right = take(file.data.size());
  for (std::uint64_t part : file.parts) {
    // A tree of parts without bytes could be walked for ever.
    if (part == 0)
      return Error{"a part without bytes"};
    right = right && take(part);
  }
  if (!right || left != 0)
    return Error{"its parts are not as long as the file"};
  return {};
}

Error refused(const Cid& cid, const std::string& why) {
  return Error{"file block " + cid.text() + ": " + why};
}

Error other_size(const Cid& cid, std::uint64_t bytes, std::uint64_t announced) {
  return refused(cid, std::to_string(bytes) + " bytes instead of " + std::to_string(announced));
}

Error too_deep(const Cid& cid) {
  return refused(cid, "nested more than " + std::to_string(kMaxLevels) + " deep");
}

struct ReadNode {
  PbNode links;
  FileNode file;
};

// A node whose sizes fit together.
Result<ReadNode> read_node(const Cid& cid, const Bytes& bytes) {
  auto node = decode_dag_pb(bytes.span());
  if (!node)
    return refused(cid, node.error());
  auto file = node->data ? decode(*node->data) : Error{"not UnixFS"};
  if (!file)
    return refused(cid, file.error());
  if (const Status status = check_sizes(*node, *file); !status)
    return refused(cid, status.error());
  return ReadNode{std::move(*node), std::move(*file)};
}

// The block of a file, or of a part.
Result<Bytes> get_part(const GetBlock& get, const Cid& cid) {
  if (cid.codec == Codec::kDagCbor)
    return refused(cid, "DAG-CBOR is no file");
  return get_verified(get, cid);
}

class FileReader {
 public:
  FileReader(const GetBlock& get, const std::function<Status(const Bytes&)>& sink)
      : get_(get), sink_(sink) {}

  // `announced` is what the node above says of its size; for the root the most that is wanted.
  Status read(const Cid& cid, std::uint64_t announced, unsigned level) {
    const auto check_size = [&](std::uint64_t size) -> Status {
      if (level == 0 && size > announced)
        return refused(cid,
                       std::to_string(size) + " bytes, more than " + std::to_string(announced));
      if (level > 0 && size != announced)
        return other_size(cid, size, announced);
      return {};
    };
    const auto bytes = get_part(get_, cid);
    if (!bytes)
      return Error{bytes.error()};
    if (cid.codec == Codec::kRaw) {
      if (Status status = check_size(bytes->size()); !status)
        return status;
      return sink_(*bytes);
    }
    auto node = read_node(cid, *bytes);
    if (!node)
      return Error{node.error()};
    if (Status status = check_size(node->file.size); !status)
      return status;
    if (level == kMaxLevels)
      return too_deep(cid);
    return read_parts(node->links, std::move(node->file), level);
  }

 private:
  Status read_parts(const PbNode& node, FileNode file, unsigned level) {
    if (!file.data.empty())
      if (Status status = sink_(Bytes::take(std::move(file.data))); !status)
        return status;
    for (std::size_t i = 0; i < node.links.size(); ++i)
      if (Status status = read(node.links[i].cid, file.parts[i], level + 1); !status)
        return status;
    return {};
  }

  const GetBlock& get_;
  const std::function<Status(const Bytes&)>& sink_;
};

// Takes the leaves of a file in order.
class Pieces {
 public:
  explicit Pieces(std::uint64_t max_bytes) : leaves_left_(max_bytes / kSmallLeaf + kSmallLeaves) {}

  Status add(const Bytes& leaf) {
    if (leaves_left_ == 0)
      return Error{"file: it has too many small blocks"};
    --leaves_left_;
    if (leaf.size() >= kPieceSize) {
      end_piece();
      pieces_.push_back(leaf);
      return {};
    }
    piece_.insert(piece_.end(), leaf.span().begin(), leaf.span().end());
    if (piece_.size() >= kPieceSize)
      end_piece();
    return {};
  }

  BytesList finish() {
    end_piece();
    return std::move(pieces_);
  }

 private:
  void end_piece() {
    if (!piece_.empty())
      pieces_.push_back(Bytes::take(std::exchange(piece_, {})));
  }

  std::uint64_t leaves_left_;
  std::vector<std::uint8_t> piece_;
  BytesList pieces_;
};

}  // namespace

Status FileBuilder::write(const Bytes& bytes) {
  for (std::size_t at = 0; at < bytes.size();) {
    // Only when more comes: a file of one leaf is that leaf.
    if (leaf_size_ == kLeafSize)
      if (Status status = end_leaf(); !status)
        return status;
    const std::size_t size = std::min(kLeafSize - leaf_size_, bytes.size() - at);
    leaf_.push_back(bytes.slice(at, size));
    leaf_size_ += size;
    at += size;
  }
  return {};
}

Status FileBuilder::end_leaf() {
  Bytes bytes;
  if (leaf_.size() == 1) {
    bytes = std::move(leaf_.front());
  } else {
    std::vector<std::uint8_t> joined;
    joined.reserve(leaf_size_);
    for (const Bytes& piece : leaf_)
      joined.insert(joined.end(), piece.span().begin(), piece.span().end());
    bytes = Bytes::take(std::move(joined));
  }
  leaf_.clear();
  const std::size_t size = std::exchange(leaf_size_, 0);
  const Block block = make_block(Codec::kRaw, std::move(bytes));
  if (Status status = put_(block); !status)
    return status;
  return add(0, {block.cid, size, size});
}

Status FileBuilder::add(std::size_t level, const Child& child) {
  if (level == levels_.size())
    levels_.emplace_back();
  if (levels_[level].size() == kNodeWidth) {
    const auto node = make_node(level);
    if (!node)
      return Error{node.error()};
    if (Status status = add(level + 1, *node); !status)
      return status;
  }
  levels_[level].push_back(child);
  return {};
}

Result<FileBuilder::Child> FileBuilder::make_node(std::size_t level) {
  PbNode node;
  FileNode file;
  Child made;
  for (const Child& child : std::exchange(levels_[level], {})) {
    // Without a name, but with the field: so kubo writes it.
    node.links.push_back({.cid = child.cid, .name = "", .total = child.total});
    file.parts.push_back(child.file_bytes);
    file.size += child.file_bytes;
    made.total += child.total;
  }
  node.data = encode(file);
  const Block block = make_block(Codec::kDagPb, Bytes::take(encode_dag_pb(node)));
  if (Status status = put_(block); !status)
    return Error{status.error()};
  made.cid = block.cid;
  made.file_bytes = file.size;
  made.total += block.bytes.size();
  return made;
}

Result<Cid> FileBuilder::finish() {
  if (Status status = end_leaf(); !status)
    return Error{status.error()};
  for (std::size_t level = 0;; ++level) {
    const bool top = level + 1 == levels_.size();
    if (top && levels_[level].size() == 1)
      return levels_[level].front().cid;
    const auto node = make_node(level);
    if (!node)
      return Error{node.error()};
    if (Status status = add(level + 1, *node); !status)
      return Error{status.error()};
  }
}

Status read_file(const Cid& root, std::uint64_t max_bytes, const GetBlock& get,
                 const std::function<Status(const Bytes&)>& sink) {
  return FileReader(get, sink).read(root, max_bytes, 0);
}

Result<BytesList> read_whole_file(const Cid& root, std::uint64_t max_bytes, const GetBlock& get) {
  Pieces pieces(max_bytes);
  const Status status =
      read_file(root, max_bytes, get, [&](const Bytes& leaf) { return pieces.add(leaf); });
  return status ? Result<BytesList>(pieces.finish()) : Error{status.error()};
}

Result<std::uint64_t> FileSizes::size_of(const Cid& root) {
  const auto measured = measure(root, 0);
  if (!measured)
    return Error{measured.error()};
  return measured->bytes;
}

Result<FileSizes::Measured> FileSizes::measure(const Cid& cid, unsigned level) {
  const auto known = known_.find(cid);
  auto measured = known != known_.end() ? Result<Measured>(known->second) : measure_new(cid, level);
  if (!measured)
    return measured;
  if (level + measured->levels > kMaxLevels)
    return too_deep(cid);
  known_.emplace(cid, *measured);
  return measured;
}

Result<FileSizes::Measured> FileSizes::measure_new(const Cid& cid, unsigned level) {
  const auto bytes = get_part(get_, cid);
  if (!bytes)
    return Error{bytes.error()};
  if (cid.codec == Codec::kRaw)
    return Measured{.bytes = bytes->size()};
  const auto node = read_node(cid, *bytes);
  if (!node)
    return Error{node.error()};
  if (level == kMaxLevels)
    return too_deep(cid);
  Measured measured{.bytes = node->file.size, .levels = 1};
  for (std::size_t i = 0; i < node->links.links.size(); ++i) {
    const Cid& part = node->links.links[i].cid;
    const auto found = measure(part, level + 1);
    if (!found)
      return found;
    if (found->bytes != node->file.parts[i])
      return other_size(part, found->bytes, node->file.parts[i]);
    measured.levels = std::max(measured.levels, found->levels + 1);
  }
  return measured;
}

}  // namespace dist::record
