// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/io/xml_texts.h"

#include <glib.h>

#include <algorithm>
#include <memory>

#include "gst/base/text.h"

namespace dist {
namespace {

struct Texts {
  std::vector<std::pair<std::string, std::string>> found;
  std::string text;
  bool is_leaf = false;
};

void on_start(GMarkupParseContext*, const gchar*, const gchar**, const gchar**, gpointer data,
              GError**) {
  auto& texts = *static_cast<Texts*>(data);
  texts.text.clear();
  texts.is_leaf = true;
}

void on_end(GMarkupParseContext*, const gchar* name, gpointer data, GError**) {
  auto& texts = *static_cast<Texts*>(data);
  if (texts.is_leaf)
    texts.found.emplace_back(name, texts.text);
  texts.is_leaf = false;
}

void on_text(GMarkupParseContext*, const gchar* text, gsize length, gpointer data, GError**) {
  static_cast<Texts*>(data)->text.append(text, length);
}

}  // namespace

std::vector<std::pair<std::string, std::string>> xml_texts(std::span<const std::uint8_t> document) {
  if (document.empty())
    return {};
  const GMarkupParser parser{on_start, on_end, on_text, nullptr, nullptr};
  Texts texts;
  const std::unique_ptr<GMarkupParseContext, decltype(&g_markup_parse_context_unref)> context(
      g_markup_parse_context_new(&parser, G_MARKUP_TREAT_CDATA_AS_TEXT, &texts, nullptr),
      &g_markup_parse_context_unref);
  const bool good =
      g_markup_parse_context_parse(context.get(), reinterpret_cast<const gchar*>(document.data()),
                                   static_cast<gssize>(document.size()), nullptr) &&
      g_markup_parse_context_end_parse(context.get(), nullptr);
  if (!good)
    texts.found.clear();
  return std::move(texts.found);
}

std::string xml_text(std::span<const std::uint8_t> document, const std::string& name) {
  const auto texts = xml_texts(document);
  const auto found = std::ranges::find(texts, name, &std::pair<std::string, std::string>::first);
  return found == texts.end() ? "" : found->second;
}

std::string xml_escaped(const std::string& text) {
  return take_string(g_markup_escape_text(text.data(), static_cast<gssize>(text.size())));
}

}  // namespace dist
