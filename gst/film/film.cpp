// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/film/film.h"

#include <gst/pbutils/pbutils.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <memory>
#include <system_error>
#include <utility>

#include "gst/base/glib_error.h"
#include "gst/base/mutex.h"
#include "gst/base/text.h"
#include "gst/film/film_labels.h"
#include "gst/film/film_mends.h"
#include "gst/film/linked_source.h"
#include "gst/film/mp4_boxes.h"
#include "gst/film/video_length.h"

namespace dist {
namespace {

constexpr GstClockTime kPatience = 30 * GST_SECOND;
constexpr guint64 kBestQuality = 4294967;  // In kbit/s, so that 32 bits hold the bits.

// Why it cannot be a film; empty if it can.
std::string flaw_of_file(const std::string& path) {
  if (!g_file_test(path.c_str(), G_FILE_TEST_EXISTS))
    return "there is no such file";
  if (g_file_test(path.c_str(), G_FILE_TEST_IS_DIR))
    return "is a folder; give a file";
  // It is looked at before it is encoded. Opening a pipe would also wait for who writes it.
  if (!g_file_test(path.c_str(), G_FILE_TEST_IS_REGULAR))
    return "is no file that can be read twice";
  return "";
}

Result<std::string> uri_of(const std::string& input) {
  const bool there = g_file_test(input.c_str(), G_FILE_TEST_EXISTS);
  if (!there && gst_uri_is_valid(input.c_str())) {
    const std::string protocol = take_string(gst_uri_get_protocol(input.c_str()));
    if (!gst_uri_protocol_is_supported(GST_URI_SRC, protocol.c_str()))
      return Error{input + ": there is no such file, and nothing here reads '" + protocol + ":'"};
    const std::string path = take_string(g_filename_from_uri(input.c_str(), nullptr, nullptr));
    if (const std::string flaw = path.empty() ? "" : flaw_of_file(path); !flaw.empty())
      return Error{input + ": " + flaw};
    return input;
  }
  if (const std::string flaw = flaw_of_file(input); !flaw.empty())
    return Error{input + ": " + flaw};
  GLibError error;
  std::string uri = take_string(gst_filename_to_uri(input.c_str(), error.out()));
  if (error)
    return Error{input + ": " + error.message()};
  return uri;
}

std::string describe(const GstCaps* caps) {
  if (!gst_caps_is_fixed(caps))
    return gst_structure_get_name(gst_caps_get_structure(caps, 0));
  return take_string(gst_pb_utils_get_codec_description(caps));
}

std::string orientation_of(const GstTagList* tags) {
  gchar* text = nullptr;
  if (tags)
    gst_tag_list_get_string(tags, GST_TAG_IMAGE_ORIENTATION, &text);
  const std::string orientation = take_string(text);
  return orientation == "rotate-0" ? "" : orientation;
}

// libavcodec calls H.265 interlaced only where each picture is one field.
bool is_in_single_fields(GstDiscovererVideoInfo* video, GstCaps* caps) {
  return gst_discoverer_video_info_is_interlaced(video) && caps && gst_caps_get_size(caps) > 0 &&
         gst_structure_has_name(gst_caps_get_structure(caps, 0), "video/x-h265");
}

FilmStream stream_of(GstDiscovererStreamInfo* info) {
  FilmStream stream;
  // Some demuxers give none.
  if (const gchar* id = gst_discoverer_stream_info_get_stream_id(info))
    stream.id = stream_key(id);
  stream.caps = Ref<GstCaps>::adopt(gst_discoverer_stream_info_get_caps(info));
  if (stream.caps)
    stream.codec = describe(stream.caps.get());
  if (GST_IS_DISCOVERER_VIDEO_INFO(info)) {
    auto* video = GST_DISCOVERER_VIDEO_INFO(info);
    stream.kind = StreamKind::kVideo;
    stream.width = gst_discoverer_video_info_get_width(video);
    stream.height = gst_discoverer_video_info_get_height(video);
    stream.framerate = {gst_discoverer_video_info_get_framerate_num(video),
                        gst_discoverer_video_info_get_framerate_denom(video)};
    stream.pixel_aspect_ratio = {gst_discoverer_video_info_get_par_num(video),
                                 gst_discoverer_video_info_get_par_denom(video)};
    stream.single_fields = is_in_single_fields(video, stream.caps.get());
    stream.length = length_in_tags(gst_discoverer_stream_info_get_tags(info));
    stream.orientation = orientation_of(gst_discoverer_stream_info_get_tags(info));
  } else if (GST_IS_DISCOVERER_AUDIO_INFO(info)) {
    auto* audio = GST_DISCOVERER_AUDIO_INFO(info);
    stream.kind = StreamKind::kAudio;
    stream.rate = gst_discoverer_audio_info_get_sample_rate(audio);
    stream.channels = gst_discoverer_audio_info_get_channels(audio);
    if (const gchar* language = gst_discoverer_audio_info_get_language(audio))
      stream.language = language;
  } else {
    stream.kind = StreamKind::kSubtitles;
    if (const gchar* language =
            gst_discoverer_subtitle_info_get_language(GST_DISCOVERER_SUBTITLE_INFO(info)))
      stream.language = language;
  }
  return stream;
}

// The discoverer lists some streams twice: as they come from the demuxer, and parsed.
bool is_unparsed(GstDiscovererStreamInfo* info) {
  GstDiscovererStreamInfo* const next = gst_discoverer_stream_info_get_next(info);
  if (next)
    gst_discoverer_stream_info_unref(next);
  return next != nullptr;
}

// A cover is a video of its own for some demuxers. A film of nothing but JPEG is a film.
void set_pictures_aside(Film& film) {
  const auto is_picture = [](const FilmStream& stream) {
    return stream.kind == StreamKind::kVideo && stream.caps &&
           gst_caps_get_size(stream.caps.get()) > 0 &&
           g_str_has_prefix(gst_structure_get_name(gst_caps_get_structure(stream.caps.get(), 0)),
                            "image/");
  };
  const auto is_film = [&](const FilmStream& stream) {
    return stream.kind == StreamKind::kVideo && !is_picture(stream);
  };
  if (std::ranges::any_of(film.streams, is_film))
    film.pictures += static_cast<unsigned>(std::erase_if(film.streams, is_picture));
}

// Ids of streams of a transport stream end in their PID, in eight hexadecimal digits.
std::optional<unsigned> pid_of(const FilmStream& stream) {
  const std::size_t slash = stream.id.rfind('/');
  if (slash == std::string::npos)
    return {};
  return static_cast<unsigned>(std::strtoul(stream.id.c_str() + slash + 1, nullptr, 16));
}

// Sound of another program begins with the film.
constexpr double kLate = 3;  // Seconds.

void tell_unread(Film& film, const FilmMends& found) {
  for (const std::string& kind : found.unread)
    film.unread.push_back("the sound (" + kind +
                          ") is left out, which nothing on this machine finds in such a file");
  for (const Sound& sound : found.sounds)
    if (sound.at >= kLate && std::ranges::none_of(film.streams, [&](const FilmStream& stream) {
          return pid_of(stream) == sound.pid;
        }))
      film.unread.push_back("the sound (" + sound.codec + ") that begins at " +
                            clock_text(sound.at) + " only is left out");
}

void mark_changes(Film& film, const FilmMends& found) {
  if (!film.transport_stream)
    return;
  for (FilmStream& stream : film.streams) {
    const auto pid = pid_of(stream);
    stream.changes = pid && std::ranges::find(found.changing, *pid) != found.changing.end();
    for (const CodecChange& change : found.codecs)
      if (change.pid == pid)
        stream.codec_change = change;
  }
}

bool is_encrypted(GstDiscovererStreamInfo* info) {
  const auto caps = Ref<GstCaps>::adopt(gst_discoverer_stream_info_get_caps(info));
  if (!caps || gst_caps_get_size(caps.get()) == 0)
    return false;
  const std::string name = gst_structure_get_name(gst_caps_get_structure(caps.get(), 0));
  return name == "application/x-cenc" || name == "application/x-cbcs" ||
         name == "application/x-webm-enc";
}

// Streams that nobody can decrypt are not among those of the film.
bool lacks_decryption(GstDiscovererInfo* info) {
  const gchar** const missing = gst_discoverer_info_get_missing_elements_installer_details(info);
  for (const gchar** text = missing; text && *text; ++text)
    for (const char* kind : {"application/x-cenc", "application/x-cbcs", "application/x-webm-enc"})
      if (std::strstr(*text, kind))
        return true;
  return false;
}

// Why nothing can be done with it; empty if something can.
std::string flaw_of(GstDiscovererInfo* info, const GLibError& error) {
  switch (gst_discoverer_info_get_result(info)) {
    case GST_DISCOVERER_OK:
    // The workers have to decode it, not this machine.
    case GST_DISCOVERER_MISSING_PLUGINS:
      return "";
    case GST_DISCOVERER_TIMEOUT:
      return "nothing came from it for half a minute";
    default:
      return error.message("cannot be read");
  }
}

bool is_playlist(const std::string& media_type) {
  return media_type == "application/x-hls" || media_type == "application/dash+xml" ||
         media_type == "application/vnd.ms-sstr+xml";
}

// Empty if it is no file.
std::string path_of(const std::string& uri) {
  return take_string(g_filename_from_uri(uri.c_str(), nullptr, nullptr));
}

// Says which film an element reads.
void set_source(GstElement* source, const Film& film) {
  if (!film.mends.empty())
    set_mended_source(source, path_of(film.uri), film.mends);
  else if (GST_IS_URI_HANDLER(source))
    gst_uri_handler_set_uri(GST_URI_HANDLER(source), film.uri.c_str(), nullptr);
  else
    g_object_set(source, "uri", film.uri.c_str(), nullptr);
}

// Demuxers of GStreamer 1.22 do not show each of them.
bool has_caption_track(std::istream& file) {
  const auto movie = find(file, whole_file(file), "moov");
  if (!movie)
    return false;
  for (auto track = find(file, *movie, "trak"); track;
       track = find(file, *movie, "trak", track->end))
    if (is_track_of(file, *track, "clcp"))
      return true;
  return false;
}

// When a file was written, and its size; none if it is no file.
std::optional<std::pair<std::filesystem::file_time_type, std::uintmax_t>> state_of(
    const std::string& uri) {
  const std::string path = path_of(uri);
  std::error_code error;
  const auto time = std::filesystem::last_write_time(path, error);
  if (path.empty() || error || !std::filesystem::is_regular_file(path, error))
    return {};
  return std::pair(time, std::filesystem::file_size(path, error));
}

// qtdemux calls a stream by the number of its track.
void read_lengths_of_sound(Film& film) {
  const std::string path = path_of(film.uri);
  std::ifstream file(path, std::ios::binary);
  for (FilmStream& stream : film.streams)
    if (unsigned track = 0; file && stream.kind == StreamKind::kAudio &&
                            std::sscanf(stream.id.c_str(), "/%5u", &track) == 1)
      stream.length = track_length_in_mp4(file, track);
}

// As the film is read later.
void prepare_source(GstDiscoverer*, GstElement* source, gpointer data) {
  const Film& film = *static_cast<const Film*>(data);
  if (!film.mends.empty())
    set_source(source, film);
  const auto reader = Ref<GstObject>::adopt(gst_object_get_parent(GST_OBJECT(source)));
  if (reader)
    set_reach(GST_ELEMENT(reader.get()), film.reach);
  if (reader && g_object_class_find_property(G_OBJECT_GET_CLASS(reader.get()), "connection-speed"))
    g_object_set(reader.get(), "connection-speed", kBestQuality, nullptr);
}

// The discoverer drops the debug texts of errors; they are picked up on its bus.
class Details {
 public:
  void watch(GstDiscoverer* discoverer) {
    g_signal_connect(discoverer, "source-setup", G_CALLBACK(connect), this);
  }
  // Of the first error.
  std::string text() {
    const MutexLock lock(mutex_);
    return text_;
  }

