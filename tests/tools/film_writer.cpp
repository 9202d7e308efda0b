// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Streams that are not as those of a good film: what libavformat would refuse, or what would fill
// the memory.

// Before gstcheck.h, which has a macro "fail".
#include "tests/tools/made_film.h"

#include <gst/app/gstappsrc.h>

#include <string>
#include <vector>

#include <gst/check/gstcheck.h>

#include "gst/job/film_writer.h"

namespace {

using namespace tool;
using dist::FilmWriter;
using dist::Ref;
using dist::StreamKind;
using dist::WrittenTrack;

constexpr char kSound[] = "audio/mpeg,mpegversion=1,layer=3,rate=48000,channels=2,parsed=true";
constexpr char kPictures[] = "image/jpeg,width=64,height=48,framerate=25/1";
constexpr GstClockTime kFrame = GST_SECOND / 25;
constexpr GstClockTime kSoundFrame = 24 * GST_MSECOND;

// Writes what is pushed.
class Film {
 public:
  Film(const std::string& path, const char* format, const std::vector<const char*>& caps) {
    FilmWriter writer(path, format, nullptr);
    for (std::size_t i = 0; i < caps.size(); ++i) {
      const auto source = element("appsrc", i);
      const auto sink = element("appsink", i);
      const auto fixed = Ref<GstCaps>::adopt(gst_caps_from_string(caps[i]));
      g_object_set(source.get(), "format", GST_FORMAT_TIME, "caps", fixed.get(), nullptr);
      g_object_set(sink.get(), "sync", FALSE, "async", FALSE, nullptr);
      gst_element_link(source.get(), sink.get());
      WrittenTrack track;
      track.kind = g_str_has_prefix(caps[i], "audio/") ? StreamKind::kAudio : StreamKind::kVideo;
      track.caps = fixed;
      track.width = 64;
      track.height = 48;
      writer.add(GST_APP_SINK(sink.get()), track);
    }
    gst_element_set_state(pipeline_.get(), GST_STATE_PLAYING);
  }
  ~Film() { gst_element_set_state(pipeline_.get(), GST_STATE_NULL); }

  void push(std::size_t track, GstClockTime time, GstClockTime duration, gsize size) {
    GstBuffer* const buffer = gst_buffer_new_allocate(nullptr, size, nullptr);
    gst_buffer_memset(buffer, 0, 0, size);
    GST_BUFFER_PTS(buffer) = GST_BUFFER_DTS(buffer) = time;
    GST_BUFFER_DURATION(buffer) = duration;
    gst_app_src_push_buffer(GST_APP_SRC(by_name("appsrc", track).get()), buffer);
  }
  // The streams end. What the writer says: "eos", or why it failed.
  std::string finish(std::size_t tracks) {
    for (std::size_t i = 0; i < tracks; ++i)
      gst_app_src_end_of_stream(GST_APP_SRC(by_name("appsrc", i).get()));
    const auto bus = Ref<GstBus>::adopt(gst_element_get_bus(pipeline_.get()));
    const auto message = Ref<GstMessage>::adopt(gst_bus_timed_pop_filtered(
        bus.get(), 30 * GST_SECOND, GstMessageType(GST_MESSAGE_EOS | GST_MESSAGE_ERROR)));
    if (!message || GST_MESSAGE_TYPE(message.get()) == GST_MESSAGE_EOS)
      return message ? "eos" : "nothing";
    GError* error = nullptr;
    gst_message_parse_error(message.get(), &error, nullptr);
    const std::string text = error->message;
    g_error_free(error);
    return text;
  }

 private:
  Ref<GstElement> by_name(const char* kind, std::size_t number) {
    return Ref<GstElement>::adopt(
        gst_bin_get_by_name(GST_BIN(pipeline_.get()), (kind + std::to_string(number)).c_str()));
  }
  Ref<GstElement> element(const char* kind, std::size_t number) {
    gst_bin_add(GST_BIN(pipeline_.get()),
                gst_element_factory_make(kind, (kind + std::to_string(number)).c_str()));
    return by_name(kind, number);
  }

  const Ref<GstElement> pipeline_ = Ref<GstElement>::share(gst_pipeline_new(nullptr));
};

std::uintmax_t size_of(const std::string& path) {
  std::error_code error;
  const auto size = fs::file_size(path, error);
  return error ? 0 : size;
}

// How many each stream has, a line each. No decoder would take what is in them.
std::string packets_of(const std::string& path) {
  return output_of(
      "ffprobe -v quiet -fflags +noparse -count_packets -show_entries stream=nb_read_packets "
      "-of csv=p=0 " +
      path);
}

}  // namespace

// Where recordings were put together. libavformat refuses times that do.
GST_START_TEST(test_film_writer_takes_sound_whose_times_step_back) {
  const Folder folder;
  for (const auto& [format, name] : {std::pair("mp4", "film.mp4"), {"matroska", "film.mkv"}}) {
    Film film(folder / name, format, {kSound});
    for (const GstClockTime frame : {0, 1, 2, 3, 1, 2, 3, 4, 5})
      film.push(0, frame * kSoundFrame, kSoundFrame, 384);
    const std::string said = film.finish(1);
    ck_assert_msg(said == "eos", "%s: %s", name, said.c_str());
    const std::string packets = packets_of(folder / name);
    ck_assert_msg(packets == "9\n", "%s: %s packets", name, packets.c_str());
  }
}
GST_END_TEST

// Pictures wait for sound that is behind, but not all of them.
GST_START_TEST(test_film_writer_bounds_what_waits_for_a_hole) {
  constexpr gsize kPicture = 1 << 20;
  constexpr unsigned kPictures256 = 256;
  const Folder folder;
  const std::string path = folder / "film.mkv";
  Film film(path, "matroska", {kPictures, kSound});
  film.push(1, 0, kSoundFrame, 384);
  const auto push_pictures = [&](unsigned begin, unsigned end) {
    for (unsigned i = begin; i < end; ++i)
      film.push(0, i * kFrame, kFrame, kPicture);
  };
  push_pictures(0, kPictures256 + 20);
  const gint64 deadline = g_get_monotonic_time() + 30 * G_USEC_PER_SEC;
  while (size_of(path) < 8 * kPicture) {
    ck_assert_msg(g_get_monotonic_time() < deadline, "%u pictures wait", kPictures256 + 20);
    g_usleep(1000);
  }
  film.push(1, 20 * GST_SECOND, kSoundFrame, 384);
  ck_assert_str_eq(film.finish(2).c_str(), "eos");
  const std::string packets = packets_of(path);
  ck_assert_msg(packets == "276\n2\n", "%s", packets.c_str());
}
GST_END_TEST

static Suite* film_writer_suite() {
  Suite* suite = suite_create("film_writer");
  TCase* tests = tcase_create("film_writer");
  tcase_set_timeout(tests, 120);
  tcase_add_test(tests, test_film_writer_takes_sound_whose_times_step_back);
  tcase_add_test(tests, test_film_writer_bounds_what_waits_for_a_hole);
  suite_add_tcase(suite, tests);
  return suite;
}

GST_CHECK_MAIN(film_writer)
