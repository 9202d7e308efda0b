// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <string>

namespace dist {

// In the details of an error: the index of the store is to be made anew. A boolean.
inline constexpr char kRepairField[] = "repair-store";

// What an element says in an error or a warning on the bus.
struct Report {
  std::string text;   // For the user.
  std::string debug;  // For the one who looks for the cause; may be empty.
  GQuark domain = 0;
  gint code = 0;

  bool is(GQuark of, gint that) const { return domain == of && code == that; }
};

// Of a message of type ERROR or WARNING. Borrows the message.
Report report_of(GstMessage* message);

// The name of the factory that made an element; empty if the object is none of a factory's.
std::string factory_name(GstObject* object);

}  // namespace dist
