// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/job/job_record.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <map>
#include <optional>
#include <utility>

#include "config.h"
#include "gst/base/bytes.h"
#include "gst/base/mutex.h"
#include "gst/base/text.h"
#include "gst/gstx/result_origin.h"
#include "gst/gstx/segment_buffer.h"
#include "gst/io/car_file.h"
#include "gst/job/source_digest.h"
#include "gst/job/thumbnails.h"
#include "gst/record/manifest.h"
#include "gst/record/place_of.h"
#include "gst/record/unixfs.h"
#include "gst/store/result_key.h"
#include "gst/store/stored_result.h"

namespace dist {
namespace {

using record::Blob;
using record::Block;
using record::place_of;

// Texts of a manifest are UTF-8 and not long; names of files may be any bytes.
std::string manifest_text(const std::string& text) {
  return std::string(clip(printable(text), record::kMaxText));
}

// Without user, password and query.
std::string source_name(const Film& film, const std::string& path) {
  if (!path.empty())
    return manifest_text(std::filesystem::path(path).filename().string());
  gchar* scheme = nullptr;
  gchar* host = nullptr;
  gchar* where = nullptr;
  g_uri_split(film.uri.c_str(), G_URI_FLAGS_PARSE_RELAXED, &scheme, nullptr, &host, nullptr, &where,
              nullptr, nullptr, nullptr);
  return manifest_text(take_string(scheme) + "://" + take_string(host) + take_string(where));
}

record::Stream stream_of(const FilmStream& stream) {
  const char* const kinds[] = {"video", "audio", "subtitle"};
  record::Stream made{
      .kind = kinds[static_cast<std::size_t>(stream.kind)],
      .codec = stream.caps && !gst_caps_is_empty(stream.caps.get())
                   ? gst_structure_get_name(gst_caps_get_structure(stream.caps.get(), 0))
                   : manifest_text(stream.codec)};
  if (!stream.language.empty())
    made.language = manifest_text(stream.language);
  const auto set = [](std::optional<std::uint64_t>& field, std::uint64_t value) {
    if (value > 0)
      field = value;
  };
  set(made.duration, stream.length);
  set(made.width, stream.width);
  set(made.height, stream.height);
  if (stream.framerate.num > 0)
    made.frame_rate = record::Rational{stream.framerate.num, stream.framerate.den};
  set(made.sample_rate, stream.rate);
  set(made.channels, stream.channels);
  return made;
}

// Those of its own that distsegmenter cuts by.
std::map<std::string, std::string> cutting_of(GstElement* segmenter) {
  std::map<std::string, std::string> cutting;
  guint count = 0;
  GParamSpec** const specs = g_object_class_list_properties(G_OBJECT_GET_CLASS(segmenter), &count);
  for (guint i = 0; i < count; ++i) {
    if (specs[i]->owner_type != G_OBJECT_TYPE(segmenter) ||
        (specs[i]->flags & G_PARAM_READWRITE) != G_PARAM_READWRITE)
      continue;
    GValue value = G_VALUE_INIT;
    g_object_get_property(G_OBJECT(segmenter), specs[i]->name, &value);
    cutting[specs[i]->name] = take_string(gst_value_serialize(&value));
    g_value_unset(&value);
  }
  g_free(specs);
  return cutting;
}

// The names of all renditions, which the caps of remoteenc's results tell.
std::vector<std::string> names_in(GstPad* results) {
  std::vector<std::string> names;
  const auto caps = Ref<GstCaps>::adopt(gst_pad_get_current_caps(results));
  const GValue* const list =
      caps ? gst_structure_get_value(gst_caps_get_structure(caps.get(), 0), kRenditionsField)
           : nullptr;
  for (guint i = 0; list && i < gst_value_array_get_size(list); ++i)
    names.emplace_back(g_value_get_string(gst_value_array_get_value(list, i)));
  return names;
}

// Empty if it is in the stream, or too long for a manifest.
record::Data configuration_of(const std::string& caps_text) {
  const auto caps = Ref<GstCaps>::adopt(gst_caps_from_string(caps_text.c_str()));
  const GValue* const value =
      caps && gst_caps_get_size(caps.get()) > 0
          ? gst_structure_get_value(gst_caps_get_structure(caps.get(), 0), "codec_data")
          : nullptr;
  if (!value || !GST_VALUE_HOLDS_BUFFER(value))
    return {};
  const BufferMap map(gst_value_get_buffer(value));
  if (map.span().size() > record::kMaxConfiguration)
    return {};
  return {map.span().begin(), map.span().end()};
}

// So many that the renditions of a segment fit into a block.
constexpr std::size_t kMaxHashes = 256;

std::vector<record::FrameHash> hashes_of(const std::vector<FrameHash>& seen) {
  std::vector<record::FrameHash> hashes;
  for (const FrameHash& frame : seen)
    if (frame.time != kNoTime && hashes.size() < kMaxHashes)
      hashes.push_back({frame.time, frame.hash, frame.quality});
  return hashes;
}

// Bytes in the root block of the names of all workers, of the configurations of all renditions, and
// of the encoders of all renditions.
constexpr std::size_t kMaxTold = record::kMaxBlock / 8;

std::uint64_t time_of_day() {
  return static_cast<std::uint64_t>(g_get_real_time());
}

}  // namespace

struct JobRecord::Private {
  Private(const Plan& for_plan, std::optional<SigningKey> with_key,
          const std::vector<std::string>& written_to)
      : plan(for_plan),
        signing(std::move(with_key)),
        paths(written_to),
        car(paths[plan.outputs.size()], plan.request.manifest),
        source(take_string(g_filename_from_uri(plan.film.uri.c_str(), nullptr, nullptr))) {}

