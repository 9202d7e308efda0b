// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/worker_lane.h"

#include <utility>

#include "gst/base/mutex.h"

namespace dist {
namespace {

// While it is being stopped no state change of the bin may start it again.
void take_out(GstBin* bin, GstElement* element) {
  gst_element_set_locked_state(element, TRUE);
  gst_element_set_state(element, GST_STATE_NULL);
  gst_bin_remove(bin, element);
}

// Chains come and go while the bin does what it was told to: their state is not the bin's, they
// have no latency that would matter to a clock, and nothing ends with them.
bool is_inner_matter(GstMessageType type) {
  switch (type) {
    case GST_MESSAGE_ASYNC_START:
    case GST_MESSAGE_ASYNC_DONE:
    case GST_MESSAGE_LATENCY:
    case GST_MESSAGE_EOS:
    case GST_MESSAGE_STATE_DIRTY:
      return true;
    default:
      return false;
  }
}

}  // namespace

WorkerLane::WorkerLane(GstBin* bin, GstRemoteEncSrc* settings, const std::string& suffix,
                       const EncoderChoice& encoders, unsigned threads, std::uint64_t max_pixels)
    : bin_(bin),
      suffix_(suffix),
      encoders_(encoders),
      threads_(threads),
      max_pixels_(max_pixels),
      source_(Ref<GstElement>::sink(gst_remote_enc_src_new_for(this, settings, suffix.c_str()))),
      sink_(Ref<GstElement>::sink(gst_element_factory_make("remoteencsink", nullptr))) {
  gst_bin_add_many(bin_, source_.get(), sink_.get(), nullptr);
}

WorkerLane::~WorkerLane() {
  // Ends the task that builds chains.
  take_out(bin_, source_.get());
  remove_chain();
  take_out(bin_, sink_.get());
}

// --- Any thread

bool WorkerLane::lets_through(GstMessage* message) {
  const GstMessageType type = GST_MESSAGE_TYPE(message);
  if (type == GST_MESSAGE_EOS && GST_MESSAGE_SRC(message) == GST_OBJECT(sink_.get()))
    return false;
  std::shared_ptr<EncodeChain> chain;
  {
    const MutexLock lock(lock_);
    chain = chain_;
  }
  if (!chain || !chain->owns(message))
    return true;
  if (!EncodeChain::text_of(message).empty())
    fail(message);
  return type != GST_MESSAGE_ERROR && !is_inner_matter(type);
}

void WorkerLane::fail(GstMessage* message) {
  const std::string text = EncodeChain::text_of(message);
  std::shared_ptr<Lease> lease;
  bool nothing = false;
  {
    const MutexLock lock(lock_);
    failed_ = true;
    lease = lease_;
    nothing = chain_ && chain_->decoded_nothing(message);
  }
  if (lease && nothing)
    lease->settle(answer_without_frames(*lease));
  else if (lease)
    lease->settle(Lease::Failed{text});
}

void WorkerLane::broken() {
  const MutexLock lock(lock_);
  failed_ = true;
}

std::vector<Ability> WorkerLane::offer(const std::vector<RenditionSpec>& renditions) {
  std::vector<Ability> abilities;
  for (const RenditionSpec& spec : renditions)
    abilities.push_back(encoders_.choose(spec));
  return abilities;
}

// --- The task of remoteencsrc

Status WorkerLane::prepare(const std::shared_ptr<Lease>& lease) {
  if (fits(lease))
    return {};
  remove_chain();
  auto built = EncodeChain::build(*lease, offer(lease->renditions()), threads_, max_pixels_);
  if (!built)
    return Error{built.error()};
  const std::shared_ptr<EncodeChain> chain = std::move(*built);
  {
    const MutexLock lock(lock_);
    chain_ = chain;
    lease_ = lease;
  }
  gst_object_set_name(GST_OBJECT(chain->bin()), ("encode-chain" + suffix_).c_str());
  gst_bin_add(bin_, chain->bin());
  if (Status linked = link_chain(*chain, lease->renditions()); !linked) {
    broken();
    return linked;
  }
  if (!gst_element_sync_state_with_parent(chain->bin())) {
    broken();
    return Error{"the worker's decoder does not start"};
  }
  return {};
}

bool WorkerLane::fits(const std::shared_ptr<Lease>& lease) {
  const MutexLock lock(lock_);
  if (!chain_ || failed_ || !chain_->fits(*lease))
    return false;
  lease_ = lease;
  return true;
}

void WorkerLane::remove_chain() {
  std::shared_ptr<EncodeChain> chain;
  {
    const MutexLock lock(lock_);
    chain = chain_;
    lease_.reset();
  }
  // Its last messages still are the chain's.
  if (chain)
    take_out(bin_, chain->bin());
  for (const auto& exit : exits_)
    gst_element_release_request_pad(sink_.get(), exit.get());
  exits_.clear();
  const MutexLock lock(lock_);
  chain_.reset();
  failed_ = false;
}

Status WorkerLane::link_chain(const EncodeChain& chain,
                              const std::vector<RenditionSpec>& renditions) {
  for (const RenditionSpec& spec : renditions) {
    auto exit = Ref<GstPad>::adopt(
        gst_element_request_pad_simple(sink_.get(), ("sink_" + spec.name).c_str()));
    if (!exit)
      return Error{"rendition '" + spec.name + "': cannot be answered"};
    exits_.push_back(std::move(exit));
    if (!gst_element_link_pads(chain.bin(), ("src_" + spec.name).c_str(), sink_.get(),
                               ("sink_" + spec.name).c_str()))
      return Error{"rendition '" + spec.name + "': its encoder cannot be linked"};
  }
  if (!gst_element_link_pads(source_.get(), "src", chain.bin(), "sink"))
    return Error{"the worker's decoder cannot be linked"};
  return {};
}

}  // namespace dist
