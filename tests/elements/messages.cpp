// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What remoteenc tells, as data and as messages on the bus.
#include <gst/check/gstcheck.h>

#include <optional>
#include <string>
#include <vector>

#include "gst/gstx/messages.h"

namespace {

using namespace dist;

// Fills fields with values that differ.
struct Fill {
  unsigned next = 1;

  void operator()(const char*, std::uint64_t& value) { value = (std::uint64_t{1} << 40) + next++; }
  void operator()(const char*, unsigned& value) { value = next++; }
  void operator()(const char*, double& value) { value = 0.5 + next++; }
  void operator()(const char*, bool& value) { value = next++ % 2 == 0; }
  void operator()(const char*, std::string& value) { value = "text " + std::to_string(next++); }
  template <class T>
  void operator()(const char* name, std::optional<T>& value) {
    (*this)(name, value.emplace());
  }
};

struct Print {
  std::string text;
  std::vector<std::string> names;

  void operator()(const char* name, const std::string& value) {
    names.emplace_back(name);
    text += std::string(name) + "=" + value + " ";
  }
  template <class T>
  void operator()(const char* name, const std::optional<T>& value) {
    if (value)
      (*this)(name, *value);
  }
  template <class T>
  void operator()(const char* name, const T& value) {
    (*this)(name, std::to_string(value));
  }
};

template <class T>
Print print(const T& message) {
  Print print;
  T::fields(message, print);
  return print;
}

template <class T>
void expect_round_trip() {
  T message;
  for (const bool filled : {true, false}) {
    if (Fill fill; filled)
      T::fields(message, fill);
    else
      message = T();
    GstStructure* const structure = message::to_structure(message);
    fail_unless_equals_string(gst_structure_get_name(structure), T::kName);
    const auto read = message::from_structure(structure);
    fail_unless(read && std::holds_alternative<T>(*read), "%s", T::kName);
    const Print wanted = print(message);
    const Print seen = print(std::get<T>(*read));
    fail_unless_equals_string(seen.text.c_str(), wanted.text.c_str());
    // In the order in which they are named.
    fail_unless_equals_int(gst_structure_n_fields(structure),
                           static_cast<int>(wanted.names.size()));
    for (guint i = 0; i < wanted.names.size(); ++i)
      fail_unless_equals_string(gst_structure_nth_field_name(structure, i),
                                wanted.names[i].c_str());
    // All that is not optional has to be there, and to be of its type.
    if (!filled)
      for (const std::string& name : wanted.names) {
        GstStructure* const less = gst_structure_copy(structure);
        gst_structure_remove_field(less, name.c_str());
        fail_if(message::from_structure(less).has_value(), "%s without %s", T::kName, name.c_str());
        gst_structure_set(less, name.c_str(), G_TYPE_INT, 1, nullptr);
        fail_if(message::from_structure(less).has_value(), "%s with another %s", T::kName,
                name.c_str());
        gst_structure_free(less);
      }
    gst_structure_free(structure);
  }
}

template <class... T>
void expect_round_trips(const std::variant<T...>*) {
  (expect_round_trip<T>(), ...);
}

}  // namespace

GST_START_TEST(test_messages_are_read_as_they_were_written) {
  expect_round_trips(static_cast<const message::Any*>(nullptr));
}
GST_END_TEST

GST_START_TEST(test_messages_of_others_are_none) {
  GstStructure* const other = gst_structure_new_empty("dist-lease");
  fail_if(message::from_structure(other).has_value());
  gst_structure_free(other);
}
GST_END_TEST

static Suite* messages_suite() {
  Suite* const suite = suite_create("messages");
  TCase* const tests = tcase_create("all");
  suite_add_tcase(suite, tests);
  tcase_add_test(tests, test_messages_are_read_as_they_were_written);
  tcase_add_test(tests, test_messages_of_others_are_none);
  return suite;
}

GST_CHECK_MAIN(messages)
