// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/job/transcode_pipeline.h"

#include <gst/video/video.h>

#include <algorithm>
#include <memory>
#include <set>
#include <string_view>
#include <utility>

#include "gst/base/text.h"
#include "gst/job/colours.h"
#include "gst/job/film_writer.h"
#include "gst/job/markup.h"
#include "gst/job/sound_encoding.h"

namespace dist::tool {
namespace {

// What goes past the workers waits here as long as video is in the window of remoteenc, which
// limits it too.
constexpr char kQueue[] = "queue max-size-buffers=0 max-size-bytes=0 max-size-time=0";

// What is linked to which element when parsebin has found it.
struct Link {
  std::string stream_id;  // Empty where the demuxer gives none.
  StreamKind kind = StreamKind::kVideo;
  std::string element;
  bool linked = false;
  bool given_up = false;
};
struct Links {
  std::vector<Link> all;
  bool transport_stream = false;
  FilmEnd end;
};

// Of an output; the carried streams follow.
constexpr std::size_t kVideoTrack = 0;

bool is_installed(const std::string& element) {
  return static_cast<bool>(
      Ref<GstElementFactory>::adopt(gst_element_factory_find(element.c_str())));
}

const char* first_encoder(const Container& container) {
  const auto found = std::ranges::find_if(container.audio_encoders, is_installed);
  return found == container.audio_encoders.end() ? nullptr : *found;
}

std::string name_of(const FilmStream& stream) {
  const char* kind = stream.kind == StreamKind::kAudio ? "the sound" : "the subtitles";
  return std::string(kind) + (stream.language.empty() ? "" : " in '" + stream.language + "'") +
         " (" + stream.codec + ")";
}

bool is_turned(const Plan& plan) {
  return !plan.film.first(StreamKind::kVideo)->orientation.empty();
}

// Generic workers give what MP4 and Matroska want. h264parse in between would take the clock of a
// film of variable rate, a nanosecond, for the duration of each frame, and the last one would be
// cut off.
const char* video_parser(const Output& output) {
  if (std::string_view(output.container->muxer) != "mpegtsmux")
    return "identity";
  const CodecInfo* codec = find_codec(output.codec);
  const auto caps = Ref<GstCaps>::adopt(gst_caps_from_string(codec ? codec->media_type : "ANY"));
  return parser_of(caps.get());
}

std::string track_name(std::size_t output, std::size_t track) {
  return "track" + std::to_string(output) + "_" + std::to_string(track);
}

// Where a stream of an output ends: an appsink for the writer of the file, or a pad of its muxer.
// What comes is in the form that files of that kind hold.
std::string end_of_track(const Plan& plan, std::size_t output, std::size_t track) {
  const std::string n = std::to_string(output);
  if (!plan.outputs[output].container->format)
    return "mux" + n + ".sink_%d ";
  return "appsink name=" + track_name(output, track) + " ";
}

// Players do not turn them, so they are turned here. None of it is much work.
std::string thumbnails_line(const Plan& plan) {
  return std::string(is_turned(plan) ? "jpegdec ! videoflip name=turn ! jpegenc quality=92 ! "
                                     : "") +
         "tee name=thumbnails ! queue ! appsink name=pictures sync=false "
         "thumbnails. ! queue ! jpegdec ! videoconvert ! "
         "appsink name=tiles sync=false caps=video/x-raw,format=I420 ";
}

std::string output_line(const Plan& plan, std::size_t index) {
  const Output& output = plan.outputs[index];
  const std::string n = std::to_string(index);
  const std::string source = "join.src_" + output.rendition + " ! ";
  if (output.thumbnails)
    return source + thumbnails_line(plan);
  if (!output.container)
    return source + "multifilesink name=file" + n + " ";
  const std::string muxer = output.container->format
                                ? ""
                                : std::string(output.container->muxer) + " name=mux" + n +
                                      " ! filesink name=file" + n + " ";
  if (output.rendition.empty())
    return muxer;
  return source + video_parser(output) + " ! " + end_of_track(plan, index, kVideoTrack) + muxer;
}

void turn(GstElement* videoflip, const std::string& orientation) {
  GstTagList* const tags =
      gst_tag_list_new(GST_TAG_IMAGE_ORIENTATION, orientation.c_str(), nullptr);
  GstVideoOrientationMethod method = GST_VIDEO_ORIENTATION_IDENTITY;
  gst_video_orientation_from_tag(tags, &method);
  gst_tag_list_unref(tags);
  g_object_set(videoflip, "video-direction", method, nullptr);
}

// A stream may go into some files as it is and into others encoded.
std::string stream_line(std::size_t stream) {
  const std::string n = std::to_string(stream);
  return std::string(kQueue) + " name=stream" + n + " ! tee name=split" + n + " ";
}

// Whether its markup is removed.
bool is_plain(const Plan& plan, const CarriedStream& carried) {
  const auto& caps = plan.film.streams[carried.stream].caps;
  return caps && is_markup(caps.get());
}

// A muxer would ask the parser for what it takes; a writer does not.
std::string form_of(const Plan& plan, const CarriedStream& carried) {
  const auto aac = Ref<GstCaps>::adopt(gst_caps_from_string("audio/mpeg,mpegversion={2,4}"));
  const bool written = std::ranges::all_of(carried.into, [&](std::size_t output) {
    return plan.outputs[output].container->format != nullptr;
  });
  return written && gst_caps_can_intersect(aac.get(), plan.film.streams[carried.stream].caps.get())
             ? " ! audio/mpeg,mpegversion=4,stream-format=raw"
             : "";
}

std::string carried_line(const Plan& plan, std::size_t index) {
  const CarriedStream& carried = plan.carried[index];
  const std::string n = std::to_string(index);
  std::string line =
      "split" + std::to_string(carried.stream) + ". ! " + std::string(kQueue) + " ! ";
  if (is_plain(plan, carried))
    line += "capssetter caps=text/x-raw,format=utf8 replace=true name=plain" + n + " ! ";
  else if (carried.encoder.empty())
    line += std::string(parser_of(plan.film.streams[carried.stream].caps.get())) +
            form_of(plan, carried) + " ! ";
  else
    line += encoding_line(carried.encoder, n) + " ! ";
  line += "tee name=carried" + n + " ";
  for (std::size_t output : carried.into)
    line += "carried" + n + ". ! " + kQueue + " ! " +
            end_of_track(plan, output, kVideoTrack + 1 + index);
  return line;
}

// Whether each of its frames says what layout it has, so that no container needs to.
bool describes_itself(const Plan& plan, const CarriedStream& carried) {
  const auto& caps = plan.film.streams[carried.stream].caps;
  const auto all = Ref<GstCaps>::adopt(
      gst_caps_from_string("audio/x-ac3; audio/x-eac3; audio/x-dts; audio/x-true-hd; "
                           "audio/mpeg,mpegversion=1"));
  return caps && gst_caps_can_intersect(caps.get(), all.get());
}

// Muxers of MP4 and Matroska refuse to go on when the layout changes.
GstPadProbeReturn hide_later_caps(GstPad* pad, GstPadProbeInfo* info, gpointer) {
  return GST_EVENT_TYPE(GST_PAD_PROBE_INFO_EVENT(info)) == GST_EVENT_CAPS &&
                 gst_pad_has_current_caps(pad)
             ? GST_PAD_PROBE_DROP
             : GST_PAD_PROBE_OK;
}

GstPadProbeReturn remove_markup(GstPad*, GstPadProbeInfo* info, gpointer) {
  const auto buffer = Ref<GstBuffer>::adopt(GST_PAD_PROBE_INFO_BUFFER(info));
  const BufferMap map(buffer.get());
  const std::string text =
      plain_text({reinterpret_cast<const char*>(map.span().data()), map.span().size()});
  GstBuffer* const plain = gst_buffer_new_memdup(text.data(), text.size());
  gst_buffer_copy_into(plain, buffer.get(), GST_BUFFER_COPY_METADATA, 0, -1);
  GST_PAD_PROBE_INFO_DATA(info) = plain;
  return GST_PAD_PROBE_OK;
}

// The language of a stream that has none: Matroska takes it for English.
GstPadProbeReturn say_unknown_language(GstPad* pad, GstPadProbeInfo* info, gpointer) {
  const bool buffer = (GST_PAD_PROBE_INFO_TYPE(info) & GST_PAD_PROBE_TYPE_BUFFER) != 0;
  GstEvent* const event = buffer ? nullptr : GST_PAD_PROBE_INFO_EVENT(info);
  // The pad need not keep it: a parser's own tags come in its place.
  if (event && GST_EVENT_TYPE(event) == GST_EVENT_TAG) {
    GstTagList* tags = nullptr;
    gst_event_parse_tag(event, &tags);
    return gst_tag_list_get_tag_size(tags, GST_TAG_LANGUAGE_CODE) > 0 ? GST_PAD_PROBE_REMOVE
                                                                      : GST_PAD_PROBE_OK;
  }
  if (event && GST_EVENT_TYPE(event) != GST_EVENT_GAP)
    return GST_PAD_PROBE_OK;
  gst_pad_send_event(pad,
                     gst_event_new_tag(gst_tag_list_new(GST_TAG_LANGUAGE_CODE, "und", nullptr)));
  return GST_PAD_PROBE_REMOVE;
}

// The demuxer of MPEG transport streams begins its segment with the first picture. Sound that
// begins before it would be lost.
GstPadProbeReturn begin_earlier(GstPad*, GstPadProbeInfo* info, gpointer) {
  GstEvent* const event = GST_PAD_PROBE_INFO_EVENT(info);
  if (GST_EVENT_TYPE(event) != GST_EVENT_SEGMENT)
    return GST_PAD_PROBE_OK;
  GstSegment segment;
  gst_event_copy_segment(event, &segment);
  const GstClockTime earlier = std::min<GstClockTime>(segment.start, GST_SECOND);
  segment.start -= earlier;
  segment.time -= std::min(segment.time, earlier);
  segment.position = segment.start;
  GST_PAD_PROBE_INFO_DATA(info) = gst_event_new_segment(&segment);
  gst_event_unref(event);
  return GST_PAD_PROBE_OK;
}

Ref<GstPad> sink_of(GstElement* element) {
  return Ref<GstPad>::adopt(gst_element_get_static_pad(element, "sink"));
}

void add_probe(GstElement* element, GstPadProbeType type, GstPadProbeCallback callback) {
  gst_pad_add_probe(sink_of(element).get(), type, callback, nullptr, nullptr);
}

bool is_raw_sound(const FilmStream& stream) {
  return stream.caps && gst_caps_get_size(stream.caps.get()) > 0 &&
         gst_structure_has_name(gst_caps_get_structure(stream.caps.get(), 0), "audio/x-raw");
}

// Those that may have more than a picture at a time.
std::vector<std::size_t> outputs_with_video(const Plan& plan) {
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < plan.outputs.size(); ++i)
    if (plan.outputs[i].container && !plan.outputs[i].rendition.empty())
      found.push_back(i);
  return found;
}

StreamKind kind_of(GstPad* pad) {
  const auto caps = Ref<GstCaps>::adopt(gst_pad_query_caps(pad, nullptr));
  const std::string_view name = gst_caps_is_empty(caps.get()) || gst_caps_is_any(caps.get())
                                    ? ""
                                    : gst_structure_get_name(gst_caps_get_structure(caps.get(), 0));
  if (name.starts_with("audio/"))
    return StreamKind::kAudio;
  return name.starts_with("video/") ? StreamKind::kVideo : StreamKind::kSubtitles;
}

// By its id, else the next one of its kind. Null if the stream goes nowhere.
Link* link_for(Links& links, const std::string& id, StreamKind kind) {
  for (Link& link : links.all)
    if (!link.linked && !id.empty() && link.stream_id == id)
      return &link;
  for (Link& link : links.all)
    if (!link.linked && link.stream_id.empty() && link.kind == kind)
      return &link;
  return nullptr;
}

WrittenTrack track_of(const FilmStream& stream) {
  return {.kind = stream.kind,
          .language = stream.language,
          .title = stream.title,
          .is_default = stream.is_default,
          .forced = stream.forced,
          .caps = stream.caps,
          .is_text =
              stream.kind == StreamKind::kSubtitles && stream.caps && is_words(stream.caps.get()),
          .width = 0,
          .height = 0};
}

// Which is kept by the elements that it gets its tracks from.
void attach_writer(GstBin* pipeline, const Plan& plan, std::size_t index, const std::string& path) {
  const Output& output = plan.outputs[index];
  FilmWriter writer(path, output.container->format,
                    output.container->chapters ? plan.film.chapters.get() : nullptr);
  const auto add = [&](std::size_t track, const FilmStream& stream) {
    const auto sink =
        Ref<GstElement>::adopt(gst_bin_get_by_name(pipeline, track_name(index, track).c_str()));
    WrittenTrack wanted = track_of(stream);
    wanted.width = output.width;
    wanted.height = output.height;
    writer.add(GST_APP_SINK(sink.get()), wanted);
  };
  if (!output.rendition.empty())
    add(kVideoTrack, *plan.film.first(StreamKind::kVideo));
  for (std::size_t i = 0; i < plan.carried.size(); ++i)
    if (std::ranges::find(plan.carried[i].into, index) != plan.carried[i].into.end())
      add(kVideoTrack + 1 + i, plan.film.streams[plan.carried[i].stream]);
}

void link_pad(GstElement* parsebin, GstPad* pad, gpointer user_data) {
  auto& links = *static_cast<Links*>(user_data);
  const auto pipeline = Ref<GstElement>::adopt(GST_ELEMENT(gst_element_get_parent(parsebin)));
  const std::string id = stream_key(take_string(gst_pad_get_stream_id(pad)));
  Ref<GstElement> target;
  if (std::ranges::any_of(links.all, [&](const Link& link) {
        return link.given_up && !id.empty() && link.stream_id == id;
      }))
    GST_ELEMENT_ERROR(parsebin, STREAM, FORMAT, ("a stream begins after all others were known."),
                      ("%s", id.c_str()));
  if (Link* const link = link_for(links, id, kind_of(pad))) {
    link->linked = true;
    target =
        Ref<GstElement>::adopt(gst_bin_get_by_name(GST_BIN(pipeline.get()), link->element.c_str()));
  } else {
    target = Ref<GstElement>::share(gst_element_factory_make("fakesink", nullptr));
    g_object_set(target.get(), "async", FALSE, nullptr);
    gst_bin_add(GST_BIN(pipeline.get()), target.get());
    gst_element_sync_state_with_parent(target.get());
    refuse_next_film(parsebin, pad, links.end);
  }
  const auto sink = Ref<GstPad>::adopt(gst_element_get_static_pad(target.get(), "sink"));
  links.end.watch(sink.get(), id);
  if (links.transport_stream)
    gst_pad_add_probe(sink.get(), GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, begin_earlier, nullptr,
                      nullptr);
  if (gst_pad_link(pad, sink.get()) != GST_PAD_LINK_OK)
    GST_ELEMENT_ERROR(parsebin, STREAM, FORMAT, ("A stream is not what it was taken for."),
                      ("%s to %s", id.c_str(), GST_ELEMENT_NAME(target.get())));
}

// A stream that was seen in the film but does not come has nobody wait for it.
void end_unlinked(GstElement* parsebin, gpointer user_data) {
  auto& links = *static_cast<Links*>(user_data);
  const auto pipeline = Ref<GstElement>::adopt(GST_ELEMENT(gst_element_get_parent(parsebin)));
  for (Link& link : links.all) {
    if (link.linked || link.kind == StreamKind::kVideo)
      continue;
    link.linked = link.given_up = true;
    const auto element =
        Ref<GstElement>::adopt(gst_bin_get_by_name(GST_BIN(pipeline.get()), link.element.c_str()));
    gst_pad_send_event(sink_of(element.get()).get(), gst_event_new_eos());
  }
}

}  // namespace

