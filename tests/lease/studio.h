// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A cluster with a job that says which renditions it wants.
#pragma once

#include <string>
#include <vector>

#include "tests/lease/cluster.h"

namespace dist::test {

inline constexpr char kX264[] = "x264enc";
inline constexpr char kOpen[] = "openh264enc";

inline std::vector<RenditionSpec> specs(const char* text) {
  return *parse_renditions(text);
}

// Job 1 wants a large and a small rendition.
struct Studio : Cluster {
  explicit Studio(bool mixed_encoders = false, const char* wanted = "hd:h264:64x36,sd:h264:32x18",
                  std::uint64_t max_bytes = 1u << 20, Verify verify = Verify::kNone,
                  bool has_store = false) {
    coordinator.add_job(1,
                        {.max_bytes = max_bytes,
                         .mixed_encoders = mixed_encoders,
                         .verification = {.mode = verify},
                         .has_store = has_store},
                        now);
    coordinator.set_renditions(1, specs(wanted), now);
  }
  // Each that the job wants is made with `encoder`; those with an empty one cannot be.
  void join_with(WorkerId id, const std::string& name, const std::vector<std::string>& encoders) {
    join(id, name);
    offer(id, encoders);
  }
  void offer(WorkerId id, const std::vector<std::string>& encoders) {
    std::vector<Ability> abilities;
    for (const std::string& encoder : encoders)
      abilities.push_back({!encoder.empty(), encoder, encoder.empty() ? "no encoder" : ""});
    fail_unless_equals_uint64(worker(id).wanted.size(), 1);
    worker(id).session.offer(worker(id).wanted.front().job, abilities);
    worker(id).wanted.clear();
    run();
  }
  // A pipeline that somebody wrote.
  void join_by_hand(WorkerId id, const std::string& name) {
    join(id, name);
    worker(id).session.offer(worker(id).wanted.front().job, {{.able = true}, {.able = true}});
    run();
  }
  // The worker answers its first lease with these.
  void make(WorkerId id, const std::vector<std::string>& renditions) {
    const SegmentHeader header = leased_header(id);
    std::vector<BytesList> parts;
    for (const std::string& rendition : renditions)
      parts.push_back(with_payload(answer_header(header, rendition)));
    answer(id, std::move(parts));
    run();
  }
  // What the worker's leases want, in their order.
  std::string wanted_of(WorkerId id) {
    std::string text;
    for (const auto& lease : worker(id).leases)
      for (const RenditionSpec& spec : specs(lease.renditions.c_str()))
        text += (text.empty() ? "" : " ") + std::to_string(lease.segment) + ":" + spec.name;
    return text;
  }
};

}  // namespace dist::test
