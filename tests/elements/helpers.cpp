// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/elements/helpers.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "gst/base/text.h"
#include "gst/gstx/segment_buffer.h"

#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>
#else
#define __tsan_acquire(address)
#define __tsan_release(address)
#endif

namespace test {

// --- Messages

Messages::Messages(GstElement* element) : bus_(GST_ELEMENT_BUS(element)) {
  if (bus_) {
    gst_object_ref(bus_);
  } else {
    bus_ = gst_bus_new();
    gst_element_set_bus(element, bus_);
  }
}

Messages::~Messages() {
  gst_bus_set_flushing(bus_, TRUE);
  gst_object_unref(bus_);
}

void Messages::drain() {
  while (GstMessage* message = gst_bus_pop(bus_))
    messages_.push_back(Ref<GstMessage>::adopt(message));
}

template <class Wanted>
Ref<GstMessage> Messages::wait(Wanted wanted) {
  const gint64 deadline = g_get_monotonic_time() + kTimeoutSeconds * G_USEC_PER_SEC;
  while (true) {
    const auto found = std::find_if(messages_.begin(), messages_.end(),
                                    [&](const auto& message) { return wanted(message.get()); });
    if (found != messages_.end()) {
      Ref<GstMessage> message = std::move(*found);
      messages_.erase(found);
      return message;
    }
    const gint64 left = deadline - g_get_monotonic_time();
    fail_unless(left > 0, "a message did not come");
    GstMessage* const next = gst_bus_timed_pop(bus_, static_cast<GstClockTime>(left) * 1000);
    if (next)
      messages_.push_back(Ref<GstMessage>::adopt(next));
  }
}

Ref<GstMessage> Messages::next(const char* name) {
  return wait([name](GstMessage* message) {
    return GST_MESSAGE_TYPE(message) == GST_MESSAGE_ELEMENT && gst_message_has_name(message, name);
  });
}

Ref<GstMessage> Messages::next(GstMessageType type) {
  return wait([type](GstMessage* message) { return GST_MESSAGE_TYPE(message) == type; });
}

std::size_t Messages::count(GstMessageType type) {
  drain();
  return static_cast<std::size_t>(
      std::count_if(messages_.begin(), messages_.end(),
                    [&](const auto& m) { return GST_MESSAGE_TYPE(m.get()) == type; }));
}

std::size_t Messages::count(const char* name) {
  drain();
  return static_cast<std::size_t>(
      std::count_if(messages_.begin(), messages_.end(),
                    [&](const auto& m) { return gst_message_has_name(m.get(), name); }));
}

std::string Messages::expect_error(GQuark domain, int code, const std::string& text) {
  const auto message = next(GST_MESSAGE_ERROR);
  GError* error = nullptr;
  gchar* debug = nullptr;
  gst_message_parse_error(message.get(), &error, &debug);
  fail_unless(g_error_matches(error, domain, code), "error is %s %d: %s",
              g_quark_to_string(error->domain), error->code, error->message);
  fail_unless(std::strstr(error->message, text.c_str()), "'%s' is not in: %s", text.c_str(),
              error->message);
  expect_equal(count(GST_MESSAGE_ERROR), 0);
  g_error_free(error);
  return dist::take_string(debug);
}

guint64 uint64_field(const Ref<GstMessage>& message, const char* field) {
  guint64 value = 0;
  fail_unless(gst_structure_get_uint64(gst_message_get_structure(message.get()), field, &value),
              "no field %s", field);
  return value;
}

guint uint_field(const Ref<GstMessage>& message, const char* field) {
  guint value = 0;
  fail_unless(gst_structure_get_uint(gst_message_get_structure(message.get()), field, &value),
              "no field %s", field);
  return value;
}

std::string string_field(const Ref<GstMessage>& message, const char* field) {
  const gchar* text = gst_structure_get_string(gst_message_get_structure(message.get()), field);
  fail_unless(text != nullptr, "no field %s", field);
  return text;
}

// --- Elements

Ref<GstElement> make_element(const std::string& factory, const std::string& properties) {
  GstElement* const made = gst_element_factory_make(factory.c_str(), nullptr);
  fail_unless(made != nullptr, "no element %s", factory.c_str());
  auto element = Ref<GstElement>::sink(made);
  gchar** const assignments = g_strsplit(properties.c_str(), " ", -1);
  for (gchar** at = assignments; *at; ++at) {
    if (**at == 0)
      continue;
    gchar** const pair = g_strsplit(*at, "=", 2);
    gst_util_set_object_arg(G_OBJECT(made), pair[0], pair[1]);
    g_strfreev(pair);
  }
  g_strfreev(assignments);
  return element;
}

static Ref<GstElement> made_for(const std::shared_ptr<dist::Farm>& farm, Ref<GstElement> element) {
  if (farm)
    dist::set_farm(element.get(), farm);
  return element;
}

Harness::Harness(const std::string& factory, const std::string& properties, const char* sink,
                 const char* src, const std::shared_ptr<dist::Farm>& farm)
    : element_(made_for(farm, make_element(factory, properties))),
      messages_(element_.get()),
      harness_(gst_harness_new_with_element(element_.get(), sink, src)) {
  // ThreadSanitizer does not see the lock of the harness's queue.
  const auto handed_over = [](GstPad*, [[maybe_unused]] GstPadProbeInfo* info, gpointer) {
    __tsan_release(GST_PAD_PROBE_INFO_BUFFER(info));
    return GST_PAD_PROBE_OK;
  };
  if (src)
    gst_pad_add_probe(harness_->sinkpad, GST_PAD_PROBE_TYPE_BUFFER, handed_over, nullptr, nullptr);
  gst_harness_play(harness_);
}

void Harness::start(const std::string& caps) {
  gst_harness_set_src_caps_str(harness_, caps.c_str());
}

Ref<GstBuffer> Harness::pull() {
  auto buffer = Ref<GstBuffer>::adopt(gst_harness_pull(harness_));
  fail_unless(static_cast<bool>(buffer), "a buffer did not come");
  __tsan_acquire(buffer.get());
  return buffer;
}

Ref<GstEvent> Harness::pull_event(GstEventType type) {
  while (true) {
    auto event = Ref<GstEvent>::adopt(gst_harness_pull_event(harness_));
    fail_unless(static_cast<bool>(event), "an event of type %s did not come",
                gst_event_type_get_name(type));
    if (GST_EVENT_TYPE(event.get()) == type)
      return event;
  }
}

void Harness::flush() {
  fail_unless(push_event(gst_event_new_flush_start()));
  fail_unless(push_event(gst_event_new_flush_stop(TRUE)));
  fail_unless(push_event(time_segment_event()));
}

GstEvent* time_segment_event(GstClockTime start, GstClockTime stop) {
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  segment.start = segment.time = segment.position = start;
  segment.stop = stop;
  return gst_event_new_segment(&segment);
}

GstEvent* marker_event(const char* name) {
  return gst_event_new_custom(GST_EVENT_CUSTOM_DOWNSTREAM, gst_structure_new_empty(name));
}

void expect_property(GstElement* element, const char* name, guint64 minimum, guint64 maximum,
                     guint64 initial) {
  GParamSpec* const spec = g_object_class_find_property(G_OBJECT_GET_CLASS(element), name);
  fail_unless(spec != nullptr, "no property %s", name);
  guint64 value = 0;
  if (G_IS_PARAM_SPEC_UINT(spec)) {
    const GParamSpecUInt* const typed = G_PARAM_SPEC_UINT(spec);
    expect_equal(typed->minimum, minimum);
    expect_equal(typed->maximum, maximum);
    expect_equal(typed->default_value, initial);
    guint small = 0;
    g_object_get(element, name, &small, nullptr);
    value = small;
    g_object_set(element, name, static_cast<guint>(maximum), nullptr);
    g_object_get(element, name, &small, nullptr);
    expect_equal(small, maximum);
  } else {
    const GParamSpecUInt64* const typed = G_PARAM_SPEC_UINT64(spec);
    expect_equal(typed->minimum, minimum);
    expect_equal(typed->maximum, maximum);
    expect_equal(typed->default_value, initial);
    guint64 read_back = 0;
    g_object_get(element, name, &value, nullptr);
    g_object_set(element, name, maximum, nullptr);
    g_object_get(element, name, &read_back, nullptr);
    expect_equal(read_back, maximum);
  }
  expect_equal(value, initial);
}

// --- Segments

Ref<GstBuffer> raw_frame(std::uint64_t number) {
  return unit(std::vector<std::uint8_t>(kFrameSize, static_cast<std::uint8_t>(number)),
              number * kFrame, number * kFrame, kFrame);
}

Ref<GstBuffer> unit(std::vector<std::uint8_t> bytes, Time pts, Time dts, Time duration,
                    guint flags) {
  auto buffer = Ref<GstBuffer>::adopt(gst_buffer_new_allocate(nullptr, bytes.size(), nullptr));
  gst_buffer_fill(buffer.get(), 0, bytes.data(), bytes.size());
  GST_BUFFER_PTS(buffer.get()) = pts;
  GST_BUFFER_DTS(buffer.get()) = dts;
  GST_BUFFER_DURATION(buffer.get()) = duration;
  GST_BUFFER_FLAG_SET(buffer.get(), flags);
  return buffer;
}

dist::SegmentHeader source_header(std::uint64_t index, bool last) {
  dist::SegmentHeader header;
  header.stream_id = "film";
  header.index = index;
  header.start = index * dist::kSecond;
  header.stop = (index + 1) * dist::kSecond;
  header.last = last;
  header.caps = kRawCaps;
  header.first_unit = index * 10;
  for (Time pts = header.start; pts < header.stop; pts += kFrame)
    header.units.push_back({pts, pts, kFrame, pts, 0, kFrameSize});
  return header;
}

dist::SegmentHeader rendition_header(const dist::SegmentHeader& source,
                                     const std::string& rendition) {
  dist::SegmentHeader header = source;
  header.rendition = rendition;
  header.caps = kEncodedCaps;
  header.first_unit = 0;
  header.units.clear();
  for (Time show : source.presentation_times())
    header.units.push_back({.pts = show,
                            .dts = dist::kNoTime,
                            .duration = kFrame,
                            .show = show,
                            .flags = header.units.empty() ? 0 : dist::kFlagDeltaUnit,
                            .size = kFrameSize});
  return header;
}

dist::Bytes serialized(const dist::SegmentHeader& header) {
  const dist::Bytes head = dist::serialize(header);
  std::vector<std::uint8_t> bytes(head.span().begin(), head.span().end());
  for (std::uint64_t i = 0; i < header.payload_size(); ++i)
    bytes.push_back(static_cast<std::uint8_t>(i));
  // A rendition begins with a slice of an IDR picture.
  constexpr std::array<std::uint8_t, 4> kIdr = {0, 0, 1, 0x65};
  if (!header.is_source() && header.payload_size() >= kIdr.size())
    std::copy(kIdr.begin(), kIdr.end(), bytes.begin() + static_cast<std::ptrdiff_t>(head.size()));
  return dist::Bytes::take(std::move(bytes));
}

Ref<GstBuffer> segment(const dist::SegmentHeader& header) {
  return dist::make_segment_buffer(header, {serialized(header)});
}

dist::SegmentHeader header_of(const Ref<GstBuffer>& segment) {
  auto header = dist::read_header(segment.get());
  fail_unless(static_cast<bool>(header), "%s", header ? "" : header.error().c_str());
  return *header;
}

// --- The other end of the wire

Peer::Peer(GSocket* socket) : socket_(socket) {
  g_socket_set_blocking(socket_, TRUE);
  g_socket_set_timeout(socket_, kTimeoutSeconds);
  g_socket_set_option(socket_, IPPROTO_TCP, TCP_NODELAY, 1, nullptr);
}

Peer::~Peer() {
  g_object_unref(socket_);
}

void Peer::send(std::span<const std::uint8_t> bytes) {
  while (!bytes.empty()) {
    const gssize sent = g_socket_send(socket_, reinterpret_cast<const gchar*>(bytes.data()),
                                      bytes.size(), nullptr, nullptr);
    if (sent <= 0 && may_end_)
      return;
    fail_unless(sent > 0, "the connection is gone");
    bytes = bytes.subspan(static_cast<std::size_t>(sent));
  }
}

std::vector<std::uint8_t> Peer::receive() {
  std::vector<std::uint8_t> bytes(64 * 1024);
  GError* error = nullptr;
  const gssize size = g_socket_receive(socket_, reinterpret_cast<gchar*>(bytes.data()),
                                       bytes.size(), nullptr, &error);
  fail_if(g_error_matches(error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT), "nothing came from the peer");
  g_clear_error(&error);
  bytes.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  return bytes;
}

bool Peer::quiet() {
  return !g_socket_condition_timed_wait(
      socket_, G_IO_IN, kQuietMilliseconds * G_GINT64_CONSTANT(1000), nullptr, nullptr);
}

void Peer::close() {
  g_socket_close(socket_, nullptr);
}

void Peer::flush(dist::Link& link) {
  while (link.has_output())
    for (const dist::Bytes& piece : link.next_output())
      send(piece.span());
}

static GSocket* dial(GstElement* remoteenc) {
  guint port = 0;
  g_object_get(remoteenc, "port", &port, nullptr);
  GSocket* const socket =
      g_socket_new(G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, nullptr);
  GSocketAddress* const address = g_inet_socket_address_new_from_string("127.0.0.1", port);
  fail_unless(g_socket_connect(socket, address, nullptr, nullptr), "cannot reach port %u", port);
  g_object_unref(address);
  return socket;
}

FakeWorker::FakeWorker(GstElement* remoteenc, const std::string& name, std::uint16_t capacity)
    : Peer(dial(remoteenc)),
      session_({.name = name, .capacity = capacity, .secret = ""}, {}, dist::IoThread::now()) {
  flush(session_);
  next<dist::WorkerSession::Welcomed>();
}

void FakeWorker::pump() {
  const auto bytes = receive();
  fail_if(bytes.empty(), "the primary closed the connection");
  fail_unless(static_cast<bool>(session_.receive(bytes, dist::IoThread::now(), events_)));
  flush(session_);
}

void FakeWorker::offer(const dist::Encoder& encoder) {
  const auto wanted = next<dist::WorkerSession::Wanted>();
  const auto renditions = dist::parse_renditions(wanted.renditions);
  fail_unless(static_cast<bool>(renditions));
  session_.offer(
      wanted.job,
      std::vector<dist::Ability>(
          renditions->size(),
          {.able = true, .encoder = encoder.name, .reason = "", .version = encoder.version}));
  flush(session_);
}

void FakeWorker::answer(const Leased& lease, const std::vector<dist::SegmentHeader>& renditions) {
  std::vector<dist::BytesList> parts;
  for (const auto& header : renditions)
    parts.push_back({serialized(header)});
  session_.result(lease.lease, std::move(parts));
  flush(session_);
}

void FakeWorker::answer(const Leased& lease) {
  const auto source = dist::parse_header(lease.payload.span(), lease.payload.size());
  fail_unless(static_cast<bool>(source));
  answer(lease, {rendition_header(*source)});
}

void FakeWorker::give_up(const Leased& lease, const std::string& reason) {
  session_.fail(lease.lease, reason);
  flush(session_);
}

Stranger::Stranger(GstElement* remoteenc) : Peer(dial(remoteenc)) {}

FakePrimary::FakePrimary(guint port)
    : socket_(g_socket_new(G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP,
                           nullptr)) {
  GSocketAddress* const wanted = g_inet_socket_address_new_from_string("127.0.0.1", port);
  fail_unless(g_socket_bind(socket_, wanted, TRUE, nullptr));
  g_object_unref(wanted);
  fail_unless(g_socket_listen(socket_, nullptr));
  g_socket_set_timeout(socket_, kTimeoutSeconds);
  GSocketAddress* const bound = g_socket_get_local_address(socket_, nullptr);
  port_ = g_inet_socket_address_get_port(G_INET_SOCKET_ADDRESS(bound));
  g_object_unref(bound);
}

FakePrimary::~FakePrimary() {
  g_object_unref(socket_);
}

GSocket* FakePrimary::accept_socket() {
  GSocket* const socket = g_socket_accept(socket_, nullptr, nullptr);
  fail_unless(socket != nullptr, "no worker came");
  return socket;
}

FakePrimary::Worker FakePrimary::accept() {
  return Worker(accept_socket());
}

bool FakePrimary::quiet() {
  return !g_socket_condition_timed_wait(
      socket_, G_IO_IN, kQuietMilliseconds * G_GINT64_CONSTANT(1000), nullptr, nullptr);
}

FakePrimary::Worker::Worker(GSocket* socket)
    : Peer(socket), session_(config_, {}, dist::IoThread::now()) {
  joined_ = next<dist::PrimarySession::Joined>();
}

void FakePrimary::Worker::grant(std::uint64_t lease, const dist::SegmentHeader& header) {
  grant(lease, serialized(header));
}

void FakePrimary::Worker::grant(std::uint64_t lease, const dist::Bytes& segment) {
  grant(lease, dist::BytesList{segment}, "");
}

void FakePrimary::Worker::grant(std::uint64_t lease, const dist::BytesList& segment,
                                const std::string& renditions) {
  const dist::wire::Grant message{.lease = lease,
                                  .segment = lease,
                                  .attempt = 1,
                                  .sha256 = dist::sha256(segment),
                                  .renditions = renditions};
  session_.grant(message, 1000, segment);
  flush(session_);
}

void FakePrimary::Worker::cancel(std::uint64_t lease) {
  session_.cancel(lease);
  flush(session_);
}

void FakePrimary::Worker::done(const std::string& reason) {
  session_.done(reason);
  flush(session_);
}

bool FakePrimary::Worker::quiet() {
  while (!Peer::quiet()) {
    pump();
    std::erase_if(events_, [](const auto& event) {
      return std::holds_alternative<dist::PrimarySession::LeaseAdvanced>(event);
    });
    if (!events_.empty())
      return false;
  }
  return true;
}

void FakePrimary::Worker::pump() {
  const auto bytes = receive();
  fail_if(bytes.empty(), "the worker closed the connection");
  fail_unless(static_cast<bool>(session_.receive(bytes, dist::IoThread::now(), events_)));
  flush(session_);
}

}  // namespace test
