// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The frames of a film as an undistributed decode shows them, those of `gst-dist-1.0 transcode`
// with a lossless rendition, and in what the two differ.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace film {

struct Frame {
  std::optional<std::int64_t> time;  // Running time in nanoseconds.
  std::string md5;                   // Of its visible pixels.
};

struct FrameList {
  std::vector<Frame> frames;
  std::string format;    // Of the last frame: the raw format.
  std::string error;     // Empty if the film was decoded to its end.
  bool hung = false;     // The decode was ended because it took too long.
  bool crashed = false;  // Likewise by a signal.

  bool decodes() const { return !frames.empty() && error.empty(); }
};

// What decodebin shows of a film, converted and scaled to `format` unless that is empty. A process
// of its own decodes; it gets `seconds`. A decoder uses so many threads; 0: as many as it likes.
FrameList list_frames(const std::string& path, const std::string& format = "",
                      unsigned seconds = 60, unsigned threads = 0);

// The same by ffmpeg, which reads some films that GStreamer's demuxers do not: an error where
// `format` is none of the planar 8-bit ones. Nothing is deinterlaced.
FrameList list_frames_by_ffmpeg(const std::string& path, const std::string& format,
                                unsigned seconds = 60);

struct Transcoded {
  int code = -1;       // Exit code; -1 if it hung or crashed.
  bool hung = false;   // It was ended because it took too long.
  std::string output;  // What it said.
  FrameList list;      // Empty unless the exit code is 0.
  std::size_t frames = 0;

  // The line of what it said that tells why it failed.
  std::string reason() const;
};

// Encodes the film with a lossless rendition on local workers into `result`, a name that ends in
// .mkv of a file that is removed afterwards, and lists the frames of that.
Transcoded transcode_losslessly(const std::string& path, const std::string& result,
                                unsigned seconds = 60);

// The same into a small file of lossy pictures, which are only counted; `result` ends in .mp4.
Transcoded transcode_to_mp4(const std::string& path, const std::string& result,
                            unsigned seconds = 60);

// How a list differs from the one that it should be.
struct Difference {
  std::vector<std::size_t> missing;  // Indices into the expected list.
  std::vector<std::size_t> other;    // Likewise: frames that are there with other pixels.
  std::vector<std::size_t> extra;    // Indices into the list.
  std::int64_t shift = 0;            // By how much the list is later, in milliseconds.

  bool none() const { return missing.empty() && other.empty() && extra.empty(); }
};

// Frames belong together that are at the same time, to the millisecond to which Matroska rounds;
// all may be shifted by the same time.
Difference compare(const FrameList& expected, const FrameList& list);

// How many frames, and where the first of them is, for people.
std::string describe(const Difference& difference, const FrameList& expected,
                     const FrameList& list);

}  // namespace film
