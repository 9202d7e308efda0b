// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The generic worker's pipeline: what decodes segments and makes the renditions of a job from them.
#pragma once

#include <gst/gst.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gst/base/result.h"
#include "gst/gstx/lease.h"
#include "gst/gstx/ref.h"
#include "gst/gstx/segment_kind.h"
#include "gst/rendition/rendition.h"
#include "gst/rendition/scale_plan.h"
#include "plugins/chain_decoder.h"

namespace dist {

struct Picture;

// A GstBin with a pad "sink", for segments as remoteencsrc plays them, one after the other and in
// any order, and a pad "src_NAME" for each rendition, which are there from the start. Renditions
// are progressive whatever the source is. The decoder and the first frame's format decide what is
// between them, so the rest is made when a first segment is played.
//
// What cannot go on is an ERROR message of the bin or of an element in it, and the chain is of no
// use then.
class EncodeChain {
 public:
  // A chain for leases like this one. `encoders` has the encoder of each of its renditions, as
  // EncoderChoice chose it. `threads` is for the decoder, for scaling, and for each encoder whose
  // rendition says nothing of its own; at 1 all work is done in the thread that pushes. Larger
  // pictures than of `max_pixels` are not decoded.
  static Result<std::unique_ptr<EncodeChain>> build(const Lease& lease,
                                                    const std::vector<Ability>& encoders,
                                                    unsigned threads,
                                                    std::uint64_t max_pixels = kMaxPixels);
  // The bin must not be in a pipeline any more.
  ~EncodeChain();
  EncodeChain(const EncodeChain&) = delete;
  EncodeChain& operator=(const EncodeChain&) = delete;

  GstElement* bin() const { return bin_.get(); }
  // Whether this lease wants the same renditions made from the same kind of stream. The size of the
  // picture may differ, and renditions may be missing that have no frame in the segment.
  bool fits(const Lease& lease) const;
  // Whether the message says that no frame of a whole segment could be decoded. Then the film is
  // damaged there, or the decoder is no good.
  bool decoded_nothing(GstMessage* message) const;
  // Whether an element of the chain, or the bin itself, posted the message.
  bool owns(GstMessage* message) const;

  // What a message of type ERROR says to a user; else empty.
  static std::string text_of(GstMessage* message);

 private:
  // The elements that make the pictures of a ScaleStep.
  struct Scaler {
    GstElement* scale = nullptr;
    GstElement* filter = nullptr;
    GstElement* tee = nullptr;
    std::string caps;  // Of the filter.
    bool borders = false;
  };

  EncodeChain(const Lease& lease, const SegmentKind& kind, const std::vector<Ability>& encoders,
              unsigned threads, std::uint64_t max_pixels);
  Status make_entry();
  static gboolean on_event(GstPad* pad, GstObject* parent, GstEvent* event);
  static void damaged_from(Lease& lease, GstClockTime time);
  static GstFlowReturn on_buffer(GstPad* pad, GstObject* parent, GstBuffer* buffer);
  static void restart(GstElement* encoder);
  static GstPadProbeReturn on_decoded(GstPad*, GstPadProbeInfo* info, gpointer data);
  bool has_failed() const { return failed_ || decoder_->failed(); }
  bool take_decoded(GstCaps* caps);
  Status make_branches(GstCaps* caps);
  Status start_branches();
  Status make_scaler(std::size_t step);
  Status make_encoder(std::size_t rendition, GstElement* tee, GstCaps* source);
  void set_sizes(GstCaps* source);
  Fraction pixels_of(const ScaleStep& step, const Picture& decoded) const;
  Result<GstElement*> add(const std::string& factory);
  // Null for no caps.
  GstElement* add_filter(const std::string& caps);

  const std::vector<RenditionSpec> specs_;
  const std::vector<Ability> encoders_;
  const unsigned threads_;
  const unsigned branch_threads_;  // Of each encoder and each scaler.
  const std::uint64_t max_pixels_;
  const SegmentKind segment_kind_;
  const Ref<GstCaps> kind_;  // Of the segments.
  Ref<GstElement> bin_;

  // Belong to the streaming thread.
  std::shared_ptr<Lease> lease_;       // Whose segment is played.
  Fraction announced_pixels_;          // By the caps of the segment.
  std::vector<GstElement*> elements_;  // In the order they were made; the bin has them.
  bool failed_ = false;                // Said so in a message.
  std::atomic<bool> ended_ = false;    // The segment has been pushed whole; read by any thread.
  std::atomic<bool> shows_ = false;    // A frame came out; read by any thread.
  std::unique_ptr<ChainDecoder> decoder_;
  GstElement* decoded_ = nullptr;  // Tee behind the decoder.
  std::size_t begun_ = 0;          // So many elements begin the chain, up to this tee.
  bool made_ = false;              // What is behind it, when its pictures are known.
  std::vector<ScaleStep> plan_;
  std::vector<Scaler> scalers_;                // One for each step of the plan.
  std::vector<GstElement*> encoder_elements_;  // One for each rendition.
};

}  // namespace dist
