// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the properties of several elements have in common.
#pragma once

#include <gst/gst.h>

#include <string>

namespace dist {

// Of a property that is set before the element starts.
inline constexpr auto kSetWhenReady =
    static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY);
// The same of a secret: without notification, which would print it.
inline constexpr auto kSecretSetWhenReady = static_cast<GParamFlags>(
    G_PARAM_WRITABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY | GST_PARAM_MUTABLE_READY);

// The value of a string property; null gives `fallback`.
inline std::string string_of(const GValue* value, const char* fallback = "") {
  const gchar* const text = g_value_get_string(value);
  return text ? text : fallback;
}

}  // namespace dist
