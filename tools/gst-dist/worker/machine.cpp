// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/gst-dist/worker/machine.h"

#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <sstream>

namespace dist::tool {
namespace {

// As linux/ioprio.h has them, which not every system installs.
constexpr int kIoprioWhoProcess = 1;
constexpr int kIoprioClassIdle = 3;
constexpr int kIoprioClassShift = 13;
constexpr char kLowestNice[] = "19";

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

double used_by(int who) {
  rusage usage{};
  getrusage(who, &usage);
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

}  // namespace

std::optional<std::uint64_t> busy_ticks(const std::string& stat) {
  std::istringstream in(stat);
  std::string cpu;
  std::uint64_t user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0;
  // What guests had is in user and nice already.
  if (!(in >> cpu >> user >> nice >> system >> idle >> iowait >> irq >> softirq) || cpu != "cpu")
    return std::nullopt;
  return user + nice + system + irq + softirq;
}

std::optional<ProcessorTime> processor_time() {
  std::ifstream file("/proc/stat");
  std::string line;
  std::getline(file, line);
  const auto ticks = busy_ticks(line);
  const long hertz = sysconf(_SC_CLK_TCK);
  if (!ticks || hertz <= 0)
    return std::nullopt;
  return ProcessorTime{static_cast<double>(*ticks) / static_cast<double>(hertz),
                       used_by(RUSAGE_SELF) + used_by(RUSAGE_CHILDREN)};
}

std::optional<std::uint64_t> resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::uint64_t all = 0;
  std::uint64_t resident = 0;
  const long page = sysconf(_SC_PAGESIZE);
  if (!(file >> all >> resident) || page <= 0)
    return std::nullopt;
  return resident * static_cast<std::uint64_t>(page);
}

Status take_idle_priority() {
  const sched_param none{};
  if (sched_setscheduler(0, SCHED_IDLE, &none) != 0)
    return Error{std::string("SCHED_IDLE: ") + std::strerror(errno)};
  if (syscall(SYS_ioprio_set, kIoprioWhoProcess, 0, kIoprioClassIdle << kIoprioClassShift) != 0)
    return Error{std::string("the idle class for disks: ") + std::strerror(errno)};
  // Where the kernel shares processors between sessions first, and then within them, a session that
  // is the worker's alone has to be low too. One that it shares is not its own to change.
  if (getsid(0) == getpid())
    std::ofstream("/proc/self/autogroup") << kLowestNice;
  return {};
}

std::string bytes_text(std::uint64_t bytes) {
  const double mebibytes = static_cast<double>(bytes) / (1 << 20);
  char text[32];
  if (mebibytes < 1024)
    std::snprintf(text, sizeof(text), "%.0f MiB", mebibytes);
  else
    std::snprintf(text, sizeof(text), "%.1f GiB", mebibytes / 1024);
  return text;
}

}  // namespace dist::tool
