// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What file names ask for: muxers, and what these take.
#pragma once

#include <gst/gst.h>

#include <string>
#include <vector>

namespace dist {

struct Container {
  const char* extension;  // ".mp4"
  const char* muxer;      // Whose templates say what it takes, such as "mp4mux".
  const char* format;     // As libavformat calls it, which then writes it; null: the muxer does.
  // Encoders for audio that the container does not take, the best one first.
  std::vector<const char*> audio_encoders;
  bool rotation;  // Whether it says how its picture has to be turned.
  bool chapters;
};

const std::vector<Container>& containers();
// With its dot, in small letters; empty if there is none.
std::string extension_of(const std::string& file);
// By the end of a file name, in any case; null if it is none of theirs.
const Container* container_of(const std::string& file);
std::string known_extensions();  // For messages: ".mp4, .mkv, …".

// The usual one for a codec of renditions, such as "h264"; null for single pictures.
const Container* container_for(const std::string& codec);

// Whether a stream of these caps may go into the container, perhaps after a parser.
bool takes(const Container& container, const GstCaps* caps);

// Subtitles that are text, with markup or without.
bool is_words(const GstCaps* caps);
// Text with markup, which no container takes; they take it without.
bool is_markup(const GstCaps* caps);

// The parser that brings a stream into the form a muxer wants, such as "h264parse"; "identity"
// where none is needed.
const char* parser_of(const GstCaps* caps);

}  // namespace dist
