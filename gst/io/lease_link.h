// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "gst/base/bytes.h"
#include "gst/rendition/rendition.h"

namespace dist {

// What connects a worker with a primary, wherever that is. It brings leases and takes the answers.
class LeaseLink {
 public:
  // Lease numbers are the primary's own; another connection may bring the same ones again.
  struct LeaseKey {
    std::uint64_t connection = 0;
    std::uint64_t lease = 0;
    bool operator==(const LeaseKey&) const = default;
  };
  struct JobKey {
    std::uint64_t connection = 0;
    std::uint64_t job = 0;
  };

  struct Leased {
    LeaseKey key;
    std::uint64_t segment = 0;
    std::string renditions;  // As parse_renditions() takes it; empty: whatever the worker makes.
    BytesList payload;       // A serialised segment; its header is in the first piece.
  };

  // How far the lease is that is in the pipeline.
  struct Working {
    LeaseKey key;
    std::uint32_t units = 0;   // Access units that went in.
    std::uint32_t frames = 0;  // Frames that came out, of all renditions.
  };

  // Told what happens, in one thread. Must not destroy the link.
  class Observer {
   public:
    virtual ~Observer() = default;
    virtual void connected() = 0;
    // The primary cannot be reached, or does not greet; said once until it does. Dialling goes on.
    virtual void unreachable(const std::string& reason) = 0;
    // Asked about twice a second, to tell the primary.
    virtual std::optional<Working> working() = 0;
    // What a job wants; to be answered with offer().
    virtual void wanted(JobKey key, const std::string& renditions) = 0;
    virtual void leased(Leased lease) = 0;
    virtual void cancelled(LeaseKey key) = 0;
    // The connection is gone and with it all leases. `done`: the job is over in good order.
    // Unless the link was to reconnect this is the last thing that happens.
    virtual void disconnected(bool done, const std::string& reason) = 0;
    // The primary does not want this worker, or is not the one it takes itself for. The last thing
    // that happens.
    virtual void refused(const std::string& reason) = 0;
    // What retire() asked for is done. The last thing that happens.
    virtual void retired() = 0;
  };

  virtual ~LeaseLink() = default;

  // From now on the observer is told. Once.
  virtual void begin() = 0;
  // Leaves. Until this returns the observer is told, and may answer; then never more. The
  // destructor does it too, but for an observer that reaches the link through a std::unique_ptr
  // that would be too late. Not from the thread that tells the observer.
  virtual void end() = 0;

  // Answers; ignored when their connection is gone. Any thread.
  virtual void offer(JobKey key, std::vector<Ability> abilities) = 0;
  virtual void result(LeaseKey key, std::vector<BytesList> renditions) = 0;
  virtual void fail(LeaseKey key, const std::string& reason) = 0;
  // Gives all leases back and asks for no more: this worker can do no more. What was not yet told
  // to the observer is not told any more. Any thread.
  virtual void leave() = 0;
  // Gives all leases back but the one that is in the pipeline, if any, asks for no more, and leaves
  // when that one is answered; whoever has no connection leaves at once. No lease comes of which
  // the observer was not told yet. Any thread.
  virtual void retire(std::optional<LeaseKey> working) = 0;
};

}  // namespace dist
