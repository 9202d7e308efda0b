// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Writes the segments from which fuzzing begins: `segment-seeds tests/fuzz/corpus`. Needs the
// plugin of this project in GST_PLUGIN_PATH, the encoders below, and ffmpeg.
#include <gst/app/gstappsink.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "gst/base/text.h"
#include "gst/gstx/segment_buffer.h"
#include "tests/fuzz/segment_input.h"

namespace {

using namespace dist;
using namespace dist::fuzz;
using Data = std::vector<std::uint8_t>;

constexpr char kSource[] =
    "videotestsrc num-buffers=3 horizontal-speed=2 ! "
    "video/x-raw,format=I420,width=32,height=32,framerate=25/1 ! ";
constexpr char kMovie[] = "seeds-of-segments.mkv";

// Encoders by the kinds of segment_input.h. One that begins with "ffmpeg" has timestamps that
// GStreamer's encoders of MPEG do not give.
const struct {
  const char* name;
  std::uint8_t kind;
  const char* encoder;
} kFilms[] = {
    {"raw", 0, "identity"},
    {"raw-10", 1, "videoconvert ! video/x-raw,format=I420_10LE,width=32,height=32"},
    {"h264", 2,
     "x264enc speed-preset=ultrafast bframes=1 threads=1 ! h264parse ! "
     "video/x-h264,stream-format=byte-stream"},
    {"h264-avc", 3, "x264enc speed-preset=ultrafast ! h264parse ! video/x-h264,stream-format=avc"},
    {"h264-interlaced", 2,
     "x264enc interlaced=true threads=1 ! h264parse ! video/x-h264,stream-format=byte-stream"},
    {"h265", 4,
     "x265enc speed-preset=ultrafast log-level=none ! h265parse ! "
     "video/x-h265,stream-format=byte-stream"},
    {"h265-hvc1", 5,
     "x265enc speed-preset=ultrafast log-level=none ! h265parse ! video/x-h265,stream-format=hvc1"},
    {"vp8", 6, "vp8enc deadline=1"},
    {"vp9", 7, "vp9enc deadline=1 cpu-used=8 ! vp9parse ! video/x-vp9,alignment=super-frame"},
    {"av1", 8,
     "av1enc cpu-used=8 threads=1 usage-profile=realtime ! av1parse ! "
     "video/x-av1,stream-format=obu-stream,alignment=tu"},
    {"mpeg1", 9, "ffmpeg -c:v mpeg1video"},
    {"mpeg2", 10, "ffmpeg -c:v mpeg2video -bf 1"},
    {"mpeg2-interlaced", 10, "ffmpeg -c:v mpeg2video -flags +ildct+ilme"},
    {"mpeg4", 11, "ffmpeg -c:v mpeg4 -bf 1"},
    {"jpeg", 12, "jpegenc quality=30"},
    {"ffv1", 13, "avenc_ffv1"},
};

std::string source_of(std::string_view encoder) {
  constexpr std::string_view kFfmpeg = "ffmpeg";
  if (!encoder.starts_with(kFfmpeg))
    return kSource + std::string(encoder);
  const std::string command =
      "ffmpeg -v error -y -f lavfi -i testsrc2=size=32x32:rate=25 -frames:v 3" +
      std::string(encoder.substr(kFfmpeg.size())) + " " + kMovie;
  if (std::system(command.c_str()) != 0)
    std::exit(1);
  return std::string("filesrc location=") + kMovie + " ! parsebin";
}

// What the pipeline gives first.
Ref<GstSample> first_of(const std::string& pipeline) {
  const auto bin = Ref<GstElement>::sink(
      gst_parse_launch((pipeline + " ! appsink name=out sync=false").c_str(), nullptr));
  const auto sink = Ref<GstElement>::adopt(gst_bin_get_by_name(GST_BIN(bin.get()), "out"));
  gst_element_set_state(bin.get(), GST_STATE_PLAYING);
  auto sample = Ref<GstSample>::adopt(gst_app_sink_pull_sample(GST_APP_SINK(sink.get())));
  gst_element_set_state(bin.get(), GST_STATE_NULL);
  return sample;
}

void put(Data& out, std::span<const std::uint8_t> bytes) {
  out.push_back(static_cast<std::uint8_t>(bytes.size() & 0xff));
  out.push_back(static_cast<std::uint8_t>(bytes.size() >> 8 & 0xff));
  out.insert(out.end(), bytes.begin(), bytes.end());
}

// How many frames later or earlier it is presented than its place says.
std::uint8_t flags_of(const SegmentHeader& header, std::size_t index) {
  const AccessUnit& unit = header.units[index];
  std::uint8_t flags = 0;
  if ((unit.flags & kFlagDeltaUnit) != 0)
    flags |= kDelta;
  if (unit.show == kNoTime)
    return flags | kNotShown;
  const auto place = static_cast<std::size_t>((unit.show - header.start + kFrame / 2) / kFrame);
  if (place < index)
    flags |= kOneEarlier;
  if (place == index + 1 || place == index + 3)
    flags |= kOneLater;
  if (place >= index + 2)
    flags |= kTwoLater;
  return flags;
}

void put_units(Data& out, const SegmentHeader& header, std::span<const std::uint8_t> payload) {
  for (std::size_t i = 0; i < header.units.size(); ++i) {
    const auto size = static_cast<std::size_t>(header.units[i].size);
    out.push_back(flags_of(header, i));
    put(out, payload.first(size));
    payload = payload.subspan(size);
  }
}

Data codec_data_of(const std::string& text) {
  const auto caps = Ref<GstCaps>::adopt(gst_caps_from_string(text.c_str()));
  const GValue* const value =
      gst_structure_get_value(gst_caps_get_structure(caps.get(), 0), "codec_data");
  if (!value)
    return {};
  const BufferMap map(gst_value_get_buffer(value));
  return {map.span().begin(), map.span().end()};
}

bool are_of_kind(const std::string& text, std::uint8_t kind) {
  const auto caps = Ref<GstCaps>::adopt(gst_caps_from_string(text.c_str()));
  const auto wanted =
      Ref<GstCaps>::adopt(gst_caps_from_string(std::string(kCapsOfKinds[kind]).c_str()));
  return gst_caps_is_subset(caps.get(), wanted.get());
}

void write(const std::filesystem::path& path, const Data& data) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(data.data()), static_cast<std::streamsize>(data.size()));
  if (!file)
    std::exit(1);
}

