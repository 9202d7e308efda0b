// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the element tests share: an element with a bus in a GstHarness, segments made by hand, and
// the other end of the wire, which does only what the test says.
#pragma once

#include <gio/gio.h>
#include <gst/check/gstcheck.h>
#include <gst/check/gstharness.h>

// A macro of Check's, where others have functions.
#undef fail

#include <algorithm>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "gst/cut/segment.h"
#include "gst/farm/farm_context.h"
#include "gst/gstx/ref.h"
#include "gst/io/io_thread.h"
#include "gst/wire/session.h"

// For integers and enumerations of any type.
#define expect_equal(a, b)                                                                       \
  do {                                                                                           \
    const auto left_ = static_cast<gint64>(a);                                                   \
    const auto right_ = static_cast<gint64>(b);                                                  \
    fail_unless(left_ == right_, "%s is %" G_GINT64_FORMAT ", not %" G_GINT64_FORMAT, #a, left_, \
                right_);                                                                         \
  } while (false)

#define expect_text(a, b)                                                                    \
  do {                                                                                       \
    const std::string left_ = (a);                                                           \
    const std::string right_ = (b);                                                          \
    fail_unless(left_ == right_, "%s is '%s', not '%s'", #a, left_.c_str(), right_.c_str()); \
  } while (false)

namespace test {

using dist::Ref;
using dist::Time;

// A test that waits longer than this for anything has failed.
inline constexpr unsigned kTimeoutSeconds = 30;
// Something that must not happen is waited for this long.
inline constexpr unsigned kQuietMilliseconds = 100;

// --- Messages

// Reads an element's messages; none gets lost by waiting for another one.
class Messages {
 public:
  // Gives the element a bus of its own, or takes a pipeline's.
  explicit Messages(GstElement* element);
  ~Messages();
  Messages(const Messages&) = delete;
  Messages& operator=(const Messages&) = delete;

  // Waits for the next element message of that name; each is returned once.
  Ref<GstMessage> next(const char* name);
  // Waits for the next message of that type.
  Ref<GstMessage> next(GstMessageType type);
  // How many messages of that type, or element messages of that name, came so far and were not
  // returned yet.
  std::size_t count(GstMessageType type);
  std::size_t count(const char* name);
  // Waits for an error and checks it, and that it is the only one so far. Returns its debug text.
  std::string expect_error(GQuark domain, int code, const std::string& text);

 private:
  template <class Wanted>
  Ref<GstMessage> wait(Wanted wanted);
  void drain();

  GstBus* bus_;
  std::deque<Ref<GstMessage>> messages_;
};

guint64 uint64_field(const Ref<GstMessage>& message, const char* field);
guint uint_field(const Ref<GstMessage>& message, const char* field);
std::string string_field(const Ref<GstMessage>& message, const char* field);

// --- Elements

// Makes an element and sets properties, as in "port=0 max-segments=2". Owned by the caller.
Ref<GstElement> make_element(const std::string& factory, const std::string& properties = "");

// One element between the pads of a GstHarness, in PLAYING.
class Harness {
 public:
  // A pad name is null where the element has no such pad. The farm, if any, is handed over.
  Harness(const std::string& factory, const std::string& properties, const char* sink,
          const char* src, const std::shared_ptr<dist::Farm>& farm = {});
  ~Harness() { gst_harness_teardown(harness_); }
  Harness(const Harness&) = delete;
  Harness& operator=(const Harness&) = delete;

  GstHarness* get() const { return harness_; }
  GstElement* element() const { return element_.get(); }
  Messages& messages() { return messages_; }

  // STREAM_START, CAPS and SEGMENT.
  void start(const std::string& caps);
  GstFlowReturn push(Ref<GstBuffer> buffer) { return gst_harness_push(harness_, buffer.release()); }
  bool push_event(GstEvent* event) { return gst_harness_push_event(harness_, event); }
  // Waits for the next buffer.
  Ref<GstBuffer> pull();
  // Waits for the next event of that type and drops those before it.
  Ref<GstEvent> pull_event(GstEventType type);
  std::size_t waiting() const { return gst_harness_buffers_in_queue(harness_); }
  void flush();

 private:
  Ref<GstElement> element_;
  Messages messages_;
  GstHarness* harness_;
};

// For what nobody announces.
template <class Condition>
void wait_until(Condition condition) {
  const gint64 deadline = g_get_monotonic_time() + kTimeoutSeconds * G_USEC_PER_SEC;
  while (!condition()) {
    fail_unless(g_get_monotonic_time() < deadline, "a condition did not come true");
    g_usleep(1000);
  }
}

GstEvent* time_segment_event(GstClockTime start = 0, GstClockTime stop = GST_CLOCK_TIME_NONE);
// A serialized event that no element knows.
GstEvent* marker_event(const char* name);
// One check for each property of an element.
void expect_property(GstElement* element, const char* name, guint64 minimum, guint64 maximum,
                     guint64 initial);

// --- Segments

inline constexpr char kRawCaps[] =
    "video/x-raw, format=(string)GRAY8, width=(int)4, height=(int)2, framerate=(fraction)10/1";
inline constexpr char kEncodedCaps[] =
    "video/x-h264, stream-format=(string)byte-stream, alignment=(string)au";
inline constexpr std::size_t kFrameSize = 8;
inline constexpr Time kFrame = dist::kSecond / 10;

// A raw frame of a film of ten frames a second; its bytes are its number.
Ref<GstBuffer> raw_frame(std::uint64_t number);
Ref<GstBuffer> unit(std::vector<std::uint8_t> bytes, Time pts, Time dts, Time duration,
                    guint flags = 0);

// A second of that film as a source segment.
dist::SegmentHeader source_header(std::uint64_t index, bool last = false);
// What an encoder without frame reordering makes of it.
dist::SegmentHeader rendition_header(const dist::SegmentHeader& source,
                                     const std::string& rendition = "0");
// The header and a payload of numbers.
dist::Bytes serialized(const dist::SegmentHeader& header);
Ref<GstBuffer> segment(const dist::SegmentHeader& header);
dist::SegmentHeader header_of(const Ref<GstBuffer>& segment);

// A remoteenc that listens on a free port, for workers whose answers nobody can decode.
struct RemoteEnc : Harness {
  explicit RemoteEnc(const std::string& properties = "", const char* src = "src")
      : Harness("remoteenc", "port=0 verify=none " + properties, "sink", src) {
    start("application/x-dist-segment");
  }
  // For the workers of this farm.
  explicit RemoteEnc(const std::shared_ptr<dist::Farm>& farm)
      : Harness("remoteenc", "verify=none", "sink", "src", farm) {
    start("application/x-dist-segment");
  }
  GstFlowReturn push_segment(std::uint64_t index, bool last = false) {
    return push(segment(source_header(index, last)));
  }
  bool end() { return push_event(gst_event_new_eos()); }
  dist::SegmentHeader pull_header() { return header_of(pull()); }
};

// --- The other end of the wire

// A connected socket that blocks, and the session that talks through it.
class Peer {
 public:
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;
  ~Peer();

  void send(std::span<const std::uint8_t> bytes);
  // The next bytes; none once the connection is closed.
  std::vector<std::uint8_t> receive();
  // True if nothing comes for kQuietMilliseconds.
  bool quiet();
  // Closes without goodbye.
  void close();
  // The other end may close while something is being sent to it.
  void expect_end() { may_end_ = true; }

 protected:
  explicit Peer(GSocket* socket);
  void flush(dist::Link& link);

 private:
  GSocket* socket_;
  bool may_end_ = false;
};

// The next event of type T of a list that `more` fills.
template <class T, class List, class More>
T take_event(List& events, More more) {
  while (true) {
    for (auto at = events.begin(); at != events.end(); ++at) {
      if (auto* found = std::get_if<T>(&*at)) {
        T event = std::move(*found);
        events.erase(at);
        return event;
      }
    }
    more();
  }
}

// A worker that dials a remoteenc.
class FakeWorker : public Peer {
 public:
  using Leased = dist::WorkerSession::Leased;

  explicit FakeWorker(GstElement* remoteenc, const std::string& name = "worker",
                      std::uint16_t capacity = 1);

  template <class T>
  T next() {
    return take_event<T>(events_, [this] { pump(); });
  }
  Leased lease() { return next<Leased>(); }
  // Waits to be asked what it can make of a job, and says that it makes each with this encoder.
  void offer(const dist::Encoder& encoder);
  void answer(const Leased& lease, const std::vector<dist::SegmentHeader>& renditions);
  // With rendition 0, as it should be.
  void answer(const Leased& lease);
  void give_up(const Leased& lease, const std::string& reason);

 private:
  void pump();

  dist::WorkerSession session_;
  std::vector<dist::WorkerSession::Event> events_;
};

// A connection that speaks whatever the test says.
class Stranger : public Peer {
 public:
  explicit Stranger(GstElement* remoteenc);
  explicit Stranger(GSocket* connected) : Peer(connected) {}
};

// The listening socket of a primary, and the workers it accepts.
class FakePrimary {
 public:
  using Result = dist::PrimarySession::ResultReceived;
  using Failure = dist::PrimarySession::LeaseFailed;

  class Worker : public Peer {
   public:
    explicit Worker(GSocket* socket);

    const dist::PrimarySession::Joined& joined() const { return joined_; }
    template <class T>
    T next() {
      return take_event<T>(events_, [this] { pump(); });
    }
    // Waits for anything.
    void more() { pump(); }
    // How many have come that next() did not return.
    template <class T>
    std::size_t count() const {
      return static_cast<std::size_t>(
          std::count_if(events_.begin(), events_.end(),
                        [](const auto& event) { return std::holds_alternative<T>(event); }));
    }
    // True if nothing but reports of progress comes for kQuietMilliseconds.
    bool quiet();
    void grant(std::uint64_t lease, const dist::SegmentHeader& header);
    void grant(std::uint64_t lease, const dist::Bytes& segment);
    void grant(std::uint64_t lease, const dist::BytesList& segment, const std::string& renditions);
    void cancel(std::uint64_t lease);
    void done(const std::string& reason);

   private:
    void pump();

    static inline const dist::PrimarySession::Config config_ = {};
    dist::PrimarySession session_;
    std::vector<dist::PrimarySession::Event> events_;
    dist::PrimarySession::Joined joined_;
  };

  // 0: any free port.
  explicit FakePrimary(guint port = 0);
  ~FakePrimary();
  FakePrimary(const FakePrimary&) = delete;
  FakePrimary& operator=(const FakePrimary&) = delete;

  guint port() const { return port_; }
  // Properties for a remoteencsrc that dials this.
  std::string address() const { return "port=" + std::to_string(port_); }
  // Waits for a connection; the greeting is not yet read.
  GSocket* accept_socket();
  Worker accept();
  // True if nobody dials for kQuietMilliseconds.
  bool quiet();

 private:
  GSocket* socket_;
  guint port_ = 0;
};

}  // namespace test
