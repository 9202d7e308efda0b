// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// One of a remoteencworker's pipelines: remoteencsrc, the chain that the job needs, remoteencsink.
#pragma once

#include <gst/gst.h>

#include <memory>
#include <string>
#include <vector>

#include "gst/base/mutex.h"
#include "gst/gstx/encoder_choice.h"
#include "gst/gstx/lease.h"
#include "gst/gstx/ref.h"
#include "plugins/encode_chain.h"
#include "plugins/gstremoteencsrc.h"
#include "plugins/lease_player.h"

namespace dist {

// Takes one segment at a time. The chain is built for the first lease and again for one that it
// does not fit, or when it failed.
class WorkerLane : public PipelineAdapter {
 public:
  // Adds its elements to the bin, which outlives it. `settings` are those of its remoteencsrc, and
  // `suffix`, which no other lane of the bin has, follows the worker's name. `threads` and
  // `max_pixels` as in EncodeChain.
  WorkerLane(GstBin* bin, GstRemoteEncSrc* settings, const std::string& suffix,
             const EncoderChoice& encoders, unsigned threads, std::uint64_t max_pixels);
  // Stops the elements and takes them out again.
  ~WorkerLane() override;
  WorkerLane(const WorkerLane&) = delete;
  WorkerLane& operator=(const WorkerLane&) = delete;

  // A message from within the bin, in any thread. False if it is of no concern to anybody outside,
  // as an error of the chain, which fails the lease.
  bool lets_through(GstMessage* message);

  std::vector<Ability> offer(const std::vector<RenditionSpec>& renditions) override;
  Status prepare(const std::shared_ptr<Lease>& lease) override;
  void broken() override;

 private:
  bool fits(const std::shared_ptr<Lease>& lease);
  void remove_chain();
  Status link_chain(const EncodeChain& chain, const std::vector<RenditionSpec>& renditions);
  void fail(GstMessage* message);

  GstBin* const bin_;
  const std::string suffix_;
  const EncoderChoice encoders_;
  const unsigned threads_;
  const std::uint64_t max_pixels_;
  const Ref<GstElement> source_;
  const Ref<GstElement> sink_;

  std::vector<Ref<GstPad>> exits_;  // Request pads of the sink. Belong to the source's task.

  Mutex lock_;
  std::shared_ptr<EncodeChain> chain_ GUARDED_BY(lock_);  // Null: none.
  std::shared_ptr<Lease> lease_ GUARDED_BY(lock_);        // What the chain was last prepared for.
  bool failed_ GUARDED_BY(lock_) = false;                 // The chain is of no use any more.
};

}  // namespace dist
