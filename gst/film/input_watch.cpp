// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/film/input_watch.h"

#include "gst/gstx/bin_builder.h"

#include <algorithm>

namespace dist {
namespace {

constexpr double kPatience = 60;
constexpr double kLongestStep = 5;

// Whether a thread is in there, which may wait for what follows.
bool is_entered(GstPad* pad) {
  if (!g_rec_mutex_trylock(GST_PAD_GET_STREAM_LOCK(pad)))
    return true;
  GST_PAD_STREAM_UNLOCK(pad);
  return false;
}

}  // namespace

InputWatch::InputWatch(const Ref<GstElement>& cut, const Ref<GstElement>& join)
    : in_(sink_of(cut)), out_(sink_of(join)) {
  probe_ = gst_pad_add_probe(in_.get(),
                             static_cast<GstPadProbeType>(GST_PAD_PROBE_TYPE_DATA_DOWNSTREAM |
                                                          GST_PAD_PROBE_TYPE_EVENT_FLUSH),
                             on_data, this, nullptr);
}

InputWatch::~InputWatch() {
  gst_pad_remove_probe(in_.get(), probe_);
}

GstPadProbeReturn InputWatch::on_data(GstPad*, GstPadProbeInfo* info, gpointer data) {
  auto* const self = static_cast<InputWatch*>(data);
  ++self->count_;
  self->ended_ = (info->type & GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM) != 0 &&
                 GST_EVENT_TYPE(GST_PAD_PROBE_INFO_EVENT(info)) == GST_EVENT_EOS;
  return GST_PAD_PROBE_OK;
}

bool InputWatch::is_silent(double now, bool idle) {
  const std::uint64_t count = count_;
  const bool moves =
      count != seen_ || ended_ || !idle || is_entered(in_.get()) || is_entered(out_.get());
  seen_ = count;
  // A process that was stopped for a while has not listened.
  const double passed = std::min(now - asked_, kLongestStep);
  asked_ = now;
  silence_ = moves ? 0 : silence_ + passed;
  return silence_ >= kPatience;
}

}  // namespace dist