 private:
  static void connect(GstDiscoverer*, GstElement* source, Details* self) {
    auto top = Ref<GstObject>::share(GST_OBJECT(source));
    while (GstObject* const parent = gst_object_get_parent(top.get()))
      top = Ref<GstObject>::adopt(parent);
    const auto bus = Ref<GstBus>::adopt(gst_element_get_bus(GST_ELEMENT(top.get())));
    gst_bus_enable_sync_message_emission(bus.get());
    g_signal_connect(bus.get(), "sync-message::error", G_CALLBACK(take), self);
  }
  static void take(GstBus*, GstMessage* message, Details* self) {
    gchar* debug = nullptr;
    gst_message_parse_error(message, nullptr, &debug);
    const MutexLock lock(self->mutex_);
    if (const std::string text = take_string(debug); self->text_.empty())
      self->text_ = text;
  }

  Mutex mutex_;
  std::string text_ GUARDED_BY(mutex_);
};

}  // namespace

bool Film::unchanged() const {
  if (!written_at)
    return true;
  const auto now = state_of(uri);
  return now && now->first == *written_at && now->second == size;
}

const FilmStream* Film::first(StreamKind kind) const {
  const auto found =
      std::ranges::find_if(streams, [kind](const FilmStream& s) { return s.kind == kind; });
  return found == streams.end() ? nullptr : &*found;
}

Result<Film, FilmError> look_at(const std::string& input, bool remote) {
  auto uri = uri_of(input);
  if (!uri)
    return FilmError{uri.error()};
  const auto before = state_of(*uri);
  Film film;
  film.uri = *uri;
  FilmMends found;
  if (before) {
    found = find_mends(path_of(*uri));
    film.mends = found.mends;
    std::ifstream file(path_of(*uri), std::ios::binary);
    film.dolby_vision = dolby_vision_of(file);
    film.caption_track = has_caption_track(file);
  }
  GLibError error;
  Details debug;
  const auto discoverer = Ref<GstDiscoverer>::adopt(gst_discoverer_new(kPatience, error.out()));
  Ref<GstDiscovererInfo> info;
  const std::string discovered = film.mends.empty() ? *uri : "appsrc://";
  guard_sources();
  film.reach = FilmReach::make({*uri, discovered}, remote);
  if (discoverer) {
    debug.watch(discoverer.get());
    g_signal_connect(discoverer.get(), "source-setup", G_CALLBACK(prepare_source), &film);
    info = Ref<GstDiscovererInfo>::adopt(
        gst_discoverer_discover_uri(discoverer.get(), discovered.c_str(), error.out()));
  }
  if (const auto link = film.reach->refused())
    return FilmError{input + ": " + link->text, debug.text(), link->remote_follows};
  if (!info)
    return FilmError{input + ": " + error.message("cannot be read"), debug.text()};
  if (const std::string flaw = flaw_of(info.get(), error); !flaw.empty())
    return FilmError{input + ": " + flaw, debug.text()};

  film.written_at = before ? std::optional(before->first) : std::nullopt;
  film.size = before ? before->second : 0;
  film.duration = gst_discoverer_info_get_duration(info.get());
  film.seekable = gst_discoverer_info_get_seekable(info.get());
  if (GstDiscovererStreamInfo* top = gst_discoverer_info_get_stream_info(info.get())) {
    if (GST_IS_DISCOVERER_CONTAINER_INFO(top))
      if (const auto caps = Ref<GstCaps>::adopt(gst_discoverer_stream_info_get_caps(top))) {
        film.container = describe(caps.get());
        const GstStructure* const structure = gst_caps_get_structure(caps.get(), 0);
        film.transport_stream = gst_structure_has_name(structure, "video/mpegts");
        film.states_duration = gst_structure_has_name(structure, "video/quicktime") ||
                               gst_structure_has_name(structure, "video/x-matroska") ||
                               gst_structure_has_name(structure, "video/webm");
        film.playlist = is_playlist(gst_structure_get_name(structure));
      }
    gst_discoverer_stream_info_unref(top);
  }
  if (const GstToc* toc = gst_discoverer_info_get_toc(info.get()))
    film.chapters = Ref<GstToc>::share(const_cast<GstToc*>(toc));
  GList* const all = gst_discoverer_info_get_stream_list(info.get());
  for (GList* item = all; item; item = item->next) {
    auto* stream = static_cast<GstDiscovererStreamInfo*>(item->data);
    const bool picture = GST_IS_DISCOVERER_VIDEO_INFO(stream) &&
                         gst_discoverer_video_info_is_image(GST_DISCOVERER_VIDEO_INFO(stream));
    const bool known = GST_IS_DISCOVERER_VIDEO_INFO(stream) ||
                       GST_IS_DISCOVERER_AUDIO_INFO(stream) ||
                       GST_IS_DISCOVERER_SUBTITLE_INFO(stream);
    film.pictures += picture ? 1 : 0;
    if (known && !picture && !is_unparsed(stream))
      film.streams.push_back(stream_of(stream));
    film.encrypted = film.encrypted || is_encrypted(stream);
  }
  gst_discoverer_stream_info_list_free(all);
  film.encrypted = film.encrypted || lacks_decryption(info.get());
  mark_changes(film, found);
  tell_unread(film, found);
  read_lengths_of_sound(film);
  set_pictures_aside(film);
  read_labels(film, path_of(film.uri));
  return film;
}

// What opens the film.
static Ref<GstElement> add_source(BinBuilder& build, const Film& film) {
  // urisourcebin takes a demuxer of playlists only if it chooses among the streams itself.
  GstElement* const opener =
      film.playlist && film.mends.empty()
          ? gst_element_make_from_uri(GST_URI_SRC, film.uri.c_str(), nullptr, nullptr)
          : nullptr;
  std::string factory = film.mends.empty() ? "urisourcebin" : "appsrc";
  if (opener) {
    factory = GST_OBJECT_NAME(gst_element_get_factory(opener));
    gst_object_unref(gst_object_ref_sink(opener));
  }
  auto source = build.add(factory, "source");
  set_reach(source.get(), film.reach);
  set_source(source.get(), film);
  return source;
}

Ref<GstElement> add_reader(BinBuilder& build, const Film& film) {
  const auto source = add_source(build, film);
  auto parsebin = build.add("parsebin", "film");
  set_reach(parsebin.get(), film.reach);
  // Of a film in several qualities the best one is wanted, whatever the network.
  if (film.playlist)
    build.set(parsebin, "connection-speed", guint64{kBestQuality});
  const auto has_pad = Ref<GstPad>::adopt(gst_element_get_static_pad(source.get(), "src"));
  if (has_pad)
    build.link({source, parsebin});
  else
    build.link_later(source, parsebin);
  return parsebin;
}

std::string name_of(const FilmStream& stream) {
  return std::string(stream.kind == StreamKind::kAudio ? "sound" : "subtitles") +
         (stream.language.empty() ? "" : " in '" + stream.language + "'") + " (" + stream.codec +
         ")";
}

std::string stream_key(const std::string& id) {
  // Demuxers put what stands for the source before their own name of a stream.
  const std::size_t own = id.find_first_of(":/");
  return own == std::string::npos ? id : id.substr(own);
}

}  // namespace dist