void write(const std::filesystem::path& corpus, const std::string& name, Data data) {
  write(corpus / "encode_chain" / name, data);
  // A rendition.
  data.insert(data.begin(), 0);
  write(corpus / "segment_look" / name, data);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: segment-seeds FOLDER\n");
    return 2;
  }
  gst_init(nullptr, nullptr);
  const std::filesystem::path corpus = argv[1];
  for (const auto& film : kFilms) {
    const bool rendition_only = film.kind == 13;
    const auto sample =
        first_of(source_of(film.encoder) + (rendition_only ? "" : " ! distsegmenter"));
    if (!sample) {
      std::fprintf(stderr, "%s: no segment\n", film.name);
      return 1;
    }
    GstBuffer* const buffer = gst_sample_get_buffer(sample.get());
    const BufferMap map(buffer);
    Data data{film.kind};
    if (rendition_only) {
      put(data, codec_data_of(take_string(gst_caps_to_string(gst_sample_get_caps(sample.get())))));
      data.push_back(0);
      put(data, map.span());
      write(corpus, film.name, data);
      continue;
    }
    const auto header = read_header(buffer);
    if (!are_of_kind(header->caps, film.kind)) {
      std::fprintf(stderr, "%s: of another kind: %s\n", film.name, header->caps.c_str());
      return 1;
    }
    const auto payload = map.span().subspan(header_size(buffer, *header));
    put(data, codec_data_of(header->caps));
    put_units(data, *header, payload);
    write(corpus, film.name, data);
    // Once with these caps, and once as a segment.
    if (film.kind == 12) {
      Data caps{kCapsFollow};
      caps.insert(caps.end(), header->caps.begin(), header->caps.end());
      caps.push_back(0);
      put_units(caps, *header, payload);
      write(corpus, std::string(film.name) + "-caps", caps);
    }
    if (film.kind == 6) {
      Data segment{kSegmentFollows};
      segment.insert(segment.end(), map.span().begin(), map.span().end());
      write(corpus, std::string(film.name) + "-segment", segment);
    }
  }
  std::filesystem::remove(kMovie);
  return 0;
}
