// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/job/sound_encoding.h"

#include <gst/audio/audio.h>

#include <memory>
#include <string_view>

#include "gst/gstx/ref.h"

namespace dist {
namespace {

// Its first frame holds nothing but what a decoder needs before the first sample; it does not say
// so, and gives that frame the time of the first sample.
constexpr char kAacEncoder[] = "avenc_aac";
constexpr GstClockTime kAacPriming = 1024;  // Sample frames.

// The times of raw sound, as they came and as they should be.
struct Clock {
  GstAudioInfo info{};
  unsigned rate = 0;
  unsigned bytes_per_frame = 0;
  GstClockTime last = GST_CLOCK_TIME_NONE;      // Of the last buffer, as it came.
  GstClockTime duration = 0;                    // Of the last buffer, by its samples.
  GstClockTime expected = GST_CLOCK_TIME_NONE;  // Of the next one.
};

void read_caps(Clock& clock, const GstCaps* caps) {
  GstAudioInfo info;
  if (!gst_audio_info_from_caps(&info, caps))
    return;
  clock.info = info;
  clock.rate = static_cast<unsigned>(GST_AUDIO_INFO_RATE(&info));
  clock.bytes_per_frame = static_cast<unsigned>(GST_AUDIO_INFO_BPF(&info));
}

// Whether the time of a buffer says nothing. Times that go back by less than a buffer are left to
// the encoder, which leaves out what it has already.
bool is_stuck(const Clock& clock, GstClockTime time) {
  return clock.last != GST_CLOCK_TIME_NONE && clock.expected != GST_CLOCK_TIME_NONE &&
         time < clock.last + clock.duration / 2;
}

GstPadProbeReturn mend_time(GstPad*, GstPadProbeInfo* info, gpointer data) {
  auto& clock = *static_cast<Clock*>(data);
  if ((GST_PAD_PROBE_INFO_TYPE(info) & GST_PAD_PROBE_TYPE_BUFFER) == 0) {
    GstEvent* const event = GST_PAD_PROBE_INFO_EVENT(info);
    GstCaps* caps = nullptr;
    if (GST_EVENT_TYPE(event) == GST_EVENT_CAPS) {
      gst_event_parse_caps(event, &caps);
      read_caps(clock, caps);
    } else if (GST_EVENT_TYPE(event) == GST_EVENT_SEGMENT) {
      clock.last = clock.expected = GST_CLOCK_TIME_NONE;
    }
    return GST_PAD_PROBE_OK;
  }
  GstBuffer* buffer = GST_PAD_PROBE_INFO_BUFFER(info);
  if (clock.rate == 0 || clock.bytes_per_frame == 0)
    return GST_PAD_PROBE_OK;
  const GstClockTime time = GST_BUFFER_PTS(buffer);
  GstClockTime mended = time;
  if (!GST_CLOCK_TIME_IS_VALID(time) || is_stuck(clock, time))
    mended = clock.expected;
  clock.last = GST_CLOCK_TIME_IS_VALID(time) ? time : clock.last;
  clock.duration = gst_util_uint64_scale(gst_buffer_get_size(buffer) / clock.bytes_per_frame,
                                         GST_SECOND, clock.rate);
  if (GST_CLOCK_TIME_IS_VALID(mended))
    clock.expected = mended + clock.duration;
  // Channels that do not lie among one another say in each buffer where they are.
  const GstAudioMeta* const meta = gst_buffer_get_audio_meta(buffer);
  const bool moved = meta && !gst_audio_info_is_equal(&meta->info, &clock.info);
  if (mended != time || moved) {
    buffer = gst_buffer_make_writable(buffer);
    GST_BUFFER_PTS(buffer) = mended;
    if (moved)
      gst_buffer_get_audio_meta(buffer)->info = clock.info;
    GST_PAD_PROBE_INFO_DATA(info) = buffer;
  }
  return GST_PAD_PROBE_OK;
}

// What stands between a decoder and its encoder.
struct Chain {
  Ref<GstElement> layout;
  Ref<GstElement> encoder;
  bool fixed = false;
};

bool accepts(const GstCaps* accepted, const GstCaps* caps) {
  return gst_caps_can_intersect(accepted, caps);
}

Ref<GstCaps> sound_caps(unsigned channels, unsigned rate) {
  auto caps = Ref<GstCaps>::adopt(
      gst_caps_new_simple("audio/x-raw", "channels", G_TYPE_INT, static_cast<gint>(channels),
                          "rate", G_TYPE_INT, static_cast<gint>(rate), nullptr));
  if (channels > 1)
    gst_caps_set_simple(caps.get(), "channel-mask", GST_TYPE_BITMASK,
                        gst_audio_channel_get_fallback_mask(static_cast<gint>(channels)), nullptr);
  return caps;
}

Ref<GstCaps> accepted_by(GstElementFactory* encoder) {
  for (const GList* item = gst_element_factory_get_static_pad_templates(encoder); item;
       item = item->next) {
    auto* pad = static_cast<GstStaticPadTemplate*>(item->data);
    if (pad->direction == GST_PAD_SINK)
      return Ref<GstCaps>::adopt(gst_static_pad_template_get_caps(pad));
  }
  return Ref<GstCaps>::adopt(gst_caps_new_empty());
}

unsigned nearest_rate(const GstCaps* accepted, unsigned rate) {
  GstStructure* const structure = gst_structure_copy(gst_caps_get_structure(accepted, 0));
  gst_structure_fixate_field_nearest_int(structure, "rate", static_cast<gint>(rate));
  gint nearest = static_cast<gint>(rate);
  gst_structure_get_int(structure, "rate", &nearest);
  gst_structure_free(structure);
  return static_cast<unsigned>(nearest);
}

// The encoder, and the muxer behind it, keep the layout and the rate that come first.
void fix_layout(Chain& chain, unsigned channels, unsigned rate) {
  GstElementFactory* const factory = gst_element_get_factory(chain.encoder.get());
  const auto accepted = accepted_by(factory);
  const unsigned encoded = nearest_rate(accepted.get(), rate);
  auto caps = sound_caps(channels, encoded);
  while (channels > 1 && !accepts(accepted.get(), caps.get()))
    caps = sound_caps(--channels, encoded);
  g_object_set(chain.layout.get(), "caps", caps.get(), nullptr);
  // The frame before the first sample then lies before the beginning, and muxers leave it out.
  const auto out = Ref<GstPad>::adopt(gst_element_get_static_pad(chain.encoder.get(), "src"));
  if (std::string_view(GST_OBJECT_NAME(factory)) == kAacEncoder)
    gst_pad_set_offset(out.get(), -static_cast<gint64>(gst_util_uint64_scale_round(
                                      kAacPriming, GST_SECOND, encoded)));
  chain.fixed = true;
}

// Where the channels are, so that the converter has nothing to mix: encoders take surround sound in
// the rear only, for most decoders it is at the sides. If nobody says where they are they are in
// the usual places.
guint64 places_of(gint channels, guint64 mask) {
  constexpr guint64 kRear = 0x30;
  constexpr guint64 kBetween = 0x3c0;
  constexpr guint64 kSides = 0xc00;
  if (mask == 0 && channels > 1)
    return gst_audio_channel_get_fallback_mask(channels);
  return (mask & kSides) == kSides && (mask & (kRear | kBetween)) == 0 ? (mask ^ kSides) | kRear
                                                                       : mask;
}

GstPadProbeReturn see_layout(GstPad*, GstPadProbeInfo* info, gpointer data) {
  auto& chain = *static_cast<Chain*>(data);
  GstEvent* const event = GST_PAD_PROBE_INFO_EVENT(info);
  if (GST_EVENT_TYPE(event) != GST_EVENT_CAPS)
    return GST_PAD_PROBE_OK;
  GstCaps* caps = nullptr;
  gst_event_parse_caps(event, &caps);
  const GstStructure* const sound = gst_caps_get_structure(caps, 0);
  gint channels = 0;
  gint rate = 0;
  if (!gst_structure_get_int(sound, "channels", &channels) ||
      !gst_structure_get_int(sound, "rate", &rate))
    return GST_PAD_PROBE_OK;
  if (!chain.fixed)
    fix_layout(chain, static_cast<unsigned>(channels), static_cast<unsigned>(rate));
  guint64 mask = 0;
  gst_structure_get(sound, "channel-mask", GST_TYPE_BITMASK, &mask, nullptr);
  if (const guint64 places = places_of(channels, mask); places != mask) {
    const auto placed = Ref<GstCaps>::adopt(gst_caps_copy(caps));
    gst_caps_set_simple(placed.get(), "channel-mask", GST_TYPE_BITMASK, places, nullptr);
    GST_PAD_PROBE_INFO_DATA(info) = gst_event_new_caps(placed.get());
    gst_event_unref(event);
  }
  return GST_PAD_PROBE_OK;
}

template <typename T>
void destroy(gpointer data) {
  delete static_cast<T*>(data);
}

}  // namespace

bool can_decode(const GstCaps* caps) {
  GList* const all = gst_element_factory_list_get_elements(
      GST_ELEMENT_FACTORY_TYPE_DECODER | GST_ELEMENT_FACTORY_TYPE_MEDIA_AUDIO, GST_RANK_MARGINAL);
  GList* const able = gst_element_factory_list_filter(all, caps, GST_PAD_SINK, FALSE);
  const bool decodes = able != nullptr;
  gst_plugin_feature_list_free(able);
  gst_plugin_feature_list_free(all);
  return decodes || gst_structure_has_name(gst_caps_get_structure(caps, 0), "audio/x-raw");
}

unsigned most_channels(const std::string& encoder) {
  const auto factory = Ref<GstElementFactory>::adopt(gst_element_factory_find(encoder.c_str()));
  const auto accepted = accepted_by(factory.get());
  unsigned channels = 8;
  while (channels > 1 && !accepts(accepted.get(), sound_caps(channels, 48000).get()))
    --channels;
  return channels;
}

void add_sound_encoder(BinBuilder& build, const Ref<GstElement>& from, const std::string& encoder,
                       const std::string& name, const Ref<GstElement>& to) {
  const auto decoder = build.add("decodebin");
  const auto convert = build.add("audioconvert");
  auto chain = std::make_unique<Chain>();
  chain->layout = build.add("capsfilter");
  chain->encoder = build.add(encoder, "encoder" + name);
  // Matroska's milliseconds would move each frame by up to half of one.
  build.set(chain->encoder, "perfect-timestamp", TRUE);
  build.link({from, decoder});
  build.link_later(decoder, convert);
  build.link({convert, build.add("audioresample"), chain->layout, chain->encoder, to});
  const auto pad = sink_of(convert);
  gst_pad_add_probe(pad.get(), GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, see_layout, chain.release(),
                    destroy<Chain>);
  mend_times(pad.get());
}

void mend_times(GstPad* pad) {
  gst_pad_add_probe(
      pad, GstPadProbeType(GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM),
      mend_time, new Clock, destroy<Clock>);
}

}  // namespace dist
