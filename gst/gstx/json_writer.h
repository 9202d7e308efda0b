// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <json-glib/json-glib.h>

#include <cstdint>
#include <string>
#include <vector>

#include "gst/base/text.h"
#include "gst/gstx/ref.h"

namespace dist {

// Writes one JSON object, member by member. Inside an array members have no name: pass null.
class JsonWriter {
 public:
  JsonWriter() : builder_(json_builder_new()) { json_builder_begin_object(builder_); }
  ~JsonWriter() { g_object_unref(builder_); }
  JsonWriter(const JsonWriter&) = delete;
  JsonWriter& operator=(const JsonWriter&) = delete;

  void begin_object(const char* name) {
    set_name(name);
    json_builder_begin_object(builder_);
  }
  void end_object() { json_builder_end_object(builder_); }
  void begin_array(const char* name) {
    set_name(name);
    json_builder_begin_array(builder_);
  }
  void end_array() { json_builder_end_array(builder_); }

  void text(const char* name, const std::string& value) {
    set_name(name);
    // Names of files may be any bytes.
    const std::string valid =
        take_string(g_utf8_make_valid(value.data(), static_cast<gssize>(value.size())));
    json_builder_add_string_value(builder_, valid.c_str());
  }
  void texts(const char* name, const std::vector<std::string>& values) {
    begin_array(name);
    for (const std::string& value : values)
      text(nullptr, value);
    end_array();
  }
  // An array of objects; `write_members` adds the members of one item.
  template <class Items, class WriteMembers>
  void objects(const char* name, const Items& items, WriteMembers write_members) {
    begin_array(name);
    for (const auto& item : items) {
      begin_object(nullptr);
      write_members(item);
      end_object();
    }
    end_array();
  }
  void count(const char* name, std::uint64_t value) {
    set_name(name);
    json_builder_add_int_value(builder_, static_cast<gint64>(value));
  }
  void difference(const char* name, std::int64_t value) {
    set_name(name);
    json_builder_add_int_value(builder_, value);
  }
  void number(const char* name, double value) {
    set_name(name);
    json_builder_add_double_value(builder_, value);
  }
  void flag(const char* name, bool value) {
    set_name(name);
    json_builder_add_boolean_value(builder_, value);
  }

  // Ends the object, on one line or on several. Once.
  std::string finish(bool pretty) {
    end_object();
    JsonNode* const root = json_builder_get_root(builder_);
    std::string result = take_string(json_to_string(root, pretty));
    json_node_unref(root);
    return result;
  }

 private:
  void set_name(const char* name) {
    if (name)
      json_builder_set_member_name(builder_, name);
  }

  JsonBuilder* const builder_;
};

}  // namespace dist