  // A segment of which not all renditions are there.
  struct Open {
    std::shared_ptr<const SegmentHeader> source;
    BlobKey payload = {};
    std::map<std::string, record::Encoded> encoded = {};
  };

  void watch(GstElement* element, void (Private::*note)(GstPad*, GstBuffer*));
  void note_source(GstPad* pad, GstBuffer* buffer);
  void note_result(GstPad* pad, GstBuffer* buffer);
  Result<Blob> add(const BytesList& bytes);
  Result<Blob> add_file(const std::string& path, const std::string& name,
                        const std::atomic<bool>& cancelled);
  Status put(const Block& block) { return plan.request.manifest_only ? Status() : car.put(block); }
  std::optional<record::Cid> head_of(const Open& segment, const ResultOrigin& origin,
                                     const SegmentHeader& result, GstBuffer* buffer);
  record::Manifest take_manifest();
  void describe_source(record::Manifest& into) const;
  Status write_rest(const ThumbnailFiles::Pictures& pictures, const std::atomic<bool>& cancelled);
  Status add_outputs(record::Manifest& into, const std::atomic<bool>& cancelled);
  Status add_thumbnails(const ThumbnailFiles::Pictures& pictures, record::Manifest& into,
                        const std::atomic<bool>& cancelled);
  Status sign(const record::Cid& root) const;

  const Plan& plan;
  const std::optional<SigningKey> signing;
  const std::vector<std::string> paths;
  CarFileWriter car;
  const std::string source;  // The film's file; empty: it is none.
  std::optional<SourceDigest> digest;

