// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/gst-dist/markup.h"

#include <glib.h>

#include <memory>

namespace dist::tool {

std::string plain_text(std::string_view markup) {
  std::string words;
  GMarkupParser parser{};
  parser.text = [](GMarkupParseContext*, const gchar* text, gsize size, gpointer to, GError**) {
    static_cast<std::string*>(to)->append(text, size);
  };
  const std::unique_ptr<GMarkupParseContext, decltype(&g_markup_parse_context_unref)> context(
      g_markup_parse_context_new(&parser, GMarkupParseFlags(0), &words, nullptr),
      g_markup_parse_context_unref);
  // A document has one element around everything.
  const std::string document = "<markup>" + std::string(markup) + "</markup>";
  const bool parsed = g_markup_parse_context_parse(context.get(), document.c_str(),
                                                   static_cast<gssize>(document.size()), nullptr) &&
                      g_markup_parse_context_end_parse(context.get(), nullptr);
  return parsed ? words : std::string(markup);
}

}  // namespace dist::tool
