// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/job/job_event.h"

#include <optional>

#include "gst/gstx/json_writer.h"

namespace dist {
namespace {

class JsonFields {
 public:
  explicit JsonFields(JsonWriter& json) : json_(json) {}

  void operator()(const char* name, std::uint64_t value) { json_.count(name, value); }
  void operator()(const char* name, unsigned value) { json_.count(name, value); }
  void operator()(const char* name, double value) { json_.number(name, value); }
  void operator()(const char* name, bool value) { json_.flag(name, value); }
  void operator()(const char* name, const std::string& value) { json_.text(name, value); }
  template <class T>
  void operator()(const char* name, const std::optional<T>& value) {
    if (value)
      (*this)(name, *value);
  }

 private:
  JsonWriter& json_;
};

}  // namespace

std::string to_json(const message::Any& message) {
  JsonWriter json;
  std::visit(
      [&json](const auto& m) {
        json.text("event", m.kName);
        JsonFields fields(json);
        m.fields(m, fields);
      },
      message);
  return json.finish(false);
}

}  // namespace dist