Status plan_carried_streams(Plan& plan, const std::vector<std::size_t>& sound) {
  const auto& streams = plan.film.streams;
  for (std::size_t i = 0; i < streams.size(); ++i) {
    const FilmStream& stream = streams[i];
    if (stream.kind == StreamKind::kVideo)
      continue;
    // Copied into those that take it, encoded once for those that do not.
    CarriedStream copied{.stream = i, .encoder = {}, .into = {}};
    CarriedStream encoded = copied;
    const bool is_sound = stream.kind == StreamKind::kAudio;
    for (std::size_t output : is_sound ? sound : outputs_with_video(plan)) {
      const Container& container = *plan.outputs[output].container;
      const std::string& path = plan.outputs[output].path;
      if (stream.codec_change)
        plan.left_out.push_back(name_of(stream) + " " + change_text(*stream.codec_change) + "; " +
                                path + " does not get what follows");
      // MPEG transport streams repeat what MP4 and Matroska say once.
      const bool fits = !stream.changes || !container.format;
      if (fits && stream.caps && takes(container, stream.caps.get())) {
        copied.into.push_back(output);
        continue;
      }
      if (!is_sound) {
        plan.left_out.push_back(path + " does not get " + name_of(stream) + ", which " +
                                container.extension + " does not take");
        continue;
      }
      if (!stream.caps || !can_decode(stream.caps.get())) {
        plan.left_out.push_back(path + " does not get " + name_of(stream) +
                                ", which nothing on this machine decodes");
        continue;
      }
      const char* encoder = first_encoder(container);
      if (!encoder)
        return Error{std::string(container.extension) + " does not take " + name_of(stream) +
                     ", and no encoder is installed for what it takes; install " +
                     container.audio_encoders.front() + ", or write .mkv"};
      if (stream.changes)
        plan.left_out.push_back(path + " gets " + name_of(stream) +
                                " encoded, in the layout that it begins with: it changes on the "
                                "way, and " +
                                container.extension + " can have only one");
      if (const unsigned most = most_channels(encoder); stream.channels > most)
        plan.left_out.push_back(path + " gets " + name_of(stream) + " mixed down from " +
                                std::to_string(stream.channels) + " channels to " +
                                std::to_string(most) + ", the most that " + encoder + " takes");
      encoded.encoder = encoder;
      encoded.into.push_back(output);
    }
    for (CarriedStream* carried : {&copied, &encoded})
      if (!carried->into.empty())
        plan.carried.push_back(std::move(*carried));
  }
  return {};
}

