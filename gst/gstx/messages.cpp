// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/gstx/messages.h"

#include <string_view>
#include <utility>

namespace dist::message {
namespace {

class Writer {
 public:
  explicit Writer(GstStructure* structure) : structure_(structure) {}

  void operator()(const char* name, std::uint64_t value) {
    gst_structure_set(structure_, name, G_TYPE_UINT64, guint64{value}, nullptr);
  }
  void operator()(const char* name, unsigned value) {
    gst_structure_set(structure_, name, G_TYPE_UINT, guint{value}, nullptr);
  }
  void operator()(const char* name, double value) {
    gst_structure_set(structure_, name, G_TYPE_DOUBLE, value, nullptr);
  }
  void operator()(const char* name, bool value) {
    gst_structure_set(structure_, name, G_TYPE_BOOLEAN, gboolean{value}, nullptr);
  }
  void operator()(const char* name, const std::string& value) {
    gst_structure_set(structure_, name, G_TYPE_STRING, value.c_str(), nullptr);
  }
  template <class T>
  void operator()(const char* name, const std::optional<T>& value) {
    if (value)
      (*this)(name, *value);
  }

 private:
  GstStructure* const structure_;
};

class Reader {
 public:
  explicit Reader(const GstStructure* structure) : structure_(structure) {}

  bool complete() const { return complete_; }

  void operator()(const char* name, std::uint64_t& value) {
    guint64 found = 0;
    note(gst_structure_get_uint64(structure_, name, &found));
    value = found;
  }
  void operator()(const char* name, unsigned& value) {
    note(gst_structure_get_uint(structure_, name, &value));
  }
  void operator()(const char* name, double& value) {
    note(gst_structure_get_double(structure_, name, &value));
  }
  void operator()(const char* name, bool& value) {
    gboolean found = FALSE;
    note(gst_structure_get_boolean(structure_, name, &found));
    value = found != FALSE;
  }
  void operator()(const char* name, std::string& value) {
    const gchar* const found = gst_structure_get_string(structure_, name);
    note(found != nullptr);
    value = found ? found : "";
  }
  template <class T>
  void operator()(const char* name, std::optional<T>& value) {
    if (gst_structure_has_field(structure_, name))
      (*this)(name, value.emplace());
  }

 private:
  void note(bool found) { complete_ = complete_ && found; }

  const GstStructure* const structure_;
  bool complete_ = true;
};

template <class T>
void read(const GstStructure* structure, std::optional<Any>& message) {
  if (gst_structure_get_name(structure) != std::string_view(T::kName))
    return;
  T read;
  Reader reader(structure);
  T::fields(read, reader);
  if (reader.complete())
    message = std::move(read);
}

template <class... T>
std::optional<Any> read_any(const GstStructure* structure, const std::variant<T...>*) {
  std::optional<Any> message;
  (read<T>(structure, message), ...);
  return message;
}

}  // namespace

GstStructure* to_structure(const Any& message) {
  return std::visit(
      [](const auto& m) {
        GstStructure* const structure = gst_structure_new_empty(m.kName);
        Writer writer(structure);
        m.fields(m, writer);
        return structure;
      },
      message);
}

std::optional<Any> from_structure(const GstStructure* structure) {
  return read_any(structure, static_cast<const Any*>(nullptr));
}

}  // namespace dist::message
