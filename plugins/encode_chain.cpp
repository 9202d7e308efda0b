// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/encode_chain.h"

#include <gst/video/video.h>

#include <algorithm>
#include <iterator>
#include <string_view>
#include <utility>

#include "gst/base/text.h"
#include "gst/gstx/decoder_errors.h"
#include "gst/gstx/report.h"
#include "gst/gstx/segment_play.h"
#include "gst/gstx/stream_format.h"
#include "gst/rendition/encoder_table.h"
#include "plugins/av1_headers.h"
#include "plugins/caption_writer.h"
#include "plugins/deep_deinterlacer.h"
#include "plugins/frame_filter.h"
#include "plugins/picture.h"
#include "plugins/timestamps.h"

namespace dist {
namespace {

// Encoders that a flush does not bring back to where they began: av1enc takes the next segment for
// frames that are late, and may not begin it with a keyframe; avenc_mpeg4 loses frames of it
// after a flush within a segment.
constexpr std::string_view kNotReset[] = {"av1enc", "avenc_mpeg4"};

// Of avenc_ffv1, but for gray.
constexpr unsigned kMostLosslessDepth = 12;

// The caps of a segment without what may change from one to the next in the same chain.
Ref<GstCaps> kind_of(const std::string& text) {
  auto caps = Ref<GstCaps>::adopt(gst_caps_from_string(text.c_str()));
  if (!caps || !gst_caps_is_fixed(caps.get()))
    return {};
  caps = Ref<GstCaps>::adopt(gst_caps_make_writable(caps.release()));
  gst_structure_remove_fields(gst_caps_get_structure(caps.get(), 0), "width", "height",
                              "pixel-aspect-ratio", "codec_data", "streamheader", "level", "tier",
                              nullptr);
  return caps;
}

bool has_property(GstElement* element, const char* name) {
  return g_object_class_find_property(G_OBJECT_GET_CLASS(element), name) != nullptr;
}

// The encoder's input without formats of RGB, unless the picture has such a one, or there is no
// other: videoconvert 1.22 may prefer it to YUV where the colours are stated.
std::string encoder_input(const Picture& picture, const std::string& text) {
  const auto caps = Ref<GstCaps>::adopt(gst_caps_from_string(text.c_str()));
  if (picture.rgb || !caps || gst_caps_get_size(caps.get()) == 0)
    return text;
  const GValue* const formats =
      gst_structure_get_value(gst_caps_get_structure(caps.get(), 0), "format");
  if (!formats || !GST_VALUE_HOLDS_LIST(formats))
    return text;
  GValue kept = G_VALUE_INIT;
  g_value_init(&kept, GST_TYPE_LIST);
  for (guint i = 0; i < gst_value_list_get_size(formats); ++i) {
    const GValue* const format = gst_value_list_get_value(formats, i);
    const GstVideoFormatInfo* const info =
        gst_video_format_get_info(gst_video_format_from_string(g_value_get_string(format)));
    if (!GST_VIDEO_FORMAT_INFO_IS_RGB(info))
      gst_value_list_append_value(&kept, format);
  }
  if (gst_value_list_get_size(&kept) > 0)
    gst_caps_set_value(caps.get(), "format", &kept);
  g_value_unset(&kept);
  return take_string(gst_caps_to_string(caps.get()));
}

// Fields of an encoder's input caps: of gray pictures videoconvert 1.22 would take another range
// than theirs for granted.
std::string encoder_colours(const Picture& picture, const EncoderSetup& setup, bool full) {
  if (picture.rgb || setup.input_caps.find("colorimetry") != std::string::npos)
    return {};
  return ",colorimetry=(string)" + in_range(picture.colorimetry, full);
}

// Threads that a chain may start for its renditions, for each core. A job says how many renditions
// there are and how many threads each has, and the cores are this machine's.
constexpr std::size_t kThreadsOfCore = 8;

unsigned threads_of_branch(std::size_t renditions) {
  const unsigned cores = g_get_num_processors();
  const std::size_t share = kThreadsOfCore * cores / std::max<std::size_t>(renditions, 1);
  return std::clamp(static_cast<unsigned>(share), 1u, cores);
}

// What an element says in the debug text of its message. Before it, in a line of its own,
// GStreamer puts file, line, function and the path of the element: matters of this machine.
std::string words_of(const std::string& debug) {
  const std::size_t place = debug.find(":\n");
  return place == std::string::npos ? "" : debug.substr(place + 2);
}

Status set_properties(GstElement* element,
                      const std::vector<std::pair<std::string, std::string>>& properties) {
  for (const auto& [key, value] : properties) {
    const bool optional = key.starts_with('?');
    const std::string name = optional ? key.substr(1) : key;
    if (has_property(element, name.c_str()))
      gst_util_set_object_arg(G_OBJECT(element), name.c_str(), value.c_str());
    else if (!optional)
      return Error{std::string(GST_OBJECT_NAME(element)) + " has no property '" + name + "'"};
  }
  return {};
}

}  // namespace

// --- The caller's thread

Result<std::unique_ptr<EncodeChain>> EncodeChain::build(const Lease& lease,
                                                        const std::vector<Ability>& encoders,
                                                        unsigned threads,
                                                        std::uint64_t max_pixels) {
  const auto& specs = lease.renditions();
  if (specs.empty() || specs.size() != encoders.size())
    return Error{"a job of " + std::to_string(specs.size()) + " renditions and " +
                 std::to_string(encoders.size()) + " encoders"};
  for (std::size_t i = 0; i < specs.size(); ++i)
    if (!encoders[i].able || encoders[i].encoder.empty())
      return Error{"rendition '" + specs[i].name + "': " + encoders[i].reason};
  const auto kind = kind_of_source(lease.source().caps, max_pixels);
  if (!kind)
    return Error{kind.error()};
  std::unique_ptr<EncodeChain> chain(new EncodeChain(lease, *kind, encoders, threads, max_pixels));
  if (Status made = chain->make_entry(); !made)
    return Error{made.error()};
  return chain;
}

EncodeChain::EncodeChain(const Lease& lease, const SegmentKind& kind,
                         const std::vector<Ability>& encoders, unsigned threads,
                         std::uint64_t max_pixels)
    : specs_(lease.renditions()),
      encoders_(encoders),
      threads_(threads),
      branch_threads_(std::min(threads, threads_of_branch(specs_.size()))),
      max_pixels_(max_pixels),
      segment_kind_(kind),
      kind_(kind_of(lease.source().caps)),
      bin_(Ref<GstElement>::sink(gst_bin_new("encode-chain"))) {}

EncodeChain::~EncodeChain() {
  gst_element_set_state(bin_.get(), GST_STATE_NULL);
}

bool EncodeChain::fits(const Lease& lease) const {
  const auto kind = kind_of(lease.source().caps);
  if (!kind || !gst_caps_is_equal(kind.get(), kind_.get()))
    return false;
  std::vector<RenditionSpec> made;
  std::ranges::copy_if(specs_, std::back_inserter(made), [&](const RenditionSpec& spec) {
    return std::ranges::find(lease.renditions(), spec) != lease.renditions().end() ||
           !frames_of(lease.source(), spec).empty();
  });
  return made == lease.renditions();
}

bool EncodeChain::owns(GstMessage* message) const {
  GstObject* const source = GST_MESSAGE_SRC(message);
  return source && (source == GST_OBJECT(bin_.get()) ||
                    gst_object_has_as_ancestor(source, GST_OBJECT(bin_.get())));
}

bool EncodeChain::decoded_nothing(GstMessage* message) const {
  return GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR && ended_ && !shows_ &&
         report_of(message).is(GST_STREAM_ERROR, GST_STREAM_ERROR_DECODE);
}

std::string EncodeChain::text_of(GstMessage* message) {
  if (GST_MESSAGE_TYPE(message) != GST_MESSAGE_ERROR)
    return {};
  const Report report = report_of(message);
  std::string text = std::string(GST_MESSAGE_SRC_NAME(message)) + ": " + report.text;
  if (const std::string more = words_of(report.debug); !more.empty())
    text += " (" + more + ")";
  return text;
}

Status EncodeChain::make_entry() {
  for (const char* factory :
       {"deinterlace", "tee", "videoconvert", "videoconvertscale", "capsfilter"})
    if (!Ref<GstElementFactory>::adopt(gst_element_factory_find(factory)))
      return Error{std::string(factory) + " is not installed"};
  const auto deinterlace = add("deinterlace");
  const auto tee = add("tee");
  for (const auto* made : {&deinterlace, &tee})
    if (!*made)
      return Error{made->error()};
  // Of its methods only this one gives exactly one frame for each, segment after segment.
  gst_util_set_object_arg(G_OBJECT(*deinterlace), "method", "linear");
  gst_util_set_object_arg(G_OBJECT(*deinterlace), "fields", "top");
  deinterlace_deep(*deinterlace);
  if (!gst_element_link(*deinterlace, *tee))
    return Error{"the elements behind the decoder cannot be linked"};
  decoded_ = *tee;
  const auto decoded = Ref<GstPad>::adopt(gst_element_get_static_pad(*deinterlace, "sink"));
  pass_frames_of_lease(decoded.get(), shows_);
  gst_pad_add_probe(
      decoded.get(),
      static_cast<GstPadProbeType>(GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM | GST_PAD_PROBE_TYPE_BUFFER),
      on_decoded, this, nullptr);
  auto decoder =
      ChainDecoder::make(GST_BIN(bin_.get()), segment_kind_, *deinterlace, threads_, max_pixels_);
  if (!decoder)
    return Error{decoder.error()};
  decoder_ = std::move(*decoder);
  begun_ = elements_.size();

  const auto inner = Ref<GstPad>::adopt(gst_element_get_static_pad(decoder_->first(), "sink"));
  GstPad* const entry = gst_ghost_pad_new("sink", inner.get());
  gst_pad_set_element_private(entry, this);
  gst_pad_set_event_function(entry, on_event);
  gst_pad_set_chain_function(entry, on_buffer);
  gst_element_add_pad(bin_.get(), entry);
  for (const RenditionSpec& spec : specs_) {
    const std::string name = "src_" + spec.name;
    if (!gst_element_add_pad(bin_.get(), gst_ghost_pad_new_no_target(name.c_str(), GST_PAD_SRC)))
      return Error{"rendition '" + spec.name + "' comes twice"};
  }
  return {};
}

// --- The streaming thread

// As if it were new. Its pads are linked again so that it is told all that comes before buffers.
void EncodeChain::restart(GstElement* encoder) {
  const auto entry = Ref<GstPad>::adopt(gst_element_get_static_pad(encoder, "sink"));
  const auto before = Ref<GstPad>::adopt(gst_pad_get_peer(entry.get()));
  gst_element_set_state(encoder, GST_STATE_READY);
  gst_pad_unlink(before.get(), entry.get());
  gst_pad_link(before.get(), entry.get());
  gst_element_sync_state_with_parent(encoder);
}

// Not every decoder says that a stream ended before there was a frame.
gboolean EncodeChain::on_event(GstPad* pad, GstObject* parent, GstEvent* event) {
  const GstEventType type = GST_EVENT_TYPE(event);
  auto* self = static_cast<EncodeChain*>(gst_pad_get_element_private(pad));
  if (type == GST_EVENT_EOS || type == GST_EVENT_STREAM_START)
    self->ended_ = type == GST_EVENT_EOS;
  if (type == GST_EVENT_STREAM_START)
    self->shows_ = false;
  if (auto lease = lease_from_event(event))
    self->lease_ = std::move(lease);
  if (type == GST_EVENT_CAPS) {
    GstCaps* caps = nullptr;
    gst_event_parse_caps(event, &caps);
    self->announced_pixels_ =
        source_format(take_string(gst_caps_to_string(caps))).pixel_aspect_ratio;
  }
  const gboolean handled = gst_pad_event_default(pad, parent, event);
  if (type == GST_EVENT_FLUSH_STOP && !self->has_failed())
    for (std::size_t i = 0; i < self->encoder_elements_.size(); ++i)
      if (std::ranges::find(kNotReset, self->encoders_[i].encoder) != std::end(kNotReset))
        restart(self->encoder_elements_[i]);
  if (type == GST_EVENT_EOS && !self->made_ && !self->has_failed())
    GST_ELEMENT_ERROR(self->bin_.get(), STREAM, DECODE, ("Nothing in the segment can be decoded."),
                      ("end of stream without a decoded frame"));
  return handled;
}

// The decoder complained of the access unit played at `time`: it, and what refers to it, up to the
// next keyframe. What only helps decoding, from another place than where the film was encoded, may
// lack what it refers to.
void EncodeChain::damaged_from(Lease& lease, GstClockTime time) {
  const SegmentHeader& source = lease.source();
  if (time < source.start + kPlayBase || time >= source.stop + kPlayBase)
    return;
  const Time from = time - kPlayBase;
  Time until = kNoTime;
  for (const AccessUnit& unit : source.units)
    if (unit.show != kNoTime && unit.show > from && (unit.flags & kFlagDeltaUnit) == 0)
      until = std::min(until, unit.show);
  for (Time frame : source.presentation_times())
    if (frame >= from && frame < until)
      lease.damaged(frame);
}

// An element that does not take its input leaves it to the stream's source to say so, which would
// not know why.
GstFlowReturn EncodeChain::on_buffer(GstPad* pad, GstObject* parent, GstBuffer* buffer) {
  auto* self = static_cast<EncodeChain*>(gst_pad_get_element_private(pad));
  const GstClockTime time = GST_BUFFER_PTS(buffer);
  const unsigned errors = decoder_errors();
  const GstFlowReturn flow = gst_proxy_pad_chain_default(pad, parent, buffer);
  if (decoder_errors() != errors && self->lease_)
    damaged_from(*self->lease_, time);
  if ((flow != GST_FLOW_NOT_NEGOTIATED && flow != GST_FLOW_NOT_LINKED) || self->has_failed())
    return flow;
  std::string where = "the decoder or what scales";
  for (std::size_t i = 0; i < self->encoder_elements_.size(); ++i) {
    GstElement* const encoder = self->encoder_elements_[i];
    const auto entry = Ref<GstPad>::adopt(gst_element_get_static_pad(encoder, "sink"));
    const auto before = Ref<GstPad>::adopt(gst_pad_get_peer(entry.get()));
    if (before && gst_pad_get_last_flow_return(before.get()) == flow)
      where = "rendition '" + self->specs_[i].name + "', " + GST_OBJECT_NAME(encoder);
  }
  GST_ELEMENT_ERROR(
      self->bin_.get(), CORE, NEGOTIATION,
      ("The worker cannot make this job's renditions: %s does not take its input.", where.c_str()),
      ("%s", gst_flow_get_name(flow)));
  return flow;
}

// The first caps of decoded pictures decide what is behind the decoder.
bool EncodeChain::take_decoded(GstCaps* caps) {
  const std::string large = too_large(gst_caps_get_structure(caps, 0), max_pixels_);
  Status done = large.empty() ? Status() : Error{large};
  if (done && !made_)
    done = make_branches(caps);
  if (done) {
    set_sizes(caps);
    return true;
  }
  failed_ = true;
  GST_ELEMENT_ERROR(bin_.get(), CORE, MISSING_PLUGIN,
                    ("The worker cannot make this job's renditions: %s.", done.error().c_str()),
                    (NULL));
  return false;
}

Status EncodeChain::make_branches(GstCaps* caps) {
  const auto picture = picture_of(caps);
  if (!picture)
    return Error{"decoded video of an unknown format"};
  if (gst_caps_features_contains(gst_caps_get_features(caps, 0),
                                 GST_CAPS_FEATURE_FORMAT_INTERLACED))
    return Error{"the film is coded in single fields, which nothing here puts together"};
  made_ = true;
  plan_ = plan_scaling(specs_, picture->width, picture->height);
  scalers_.resize(plan_.size());
  encoder_elements_.resize(specs_.size());
  for (std::size_t step = 0; step < plan_.size(); ++step) {
    if (Status made = make_scaler(step); !made)
      return made;
    for (std::size_t rendition : plan_[step].renditions)
      if (Status made = make_encoder(rendition, scalers_[step].tee, caps); !made)
        return Error{"rendition '" + specs_[rendition].name + "': " + made.error()};
  }
  return start_branches();
}

// What begins the chain runs already. Not earlier, because encoders take most properties only
// before they are opened.
Status EncodeChain::start_branches() {
  for (std::size_t i = elements_.size(); i > begun_; --i)
    if (!gst_element_sync_state_with_parent(elements_[i - 1]))
      return Error{std::string(GST_OBJECT_NAME(elements_[i - 1])) + " does not start"};
  return {};
}

GstPadProbeReturn EncodeChain::on_decoded(GstPad*, GstPadProbeInfo* info, gpointer data) {
  auto* self = static_cast<EncodeChain*>(data);
  if ((info->type & GST_PAD_PROBE_TYPE_BUFFER) != 0)
    return self->failed_ ? refuse_buffer(info) : GST_PAD_PROBE_OK;
  GstEvent* const event = GST_PAD_PROBE_INFO_EVENT(info);
  // Some decoders say caps and then have no frame, and hold the lease back until they have one.
  if (GST_EVENT_TYPE(event) == GST_EVENT_EOS && self->made_ && !self->has_failed() &&
      !self->shows_ && self->lease_)
    self->lease_->settle(answer_without_frames(*self->lease_));
  if (GST_EVENT_TYPE(event) != GST_EVENT_CAPS)
    return GST_PAD_PROBE_OK;
  GstCaps* said = nullptr;
  gst_event_parse_caps(event, &said);
  const auto caps = with_all_colours(said);
  if (!self->take_decoded(caps.get()))
    return GST_PAD_PROBE_DROP;
  GST_PAD_PROBE_INFO_DATA(info) = gst_event_new_caps(caps.get());
  gst_event_unref(event);
  return GST_PAD_PROBE_OK;
}

Status EncodeChain::make_scaler(std::size_t step) {
  const auto scale = add("videoconvertscale");
  const auto tee = add("tee");
  for (const auto* made : {&scale, &tee})
    if (!*made)
      return Error{made->error()};
  // The default reads two pixels of a line however many become one.
  gst_util_set_object_arg(G_OBJECT(*scale), "method", "catrom");
  GstElement* const filter = add_filter("video/x-raw");
  g_object_set(*scale, "n-threads", branch_threads_, nullptr);
  scalers_[step] = {*scale, filter, *tee, "video/x-raw", true};
  if (plan_[step].fps) {
    const auto entry = Ref<GstPad>::adopt(gst_element_get_static_pad(*scale, "sink"));
    filter_frames(entry.get(), specs_[plan_[step].renditions.front()]);
  }
  GstElement* const from = plan_[step].from ? scalers_[*plan_[step].from].tee : decoded_;
  if (!gst_element_link_many(from, *scale, filter, *tee, nullptr))
    return Error{"the elements that scale cannot be linked"};
  return {};
}

Status EncodeChain::make_encoder(std::size_t rendition, GstElement* tee, GstCaps* source) {
  const RenditionSpec& spec = specs_[rendition];
  const auto picture = picture_of(source);
  if (encoders_[rendition].encoder == "avenc_ffv1" && !picture->gray &&
      picture->depth > kMostLosslessDepth)
    return Error{"it is to be lossless, and avenc_ffv1 takes " +
                 std::to_string(kMostLosslessDepth) + " bits a sample of the film's " +
                 std::to_string(picture->depth)};
  RenditionSpec bounded = spec;
  if (bounded.threads)
    bounded.threads = std::min(*bounded.threads, threads_of_branch(specs_.size()));
  const EncoderSetup setup = setup_encoder(encoders_[rendition].encoder, bounded, branch_threads_,
                                           picture->framerate, picture->depth);
  const auto encoder = add(encoders_[rendition].encoder);
  const auto convert = add("videoconvert");
  // Where the matrix stays videoconvert 1.22 does not change the range, except from RGB.
  const bool full =
      setup.range == Range::kSource ? picture->full_range : setup.range == Range::kFull;
  const bool by_rgb = !picture->rgb && full != picture->full_range;
  const auto to_rgb = by_rgb ? add("videoconvert") : Result<GstElement*>(nullptr);
  const auto parser = setup.parser.empty() ? Result<GstElement*>(nullptr) : add(setup.parser);
  for (const auto* made : {&encoder, &convert, &to_rgb, &parser})
    if (!*made)
      return Error{made->error()};
  encoder_elements_[rendition] = *encoder;
  for (GstElement* converter : {*convert, *to_rgb})
    if (converter)
      g_object_set(converter, "n-threads", branch_threads_, nullptr);
  if (Status done = set_properties(*encoder, setup.properties); !done)
    return done;
  if (*parser)
    if (Status done = set_properties(*parser, setup.parser_properties); !done)
      return done;

  // Its own are the same for all frames.
  if (encoders_[rendition].encoder == "avenc_mpeg4")
    keep_timestamps(*encoder);
  if (spec.codec == "av1")
    state_colours(*encoder);
  keep_captions(*encoder, spec.codec);
  if (spec.codec == "vp9")
    state_chroma_site(*encoder);
  if (encoders_[rendition].encoder == "x264enc")
    g_object_set(*encoder, "option-string", x264_options(source).c_str(), nullptr);

  GstElement* last = tee;
  // On the way to full range 8 bits a sample would make dark pictures darker: videoconvert 1.22
  // rounds down. On the way back it takes 16 bits for limited range already.
  GstElement* const rgb =
      *to_rgb ? add_filter(full ? "video/x-raw,format=ARGB64" : "video/x-raw,format=BGRx")
              : nullptr;
  const std::string input =
      encoder_input(*picture, setup.input_caps) + encoder_colours(*picture, setup, full);
  for (GstElement* next : {*to_rgb, rgb, *convert, add_filter(input), *encoder,
                           add_filter(setup.output_caps), *parser, add_filter(setup.final_caps)}) {
    if (next && !gst_element_link(last, next))
      return Error{std::string(GST_OBJECT_NAME(last)) + " cannot be linked to " +
                   GST_OBJECT_NAME(next)};
    last = next ? next : last;
  }

  const auto inner = Ref<GstPad>::adopt(gst_element_get_static_pad(last, "src"));
  const auto outer =
      Ref<GstPad>::adopt(gst_element_get_static_pad(bin_.get(), ("src_" + spec.name).c_str()));
  if (!gst_ghost_pad_set_target(GST_GHOST_PAD(outer.get()), inner.get()))
    return Error{"its pad cannot be linked"};
  return {};
}

// What a container says of the pixels' shape may differ from what the stream says, which counts in
// an undistributed pipeline: a rendition in the film's own size and shape has that of the stream.
Fraction EncodeChain::pixels_of(const ScaleStep& step, const Picture& decoded) const {
  const bool own = step.width == decoded.width && step.height == decoded.height &&
                   step.pixel_aspect_ratio == announced_pixels_;
  return own ? decoded.pixel_aspect_ratio : step.pixel_aspect_ratio;
}

// Each step's exact size, from that of the source, which may be another one in each segment.
void EncodeChain::set_sizes(GstCaps* source) {
  const auto decoded = picture_of(source);
  if (!decoded)
    return;
  std::vector<Picture> pictures;
  for (std::size_t i = 0; i < plan_.size(); ++i) {
    const ScaleStep& step = plan_[i];
    const Picture& from = step.from ? pictures[*step.from] : *decoded;
    Picture picture = *decoded;
    picture.width = step.width;
    picture.height = step.height;
    picture.pixel_aspect_ratio = pixels_of(step, *decoded);
    // What it is scaled from may have them already.
    const bool borders = !same_shape(picture, *decoded) && !same_shape(picture, from);
    pictures.push_back(picture);

    Scaler& scaler = scalers_[i];
    if (borders != scaler.borders)
      g_object_set(scaler.scale, "add-borders", borders, nullptr);
    scaler.borders = borders;
    const Fraction& pixels = picture.pixel_aspect_ratio;
    const std::string caps = "video/x-raw,width=" + std::to_string(picture.width) +
                             ",height=" + std::to_string(picture.height) +
                             ",pixel-aspect-ratio=" + std::to_string(pixels.num) + "/" +
                             std::to_string(pixels.den) + picture.samples;
    if (caps != scaler.caps)
      gst_util_set_object_arg(G_OBJECT(scaler.filter), "caps", caps.c_str());
    scaler.caps = caps;
  }
}

// --- Elements

Result<GstElement*> EncodeChain::add(const std::string& factory) {
  GstElement* const element = gst_element_factory_make(factory.c_str(), nullptr);
  if (!element)
    return Error{factory + " is not installed"};
  gst_bin_add(GST_BIN(bin_.get()), element);
  elements_.push_back(element);
  return element;
}

GstElement* EncodeChain::add_filter(const std::string& caps) {
  if (caps.empty())
    return nullptr;
  GstElement* const filter = *add("capsfilter");
  gst_util_set_object_arg(G_OBJECT(filter), "caps", caps.c_str());
  return filter;
}

}  // namespace dist
