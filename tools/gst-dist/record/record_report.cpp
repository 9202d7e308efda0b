// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/gst-dist/record/record_report.h"

#include <glib.h>

#include <span>
#include <vector>

#include "gst/base/text.h"
#include "gst/gstx/json_writer.h"

namespace dist::tool {
namespace {

using record::Encoded;
using record::Manifest;
using record::Segment;

constexpr std::size_t kIndent = 13;

std::string day_text(std::uint64_t microseconds) {
  GDateTime* const time =
      g_date_time_new_from_unix_utc(static_cast<gint64>(microseconds / G_USEC_PER_SEC));
  const std::string text = time ? take_string(g_date_time_format(time, "%F %T UTC")) : "unknown";
  if (time)
    g_date_time_unref(time);
  return text;
}

double seconds(std::uint64_t nanoseconds) {
  return static_cast<double>(nanoseconds) / 1e9;
}

std::string stream_text(const record::Stream& stream) {
  std::vector<std::string> parts = {stream.kind + " " + stream.codec};
  if (stream.width && stream.height)
    parts.push_back(std::to_string(*stream.width) + "x" + std::to_string(*stream.height));
  if (stream.frame_rate)
    parts.push_back(std::to_string(stream.frame_rate->numerator) + "/" +
                    std::to_string(stream.frame_rate->denominator) + " frames/s");
  if (stream.sample_rate)
    parts.push_back(std::to_string(*stream.sample_rate) + " Hz");
  if (stream.channels)
    parts.push_back(count_text(*stream.channels, "channel"));
  if (stream.language)
    parts.push_back(*stream.language);
  return join(parts);
}

std::string texts_text(const std::map<std::string, std::string>& texts, const char* between) {
  std::vector<std::string> parts;
  for (const auto& [name, text] : texts)
    parts.push_back(name + between + text);
  return join(parts);
}

std::string rendition_text(const Manifest& manifest, std::size_t index) {
  const record::Rendition& rendition = manifest.renditions[index];
  std::uint64_t bytes = 0;
  std::uint64_t frames = 0;
  for (const Segment& segment : manifest.segments) {
    bytes += segment.encoded[index].data.bytes;
    frames += segment.encoded[index].frames;
  }
  return join({rendition.text, rendition.encoder.empty() ? "" : "by " + rendition.encoder,
               count_text(frames, "frame"), count_text(bytes, "byte"),
               rendition.output ? "file " + rendition.output->cid.text() : ""});
}

// SEGMENT START SECONDS RENDITION FRAMES BYTES TRY WORKER
std::string row(const std::string& segment, const std::string& start, const std::string& duration,
                const std::string& rendition, const std::string& frames, const std::string& bytes,
                const std::string& attempts, const std::string& worker) {
  return right(segment, 7) + right(start, 10) + right(duration, 9) + "  " +
         padded(shortened(rendition, 12), 13) + right(frames, 6) + right(bytes, 11) +
         right(attempts, 5) + "  " + shortened(printable(worker), 20) + "\n";
}

std::string rows(const Manifest& manifest, const Segment& segment) {
  std::string text;
  for (std::size_t i = 0; i < segment.encoded.size(); ++i) {
    const Encoded& encoded = segment.encoded[i];
    text += row(std::to_string(segment.index), format("%.3f", seconds(segment.start)),
                format("%.3f", seconds(segment.duration)), printable(manifest.renditions[i].name),
                std::to_string(encoded.frames), std::to_string(encoded.data.bytes),
                std::to_string(encoded.attempts), manifest.workers[encoded.worker]);
  }
  return text;
}

// --- JSON

void add(JsonWriter& json, const char* name, const std::map<std::string, std::string>& texts) {
  json.begin_object(name);
  for (const auto& [key, text] : texts)
    json.text(key.c_str(), text);
  json.end_object();
}

void add_if(JsonWriter& json, const char* name, const std::optional<std::uint64_t>& value) {
  if (value)
    json.count(name, *value);
}

void add(JsonWriter& json, const record::Blob& blob) {
  json.text("data", blob.cid.text());
  json.count("bytes", blob.bytes);
}

void add(JsonWriter& json, const record::Stream& stream) {
  json.text("kind", stream.kind);
  json.text("codec", stream.codec);
  if (stream.language)
    json.text("language", *stream.language);
  add_if(json, "duration", stream.duration);
  add_if(json, "width", stream.width);
  add_if(json, "height", stream.height);
  if (stream.frame_rate) {
    json.begin_array("frame_rate");
    json.count(nullptr, stream.frame_rate->numerator);
    json.count(nullptr, stream.frame_rate->denominator);
    json.end_array();
  }
  add_if(json, "sample_rate", stream.sample_rate);
  add_if(json, "channels", stream.channels);
}

void add(JsonWriter& json, const record::Source& source) {
  json.begin_object("source");
  json.text("name", source.name);
  add_if(json, "bytes", source.bytes);
  if (source.sha256)
    json.text("sha256", hex_text(*source.sha256));
  json.objects("streams", source.streams, [&](const auto& stream) { add(json, stream); });
  json.end_object();
}

void add(JsonWriter& json, const record::Rendition& rendition) {
  json.text("name", rendition.name);
  json.text("text", rendition.text);
  json.text("encoder", rendition.encoder);
  json.begin_array("configurations");
  for (const record::Data& configuration : rendition.configurations)
    json.text(nullptr, hex_text(configuration));
  json.end_array();
  if (!rendition.output)
    return;
  json.begin_object("output");
  add(json, *rendition.output);
  json.end_object();
}

void add(JsonWriter& json, const Encoded& encoded) {
  add(json, encoded.data);
  json.count("frames", encoded.frames);
  json.count("configuration", encoded.configuration);
  json.count("worker", encoded.worker);
  json.count("attempts", encoded.attempts);
  json.count("leased", encoded.leased);
  json.count("answered", encoded.answered);
  json.objects("hashes", encoded.hashes, [&](const record::FrameHash& frame) {
    json.count("time", frame.time);
    json.text("hash", hex_text(frame.hash));
    json.count("quality", frame.quality);
  });
  if (encoded.head)
    json.text("head", encoded.head->text());
}

void add(JsonWriter& json, const Segment& segment) {
  json.count("index", segment.index);
  json.count("start", segment.start);
  json.count("duration", segment.duration);
  json.text("payload", segment.payload.text());
  json.objects("encoded", segment.encoded, [&](const Encoded& encoded) { add(json, encoded); });
}

}  // namespace

std::string record_for_people(const record::Cid& root, const Manifest& manifest) {
  const record::Source& source = manifest.source;
  std::string text = paragraph("record", kIndent, root.text());
  text += paragraph(
      "film", kIndent,
      join({source.name, source.bytes ? count_text(*source.bytes, "byte") : "size unknown",
            source.sha256 ? "SHA-256 " + hex_text(*source.sha256) : "SHA-256 unknown"}));
  for (const record::Stream& stream : source.streams)
    text += paragraph("", kIndent, stream_text(stream));
  text += paragraph("job", kIndent,
                    "from " + day_text(manifest.begun) + " to " + day_text(manifest.ended));
  text += paragraph("software", kIndent, texts_text(manifest.software, " "));
  text += paragraph("cut by", kIndent, texts_text(manifest.cutting, "="));
  for (std::size_t i = 0; i < manifest.renditions.size(); ++i)
    text += paragraph(manifest.renditions[i].name, kIndent, rendition_text(manifest, i));
  if (!manifest.thumbnails.empty())
    text += paragraph("thumbnails", kIndent,
                      count_text(manifest.thumbnails.size(), "picture") + " of " +
                          std::to_string(manifest.thumbnails[0].width) + "x" +
                          std::to_string(manifest.thumbnails[0].height));
  for (const record::File& file : manifest.files)
    text += paragraph("file", kIndent,
                      join({file.name, count_text(file.data.bytes, "byte"), file.data.cid.text()}));
  text +=
      "\n" + row("SEGMENT", "START", "SECONDS", "RENDITION", "FRAMES", "BYTES", "TRY", "WORKER");
  for (const Segment& segment : manifest.segments)
    text += rows(manifest, segment);
  return text;
}

std::string record_for_programs(const record::Cid& root, const Manifest& manifest) {
  JsonWriter json;
  json.text("record", root.text());
  add(json, "software", manifest.software);
  add(json, manifest.source);
  add(json, "cutting", manifest.cutting);
  json.objects("renditions", manifest.renditions,
               [&](const record::Rendition& rendition) { add(json, rendition); });
  json.texts("workers", manifest.workers);
  json.count("begun", manifest.begun);
  json.count("ended", manifest.ended);
  json.objects("segments", manifest.segments, [&](const Segment& segment) { add(json, segment); });
  json.objects("thumbnails", manifest.thumbnails, [&](const record::Thumbnail& thumbnail) {
    json.count("time", thumbnail.time);
    json.count("width", thumbnail.width);
    json.count("height", thumbnail.height);
    add(json, thumbnail.image);
  });
  json.objects("files", manifest.files, [&](const record::File& file) {
    json.text("name", file.name);
    add(json, file.data);
  });
  return json.finish(true);
}

}  // namespace dist::tool
