// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <glib-object.h>

#include <memory>

namespace dist {

struct Unref {
  void operator()(gpointer object) const { g_object_unref(object); }
};

// One reference to a GObject, taken over.
template <class T>
using Object = std::unique_ptr<T, Unref>;

}  // namespace dist
