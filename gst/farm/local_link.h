// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A worker's link to a primary of its own process: no socket, and nothing is copied.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gst/farm/api.h"
#include "gst/farm/farm.h"
#include "gst/io/lease_link.h"
#include "gst/wire/lease_port.h"

namespace dist {

class DIST_FARM_API LocalLink : public LeaseLink, private LeasePort {
 public:
  // The observer, which outlives the link, is told in the farm's network thread. `capacity` is how
  // many leases the worker wants to hold.
  LocalLink(std::shared_ptr<Farm> farm, const std::string& name, unsigned capacity,
            Observer& observer);
  // Leaves. Not in the farm's network thread.
  ~LocalLink() override;
  LocalLink(const LocalLink&) = delete;
  LocalLink& operator=(const LocalLink&) = delete;

  void begin() override;
  void end() override;
  void offer(JobKey key, std::vector<Ability> abilities) override;
  void result(LeaseKey key, std::vector<BytesList> renditions) override;
  void fail(LeaseKey key, const std::string& reason) override;
  void leave() override;
  void retire(std::optional<LeaseKey> working) override;

 private:
  Trust trust() const override { return Trust::kOwn; }
  void want(std::uint64_t job, const std::vector<RenditionSpec>& renditions) override;
  void grant(wire::Grant lease, std::uint32_t units, BytesList payload) override;
  void cancel(std::uint64_t lease) override;
  // A seek may bring more of the job, and the primary ends this worker itself.
  void done(const std::string&) override {}
  void drop_leases() override;
  // Results come at once.
  std::optional<Incoming> incoming() const override { return std::nullopt; }

  void say(PrimarySession::Event event);
  void answer(std::uint64_t lease, PrimarySession::Event event);
  void watch();
  void leave_now(Coordinator& coordinator, Instant now);
  void leave_if_retired(Coordinator& coordinator, Instant now);

  const std::shared_ptr<Farm> farm_;
  const std::string name_;
  const unsigned capacity_;
  Observer& observer_;

  // All of these belong to the farm's network thread.
  struct Progress {
    std::uint32_t all = 0;  // Access units of the lease.
    std::uint32_t units = 0;
    std::uint32_t frames = 0;
  };
  WorkerId id_ = 0;
  bool joined_ = false;
  bool retiring_ = false;
  std::map<std::uint64_t, Progress> leases_;
  std::unique_ptr<Timer> watch_;
};

}  // namespace dist
