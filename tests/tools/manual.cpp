// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The man pages and the completion of bash tell what the command's own help tells.

// Before gstcheck.h, which has a macro "fail".
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include <gst/check/gstcheck.h>
#include <json-glib/json-glib.h>

#include "tests/common/farm.h"
#include "tests/tools/tool.h"

namespace {

namespace fs = std::filesystem;
using farm::output_of;
using Words = std::set<std::string>;

const char* const kCommands[] = {"transcode", "worker", "inspect", "compare",
                                 "status",    "store",  "record"};

std::string source_root() {
  return g_getenv("DIST_SOURCE_ROOT");
}

std::string page(const std::string& command) {
  return source_root() + "/docs/man/gst-dist-1.0" + (command.empty() ? "" : "-" + command) + ".1";
}

std::string text_of_file(const std::string& path) {
  std::ifstream file(path);
  fail_unless(file.is_open(), "%s is missing", path.c_str());
  return {std::istreambuf_iterator<char>(file), {}};
}

// The first group of each match.
Words matches(const std::string& text, const char* expression) {
  const std::regex regex(expression, std::regex::ECMAScript | std::regex::multiline);
  Words words;
  for (std::sregex_iterator i(text.begin(), text.end(), regex), end; i != end; ++i)
    words.insert((*i)[1]);
  return words;
}

std::string listed(const Words& words) {
  std::string text;
  for (const std::string& word : words)
    text += word + " ";
  return text;
}

void check_same(const std::string& what, const Words& told, const Words& helped) {
  fail_unless(told == helped, "%s: %s\nbut the help: %s", what.c_str(), listed(told).c_str(),
              listed(helped).c_str());
}

Words options_of(const std::string& command) {
  const Words options =
      matches(output_of(tool::command() + command + " --help"), "^  (?:-[a-z], )?--([a-z-]+)");
  fail_unless(options.size() > 1, "%s --help lists no options", command.c_str());
  return options;
}

// What bash proposes after these words.
Words proposals(const std::vector<std::string>& words) {
  std::string quoted;
  for (const std::string& word : words)
    quoted += " '" + word + "'";
  tool::Folder folder;
  const std::string script = folder / "complete.sh";
  std::ofstream(script) << "source '" << source_root() << "/data/gst-dist-1.0.bash'\n"
                        << "compopt() { :; }\n"  // Only known while the shell completes.
                        << "COMP_WORDS=(" << quoted << ")\n"
                        << "COMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n"
                        << "_gst_dist '" << words[0] << "'\n"
                        << "printf '%s\\n' \"${COMPREPLY[@]}\"\n";
  return matches(output_of("bash " + script), "^(.+)$");
}

std::string program() {
  std::string text = tool::command();
  text.pop_back();
  return text;
}

GST_START_TEST(test_manual_tells_all_options) {
  for (const char* command : kCommands) {
    // "\-" is how a page writes a hyphen that can be copied.
    const std::string text =
        std::regex_replace(text_of_file(page(command)), std::regex("\\\\-"), "-");
    check_same(page(command), matches(text, "^\\.TP\n\\.BR? .*--([a-z-]+)"), options_of(command));
  }
}
GST_END_TEST;

GST_START_TEST(test_help_of_a_command) {
  for (const char* command : kCommands)
    fail_unless(output_of(tool::command() + "help " + command) ==
                output_of(tool::command() + command + " --help"));
  const struct {
    const char* arguments;
    const char* text;
  } rows[] = {{"--verison", "did you mean '--version'?"},
              {"help transcod", "did you mean 'transcode'?"},
              {"status --secret=abc", "did you mean --secret-file?"}};
  for (const auto& row : rows) {
    farm::Process process(tool::command() + row.arguments);
    fail_unless(process.exit_code() == 2 && process.output().find(row.text) != std::string::npos,
                "%s: %s", row.arguments, process.output().c_str());
  }
}
GST_END_TEST;

GST_START_TEST(test_manual_is_formatted_without_warnings) {
  for (const char* command :
       {"", "transcode", "worker", "inspect", "compare", "status", "store", "record"}) {
    const std::string printed = output_of("groff -man -Tutf8 -ww -z " + page(command));
    fail_unless(printed.empty(), "%s", printed.c_str());
  }
}
GST_END_TEST;

GST_START_TEST(test_manual_lists_the_commands) {
  check_same("gst-dist-1.0.1",
             matches(text_of_file(page("")), "^\\.BR gst-dist-1\\.0-([a-z]+) \\(1\\)$"),
             Words(std::begin(kCommands), std::end(kCommands)));
}
GST_END_TEST;

GST_START_TEST(test_completion_proposes_the_commands) {
  Words expected(std::begin(kCommands), std::end(kCommands));
  expected.insert({"--help", "--version"});
  check_same("completion", proposals({program(), ""}), expected);
  check_same("completion", proposals({program(), "wo"}), {"worker"});
}
GST_END_TEST;

GST_START_TEST(test_completion_proposes_the_options) {
  for (const char* command : kCommands) {
    Words proposed;
    for (std::string option : proposals({program(), command, "--"})) {
      option.erase(0, 2);
      if (option.ends_with('='))
        option.pop_back();
      proposed.insert(option);
    }
    check_same(std::string("completion of ") + command, proposed, options_of(command));
  }
}
GST_END_TEST;

GST_START_TEST(test_completion_proposes_values) {
  check_same("--audio", proposals({program(), "transcode", "--audio", ""}), {"each", "separate"});
  check_same("--audio=s", proposals({program(), "transcode", "--audio", "=", "s"}), {"separate"});
  check_same("--ladder", proposals({program(), "transcode", "--ladder", "h2"}), {"h264"});
  check_same("worker", proposals({program(), "worker", ""}), {});
  check_same("store", proposals({program(), "store", "e"}), {"export"});
  const std::string readme = source_root() + "/READ";
  check_same("--thumbnails=", proposals({program(), "transcode", "--thumbnails", "=", readme}), {});
  check_same("--thumbnails", proposals({program(), "transcode", "--thumbnails", readme}),
             {readme + "ME.md"});
  const Words files = proposals({program(), "inspect", readme});
  check_same("inspect", files, {readme + "ME.md"});
}
GST_END_TEST;

// Where what is installed comes from and goes to, folders as a whole.
std::map<std::string, std::string> installed() {
  std::map<std::string, std::string> places;
  const std::string build = g_getenv("DIST_BUILD_ROOT");
  JsonNode* const root =
      json_from_string(text_of_file(build + "/meson-info/intro-installed.json").c_str(), nullptr);
  fail_unless(root != nullptr);
  JsonObject* const object = json_node_get_object(root);
  GList* const sources = json_object_get_members(object);
  for (GList* item = sources; item; item = item->next) {
    const auto* const source = static_cast<const gchar*>(item->data);
    const fs::path from = fs::path(source).lexically_normal();
    const std::string to = json_object_get_string_member(object, source);
    places[from.string()] = to;
    for (auto at = fs::is_directory(from) ? fs::recursive_directory_iterator(from)
                                          : fs::recursive_directory_iterator();
         at != fs::recursive_directory_iterator(); ++at)
      if (at->path().filename() != "meson.build")
        places[at->path().string()] = (fs::path(to) / at->path().lexically_relative(from)).string();
  }
  g_list_free(sources);
  json_node_unref(root);
  return places;
}

GST_START_TEST(test_installed_documents_have_no_dead_links) {
  const auto places = installed();
  Words there;
  for (const auto& [from, to] : places)
    there.insert(to);
  std::size_t documents = 0;
  for (const auto& [from, to] : places) {
    if (!from.ends_with(".md"))
      continue;
    ++documents;
    for (const std::string& link : matches(text_of_file(from), "\\]\\(([^)#]+)(?:#[^)]*)?\\)")) {
      if (link.find("://") != std::string::npos)
        continue;
      std::string target = (fs::path(to).parent_path() / link).lexically_normal().string();
      if (target.ends_with('/'))
        target.pop_back();
      fail_unless(there.contains(target), "%s links to %s, which is not installed", to.c_str(),
                  target.c_str());
    }
  }
  fail_unless(documents > 10, "only %zu documents are installed", documents);
}
GST_END_TEST;

Suite* manual_suite() {
  Suite* suite = suite_create("manual");
  TCase* tc = tcase_create("general");
  suite_add_tcase(suite, tc);
  tcase_add_test(tc, test_manual_tells_all_options);
  tcase_add_test(tc, test_help_of_a_command);
  tcase_add_test(tc, test_manual_is_formatted_without_warnings);
  tcase_add_test(tc, test_manual_lists_the_commands);
  tcase_add_test(tc, test_completion_proposes_the_commands);
  tcase_add_test(tc, test_completion_proposes_the_options);
  tcase_add_test(tc, test_completion_proposes_values);
  tcase_add_test(tc, test_installed_documents_have_no_dead_links);
  return suite;
}

}  // namespace

GST_CHECK_MAIN(manual)
