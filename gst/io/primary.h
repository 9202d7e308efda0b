// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A job's access to the workers that dial a port of this process.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "gst/base/bytes.h"
#include "gst/base/result.h"
#include "gst/cut/segment.h"
#include "gst/io/lease_link.h"
#include "gst/lease/coordinator.h"

namespace dist {

class Listener;

class Primary {
 public:
  struct Config {
    bool listens = true;  // Else all workers are of this process, and there is no port.
    std::string address = "127.0.0.1";  // Numeric IPv4 or IPv6 address.
    std::uint16_t port = 0;             // 0: any free one.
    // Where there is no secret: whoever connects over the loopback interface may be any user of
    // this machine, not only root and this process's.
    bool any_user = false;
    Coordinator::Config workers;
    Coordinator::JobConfig job;
  };

  // Told what happens, in the network thread. Must not call back into the Primary.
  class Observer {
   public:
    virtual ~Observer() = default;
    virtual void told(const Coordinator::WorkerJoined& event) = 0;
    virtual void told(const Coordinator::WorkerLeft& event) = 0;
    virtual void told(const Coordinator::WorkerSuspended& event) = 0;
    virtual void told(const Coordinator::ConnectionRefused& event) = 0;
    virtual void told(const Coordinator::WaitingForWorkers& event) = 0;
    virtual void told(const Coordinator::LeaseFailed& event) = 0;
    virtual void told(const Coordinator::SegmentGivenUp& event) = 0;
    virtual void told(const Coordinator::LeaseAdvanced& event) = 0;
    virtual void told(const Coordinator::LeaseHedged& event) = 0;
    virtual void told(const Coordinator::SegmentDone& event) = 0;
    // To be answered with looked(), from another thread.
    virtual void told(const Coordinator::LookWanted& event) = 0;
    virtual void told(const Coordinator::PicturesDiffer& event) = 0;
    virtual void told(const Coordinator::PicturesUnknown& event) = 0;
    virtual void told(const Coordinator::EncoderChosen& event) = 0;
    virtual void told(const Coordinator::NobodyCan& event) = 0;
    virtual void told(const Coordinator::ResultsSettled& event) = 0;
    virtual void told(const Coordinator::ResultsTakenBack& event) = 0;
    virtual void told(const Coordinator::JobStalled& event) = 0;
  };

  // Binds and listens, or joins the listener that another Primary of this process has on the same
  // address and port other than 0: their jobs then share the workers. The error says what is wrong
  // with address or port. `observer` has to outlive the result.
  static Result<std::unique_ptr<Primary>> listen(const Config& config, Observer& observer);

  // Cancels what is open. The last one of a listener tells the workers that the job is over, and
  // closes.
  ~Primary();
  Primary(const Primary&) = delete;
  Primary& operator=(const Primary&) = delete;

  std::uint16_t port() const;

  // See Coordinator. Any thread; done soon, in the order of the calls.
  void set_renditions(std::vector<RenditionSpec> renditions);
  void submit(std::shared_ptr<const SegmentHeader> header, BytesList segment);
  void looked(LeaseId lease, Coordinator::Look look);
  void delivered(std::uint64_t index);
  void set_blocked(bool blocked);
  void finish();
  // Cancels all segments and waits until no result of theirs can be reported any more. Not in the
  // network thread.
  void cancel_all();

  // The link of a worker in this process, see LocalLink. Any thread.
  std::unique_ptr<LeaseLink> local_link(const std::string& name, unsigned capacity,
                                        LeaseLink::Observer& observer);

 private:
  Primary(std::shared_ptr<Listener> listener, JobId job);

  const std::shared_ptr<Listener> listener_;
  const JobId job_;
};

}  // namespace dist
