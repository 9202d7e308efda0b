// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/io/ladder_file.h"

#include <gio/gio.h>
#include <json-glib/json-glib.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "gst/base/glib_error.h"
#include "gst/io/object.h"
#include "gst/rendition/rendition_text.h"

namespace dist {
namespace {

using text::number;
using text::shown;

// json-glib reads what is nested by calling itself; a ladder has few brackets.
constexpr std::ptrdiff_t kMaxBrackets = 1000;

enum class Kind { kText, kNumber, kEither };

const struct {
  const char* name;
  Kind kind;
} kFields[] = {
    {"name", Kind::kText},      {"codec", Kind::kText},     {"width", Kind::kNumber},
    {"height", Kind::kNumber},  {"fps", Kind::kEither},     {"crf", Kind::kNumber},
    {"quality", Kind::kNumber}, {"bitrate", Kind::kEither}, {"maxrate", Kind::kEither},
    {"buffer", Kind::kNumber},  {"keyint", Kind::kNumber},  {"bframes", Kind::kNumber},
    {"threads", Kind::kNumber}, {"speed", Kind::kText},
};

Result<std::string> read_file(const std::string& path) {
  GLibError error;
  const Object<GFile> file(g_file_new_for_path(path.c_str()));
  const Object<GFileInputStream> stream(g_file_read(file.get(), nullptr, error.out()));
  if (!stream)
    return Error{path + ": " + error.message()};
  std::string data(kMaxLadderFile + 1, '\0');
  gsize size = 0;
  if (!g_input_stream_read_all(G_INPUT_STREAM(stream.get()), data.data(), data.size(), &size,
                               nullptr, error.out()))
    return Error{path + ": " + error.message()};
  if (size > kMaxLadderFile)
    return Error{path + ": larger than 1 MiB, which no ladder is"};
  data.resize(size);
  if (!g_utf8_validate(data.data(), static_cast<gssize>(size), nullptr))
    return Error{path + ": not UTF-8 text"};
  if (std::count_if(data.begin(), data.end(), [](char c) { return c == '[' || c == '{'; }) >
      kMaxBrackets)
    return Error{path + ": more than 1000 brackets, which no ladder has"};
  return data;
}

// As it stands in the file.
std::string shown_value(JsonNode* node) {
  if (JSON_NODE_HOLDS_OBJECT(node))
    return "an object";
  if (JSON_NODE_HOLDS_ARRAY(node))
    return "a list";
  if (JSON_NODE_HOLDS_NULL(node))
    return "null";
  switch (json_node_get_value_type(node)) {
    case G_TYPE_STRING:
      return "\"" + shown(json_node_get_string(node)) + "\"";
    case G_TYPE_BOOLEAN:
      return json_node_get_boolean(node) ? "true" : "false";
    case G_TYPE_INT64:
      return std::to_string(json_node_get_int(node));
    default:
      return number(json_node_get_double(node));
  }
}

std::optional<std::string> text_in(JsonNode* node) {
  if (!JSON_NODE_HOLDS_VALUE(node) || json_node_get_value_type(node) != G_TYPE_STRING)
    return {};
  return json_node_get_string(node);
}

std::optional<std::string> number_in(JsonNode* node) {
  if (!JSON_NODE_HOLDS_VALUE(node))
    return {};
  const GType type = json_node_get_value_type(node);
  if (type != G_TYPE_INT64 && type != G_TYPE_DOUBLE)
    return {};
  return shown_value(node);
}

// What is left of a message about the field when its name and value are taken off: these are shown
// as they are in the file.
std::string reason(std::string message, const std::string& field) {
  if (message.starts_with("rendition '"))
    message.erase(0, message.find("': ") + 3);
  if (message.starts_with(field + "=") || message.starts_with(field + ": "))
    message.erase(0, message.find(": ") + 2);
  if (message.starts_with(field + " '"))
    message.erase(0, message.find("': ") + 3);
  return message;
}

// Reads one rendition; `path` is its place in the file.
class Reader {
 public:
  Reader(std::string path, JsonObject* object) : path_(std::move(path)), object_(object) {}

  Result<RenditionSpec> read() {
    if (Status status = refuse_unknown(); !status)
      return Error{status.error()};
    // The name and the codec first: the others depend on them.
    for (const auto& field : kFields)
      if (JsonNode* node = json_object_get_member(object_, field.name))
        if (Status status = set(field.name, field.kind, node); !status)
          return Error{status.error()};
    for (const char* field : {"name", "codec"})
      if (!json_object_has_member(object_, field))
        return Error{path_ + "." + field + ": missing; each rendition has a name and a codec"};
    if (Status status = check_renditions({spec_}); !status)
      return Error{path_ + ": " + reason(status.error(), "")};
    return spec_;
  }

 private:
  Status refuse_unknown() const {
    std::string known;
    for (const auto& field : kFields)
      known += (known.empty() ? "" : ", ") + std::string(field.name);
    GList* members = json_object_get_members(object_);
    std::optional<std::string> unknown;
    for (GList* i = members; i && !unknown; i = i->next) {
      const char* name = static_cast<const char*>(i->data);
      if (std::none_of(std::begin(kFields), std::end(kFields),
                       [&](const auto& field) { return std::string_view(field.name) == name; }))
        unknown = shown(name);
    }
    g_list_free(members);
    if (unknown)
      return Error{path_ + "." + *unknown + ": unknown; known are " + known};
    return {};
  }

