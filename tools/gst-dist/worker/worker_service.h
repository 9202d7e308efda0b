// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Runs a remoteencworker for as long as nobody ends it, and tells in a line each time what changes.
#pragma once

#include <gst/gst.h>

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "gst/base/address.h"
#include "gst/gstx/ref.h"
#include "tools/gst-dist/worker/owner_load.h"

namespace dist::tool {

class WorkerService {
 public:
  struct Settings {
    std::vector<Address> primaries;  // At least one; of several one at a time has this worker.
    std::string name;                // Empty: host name and process id.
    std::string encoders;
    std::string secret_file;
    int slots = 1;
    double pause_above = 0;        // Cores; 0: never.
    std::uint64_t max_memory = 0;  // Bytes; 0: no limit.
    std::uint64_t max_pixels = 0;  // Of a picture.
    bool verbose = false;
  };

  // GStreamer is initialised. `pipeline` holds `worker`, which is a remoteencworker, and nothing
  // else.
  WorkerService(const Settings& settings, Ref<GstElement> pipeline, GstElement* worker);
  ~WorkerService();
  WorkerService(const WorkerService&) = delete;
  WorkerService& operator=(const WorkerService&) = delete;

  // Until a signal, or an error that waiting does not mend. Returns an ExitCode.
  int run();

 private:
  enum class State {
    kServing,
    kDraining,  // Takes no more, and finishes what it has.
    kResting,   // Is not there for the primary.
  };
  enum class Told { kNothing, kUnreachable, kConnected, kAway, kRefused };
  struct Primary {
    Address address;
    std::string name;  // For people.
    Told told = Told::kNothing;
    std::string refusal{};  // What was told.
  };

  void serve();
  void drain(double grace);
  void rest();
  void go_on();
  void turn_to_next();
  void end(int code);

  void signalled();
  void tick();
  void look_at_owner();
  void look_at_memory();

  void handle(GstMessage* message);
  void handle_link(GstMessage* message);
  void handle_error(GstMessage* message);
  void refused(const std::string& text);

  const Settings settings_;
  const Ref<GstElement> pipeline_;
  GstElement* const worker_;
  const Ref<GstBus> bus_;
  GMainLoop* const loop_;
  std::vector<Primary> primaries_;
  std::size_t current_ = 0;  // The one that is dialled, or has this worker.
  std::size_t tried_ = 0;    // So many in turn had no work.

  State state_ = State::kResting;
  double drained_at_ = 0;  // When it is resting at the latest.
  double serving_since_ = 0;
  double retry_at_ = 0;  // After a refusal.
  double retry_after_ = 0;
  bool ending_ = false;
  int code_ = 0;

  std::set<const GstObject*> connected_;  // The slots that are; by identity.
  std::optional<OwnerLoad> owner_;        // None: whatever the owner does.
  int slots_;
};

}  // namespace dist::tool
