// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/gst-dist/command.h"

#include <gst/gst.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <numeric>
#include <optional>
#include <sstream>
#include <system_error>
#include <utility>

#include "config.h"
#include "gst/base/glib_error.h"
#include "gst/base/text.h"
#include "gst/film/linked_source.h"
#include "gst/gstx/ref.h"
#include "gst/gstx/report.h"

namespace dist::tool {
namespace {

constexpr char kProgram[] = "gst-dist-1.0";

// How many letters have to be put in, left out or changed (Levenshtein 1966).
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t changed = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, changed}));
    }
  }
  return row.back();
}

// The word of "--word=value"; none if it is not a long option.
std::optional<std::string> long_option(const std::string& argument) {
  if (argument.rfind("--", 0) != 0 || argument.size() == 2)
    return {};
  return argument.substr(2, argument.find('=') - 2);
}

}  // namespace

std::string nearest(std::string_view word, const std::vector<std::string>& known) {
  // Who wrote only a part of it, or of several.
  const auto begins = [word](const std::string& candidate) { return candidate.starts_with(word); };
  if (!word.empty() && std::ranges::count_if(known, begins) == 1)
    return *std::ranges::find_if(known, begins);
  const auto found = std::ranges::min_element(
      known, {}, [&](const std::string& candidate) { return distance(word, candidate); });
  if (found == known.end() || distance(word, *found) > 1 + word.size() / 3)
    return {};
  return *found;
}

void say_error(const std::string& text) {
  std::fprintf(stderr, "%s: %s\n", kProgram, printable(text).c_str());
}

void say_details(const std::string& text) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    std::fprintf(stderr, "%s\n", printable(line).c_str());
}

std::string text_field(const GstStructure* structure, const char* name) {
  const gchar* const text = gst_structure_get_string(structure, name);
  return text ? text : "";
}

GOptionEntry allow_remote_entry(gboolean& allowed) {
  return {"allow-remote",
          0,
          0,
          G_OPTION_ARG_NONE,
          &allowed,
          "Follow a playlist to other hosts than its own",
          nullptr};
}

bool init_gstreamer() {
  gst_init(nullptr, nullptr);
  guard_sources();
  const auto is_there = [] {
    const auto plugin = Ref<GstElementFactory>::adopt(gst_element_factory_find("remoteenc"));
    return static_cast<bool>(plugin);
  };
  if (is_there())
    return true;
  // Where it was built; where it was installed, if that is not where GStreamer looks; and there if
  // all of it was moved.
  std::error_code error;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error).parent_path();
  const std::filesystem::path installed = PLUGIN_DIR;
  for (const auto& folder : {program.parent_path() / "plugins", installed,
                             program / installed.lexically_relative(BIN_DIR)}) {
    if (std::filesystem::exists(folder / "libgstdist.so", error))
      gst_registry_scan_path(gst_registry_get(), folder.c_str());
    if (is_there())
      return true;
  }
  say_error(
      "GStreamer does not find the elements of gst-dist; install them, or name their folder "
      "in GST_PLUGIN_PATH.");
  return false;
}

Options::Options(const Command& command, const char* usage, const char* help,
                 const GOptionEntry* entries)
    : command_(command), entries_(entries), context_(g_option_context_new(usage)) {
  g_option_context_set_summary(context_, command.summary);
  g_option_context_set_description(context_, help);
  g_option_context_add_main_entries(context_, entries, nullptr);
}

Options::~Options() {
  g_option_context_free(context_);
}

bool Options::parse(std::vector<std::string>& arguments) {
  std::vector<std::string> known;
  for (const GOptionEntry* entry = entries_; entry->long_name; ++entry)
    known.emplace_back(entry->long_name);
  for (const std::string& argument : arguments) {
    if (argument == "--")
      break;
    const auto option = long_option(argument);
    if (!option || *option == "help" || std::ranges::count(known, *option) != 0)
      continue;
    const std::string meant = nearest(*option, known);
    refuse("there is no option --" + *option +
           (meant.empty() ? "" : "; did you mean --" + meant + "?"));
    return false;
  }
  std::vector<gchar*> words;
  for (const std::string& argument : arguments)
    words.push_back(g_strdup(argument.c_str()));
  words.push_back(nullptr);
  // Shown in "Usage:".
  g_set_prgname((std::string(kProgram) + " " + command_.name).c_str());
  gchar** left = g_strdupv(words.data());
  for (gchar* word : words)
    g_free(word);
  GLibError error;
  const bool parsed = g_option_context_parse_strv(context_, &left, error.out());
  arguments.clear();
  for (gchar** word = left; parsed && *word; ++word)
    arguments.emplace_back(*word);
  g_strfreev(left);
  // GOption leaves it where the word after it begins with a hyphen.
  if (const auto end = std::ranges::find(arguments, "--"); end != arguments.end())
    arguments.erase(end);
  if (!parsed)
    refuse(error.message());
  return parsed;
}

int Options::refuse(const std::string& text) const {
  say_error(text + (text.ends_with('?') ? " " : ". ") + "See '" + kProgram + " " + command_.name +
            " --help'.");
  return kUsage;
}

std::optional<std::uint64_t> parse_bytes(const std::string& text) {
  static constexpr std::string_view kUnits = "KMGT";
  double number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number, std::chars_format::fixed);
  if (error != std::errc() || end - rest != 1 || !(number > 0) || number > 1e6)
    return std::nullopt;
  const auto unit = kUnits.find(*rest);
  if (unit == std::string_view::npos)
    return std::nullopt;
  const auto bytes =
      static_cast<std::uint64_t>(number * static_cast<double>(std::uint64_t{1} << 10 * (unit + 1)));
  return bytes > 0 ? std::optional(bytes) : std::nullopt;
}

}  // namespace dist::tool
