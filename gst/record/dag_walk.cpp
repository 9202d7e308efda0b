// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/record/dag_walk.h"

#include <set>
#include <string>
#include <utility>

#include "gst/record/dag_cbor.h"
#include "gst/record/dag_pb.h"

namespace dist::record {
namespace {

void collect(const Value& value, std::vector<Cid>& links) {
  if (const Cid* const cid = value.as<Cid>()) {
    links.push_back(*cid);
  } else if (const List* const list = value.as<List>()) {
    for (const Value& item : *list)
      collect(item, links);
  } else if (const Map* const map = value.as<Map>()) {
    for (const Entry& entry : *map)
      collect(entry.value, links);
  }
}

// A block on the way from the root to where the walk is.
struct Step {
  std::vector<Cid> links;
  std::size_t next = 0;
};

class Walk {
 public:
  Walk(Scope scope, const GetBlock& get, const PutBlock& visit)
      : scope_(scope), get_(get), visit_(visit) {}

  Status run(const Cid& root) {
    Status status = enter(root);
    while (status && !way_.empty()) {
      Step& step = way_.back();
      if (step.next == step.links.size())
        way_.pop_back();
      else
        status = enter(step.links[step.next++]);
    }
    return status;
  }

  const DagSize& size() const { return size_; }

 private:
  // By value: the step that holds the link may move.
  Status enter(const Cid cid) {
    if (scope_ == Scope::kManifest && cid.codec != Codec::kDagCbor)
      return {};
    // What was entered is not entered again, so not even a circle could hold the walk.
    if (!entered_.insert(cid).second)
      return {};
    const auto refuse = [&](const std::string& why) {
      return Error{"block " + cid.text() + ": " + why};
    };
    if (entered_.size() > kMaxDagBlocks)
      return refuse("more than " + std::to_string(kMaxDagBlocks) + " blocks belong to the root");
    if (way_.size() > kMaxDepth)
      return refuse("more than " + std::to_string(kMaxDepth) + " links from the root");
    auto bytes = get_verified(get_, cid);
    if (!bytes)
      return Error{bytes.error()};
    const Block block{cid, std::move(*bytes)};
    auto links = links_of(block);
    if (!links)
      return Error{links.error()};
    ++size_.blocks;
    size_.bytes += block.bytes.size();
    if (!links->empty())
      way_.push_back({std::move(*links)});
    return visit_(block);
  }

  const Scope scope_;
  const GetBlock& get_;
  const PutBlock& visit_;
  std::set<Cid> entered_;
  std::vector<Step> way_;
  DagSize size_;
};

}  // namespace

Result<std::vector<Cid>> links_of(const Block& block) {
  std::vector<Cid> links;
  const auto refuse = [&](const std::string& why) {
    return Error{"block " + block.cid.text() + ": " + why};
  };
  if (block.cid.codec == Codec::kDagCbor) {
    const auto value = decode_dag_cbor(block.bytes.span());
    if (!value)
      return refuse(value.error());
    collect(*value, links);
  } else if (block.cid.codec == Codec::kDagPb) {
    const auto node = decode_dag_pb(block.bytes.span());
    if (!node)
      return refuse(node.error());
    for (const PbLink& link : node->links)
      links.push_back(link.cid);
  }
  return links;
}

Result<DagSize> walk_dag(const Cid& root, Scope scope, const GetBlock& get, const PutBlock& visit) {
  Walk walk(scope, get, visit);
  if (Status status = walk.run(root); !status)
    return Error{status.error()};
  return walk.size();
}

}  // namespace dist::record
