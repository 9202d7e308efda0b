// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/job/transcode_pipeline.h"

#include <gst/video/video.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string_view>
#include <utility>

#include "gst/base/text.h"
#include "gst/gstx/bin_builder.h"
#include "gst/job/colours.h"
#include "gst/job/film_writer.h"
#include "gst/job/markup.h"
#include "gst/job/sound_encoding.h"

namespace dist {
namespace {

// What is linked to which element when parsebin has found it.
struct Link {
  std::string stream_id;  // Empty where the demuxer gives none.
  StreamKind kind = StreamKind::kVideo;
  Ref<GstElement> element;
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

GstVideoOrientationMethod direction_of(const std::string& orientation) {
  const auto tags = Ref<GstTagList>::adopt(
      gst_tag_list_new(GST_TAG_IMAGE_ORIENTATION, orientation.c_str(), nullptr));
  GstVideoOrientationMethod method = GST_VIDEO_ORIENTATION_IDENTITY;
  gst_video_orientation_from_tag(tags.get(), &method);
  return method;
}

// Whether its markup is removed.
bool is_plain(const Plan& plan, const CarriedStream& carried) {
  const auto& caps = plan.film.streams[carried.stream].caps;
  return caps && is_markup(caps.get());
}

// A muxer would ask the parser for what it takes; a writer does not.
bool needs_raw_aac(const Plan& plan, const CarriedStream& carried) {
  const auto aac = Ref<GstCaps>::adopt(gst_caps_from_string("audio/mpeg,mpegversion={2,4}"));
  return gst_caps_can_intersect(aac.get(), plan.film.streams[carried.stream].caps.get()) &&
         std::ranges::all_of(carried.into, [&](std::size_t output) {
           return plan.outputs[output].container->format != nullptr;
         });
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

void add_probe(const Ref<GstElement>& element, GstPadProbeType type, GstPadProbeCallback callback) {
  gst_pad_add_probe(sink_of(element).get(), type, callback, nullptr, nullptr);
}

bool is_raw_sound(const FilmStream& stream) {
  return stream.caps && gst_caps_get_size(stream.caps.get()) > 0 &&
         gst_structure_has_name(gst_caps_get_structure(stream.caps.get(), 0), "audio/x-raw");
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
    target = link->element;
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
void end_unlinked(GstElement*, gpointer user_data) {
  auto& links = *static_cast<Links*>(user_data);
  for (Link& link : links.all) {
    if (link.linked || link.kind == StreamKind::kVideo)
      continue;
    link.linked = link.given_up = true;
    gst_pad_send_event(sink_of(link.element).get(), gst_event_new_eos());
  }
}

// --- What distjoin has for each output

// By the names of its pads.
using Heads = std::map<std::string, Ref<GstElement>>;

void link_rendition(GstElement* join, GstPad* pad, gpointer user_data) {
  const auto& heads = *static_cast<const Heads*>(user_data);
  const auto head = heads.find(take_string(gst_pad_get_name(pad)));
  if (head != heads.end() && gst_pad_link(pad, sink_of(head->second).get()) != GST_PAD_LINK_OK)
    GST_ELEMENT_ERROR(join, STREAM, FORMAT, ("A rendition is not what it was taken for."),
                      ("%s", GST_ELEMENT_NAME(head->second.get())));
}

template <class T>
void destroy(gpointer data, GClosure*) {
  delete static_cast<T*>(data);
}

// --- Building

class PipelineBuilder {
 public:
  PipelineBuilder(const Plan& plan, const std::vector<std::string>& paths, const FilmEnd& end)
      : plan_(plan),
        paths_(paths),
        end_(end),
        made_{.pipeline = Ref<GstElement>::sink(gst_pipeline_new(nullptr))},
        build_(GST_BIN(made_.pipeline.get())),
        muxers_(plan.outputs.size()),
        tracks_(plan.outputs.size()) {
    made_.ends.resize(plan.outputs.size());
  }

  Result<TranscodePipeline> build() {
    made_.film = add_reader(build_, plan_.film);
    made_.cut = build_.add("distsegmenter", "cut");
    build_.set(made_.cut, "max-decoding", kMaxDecoding);
    made_.remote = build_.add("remoteenc", "remote");
    made_.join = build_.add("distjoin", "join");
    build_.link({made_.cut, made_.remote, made_.join});
    for (std::size_t i = 0; i < plan_.outputs.size(); ++i)
      add_output(i);
    g_signal_connect_data(made_.join.get(), "pad-added", G_CALLBACK(link_rendition),
                          new Heads(std::move(heads_)), destroy<Heads>, GConnectFlags(0));
    for (std::size_t i = 0; i < plan_.carried.size(); ++i)
      add_carried(i);
    if (!build_.status())
      return Error{build_.status().error()};
    for (std::size_t i = 0; i < plan_.outputs.size(); ++i) {
      add_writer(i);
      find_ends(i);
    }
    link_film();
    return std::move(made_);
  }

 private:
  // How often a frame may be decoded, so that cuts within a GOP are even.
  static constexpr double kMaxDecoding = 2;

  void add_output(std::size_t index) {
    const Output& output = plan_.outputs[index];
    const std::string n = std::to_string(index);
    if (output.thumbnails)
      return set_head(output, add_thumbnails());
    if (!output.container) {
      const auto files = build_.add("multifilesink", "file" + n);
      build_.set(files, "location", paths_[index].c_str());
      muxers_[index] = files;
      return set_head(output, files);
    }
    if (!output.container->format) {
      muxers_[index] = build_.add(output.container->muxer, "mux" + n);
      const auto file = build_.add("filesink", "file" + n);
      build_.set(file, "location", paths_[index].c_str());
      build_.link({muxers_[index], file});
    }
    if (output.rendition.empty())
      return;
    const auto parser = build_.add(video_parser(output));
    end_track(parser, index, kVideoTrack);
    set_head(output, parser);
  }

  void set_head(const Output& output, const Ref<GstElement>& head) {
    heads_["src_" + output.rendition] = head;
  }

  // Players do not turn them, so they are turned here. None of it is much work.
  Ref<GstElement> add_thumbnails() {
    const auto tee = build_.add("tee");
    Ref<GstElement> head = tee;
    if (const std::string& turned = plan_.film.first(StreamKind::kVideo)->orientation;
        !turned.empty()) {
      head = build_.add("jpegdec");
      const auto flip = build_.add("videoflip");
      build_.set(flip, "video-direction", direction_of(turned));
      const auto encoder = build_.add("jpegenc");
      build_.set(encoder, "quality", 92);
      build_.link({head, flip, encoder, tee});
    }
    made_.pictures = build_.add("appsink", "pictures");
    made_.tiles = build_.add("appsink", "tiles");
    const auto i420 = Ref<GstCaps>::adopt(gst_caps_from_string("video/x-raw,format=I420"));
    build_.set(made_.pictures, "sync", FALSE);
    build_.set(made_.tiles, "sync", FALSE, "caps", i420.get());
    build_.link({tee, build_.add("queue"), made_.pictures});
    build_.link(
        {tee, build_.add("queue"), build_.add("jpegdec"), build_.add("videoconvert"), made_.tiles});
    return head;
  }

  // Where a stream of an output ends: an appsink for the writer of the file, or a pad of its muxer.
  // What comes is in the form that files of that kind hold.
  void end_track(const Ref<GstElement>& from, std::size_t output, std::size_t track) {
    if (!plan_.outputs[output].container->format)
      return build_.link(from, muxers_[output], "sink_%d");
    const auto sink =
        build_.add("appsink", "track" + std::to_string(output) + "_" + std::to_string(track));
    build_.link({from, sink});
    tracks_[output][track] = sink;
  }

  // A stream may go into some files as it is and into others encoded.
  const Ref<GstElement>& split_of(std::size_t stream) {
    if (const auto found = splits_.find(stream); found != splits_.end())
      return found->second;
    const auto entry = build_.add_queue("stream" + std::to_string(stream));
    const auto split = build_.add("tee");
    build_.link({entry, split});
    if (is_raw_sound(plan_.film.streams[stream]))
      mend_times(sink_of(entry).get());
    entries_[stream] = entry;
    return splits_[stream] = split;
  }

  void add_carried(std::size_t index) {
    const CarriedStream& carried = plan_.carried[index];
    const auto queue = build_.add_queue();
    const auto out = build_.add("tee");
    add_probe(out, GstPadProbeType(GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM),
              say_unknown_language);
    build_.link({split_of(carried.stream), queue});
    if (is_plain(plan_, carried)) {
      const auto plain = build_.add("capssetter");
      const auto text = Ref<GstCaps>::adopt(gst_caps_from_string("text/x-raw,format=utf8"));
      build_.set(plain, "caps", text.get(), "replace", TRUE);
      add_probe(plain, GST_PAD_PROBE_TYPE_BUFFER, remove_markup);
      build_.link({queue, plain, out});
    } else if (!carried.encoder.empty()) {
      add_sound_encoder(build_, queue, carried.encoder, std::to_string(index), out);
    } else {
      const auto parser = build_.add(parser_of(plan_.film.streams[carried.stream].caps.get()));
      build_.link({queue, parser});
      if (needs_raw_aac(plan_, carried))
        build_.link({parser, build_.add_filter("audio/mpeg,mpegversion=4,stream-format=raw"), out});
      else
        build_.link({parser, out});
      if (describes_itself(plan_, carried))
        add_probe(out, GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, hide_later_caps);
    }
    for (const std::size_t output : carried.into) {
      const auto last = build_.add_queue();
      build_.link({out, last});
      end_track(last, output, kVideoTrack + 1 + index);
    }
  }

  // Which is kept by the elements that it gets its tracks from.
  void add_writer(std::size_t index) {
    const Output& output = plan_.outputs[index];
    if (tracks_[index].empty())
      return;
    FilmWriter writer(paths_[index], output.container->format,
                      output.container->chapters ? plan_.film.chapters.get() : nullptr);
    for (const auto& [track, sink] : tracks_[index]) {
      const FilmStream& stream =
          track == kVideoTrack ? *plan_.film.first(StreamKind::kVideo)
                               : plan_.film.streams[plan_.carried[track - kVideoTrack - 1].stream];
      WrittenTrack wanted = track_of(stream);
      wanted.width = output.width;
      wanted.height = output.height;
      writer.add(GST_APP_SINK(sink.get()), wanted);
    }
  }

  void find_ends(std::size_t index) {
    const auto add = [&](const Ref<GstElement>& element) {
      if (element)
        gst_element_foreach_sink_pad(
            element.get(),
            [](GstElement*, GstPad* pad, gpointer list) -> gboolean {
              static_cast<std::vector<Ref<GstPad>>*>(list)->push_back(Ref<GstPad>::share(pad));
              return TRUE;
            },
            &made_.ends[index]);
    };
    add(plan_.outputs[index].thumbnails ? made_.pictures : muxers_[index]);
    for (const auto& [_, sink] : tracks_[index])
      add(sink);
  }

  void link_film() {
    prefer_colours_of_stream(made_.film.get());
    auto links = std::make_unique<Links>();
    links->end = end_;
    links->transport_stream = plan_.film.transport_stream;
    links->all.push_back({plan_.film.first(StreamKind::kVideo)->id, StreamKind::kVideo, made_.cut});
    for (const auto& [stream, entry] : entries_)
      links->all.push_back({plan_.film.streams[stream].id, plan_.film.streams[stream].kind, entry});
    g_signal_connect(made_.film.get(), "no-more-pads", G_CALLBACK(end_unlinked), links.get());
    g_signal_connect_data(made_.film.get(), "pad-added", G_CALLBACK(link_pad), links.release(),
                          destroy<Links>, GConnectFlags(0));
  }

  const Plan& plan_;
  const std::vector<std::string>& paths_;
  const FilmEnd& end_;
  TranscodePipeline made_;
  BinBuilder build_;
  Heads heads_;
  std::vector<Ref<GstElement>> muxers_;  // Of each output, or what writes its pictures; or null.
  std::vector<std::map<std::size_t, Ref<GstElement>>> tracks_;  // That a FilmWriter writes.
  std::map<std::size_t, Ref<GstElement>>
      entries_;                                    // Of each stream that is carried: where it goes,
  std::map<std::size_t, Ref<GstElement>> splits_;  // and where it comes out for all outputs.
};

}  // namespace

Result<TranscodePipeline> make_pipeline(const Plan& plan, const Properties& remote,
                                        const std::vector<std::string>& paths, const FilmEnd& end) {
  auto made = PipelineBuilder(plan, paths, end).build();
  if (made)
    for (const auto& [name, value] : remote)
      gst_util_set_object_arg(G_OBJECT(made->remote.get()), name.c_str(), value.c_str());
  return made;
}

}  // namespace dist
