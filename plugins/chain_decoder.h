// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The beginning of an EncodeChain: one parser and one decoder, both picked by name or by rank.
// Nothing here looks for elements by what a stream says of itself, as decodebin does: a peer that
// chooses the stream would choose among all elements that are installed.
#pragma once

#include <gst/gst.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "gst/base/result.h"
#include "gst/gstx/segment_kind.h"

namespace dist {

//     parser ! capsfilter ! decoder ! capsfilter     of raw video the last one only
//
// The decoder is the one of the highest rank that takes what the parser gives and can be opened. So
// it is made when the first caps are behind the parser, in the streaming thread.
class ChainDecoder {
 public:
  // Adds its elements to the bin, which outlives it. The last one is linked to `next`, which is in
  // the bin. `threads` are those of a decoder. What cannot go on later is an ERROR message of the
  // bin.
  static Result<std::unique_ptr<ChainDecoder>> make(GstBin* bin, const SegmentKind& kind,
                                                    GstElement* next, unsigned threads,
                                                    std::uint64_t max_pixels);
  ChainDecoder(const ChainDecoder&) = delete;
  ChainDecoder& operator=(const ChainDecoder&) = delete;

  // Where segments come in.
  GstElement* first() const { return first_; }
  // Said so in a message. Of the streaming thread.
  bool failed() const { return failed_; }

 private:
  ChainDecoder(GstBin* bin, const SegmentKind& kind, unsigned threads, std::uint64_t max_pixels)
      : bin_(bin), kind_(kind), threads_(threads), max_pixels_(max_pixels) {}
  Status make_elements(GstElement* next);
  Result<GstElement*> add(const std::string& factory);
  void restrict_parser(GstElement* parser);
  static GstPadProbeReturn on_unparsed(GstPad* pad, GstPadProbeInfo* info, gpointer data);
  static GstPadProbeReturn on_parsed(GstPad* pad, GstPadProbeInfo* info, gpointer data);
  GstPadProbeReturn take_caps(GstPad* pad, GstEvent* event);
  GstPadProbeReturn take_unit(GstPadProbeInfo* info);
  void fail(const std::string& why);
  Status plug(GstPad* pad, GstCaps* caps);
  bool try_decoder(GstElementFactory* factory, GstPad* pad, GstCaps* caps);

  GstBin* const bin_;
  const SegmentKind kind_;
  const unsigned threads_;
  const std::uint64_t max_pixels_;
  // Of the bin.
  GstElement* first_ = nullptr;
  GstElement* filter_ = nullptr;   // Before the decoder.
  GstElement* exit_ = nullptr;     // Behind it.
  GstElement* decoder_ = nullptr;  // Null: not yet.
  StreamFormat format_;            // Behind the parser.
  bool failed_ = false;
};

}  // namespace dist