  Mutex lock;
  record::Manifest manifest GUARDED_BY(lock);
  std::map<std::uint64_t, Open> open GUARDED_BY(lock);             // By index.
  std::map<std::uint64_t, record::Segment> made GUARDED_BY(lock);  // By index.
};

JobRecord::JobRecord(const Plan& plan, std::optional<SigningKey> key,
                     const std::vector<std::string>& paths, const TranscodePipeline& made)
    : private_(std::make_unique<Private>(plan, std::move(key), paths)) {
  Private& p = *private_;
  const MutexLock lock(p.lock);
  p.manifest.begun = time_of_day();
  p.manifest.software = {
      {"gst-dist", VERSION},
      {"GStreamer", take_string(gst_version_string()).substr(sizeof "GStreamer")}};
  p.manifest.cutting = cutting_of(made.cut.get());
  p.watch(made.cut.get(), &Private::note_source);
  p.watch(made.remote.get(), &Private::note_result);
  if (!p.source.empty())
    p.digest.emplace(p.source);
}

JobRecord::~JobRecord() = default;

std::optional<JobError> JobRecord::error() const {
  const auto& digest = private_->digest;
  if (digest && digest->is_done() && !digest->found())
    return JobError{JobError::Kind::kInput, digest->found().error()};
  if (const Status status = private_->car.status(); !status)
    return JobError{JobError::Kind::kOutput, status.error()};
  return {};
}

bool JobRecord::knows_source() const {
  return !private_->digest || private_->digest->is_done();
}

std::optional<JobError> JobRecord::finish(const ThumbnailFiles::Pictures& pictures,
                                          const std::atomic<bool>& cancelled) {
  if (auto failure = error())
    return failure;
  if (const Status status = private_->write_rest(pictures, cancelled); !status)
    return JobError{cancelled ? JobError::Kind::kCancelled : JobError::Kind::kOutput,
                    status.error()};
  return {};
}

// --- While the job runs, in streaming threads

void JobRecord::Private::watch(GstElement* element, void (Private::*note)(GstPad*, GstBuffer*)) {
  using Watch = std::pair<Private*, void (Private::*)(GstPad*, GstBuffer*)>;
  const auto pad = Ref<GstPad>::adopt(gst_element_get_static_pad(element, "src"));
  gst_pad_add_probe(
      pad.get(), GST_PAD_PROBE_TYPE_BUFFER,
      [](GstPad* from, GstPadProbeInfo* info, gpointer data) -> GstPadProbeReturn {
        const auto& [self, function] = *static_cast<Watch*>(data);
        (self->*function)(from, GST_PAD_PROBE_INFO_BUFFER(info));
        return GST_PAD_PROBE_OK;
      },
      new Watch(this, note), [](gpointer data) { delete static_cast<Watch*>(data); });
}

// A failure to write is told by status().
Result<Blob> JobRecord::Private::add(const BytesList& bytes) {
  record::FileBuilder builder([this](const Block& block) { return put(block); });
  for (const Bytes& piece : bytes)
    if (const Status status = builder.write(piece); !status)
      return Error{status.error()};
  const auto cid = builder.finish();
  if (!cid)
    return Error{cid.error()};
  return Blob{*cid, total_size(bytes)};
}

void JobRecord::Private::note_source(GstPad*, GstBuffer* buffer) {
  auto header = read_header(buffer);
  const auto blob = header ? add(payload_of(buffer, *header)) : Result<Blob>(Error{});
  if (!blob)
    return;
  const BlobKey payload = payload_digest(*header, to_bytes(buffer));
  const MutexLock guard(lock);
  const std::uint64_t index = header->index;
  made[index] = {.index = index,
                 .start = header->start,
                 .duration = header->stop - header->start,
                 .payload = blob->cid,
                 .encoded = {}};
  open[index] = {std::make_shared<const SegmentHeader>(std::move(*header)), payload};
}

// What a store would keep of it before the payload; none if a store would refuse it.
std::optional<record::Cid> JobRecord::Private::head_of(const Open& segment,
                                                       const ResultOrigin& origin,
                                                       const SegmentHeader& result,
                                                       GstBuffer* buffer) {
  const auto specs = parse_renditions(origin.rendition);
  if (!specs || specs->size() != 1)
    return std::nullopt;
  const RenditionSpec& spec = specs->front();
  const auto key = result_key(*segment.source, segment.payload,
                              {spec, origin.encoder.name, origin.encoder.version});
  const auto stored = key ? store_result(*key, about_result(spec, origin.encoder), *segment.source,
                                         frames_of(*segment.source, spec), result, to_bytes(buffer))
                          : Result<BytesList>(Error{});
  const auto head = stored ? add({stored->front()}) : Result<Blob>(Error{});
  return head ? std::optional(head->cid) : std::nullopt;
}

void JobRecord::Private::note_result(GstPad* pad, GstBuffer* buffer) {
  const auto header = read_header(buffer);
  const auto origin = origin_of(buffer);
  const auto blob = header && origin ? add(payload_of(buffer, *header)) : Result<Blob>(Error{});
  if (!blob)
    return;
  Open segment;
  {
    const MutexLock guard(lock);
    const auto found = open.find(header->index);
    if (found == open.end())
      return;
    segment = {found->second.source, found->second.payload};
  }
  const auto head = head_of(segment, *origin, *header, buffer);

  const MutexLock guard(lock);
  if (manifest.renditions.empty())
    for (const std::string& name : names_in(pad))
      manifest.renditions.push_back(
          {.name = name, .text = {}, .encoder = {}, .configurations = {}});
  const auto rendition =
      std::ranges::find(manifest.renditions, header->rendition, &record::Rendition::name);
  if (rendition == manifest.renditions.end())
    return;
  rendition->text = origin->rendition;
  const std::size_t share = kMaxTold / manifest.renditions.size();
  const std::string encoder = manifest_text(origin->encoder.name + " " + origin->encoder.version);
  // There are several if no worker could go on with the first one.
  if (!origin->encoder.name.empty() && rendition->encoder.find(encoder) == std::string::npos)
    rendition->encoder =
        clip(rendition->encoder + (rendition->encoder.empty() ? "" : ", ") + encoder,
             std::min(share, record::kMaxText));
  auto& encoded = open.at(header->index).encoded;
  encoded[header->rendition] = {
      .data = *blob,
      .frames = header->units.size(),
      .configuration =
          place_of(rendition->configurations, configuration_of(header->caps), {}, share),
      .worker = place_of<std::string>(manifest.workers, manifest_text(origin->worker), "others",
                                      kMaxTold),
      .attempts = origin->attempt,
      .leased = origin->leased,
      .answered = origin->answered,
      .hashes = hashes_of(origin->hashes),
      .head = head};
  if (encoded.size() < manifest.renditions.size())
    return;
  for (const record::Rendition& each : manifest.renditions)
    made.at(header->index).encoded.push_back(std::move(encoded.at(each.name)));
  open.erase(header->index);
}

// --- At its end

record::Manifest JobRecord::Private::take_manifest() {
  const MutexLock guard(lock);
  for (auto& [_, segment] : made)
    manifest.segments.push_back(std::move(segment));
  return std::move(manifest);
}

void JobRecord::Private::describe_source(record::Manifest& into) const {
  into.source.name = source_name(plan.film, source);
  for (const FilmStream& stream : plan.film.streams)
    into.source.streams.push_back(stream_of(stream));
  if (!digest)
    return;
  const auto& found = digest->found();
  into.source.bytes = found->bytes;
  into.source.sha256 = found->sha256;
}

Result<Blob> JobRecord::Private::add_file(const std::string& path, const std::string& name,
                                          const std::atomic<bool>& cancelled) {
  const auto refuse = [&name] {
    return Error{name + ": cannot be read for the record: " + std::strerror(errno)};
  };
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> opened(std::fopen(path.c_str(), "rbe"),
                                                               std::fclose);
  if (!opened)
    return refuse();
  record::FileBuilder builder([this](const Block& block) { return put(block); });
  std::uint64_t size = 0;
  while (true) {
    std::vector<std::uint8_t> piece(record::kLeafSize);
    piece.resize(std::fread(piece.data(), 1, piece.size(), opened.get()));
    if (std::ferror(opened.get()) != 0)
      return refuse();
    if (cancelled)
      return Error{"cancelled"};
    if (piece.empty())
      break;
    size += piece.size();
    if (const Status status = builder.write(Bytes::take(std::move(piece))); !status)
      return Error{status.error()};
  }
  const auto cid = builder.finish();
  if (!cid)
    return Error{cid.error()};
  return Blob{*cid, size};
}

Status JobRecord::Private::add_outputs(record::Manifest& into, const std::atomic<bool>& cancelled) {
  for (std::size_t i = 0; i < plan.outputs.size(); ++i) {
    const Output& output = plan.outputs[i];
    // Single pictures are no file.
    if (!output.container)
      continue;
    const auto blob = add_file(paths[i], output.path, cancelled);
    if (!blob)
      return Error{blob.error()};
    const auto rendition =
        std::ranges::find(into.renditions, output.rendition, &record::Rendition::name);
    if (rendition != into.renditions.end())
      rendition->output = *blob;
    else
      into.files.push_back(
          {manifest_text(std::filesystem::path(output.path).filename().string()), *blob});
  }
  return {};
}

Status JobRecord::Private::add_thumbnails(const ThumbnailFiles::Pictures& pictures,
                                          record::Manifest& into,
                                          const std::atomic<bool>& cancelled) {
  const auto output = std::ranges::find(plan.outputs, true, &Output::thumbnails);
  if (output == plan.outputs.end())
    return {};
  const std::string& folder = paths[static_cast<std::size_t>(output - plan.outputs.begin())];
  const auto add_from = [&](const std::string& name) {
    return add_file(folder + name, output->path + name, cancelled);
  };
  const std::size_t count = std::min(pictures.count, record::kMaxSegments);
  for (std::size_t i = 0; i < count; ++i) {
    const auto blob = add_from(format("%05zu.jpg", i));
    if (!blob)
      return Error{blob.error()};
    into.thumbnails.push_back({.time = i * plan.thumbnail_interval * (kSecond / 1000),
                               .width = pictures.width,
                               .height = pictures.height,
                               .image = *blob});
  }
  std::vector<std::string> names = {kThumbnailTrack};
  for (std::size_t i = 0; i * ThumbnailSheets::kPlaces < pictures.count; ++i)
    names.push_back(sheet_name(i));
  names.resize(std::min(names.size(), record::kMaxItems - into.files.size()));
  for (const std::string& name : names) {
    const auto blob = add_from(name);
    if (!blob)
      return Error{blob.error()};
    into.files.push_back({std::string(kThumbnails) + "/" + name, *blob});
  }
  return {};
}

Status JobRecord::Private::write_rest(const ThumbnailFiles::Pictures& pictures,
                                      const std::atomic<bool>& cancelled) {
  record::Manifest written = take_manifest();
  describe_source(written);
  if (Status status = add_outputs(written, cancelled); !status)
    return status;
  if (Status status = add_thumbnails(pictures, written, cancelled); !status)
    return status;
  written.ended = time_of_day();
  const auto root = write_manifest(written, [this](const Block& block) { return car.put(block); });
  if (!root)
    return Error{plan.request.manifest + ": " + root.error()};
  if (Status status = car.finish(*root); !status)
    return status;
  return signing ? sign(*root) : Status();
}

Status JobRecord::Private::sign(const record::Cid& root) const {
  const auto signature = signing->sign(root);
  const auto bytes = signature ? record::write_signature(*signature)
                               : Result<record::Data>(Error{signature.error()});
  if (!bytes)
    return Error{bytes.error()};
  // Not the functions of GLib that replace the file: another one would lie there then.
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(
      std::fopen(paths[plan.outputs.size() + 1].c_str(), "wbe"), std::fclose);
  if (file && std::fwrite(bytes->data(), 1, bytes->size(), file.get()) == bytes->size() &&
      std::fflush(file.get()) == 0)
    return {};
  return Error{plan.request.manifest + ".sig: cannot be written: " + std::strerror(errno)};
}

}  // namespace dist
