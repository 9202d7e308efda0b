// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The source pads of distjoin. Each has a queue and a thread of its own, so that whoever waits
// behind one of them, such as a sink in preroll, does not keep the others from their segments.
#pragma once

#include <gst/gst.h>

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "gst/base/mutex.h"
#include "gst/cut/join_room.h"
#include "gst/cut/segment.h"
#include "gst/gstx/ref.h"

namespace dist {

// A segment that is next in order on its pad.
struct JoinedSegment {
  Ref<GstBuffer> buffer;
  std::shared_ptr<const SegmentHeader> header;  // That of the buffer.
  std::size_t skipped = 0;                      // Access units that the segment before gave.
  std::vector<Time> decode_times;               // Of a rendition's units; the source has its own.
  Time shift = 0;                               // By which a rendition's times are moved up.
  bool silent = false;                          // A gap of which nobody is to hear.
};

class JoinOutputs {
 public:
  // The pads become those of `element`, which outlives the object.
  explicit JoinOutputs(GstElement* element) : element_(element) {}
  JoinOutputs(const JoinOutputs&) = delete;
  JoinOutputs& operator=(const JoinOutputs&) = delete;

  // --- The sink pad's streaming thread

  // There will be segments of this rendition, so that the others do not wait in vain for room.
  void expect(const std::string& rendition);
  // Adds the pad src_NAME of a rendition, on which these events have been sent.
  void open(const std::string& rendition, const std::string& name,
            std::vector<Ref<GstEvent>> events);
  // Waits until the segment may be taken. Anything but OK is for upstream: FLUSHING, or what the
  // pads say together, where those that are not linked count only if none is.
  GstFlowReturn wait_for_room(const std::string& rendition, std::uint64_t index);
  // What the pads say together.
  GstFlowReturn flow();
  // A segment that is next in order. Without access units it is a gap, of which nobody hears on a
  // pad that is still to come.
  void give(const std::string& rendition, JoinedSegment segment);
  // In order with the segments, if there is a pad.
  void give(const std::string& rendition, Ref<GstEvent> event);
  // EOS for all pads.
  void end(const Ref<GstEvent>& eos);

  // --- Any thread

  // Ends every wait; whatever waits is dropped. The event goes to all pads.
  void begin_flush(const Ref<GstEvent>& event);
  void end_flush(const Ref<GstEvent>& event);

  // --- The thread that changes the element's state

  // Ends wait_for_room(), as the element stops.
  void stop();
  // Removes the pads and ends their threads, once the sink pad is not active any more.
  void clear();

 private:
  using Item = std::variant<Ref<GstEvent>, JoinedSegment>;

  struct Output {
    JoinOutputs* owner = nullptr;
    std::string rendition;
    Ref<GstPad> pad;
  };
  // What waits for the pad of an output, and how the pad does.
  struct Queue {
    std::deque<Item> items;
    JoinLevel level;
    GstFlowReturn flow = GST_FLOW_OK;
    bool stopped = false;  // The pad is not active.
  };

  static gboolean activate_mode(GstPad* pad, GstObject* parent, GstPadMode mode, gboolean active);
  Output& output_of(const std::string& rendition) REQUIRES(lock_);
  void set_stopped(const Output& output, bool stopped);
  static void loop(gpointer output);
  bool push_next(const Output& output);
  static GstFlowReturn push_segment(GstPad* pad, const JoinedSegment& segment);
  void put(Queue& queue, Item item) REQUIRES(lock_);
  std::vector<Ref<GstPad>> pads();
  void pause_all();
  bool has_room_for(std::uint64_t index, const JoinLevel& level) const REQUIRES(lock_);
  GstFlowReturn combined_flow() const REQUIRES(lock_);
  GstFlowReturn take_unreported() REQUIRES(lock_);

  GstElement* const element_;

  Mutex lock_;
  Condition changed_;
  // Only the sink pad's streaming thread adds outputs.
  std::map<std::string, Output> outputs_ GUARDED_BY(lock_);
  std::map<std::string, Queue> queues_ GUARDED_BY(lock_);  // Of the same renditions.
  bool flushing_ GUARDED_BY(lock_) = false;
  bool stopping_ GUARDED_BY(lock_) = false;
  bool ended_ GUARDED_BY(lock_) = false;  // EOS was given.
  bool flow_reported_ GUARDED_BY(lock_) =
      false;  // Upstream knows the flow, or an error was posted.
};

}  // namespace dist
