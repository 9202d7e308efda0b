// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/join_outputs.h"

#include <utility>

#include "gst/base/handover.h"
#include "gst/base/mutex.h"
#include "gst/gstx/segment_buffer.h"

GST_DEBUG_CATEGORY_EXTERN(gst_dist_join_debug);
#define GST_CAT_DEFAULT gst_dist_join_debug

namespace dist {

// --- The sink pad's streaming thread

void JoinOutputs::expect(const std::string& rendition) {
  const MutexLock lock(lock_);
  output_of(rendition);
}

// Made if it is missing.
JoinOutputs::Output& JoinOutputs::output_of(const std::string& rendition) {
  queues_.try_emplace(rendition);
  Output& output = outputs_[rendition];
  output.owner = this;
  output.rendition = rendition;
  return output;
}

void JoinOutputs::open(const std::string& rendition, const std::string& name,
                       std::vector<Ref<GstEvent>> events) {
  GstPadTemplate* const pad_template = gst_element_get_pad_template(element_, "src_%s");
  const auto pad = Ref<GstPad>::sink(gst_pad_new_from_template(pad_template, name.c_str()));
  gst_pad_use_fixed_caps(pad.get());
  gst_pad_set_activatemode_function(pad.get(), activate_mode);
  {
    const MutexLock lock(lock_);
    Output& output = output_of(rendition);
    output.pad = pad;
    gst_pad_set_element_private(pad.get(), &output);
  }
  gst_pad_set_active(pad.get(), TRUE);
  for (Ref<GstEvent>& event : events)
    gst_pad_push_event(pad.get(), event.release());
  gst_element_add_pad(element_, pad.get());
}

GstFlowReturn JoinOutputs::wait_for_room(const std::string& rendition, std::uint64_t index) {
  const MutexLock lock(lock_);
  const JoinLevel& mine = queues_.at(rendition).level;
  while (!stopping_ && !flushing_ && combined_flow() == GST_FLOW_OK && !has_room_for(index, mine))
    changed_.wait(lock_);
  if (stopping_ || flushing_)
    return GST_FLOW_FLUSHING;
  const GstFlowReturn flow = combined_flow();
  flow_reported_ = flow != GST_FLOW_OK;
  return flow;
}

GstFlowReturn JoinOutputs::flow() {
  const MutexLock lock(lock_);
  return combined_flow();
}

void JoinOutputs::put(Queue& queue, Item item) {
  queue.items.push_back(std::move(item));
  changed_.notify_all();
}

void JoinOutputs::give(const std::string& rendition, JoinedSegment segment) {
  const MutexLock lock(lock_);
  Queue& queue = queues_.at(rendition);
  queue.level.next = segment.header->index + 1;
  if (!outputs_.at(rendition).pad || segment.silent)
    return;
  ++queue.level.held;
  put(queue, std::move(segment));
}

void JoinOutputs::give(const std::string& rendition, Ref<GstEvent> event) {
  const MutexLock lock(lock_);
  if (outputs_.at(rendition).pad)
    put(queues_.at(rendition), std::move(event));
}

void JoinOutputs::end(const Ref<GstEvent>& eos) {
  GstFlowReturn unreported = GST_FLOW_OK;
  {
    const MutexLock lock(lock_);
    for (auto& [rendition, output] : outputs_)
      if (output.pad)
        put(queues_.at(rendition), eos);
    ended_ = true;
    unreported = take_unreported();
  }
  if (unreported != GST_FLOW_OK)
    GST_ELEMENT_FLOW_ERROR(element_, unreported);
}

// --- Any thread

std::vector<Ref<GstPad>> JoinOutputs::pads() {
  std::vector<Ref<GstPad>> pads;
  const MutexLock lock(lock_);
  for (auto& [rendition, output] : outputs_)
    if (output.pad)
      pads.push_back(output.pad);
  return pads;
}

void JoinOutputs::pause_all() {
  for (const auto& pad : pads())
    gst_pad_pause_task(pad.get());
}

void JoinOutputs::begin_flush(const Ref<GstEvent>& event) {
  {
    const MutexLock lock(lock_);
    flushing_ = true;
    changed_.notify_all();
  }
  for (const auto& pad : pads())
    gst_pad_push_event(pad.get(), Ref<GstEvent>(event).release());
  pause_all();
}

void JoinOutputs::end_flush(const Ref<GstEvent>& event) {
  std::vector<std::pair<Output*, std::deque<Item>>> dropped;
  // A pad that was opened while the flush began may still be on its way to a pause.
  pause_all();
  {
    const MutexLock lock(lock_);
    if (stopping_)
      return;
    flushing_ = ended_ = flow_reported_ = false;
    for (auto& [rendition, output] : outputs_) {
      Queue& queue = queues_.at(rendition);
      queue.level = JoinLevel();
      queue.flow = GST_FLOW_OK;
      dropped.emplace_back(&output, std::exchange(queue.items, {}));
    }
  }
  for (const auto& [output, items] : dropped) {
    if (!output->pad)
      continue;
    // What describes the stream outlives a flush, as in queue.
    for (const Item& item : items) {
      const auto* sticky = std::get_if<Ref<GstEvent>>(&item);
      if (sticky && GST_EVENT_IS_STICKY(sticky->get()) &&
          GST_EVENT_TYPE(sticky->get()) != GST_EVENT_SEGMENT &&
          GST_EVENT_TYPE(sticky->get()) != GST_EVENT_EOS)
        gst_pad_store_sticky_event(output->pad.get(), sticky->get());
    }
    gst_pad_push_event(output->pad.get(), Ref<GstEvent>(event).release());
    hand_over(output);
    gst_pad_start_task(output->pad.get(), loop, output, nullptr);
  }
}

void JoinOutputs::stop() {
  const MutexLock lock(lock_);
  stopping_ = true;
  changed_.notify_all();
}

void JoinOutputs::clear() {
  for (const auto& pad : pads()) {
    gst_pad_set_active(pad.get(), FALSE);
    // Also if the end of a flush started it again after that.
    gst_pad_stop_task(pad.get());
    gst_element_remove_pad(element_, pad.get());
  }
  std::map<std::string, Output> dropped;
  std::map<std::string, Queue> dropped_queues;
  const MutexLock lock(lock_);
  dropped.swap(outputs_);
  dropped_queues.swap(queues_);
  flushing_ = stopping_ = ended_ = flow_reported_ = false;
}

void JoinOutputs::set_stopped(const Output& output, bool stopped) {
  const MutexLock lock(lock_);
  queues_.at(output.rendition).stopped = stopped;
  changed_.notify_all();
}

gboolean JoinOutputs::activate_mode(GstPad* pad, GstObject*, GstPadMode mode, gboolean active) {
  if (mode != GST_PAD_MODE_PUSH)
    return FALSE;
  auto* output = static_cast<Output*>(gst_pad_get_element_private(pad));
  output->owner->set_stopped(*output, !active);
  if (!active)
    return gst_pad_stop_task(pad);
  hand_over(output);
  return gst_pad_start_task(pad, loop, output, nullptr);
}

// --- The thread of each pad

void JoinOutputs::loop(gpointer user_data) {
  auto* output = static_cast<Output*>(user_data);
  take_over(output);
  if (!output->owner->push_next(*output))
    gst_pad_pause_task(output->pad.get());
}

bool JoinOutputs::push_next(const Output& output) {
  Item item;
  bool wanted = false;
  {
    const MutexLock lock(lock_);
    Queue& queue = queues_.at(output.rendition);
    while (!queue.stopped && !flushing_ && queue.items.empty())
      changed_.wait(lock_);
    if (queue.stopped || flushing_)
      return false;
    item = std::move(queue.items.front());
    queue.items.pop_front();
    wanted = queue.flow == GST_FLOW_OK || queue.flow == GST_FLOW_NOT_LINKED;
  }
  if (auto* event = std::get_if<Ref<GstEvent>>(&item)) {
    gst_pad_push_event(output.pad.get(), event->release());
    return true;
  }
  GstFlowReturn flow = GST_FLOW_OK;
  if (wanted)
    flow = push_segment(output.pad.get(), std::get<JoinedSegment>(item));
  GstFlowReturn unreported = GST_FLOW_OK;
  {
    const MutexLock lock(lock_);
    if (!flushing_) {
      Queue& queue = queues_.at(output.rendition);
      --queue.level.held;
      if (wanted)
        queue.flow = flow;
      queue.level.taken = queue.flow == GST_FLOW_OK;
    }
    unreported = take_unreported();
    changed_.notify_all();
  }
  if (unreported != GST_FLOW_OK)
    GST_ELEMENT_FLOW_ERROR(element_, unreported);
  return true;
}

GstFlowReturn JoinOutputs::push_segment(GstPad* pad, const JoinedSegment& segment) {
  const SegmentHeader& header = *segment.header;
  if (header.units.empty()) {
    // Whoever waits for the stream, such as a muxer, has to know that nothing comes.
    GST_DEBUG_OBJECT(pad, "segment %" G_GUINT64_FORMAT " has no frames", header.index);
    gst_pad_push_event(pad,
                       gst_event_new_gap(header.start + segment.shift, header.stop - header.start));
    return gst_pad_is_linked(pad) ? GST_FLOW_OK : GST_FLOW_NOT_LINKED;
  }
  const std::size_t base = header_size(segment.buffer.get(), header);
  std::uint64_t offset = 0;
  for (std::size_t i = 0; i < header.units.size(); ++i) {
    AccessUnit unit = header.units[i];
    if (i >= segment.skipped) {
      if (!header.is_source()) {
        unit.pts = unit.show + segment.shift;
        unit.dts = segment.decode_times[i];
        // Each segment came from an encoder that began anew; the stream goes on.
        if (header.index > 0)
          unit.flags &= ~static_cast<std::uint32_t>(GST_BUFFER_FLAG_DISCONT);
      }
      const GstFlowReturn flow =
          gst_pad_push(pad, unit_buffer(segment.buffer.get(), base, offset, unit).release());
      if (flow != GST_FLOW_OK)
        return flow;
    }
    offset += unit.size;
  }
  return GST_FLOW_OK;
}

// --- What the pads say together; with lock_ held

bool JoinOutputs::has_room_for(std::uint64_t index, const JoinLevel& level) const {
  std::vector<JoinLevel> all;
  for (const auto& [rendition, queue] : queues_)
    all.push_back(queue.level);
  return has_room(level, index, all);
}

GstFlowReturn JoinOutputs::combined_flow() const {
  bool linked = queues_.empty();
  bool ended = !queues_.empty();
  for (const auto& [rendition, queue] : queues_) {
    if (queue.flow == GST_FLOW_FLUSHING || queue.flow < GST_FLOW_EOS)
      return queue.flow;
    linked = linked || queue.flow != GST_FLOW_NOT_LINKED;
    ended = ended && queue.flow != GST_FLOW_OK;
  }
  if (!linked)
    return GST_FLOW_NOT_LINKED;
  return ended ? GST_FLOW_EOS : GST_FLOW_OK;
}

// Upstream reports what went wrong downstream, unless it has nothing more to send.
GstFlowReturn JoinOutputs::take_unreported() {
  const GstFlowReturn flow = combined_flow();
  const bool failed = flow == GST_FLOW_NOT_LINKED || flow < GST_FLOW_EOS;
  if (!failed || !ended_ || std::exchange(flow_reported_, true))
    return GST_FLOW_OK;
  return flow;
}

}  // namespace dist