Result<Ref<GstElement>> make_pipeline(const Plan& plan, const Properties& remote,
                                      const std::vector<std::string>& paths, const FilmEnd& end) {
  std::string line =
      reading_line(plan.film) +
      "distsegmenter name=cut max-decoding=2 ! remoteenc name=remote ! distjoin name=join ";
  for (std::size_t i = 0; i < plan.outputs.size(); ++i)
    line += output_line(plan, i);
  std::set<std::size_t> streams;
  for (std::size_t i = 0; i < plan.carried.size(); ++i) {
    if (streams.insert(plan.carried[i].stream).second)
      line += stream_line(plan.carried[i].stream);
    line += carried_line(plan, i);
  }

  GError* error = nullptr;
  auto pipeline = Ref<GstElement>::adopt(
      gst_parse_launch_full(line.c_str(), nullptr, GST_PARSE_FLAG_FATAL_ERRORS, &error));
  if (error) {
    Error failure{error->message};
    g_error_free(error);
    return failure;
  }
  const auto element = [&](const std::string& name) {
    return Ref<GstElement>::adopt(gst_bin_get_by_name(GST_BIN(pipeline.get()), name.c_str()));
  };
  set_source(element("source").get(), plan.film);
  for (const auto& [name, value] : remote)
    gst_util_set_object_arg(G_OBJECT(element("remote").get()), name.c_str(), value.c_str());
  for (std::size_t i = 0; i < paths.size(); ++i)
    if (const auto file = element("file" + std::to_string(i)))
      g_object_set(file.get(), "location", paths[i].c_str(), nullptr);
    else if (!plan.outputs[i].thumbnails)
      attach_writer(GST_BIN(pipeline.get()), plan, i, paths[i]);
  if (const auto videoflip = element("turn"))
    turn(videoflip.get(), plan.film.first(StreamKind::kVideo)->orientation);

  for (const std::size_t stream : streams)
    if (is_raw_sound(plan.film.streams[stream]))
      mend_times(sink_of(element("stream" + std::to_string(stream)).get()).get());
  for (std::size_t i = 0; i < plan.carried.size(); ++i) {
    const std::string n = std::to_string(i);
    add_probe(element("carried" + n).get(),
              GstPadProbeType(GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM),
              say_unknown_language);
    if (!plan.carried[i].encoder.empty())
      prepare_encoding(GST_BIN(pipeline.get()), n);
    else if (describes_itself(plan, plan.carried[i]))
      add_probe(element("carried" + n).get(), GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, hide_later_caps);
    if (is_plain(plan, plan.carried[i]))
      add_probe(element("plain" + n).get(), GST_PAD_PROBE_TYPE_BUFFER, remove_markup);
  }

  prefer_colours_of_stream(element("film").get());
  auto links = std::make_unique<Links>();
  links->end = end;
  links->transport_stream = plan.film.transport_stream;
  links->all.push_back({plan.film.first(StreamKind::kVideo)->id, StreamKind::kVideo, "cut"});
  for (std::size_t stream : streams)
    links->all.push_back({plan.film.streams[stream].id, plan.film.streams[stream].kind,
                          "stream" + std::to_string(stream)});
  g_signal_connect(element("film").get(), "no-more-pads", G_CALLBACK(end_unlinked), links.get());
  g_signal_connect_data(
      element("film").get(), "pad-added", G_CALLBACK(link_pad), links.release(),
      [](gpointer data, GClosure*) { delete static_cast<Links*>(data); }, GConnectFlags(0));
  return pipeline;
}

std::vector<Ref<GstPad>> ends_of(GstElement* pipeline, const Plan& plan, std::size_t output) {
  const std::string n = std::to_string(output);
  std::vector<Ref<GstPad>> ends;
  const auto add = [&](const std::string& name) {
    const auto element =
        Ref<GstElement>::adopt(gst_bin_get_by_name(GST_BIN(pipeline), name.c_str()));
    if (element)
      gst_element_foreach_sink_pad(
          element.get(),
          [](GstElement*, GstPad* pad, gpointer list) -> gboolean {
            static_cast<std::vector<Ref<GstPad>>*>(list)->push_back(Ref<GstPad>::share(pad));
            return TRUE;
          },
          &ends);
  };
  if (plan.outputs[output].thumbnails)
    add("pictures");
  else
    add((plan.outputs[output].container ? "mux" : "file") + n);
  for (std::size_t track = kVideoTrack; track <= kVideoTrack + plan.carried.size(); ++track)
    add(track_name(output, track));
  return ends;
}

}  // namespace dist::tool
