// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/faults/table.h"

// Before gstcheck.h, which has a macro "fail".
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

#include <fcntl.h>
#include <gst/check/gstcheck.h>
#include <sys/file.h>
#include <unistd.h>

namespace faults {
namespace {

constexpr char kHeader[] =
    "| fault | what happened | seconds until recovered | frames lost | peak memory of the primary, "
    "MiB |\n"
    "|---|---|---|---|---|\n";

std::string cell(std::string text) {
  std::replace(text.begin(), text.end(), '|', '/');
  std::replace(text.begin(), text.end(), '\n', ' ');
  return "| " + text + " ";
}

std::string one_decimal(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.1f", value);
  return text;
}

// Rows by their first cell.
std::map<std::string, std::string> read_rows(const std::filesystem::path& path) {
  std::map<std::string, std::string> rows;
  std::ifstream file(path);
  std::string line;
  for (int number = 0; std::getline(file, line); ++number)
    if (number >= 2)
      rows[line.substr(0, line.find('|', 1))] = line;
  return rows;
}

}  // namespace

void record(const Row& row) {
  const char* root = std::getenv("DIST_BUILD_ROOT");
  const std::filesystem::path folder = std::filesystem::path(root ? root : ".") / "tests/faults";
  const std::filesystem::path path = folder / "table.md";
  const int lock = open((folder / "table.lock").c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0644);
  ck_assert(lock >= 0 && flock(lock, LOCK_EX) == 0);
  auto rows = read_rows(path);
  const std::string key = cell(row.fault);
  rows[key] = key + cell(row.happened) + cell(row.seconds < 0 ? "-" : one_decimal(row.seconds)) +
              cell(std::to_string(row.frames_lost)) + cell(one_decimal(row.peak_mib)) + "|";
  const std::filesystem::path unfinished = folder / "table.making";
  {
    std::ofstream file(unfinished);
    file << kHeader;
    for (const auto& [fault, line] : rows)
      file << line << "\n";
  }
  std::filesystem::rename(unfinished, path);
  close(lock);
}

}  // namespace faults
