// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the subcommands of gst-dist-1.0 have in common.
#pragma once

#include <glib.h>
#include <gst/gst.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dist::tool {

// Of the process; docs/gst-dist-1.0.md tells users.
enum ExitCode {
  kDone = 0,
  kFailed = 1,    // The work failed.
  kUsage = 2,     // The command line is wrong.
  kNoInput = 3,   // The input cannot be read, or is nothing to work on.
  kNoOutput = 4,  // The output cannot be written.
  kNoPeer = 5,    // The network: a port in use, nobody there, a wrong secret.
  kNoWorker = 6,  // Nobody took the work.
  kInterrupted = 130,
};

struct Command {
  const char* name;
  const char* summary;  // For `gst-dist-1.0 --help`.
  // Arguments begin with the subcommand's name. Returns an ExitCode.
  int (*run)(std::vector<std::string> arguments);
};

extern const Command kTranscode;
extern const Command kWorker;
extern const Command kInspect;
extern const Command kCompare;
extern const Command kStatus;
extern const Command kStore;
extern const Command kRecord;

// Owns the text that GOption stores for an option. Of no text the option was not given.
class OptionText {
 public:
  OptionText() = default;
  ~OptionText() { g_free(text_); }
  OptionText(const OptionText&) = delete;
  OptionText& operator=(const OptionText&) = delete;

  // For the option's GOptionEntry.
  gchar** place() { return &text_; }
  explicit operator bool() const { return text_ != nullptr; }
  // "" if it was not given.
  std::string text() const { return text_ ? text_ : ""; }

 private:
  gchar* text_ = nullptr;
};

// The same for an option that may come several times.
class OptionTexts {
 public:
  OptionTexts() = default;
  ~OptionTexts() { g_strfreev(texts_); }
  OptionTexts(const OptionTexts&) = delete;
  OptionTexts& operator=(const OptionTexts&) = delete;

  gchar*** place() { return &texts_; }
  explicit operator bool() const { return texts_ != nullptr; }
  std::vector<std::string> texts() const {
    return texts_ ? std::vector<std::string>(texts_, texts_ + g_strv_length(texts_))
                  : std::vector<std::string>();
  }

 private:
  gchar** texts_ = nullptr;
};

// "512M" or "2G" as bytes; K, M, G and T are powers of 1024.
std::optional<std::uint64_t> parse_bytes(const std::string& text);

// The options of a subcommand.
class Options {
 public:
  // `usage` follows the subcommand's name, such as "INPUT -o OUT"; `help` comes after the options.
  // `entries` end with an empty one and are borrowed, as what they point to.
  Options(const Command& command, const char* usage, const char* help, const GOptionEntry* entries);
  ~Options();
  Options(const Options&) = delete;
  Options& operator=(const Options&) = delete;

  // Reads the options, leaves what is none of them. False if the command line is wrong; that has
  // been said then, with the nearest option where one is unknown. Prints the help and exits if
  // asked to.
  bool parse(std::vector<std::string>& arguments);
  // Says what is wrong with the command line. Returns kUsage.
  int refuse(const std::string& text) const;

 private:
  const Command& command_;
  const GOptionEntry* const entries_;
  GOptionContext* const context_;
};

// The one of `known` that somebody who wrote `word` probably meant; empty if none is near.
std::string nearest(std::string_view word, const std::vector<std::string>& known);

// --allow-remote, of subcommands that read films.
GOptionEntry allow_remote_entry(gboolean& allowed);

// Before anything of GStreamer. False, and said so, if the elements are not found.
bool init_gstreamer();

// One sentence on stderr: what happened and what to do. Like all that is said, without what would
// change a terminal.
void say_error(const std::string& text);
// Lines on stderr that explain an error.
void say_details(const std::string& text);

// "" if it is missing.
std::string text_field(const GstStructure* structure, const char* name);

}  // namespace dist::tool
