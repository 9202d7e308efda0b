// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A remoteencworker for tests, in a pipeline of its own, and the primary it dials.
#pragma once

#include <string>

#include "tests/elements/helpers.h"

namespace test {

// A pipeline with nothing but the element "worker".
inline Ref<GstElement> generic_worker(const std::string& properties) {
  auto pipeline = Ref<GstElement>::sink(gst_pipeline_new(nullptr));
  const auto worker = make_element("remoteencworker", "name=worker " + properties);
  gst_bin_add(GST_BIN(pipeline.get()), worker.get());
  return pipeline;
}

struct GenericWorker {
  FakePrimary primary;
  Ref<GstElement> pipeline;
  Messages messages;

  explicit GenericWorker(const std::string& properties = "slots=1")
      : pipeline(generic_worker(primary.address() + " " + properties)), messages(pipeline.get()) {
    // As long as no lease came there is nothing that could preroll, and nothing is waited for.
    expect_equal(gst_element_set_state(pipeline.get(), GST_STATE_PLAYING),
                 GST_STATE_CHANGE_SUCCESS);
  }
  ~GenericWorker() { gst_element_set_state(pipeline.get(), GST_STATE_NULL); }
};

// Its renditions as "small*25 thumb*1".
inline std::string contents(const FakePrimary::Result& result) {
  std::string text;
  for (const dist::BytesList& bytes : result.renditions) {
    const auto header = dist::parse_header(bytes.front().span(), dist::total_size(bytes));
    fail_unless(static_cast<bool>(header));
    text +=
        (text.empty() ? "" : " ") + header->rendition + "*" + std::to_string(header->units.size());
  }
  return text;
}

}  // namespace test
