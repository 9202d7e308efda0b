// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later

#include <clocale>
#include <cstdio>
#include <string>
#include <vector>

#include "config.h"
#include "tools/gst-dist/command.h"

namespace {

using namespace dist::tool;

const Command* const kCommands[] = {&kTranscode, &kWorker, &kInspect, &kCompare,
                                    &kStatus,    &kStore,  &kRecord};

void print_help() {
  std::printf(
      "gst-dist-1.0 encodes a film on many machines.\n\n"
      "Usage: gst-dist-1.0 COMMAND [OPTION…]\n\nCommands:\n");
  for (const Command* command : kCommands)
    std::printf("  %-10s %s\n", command->name, command->summary);
  std::printf("\n'gst-dist-1.0 COMMAND --help' tells more.\n");
}

int refuse(const std::string& word) {
  std::vector<std::string> known;
  for (const Command* command : kCommands)
    known.emplace_back(command->name);
  known.insert(known.end(), {"--help", "--version", "help"});
  const std::string meant = nearest(word, known);
  say_error("there is no command '" + word + "'" +
            (meant.empty() ? ". See 'gst-dist-1.0 --help'." : "; did you mean '" + meant + "'?"));
  return kUsage;
}

}  // namespace

int main(int argc, char** argv) {
  std::setlocale(LC_ALL, "");
  std::vector<std::string> arguments(argv + std::min(argc, 1), argv + argc);
  if (arguments.empty()) {
    say_error("what shall be done? See 'gst-dist-1.0 --help'.");
    return kUsage;
  }
  // "help transcode" is "transcode --help".
  if (arguments[0] == "help" && arguments.size() == 2)
    arguments = {arguments[1], "--help"};
  if (arguments[0] == "--help" || arguments[0] == "-h" || arguments[0] == "help") {
    print_help();
    return kDone;
  }
  if (arguments[0] == "--version") {
    std::printf("gst-dist-1.0 %s\n", VERSION);
    return kDone;
  }
  for (const Command* command : kCommands)
    if (arguments[0] == command->name)
      return command->run(std::move(arguments));
  return refuse(arguments[0]);
}
