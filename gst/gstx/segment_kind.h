// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Which video is decoded, judged by the caps that a segment of a peer states: only kinds that
// distsegmenter makes, or a rendition can be, and of their caps only what is known here. See
// docs/design/trust.md.
#pragma once

#include <gst/gst.h>

#include <cstdint>
#include <string>

#include "gst/base/result.h"
#include "gst/cut/access_unit.h"
#include "gst/cut/picture_size.h"
#include "gst/gstx/ref.h"

namespace dist {

// What distsegmenter cuts as it is; the caps of all other films are those of raw video.
inline constexpr char kCutCaps[] =
    "video/x-raw; "
    "video/x-h264, stream-format = (string) { avc, avc3, byte-stream }, alignment = (string) au; "
    "video/x-h265, stream-format = (string) { hvc1, hev1, byte-stream }, alignment = (string) au; "
    "video/x-vp8; "
    "video/x-vp9, alignment = (string) super-frame; "
    "video/x-av1, stream-format = (string) obu-stream, alignment = (string) tu; "
    "video/mpeg, mpegversion = (int) { 1, 2, 4 }, systemstream = (boolean) false, "
    "parsed = (boolean) true; "
    "image/jpeg";

// The largest pictures that are decoded where nobody says another limit: those of 8K and more.
inline constexpr std::uint64_t kMaxPixels = std::uint64_t{8192} * 8192;

struct SegmentKind {
  // For messages: "H.264".
  const char* name = "";
  // The element that parses it before a decoder; empty: none does.
  const char* parser = "";
  Codec codec = Codec::kRaw;
  bool raw = false;
  gsize frame_size = 0;  // Least bytes of a raw frame; 0: not raw.
  // Fixed, one structure in system memory, without the fields that are not known here.
  Ref<GstCaps> caps;
};

// Of a source segment. An error begins with "the worker does not take" and says why.
Result<SegmentKind> kind_of_source(const std::string& caps, std::uint64_t max_pixels = kMaxPixels);
// Of a rendition, which an encoder by hand may have made, with fewer fields.
Result<SegmentKind> kind_of_rendition(const std::string& caps,
                                      std::uint64_t max_pixels = kMaxPixels);
// Whether the media type of the caps is one of a rendition that can be decoded, whatever else they
// say.
bool is_known_kind(const std::string& caps);

// An access unit as elements can read it; null: a raw frame that is too short, of which they would
// pass on memory that nobody wrote. Raw frames are aligned: the code that Orc makes needs it.
Ref<GstBuffer> readable_unit(Ref<GstBuffer> unit, const SegmentKind& kind);

// Why pictures of such caps are not decoded; empty if they are.
std::string too_large(const GstStructure* fields, std::uint64_t max_pixels);
std::string too_large(unsigned width, unsigned height, std::uint64_t max_pixels);
// Of what a decoder makes room for: encoders fill pictures up to whole blocks, which are cropped.
constexpr unsigned kMostFilledUp = 63;
std::string too_large_uncropped(PictureSize size, std::uint64_t max_pixels);

// Whether nothing but a parser reads the size of the pictures out of the bytes, see stated_size().
bool is_size_of_parser(Codec codec);
// Caps for such a parser: some believe the size that they are told.
Ref<GstCaps> without_size(GstCaps* caps);

// In a probe for buffers: ends the push of this one with an error.
GstPadProbeReturn refuse_buffer(GstPadProbeInfo* info);

// Decoders of video whose rank lets them be chosen and whose sink takes caps like these, the
// highest rank first. Neither bins nor demuxers. Free with gst_plugin_feature_list_free().
GList* find_decoders(GstCaps* caps, bool all_of_them);

}  // namespace dist
