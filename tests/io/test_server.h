// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Servers that a test starts for itself, on loopback, and what goes wrong on the way to them.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "gst/base/mutex.h"

namespace dist::test {

// Nobody listens there.
std::uint16_t free_port();
// Whether somebody listens there within that time.
bool listens(std::uint16_t port, unsigned seconds);

// A process that ends with this object, and with the test.
class Server {
 public:
  // What the process prints goes into `log`.
  Server(const std::vector<std::string>& command, const std::string& log);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  bool runs() const;

 private:
  pid_t pid_ = 0;
};

// Answers one request after another, each on a connection of its own, with the next of `answers`.
// An empty answer, and those after the last, is silence until the client goes.
class ScriptedServer {
 public:
  explicit ScriptedServer(std::vector<std::string> answers);
  ~ScriptedServer();
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  unsigned requests() const { return requests_; }

  // With a body and its length.
  static std::string answer(const std::string& status, const std::string& body);

 private:
  void serve();

  const std::vector<std::string> answers_;
  std::uint16_t port_ = 0;
  int listener_ = -1;  // Sets the port.
  std::atomic<bool> ending_ = false;
  std::atomic<unsigned> requests_ = 0;
  std::thread thread_;
};

// An HTTP store that is empty and stays so: it answers GET with 404, and takes what it is given.
// All connections at once, one request on each.
class EmptyStoreServer {
 public:
  EmptyStoreServer();
  ~EmptyStoreServer();
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/results"; }
  // Requests that come from now on are not answered, until it lets them go.
  void hold(bool holds) { holds_ = holds; }
  // Of GETs.
  unsigned asked() const { return asked_; }
  unsigned answered() const { return answered_; }

 private:
  void accept();
  void serve(int client);

  std::uint16_t port_ = 0;
  int listener_ = -1;  // Sets the port.
  std::atomic<bool> ending_ = false;
  std::atomic<bool> holds_ = false;
  std::atomic<unsigned> asked_ = 0;
  std::atomic<unsigned> answered_ = 0;
  std::vector<std::thread> threads_;  // Of connections; belong to the accepting one.
  std::thread accepting_;
};

// Lets connections through to another port, each as its turn in `faults` says; those after the
// last go through.
class FaultyProxy {
 public:
  enum class Fault {
    kNone,
    kBusy,         // Answers 503.
    kReset,        // Resets it once the request has begun.
    kResetMidway,  // Resets it within the response.
    kCutsUpload,   // Resets it once it has sent kCut bytes.
  };
  static constexpr std::uint64_t kCut = 12u << 20;

  FaultyProxy(std::uint16_t to, std::vector<Fault> faults);
  ~FaultyProxy();
  std::uint16_t port() const { return port_; }
  unsigned connections() const { return connections_; }

 private:
  void accept();
  void serve(int client, Fault fault);
  void pass(int client, int server, Fault fault);

  const std::uint16_t to_;
  const std::vector<Fault> faults_;
  std::uint16_t port_ = 0;
  int listener_ = -1;  // Sets the port.
  std::atomic<bool> ending_ = false;
  std::atomic<unsigned> connections_ = 0;
  std::vector<std::thread> threads_;  // Of connections; belong to the accepting one.
  std::thread accepting_;
};

}  // namespace dist::test
