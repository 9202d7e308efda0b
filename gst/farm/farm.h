// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// All that a process has to do with workers: the port that they dial, their connections, and the
// thread in which a Coordinator decides who encodes what. A farm lives as long as its owners hold
// it, also between jobs, so that workers stay connected.
#pragma once

#include <gio/gio.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "gst/base/result.h"
#include "gst/farm/api.h"
#include "gst/io/connection.h"
#include "gst/io/io_thread.h"
#include "gst/lease/coordinator.h"
#include "gst/lease/farm_events.h"

namespace dist {

class FarmJob;

class DIST_FARM_API Farm {
 public:
  struct Config {
    bool listens = true;  // False: all workers are of this process, and there is no port.
    std::string address = "127.0.0.1";  // Numeric IPv4 or IPv6 address.
    std::uint16_t port = 0;             // 0: any free one.
    // Where there is no secret: whoever connects over the loopback interface may be any user of
    // this machine, not only root and this process's.
    bool any_user = false;
    // The secret, deadlines, and limits of connections.
    Coordinator::Config workers = {};
  };

  // Binds and listens. The error says what is wrong with address or port. Any thread.
  static Result<std::shared_ptr<Farm>> open(const Config& config);

  // Tells the workers that the primary stopped, gives that half a second to be written, and closes.
  // Not in the network thread.
  ~Farm();
  Farm(const Farm&) = delete;
  Farm& operator=(const Farm&) = delete;

  // Constant. Any thread.
  const Config& config() const { return config_; }
  // 0: the farm does not listen.
  std::uint16_t port() const { return port_; }

  // How jobs and workers do. Any thread but the network's; waits for that.
  FarmStatus status();

 private:
  friend FarmJob;
  friend class LocalLink;

  using Tell = std::function<void(const FarmEvent& event)>;
  // Calls the coordinator in the network thread, and does what follows. run() waits.
  using Work = std::function<void(Coordinator& coordinator, Instant now)>;

  explicit Farm(const Config& config);
  Status listen();

  // Any thread but the network's; wait. After remove_job() nothing more is told.
  JobId add_job(const Coordinator::JobConfig& config, Tell tell);
  void remove_job(JobId job);
  void post(Work work);
  void run(const Work& work);

  std::string flaw_of_user(GSocketConnection* socket) const;
  void accept(GSocketConnection* socket);
  void act();

  const Config config_;
  std::uint16_t port_ = 0;

  IoThread thread_{"dist-primary"};
  // All of the following belong to the network thread.
  GSocketService* service_ = nullptr;
  Coordinator coordinator_;
  Timer timer_;
  std::map<WorkerId, std::unique_ptr<Connection>> connections_;
  std::size_t max_connections_ = 0;
  std::map<JobId, Tell> jobs_;
  WorkerId next_worker_ = 1;
  JobId next_job_ = 1;
  bool acting_ = false;
  bool stopping_ = false;
};

}  // namespace dist