  Error flaw(const std::string& field, JsonNode* node, const std::string& right) const {
    return Error{path_ + "." + field + ": " + shown_value(node) + ": " + right};
  }

  Status set(const std::string& field, Kind kind, JsonNode* node) {
    const auto text = text_in(node);
    const auto value = kind == Kind::kText ? text : number_in(node);
    if (!value && !(kind == Kind::kEither && text)) {
      // Text that would do, but for the quotes; else what the field takes.
      const Status status = kind == Kind::kNumber && text ? apply(field, *text) : Status();
      if (!status)
        return flaw(field, node, reason(status.error(), field));
      if (kind == Kind::kNumber && text)
        return flaw(field, node, "write the number without quotes");
      return flaw(field, node,
                  kind == Kind::kText     ? "write text in quotes"
                  : kind == Kind::kNumber ? "write a number"
                                          : "write a number, or text in quotes");
    }
    if (const Status status = apply(field, value ? *value : *text); !status)
      return flaw(field, node, reason(status.error(), field));
    return {};
  }

  // Checks the field together with name and codec only, so that what is wrong is wrong with it.
  Status apply(const std::string& field, const std::string& value) {
    RenditionSpec alone;
    alone.name = spec_.name.empty() ? "a" : spec_.name;
    alone.codec = spec_.codec.empty() ? "h264" : spec_.codec;
    if (field == "name") {
      alone.name = spec_.name = value;
      return check_renditions({alone});
    }
    if (Status status = set_field(alone, field, value); !status)
      return status;
    if (Status status = check_renditions({alone}); !status)
      return status;
    return set_field(spec_, field, value);
  }

  std::string path_;
  JsonObject* object_;
  RenditionSpec spec_;
};

Result<std::vector<RenditionSpec>> read_list(JsonNode* root) {
  if (!root || !JSON_NODE_HOLDS_OBJECT(root))
    return Error{
        std::string("write an object with a list of renditions, such as "
                    "{\"renditions\": [{\"name\": \"720p\", \"codec\": \"h264\"}]}")};
  JsonObject* object = json_node_get_object(root);
  JsonNode* renditions = json_object_get_member(object, "renditions");
  if (!renditions)
    return Error{"renditions: missing; write a list of objects"};
  if (json_object_get_size(object) > 1)
    return Error{"renditions is all that the object may have"};
  if (!JSON_NODE_HOLDS_ARRAY(renditions))
    return Error{"renditions: " + shown_value(renditions) + ": write a list of objects"};
  JsonArray* list = json_node_get_array(renditions);
  const guint count = json_array_get_length(list);
  if (count == 0)
    return Error{"renditions: empty; write at least one"};
  if (count > kMaxRenditions)
    return Error{"renditions: more than " + std::to_string(kMaxRenditions)};
  std::vector<RenditionSpec> specs;
  for (guint i = 0; i < count; ++i) {
    const std::string path = "renditions[" + std::to_string(i) + "]";
    JsonNode* node = json_array_get_element(list, i);
    if (!JSON_NODE_HOLDS_OBJECT(node))
      return Error{path + ": " + shown_value(node) + ": write an object"};
    auto spec = Reader(path, json_node_get_object(node)).read();
    if (!spec)
      return Error{spec.error()};
    const auto same = [&](const RenditionSpec& s) { return s.name == spec->name; };
    if (std::any_of(specs.begin(), specs.end(), same))
      return Error{path + ".name: \"" + spec->name + "\": the name comes twice"};
    specs.push_back(std::move(*spec));
  }
  return specs;
}

}  // namespace

Result<std::vector<RenditionSpec>> read_ladder(const std::string& path) {
  const auto data = read_file(path);
  if (!data)
    return Error{data.error()};
  const Object<JsonParser> parser(json_parser_new_immutable());
  GLibError error;
  if (!json_parser_load_from_data(parser.get(), data->data(), static_cast<gssize>(data->size()),
                                  error.out())) {
    // "<data>:3:7: Parse error: …", and the parser itself has forgotten the line.
    const std::string message = error.message();
    const std::size_t line = message.find(':') + 1;
    const std::size_t text = message.find("error: ");
    if (line == 0 || text == std::string::npos)
      return Error{path + ": not JSON: " + message};
    return Error{path + ": line " + message.substr(line, message.find(':', line) - line) +
                 ": not JSON: " + message.substr(text + 7)};
  }
  auto specs = read_list(json_parser_get_root(parser.get()));
  if (!specs)
    return Error{path + ": " + specs.error()};
  return specs;
}

Result<std::vector<RenditionSpec>> find_renditions(const std::string& renditions,
                                                   const std::string& ladder) {
  if (!renditions.empty() && !ladder.empty())
    return Error{"renditions and ladder are both set: set one of them"};
  if (!renditions.empty())
    return parse_renditions(renditions);
  if (ladder.empty())
    return std::vector<RenditionSpec>();
  if (const char* built_in = built_in_ladder(ladder))
    return parse_renditions(built_in);
  if (ladder.find('/') == std::string::npos && ladder.find('.') == std::string::npos)
    return Error{"ladder '" + ladder + "': there is none of that name; there are " +
                 built_in_ladder_names() + ", or give the path of a JSON file"};
  return read_ladder(ladder);
}

}  // namespace dist
