// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Films cut into segments, and an EncodeChain between pads that the test holds.
#pragma once

#include <gst/gst.h>

#include <memory>
#include <string>
#include <vector>

#include "gst/gstx/lease.h"
#include "plugins/encode_chain.h"
#include "tests/elements/helpers.h"

namespace test {

struct Cut {
  dist::SegmentHeader header;
  Ref<GstBuffer> segment;
};

// What distsegmenter makes of the stream that this beginning of a pipeline gives.
std::vector<Cut> cut(const std::string& source, const std::string& segmenter = "");
// An H.264 film of `seconds` s, 25 frames a second and keyframes five times a second, in segments
// of a second.
std::vector<Cut> cut_h264(unsigned width, unsigned height, unsigned seconds,
                          const std::string& more_caps = "");

// What came out of one src pad for one segment.
struct Output {
  struct Frame {
    std::uint64_t time = 0;  // Running time after the segment's start.
    GstClockTime dts = GST_CLOCK_TIME_NONE;
    bool delta = false;
    std::string bytes;
  };
  std::vector<Frame> frames;  // In decode order.
  std::string caps;
  bool eos = false;
  std::vector<std::shared_ptr<dist::Lease>> leases;
};

// Caps without what VP8 has there for Ogg: comments that come and go.
std::string without_stream_headers(const std::string& caps);

class ChainPlayer {
 public:
  // A playing chain for leases like that on `first`. Without `encoders`, those that EncoderChoice
  // takes.
  ChainPlayer(const Cut& first, const std::string& renditions,
              std::vector<dist::Ability> encoders = {}, unsigned threads = 1);
  ~ChainPlayer();
  ChainPlayer(const ChainPlayer&) = delete;
  ChainPlayer& operator=(const ChainPlayer&) = delete;

  // Plays a segment as remoteencsrc does. The result has an output for each rendition. The lease
  // is not settled by this; it is there afterwards as lease().
  std::vector<Output> play(const Cut& cut);
  // The same up to that many access units, and no end.
  std::vector<Output> play_beginning(const Cut& cut, std::size_t units);
  // As play(), and everything about the outputs that must be so for every segment is checked.
  std::vector<Output> play_well(const Cut& cut);

  dist::EncodeChain& chain() { return *chain_; }
  const std::vector<dist::RenditionSpec>& specs() const { return specs_; }
  const dist::Lease& lease() const { return *lease_; }
  Messages& messages() { return *messages_; }
  // Sizes of the pictures between the decoder and that rendition's encoder, first that of the
  // decoder.
  std::string sizes_before(const std::string& rendition);

 private:
  void begin(const Cut& cut);
  GstFlowReturn push_units(const Cut& cut, std::size_t count);
  std::vector<Output> outputs();

  std::vector<dist::RenditionSpec> specs_;
  std::unique_ptr<dist::EncodeChain> chain_;
  std::unique_ptr<Messages> messages_;
  std::shared_ptr<dist::Lease> lease_;
  Ref<GstPad> source_;
  struct Sink;
  std::vector<std::unique_ptr<Sink>> sinks_;
  bool played_ = false;
};

}  // namespace test
